"""Threads as programs use them. What each block gives was seen with the threads of CPython 3.13."""

import time
import unittest

import harness
from harness import output_of, run

from memex_guest import strands

HEAD = """
import queue, threading, time
from concurrent.futures import ThreadPoolExecutor, as_completed, wait, FIRST_COMPLETED
done = []
"""

IDIOMS = {
    "join": ("def work(n):\n    time.sleep(0.001)\n    done.append(n)\nts = [threading.Thread(target=work, args=(i,)) for i in range(3)]\nfor t in ts: t.start()\nfor t in ts: t.join()\nsorted(done)", "[0, 1, 2]"),
    "a consumer before its producer": (
        "q = queue.Queue()\ndef eat():\n    while (item := q.get()) is not None:\n        done.append(item)\nc = threading.Thread(target=eat)\nc.start()\nfor i in range(3): q.put(i)\nq.put(None)\nc.join()\ndone",
        "[0, 1, 2]",
    ),
    "a bounded queue": (
        "q = queue.Queue(2)\ndef make():\n    for i in range(6):\n        q.put(i)\n        done.append(('made', i))\n    q.put(None)\ndef eat():\n    while (item := q.get()) is not None:\n        done.append(('ate', item))\np, c = threading.Thread(target=make), threading.Thread(target=eat)\np.start(); c.start(); p.join(); c.join()\n[n for k, n in done if k == 'ate'], len(done)",
        "([0, 1, 2, 3, 4, 5], 12)",
    ),
    "daemons and join of a queue": (
        "q = queue.Queue()\ndef work():\n    while True:\n        n = q.get()\n        done.append(n * n)\n        q.task_done()\nfor _ in range(2): threading.Thread(target=work, daemon=True).start()\nfor n in range(5): q.put(n)\nq.join()\nfirst = sorted(done)\nq.put(9)\nq.join()\nfirst, done[-1]",
        "([0, 1, 4, 9, 16], 81)",
    ),
    "sentinels after join of a queue": (
        "q = queue.Queue()\ndef work():\n    total = 0\n    while True:\n        n = q.get()\n        if n is None:\n            q.task_done()\n            break\n        total += n\n        q.task_done()\n    done.append(total)\nt = threading.Thread(target=work)\nt.start()\nfor n in range(5): q.put(n)\nq.join()\nbefore = list(done)\nq.put(None)\nt.join()\nbefore, done",
        "([], [10])",
    ),
    "a stop flag": (
        "stop = threading.Event()\ndef beat():\n    while not stop.is_set():\n        done.append(1)\n        time.sleep(0.01)\nt = threading.Thread(target=beat)\nt.start()\ntime.sleep(0.035)\nstop.set()\nt.join()\n2 <= len(done) <= 5, t.is_alive()",
        "(True, False)",
    ),
    "a stop flag without a wait": (
        "running = True\ndef spin():\n    n = 0\n    while running:\n        n += 1\n    done.append(n > 0)\nt = threading.Thread(target=spin)\nt.start()\ntime.sleep(0.02)\nrunning = False\nt.join()\ndone",
        "[True]",
    ),
    "an event": ("e = threading.Event()\ndef after():\n    e.wait()\n    done.append('after')\nt = threading.Thread(target=after)\nt.start()\ndone.append('before')\ne.set()\nt.join()\ndone", "['before', 'after']"),
    "an event that is set in time": ("e = threading.Event()\nthreading.Timer(0.01, e.set).start()\ne.wait(5), e.wait(0)", "(True, True)"),
    "an event that is late": ("threading.Event().wait(0.01)", "False"),
    "a condition": (
        "cond = threading.Condition()\nbox = []\ndef eat():\n    with cond:\n        cond.wait_for(lambda: box)\n        done.append(box.pop())\nt = threading.Thread(target=eat)\nt.start()\nwith cond:\n    box.append(7)\n    cond.notify()\nt.join()\ndone",
        "[7]",
    ),
    "a condition in a loop": (
        "cond = threading.Condition()\nturn = 0\ndef play(me):\n    global turn\n    for _ in range(3):\n        with cond:\n            while turn != me:\n                cond.wait()\n            done.append(me)\n            turn = 1 - me\n            cond.notify_all()\nts = [threading.Thread(target=play, args=(i,)) for i in (0, 1)]\n[t.start() for t in ts]\n[t.join() for t in ts]\ndone",
        "[0, 1, 0, 1, 0, 1]",
    ),
    "a barrier": (
        "b = threading.Barrier(3)\ndef meet(n):\n    for step in range(2):\n        done.append(step)\n        b.wait()\nts = [threading.Thread(target=meet, args=(i,)) for i in range(3)]\n[t.start() for t in ts]\n[t.join() for t in ts]\ndone",
        "[0, 0, 0, 1, 1, 1]",
    ),
    "a barrier that breaks": (
        "b = threading.Barrier(2, timeout=0.01)\ndef meet():\n    try:\n        b.wait()\n    except threading.BrokenBarrierError:\n        done.append('broken')\nt = threading.Thread(target=meet)\nt.start()\nt.join()\ndone, b.broken",
        "(['broken'], True)",
    ),
    "a semaphore": (
        "s = threading.Semaphore(2)\nnow = most = 0\ndef work():\n    global now, most\n    with s:\n        now += 1\n        most = max(most, now)\n        time.sleep(0.002)\n        now -= 1\nts = [threading.Thread(target=work) for _ in range(5)]\n[t.start() for t in ts]\n[t.join() for t in ts]\nmost, now",
        "(2, 0)",
    ),
    "a lock around a wait": (
        "lock = threading.Lock()\nn = 0\ndef add():\n    global n\n    with lock:\n        old = n\n        time.sleep(0.001)\n        n = old + 1\nts = [threading.Thread(target=add) for _ in range(10)]\n[t.start() for t in ts]\n[t.join() for t in ts]\nn",
        "10",
    ),
    "a lock of one's own again": (
        "lock = threading.RLock()\ndef inner():\n    with lock:\n        done.append(1)\ndef outer():\n    with lock:\n        time.sleep(0.001)\n        inner()\nts = [threading.Thread(target=outer) for _ in range(3)]\n[t.start() for t in ts]\n[t.join() for t in ts]\ndone",
        "[1, 1, 1]",
    ),
    "acquire and release": (
        "lock = threading.Lock()\nlock.acquire()\ndef later():\n    lock.acquire()\n    try:\n        done.append('in')\n    finally:\n        lock.release()\nt = threading.Thread(target=later)\nt.start()\ndone.append('out')\nlock.release()\nt.join()\ndone, lock.acquire(timeout=0.01)",
        "(['out', 'in'], True)",
    ),
    "a timer": ("t = threading.Timer(0.01, done.append, ('rang',))\nt.start()\nt.join()\ndone", "['rang']"),
    "a timer that is cancelled": ("t = threading.Timer(100, print)\nt.start()\nt.cancel()\nt.join()\nt.is_alive()", "False"),
    "variables of a thread": (
        "own = threading.local()\nown.x = 'main'\ndef work(n):\n    own.x = n\n    time.sleep(0.002)\n    done.append(own.x)\nts = [threading.Thread(target=work, args=(i,)) for i in range(3)]\n[t.start() for t in ts]\n[t.join() for t in ts]\nsorted(done), own.x",
        "([0, 1, 2], 'main')",
    ),
    "names and numbers of threads": (
        "def work():\n    me = threading.current_thread()\n    time.sleep(0.001)\n    done.append((me is threading.current_thread(), me.name, me.ident == threading.get_ident()))\nt = threading.Thread(target=work, name='W')\nbefore = threading.active_count()\nt.start()\nalive = threading.active_count() - before, t in threading.enumerate()\nt.join()\ndone, alive, threading.active_count() - before, threading.get_ident() != t.ident",
        "([(True, 'W', True)], (1, True), 0, True)",
    ),
    "a class of threads": (
        "class Worker(threading.Thread):\n    def __init__(self, q):\n        super().__init__()\n        self.q = q\n        self.__sum = 0\n    def run(self):\n        while (n := self.q.get()) is not None:\n            self.add(n)\n        super().run()\n    def add(self, n):\n        time.sleep(0.0001)\n        self.__sum += n\n    def total(self):\n        return self.__sum\nq = queue.Queue()\nw = Worker(q)\nw.start()\nfor i in range(4): q.put(i)\nq.put(None)\nw.join()\nw.total()",
        "6",
    ),
    "a closure": (
        "def made():\n    q = queue.Queue(1)\n    total = 0\n    def work():\n        nonlocal total\n        for _ in range(3):\n            total += q.get()\n    t = threading.Thread(target=work)\n    t.start()\n    for i in (1, 2, 3): q.put(i)\n    t.join()\n    return total\nmade()",
        "6",
    ),
    "a decorated function": (
        "import functools\ndef twice(f):\n    @functools.wraps(f)\n    def wrapper(*a):\n        f(*a)\n        f(*a)\n    return wrapper\ne = threading.Event()\n@twice\ndef work(x):\n    e.wait()\n    done.append(x)\nt = threading.Thread(target=work, args=(4,))\nt.start()\ne.set()\nt.join()\ndone",
        "[4, 4]",
    ),
    "a lambda": ("e = threading.Event()\nt = threading.Thread(target=lambda: done.append(e.wait()))\nt.start()\ne.set()\nt.join()\ndone", "[True]"),
    "a function that another calls": (
        "q = queue.Queue()\ndef fetch():\n    return q.get()\ndef work():\n    done.append([fetch() for _ in range(2)])\nt = threading.Thread(target=work)\nt.start()\nq.put(1); q.put(2)\nt.join()\ndone",
        "[[1, 2]]",
    ),
    "what is raised inside": (
        "q = queue.Queue()\ndef work():\n    try:\n        try:\n            raise ValueError(q.get())\n        finally:\n            done.append('finally')\n    except ValueError as e:\n        done.append(e.args)\nt = threading.Thread(target=work)\nt.start()\nq.put(1)\nt.join()\ndone",
        "['finally', (1,)]",
    ),
    "an object that holds a queue": (
        "class Box:\n    def __init__(self): self.q = queue.Queue()\n    def take(self): return self.q.get()\nbox = Box()\ndef worker(): done.append(box.take())\nt = threading.Thread(target=worker)\nt.start()\nbox.q.put(1)\nt.join()\ndone",
        "[1]",
    ),
    "an object in an object": (
        "class Box:\n    def __init__(self): self.q = queue.Queue()\n    def take(self): return self.q.get()\nclass Job:\n    def __init__(self): self.box = Box()\n    def run(self): done.append(self.box.take())\nj = Job()\nt = threading.Thread(target=j.run)\nt.start()\nj.box.q.put(2)\nt.join()\ndone",
        "[2]",
    ),
    "an object that is called": (
        "class Job:\n    def __init__(self): self.q = queue.Queue()\n    def __call__(self): done.append(self.q.get())\nj = Job()\nt = threading.Thread(target=j)\nt.start()\nj.q.put(3)\nt.join()\nwith ThreadPoolExecutor(1) as ex:\n    f = ex.submit(j)\n    j.q.put(4)\ndone",
        "[3, 4]",
    ),
    "one wrapper of two functions": (
        "def logged(f):\n    def wrapper(*a): return f(*a)\n    return wrapper\n@logged\ndef count(n): done.append(n)\nq = queue.Queue()\n@logged\ndef take(n): done.append(q.get() + n)\na, b = threading.Thread(target=count, args=(1,)), threading.Thread(target=take, args=(1,))\na.start(); b.start()\nq.put(1)\na.join(); b.join()\ndone",
        "[1, 2]",
    ),
    "one method of two classes": (
        "class W:\n    def run(self): self.work()\nclass A(W):\n    def work(self): done.append('a')\nclass B(W):\n    q = queue.Queue()\n    def work(self): done.append(self.q.get())\nts = [threading.Thread(target=c().run) for c in (A, B)]\nfor t in ts: t.start()\nB.q.put('b')\nfor t in ts: t.join()\ndone",
        "['a', 'b']",
    ),
    "what looks at its caller": (
        "from collections import namedtuple\nimport sys\ndef caller(): return sys._getframe(1).f_code.co_name\ndef work():\n    time.sleep(0.001)\n    done.append((namedtuple('P', ['x']).__module__, caller()))\nt = threading.Thread(target=work)\nt.start()\nt.join()\ndone",
        "[('__main__', 'work')]",
    ),
    "calls in calls": (
        "def one(n):\n    time.sleep(0.0001)\n    return n + 1\ndef work(): done.append(one(one(one(one(one(one(one(one(one(one(one(one(0)))))))))))))\nt = threading.Thread(target=work)\nt.start()\nt.join()\ndone, sorted([one(n) for n in (one(3), one(1))])",
        "([12], [3, 5])",
    ),
    "a context of static methods": (
        "class C:\n    @staticmethod\n    def __enter__(): return 'in'\n    @staticmethod\n    def __exit__(*e): done.append('out')\ndef work():\n    with C() as c:\n        time.sleep(0.001)\n        done.append(c)\nt = threading.Thread(target=work)\nt.start()\nt.join()\ndone",
        "['in', 'out']",
    ),
    "an executor": ("with ThreadPoolExecutor(3) as ex:\n    r = list(ex.map(lambda n: n * n, range(5)))\nr", "[0, 1, 4, 9, 16]"),
    "an executor whose calls wait": (
        "def work(n):\n    time.sleep(0.02)\n    return n\nt0 = time.monotonic()\nwith ThreadPoolExecutor(10) as ex:\n    r = list(ex.map(work, range(10)))\nr == list(range(10)), time.monotonic() - t0 < 0.15",
        "(True, True)",
    ),
    "a call that needs a later one": (
        "q = queue.Queue()\nwith ThreadPoolExecutor(2) as ex:\n    a = ex.submit(q.get)\n    b = ex.submit(q.put, 5)\n    r = a.result(5), b.result()\nr",
        "(5, None)",
    ),
    "futures as they complete": (
        "def work(s):\n    time.sleep(s)\n    return s\nwith ThreadPoolExecutor(3) as ex:\n    fs = [ex.submit(work, s) for s in (0.03, 0.01, 0.02)]\n    r = [f.result() for f in as_completed(fs)]\nr",
        "[0.01, 0.02, 0.03]",
    ),
    "the first of futures": (
        "e = threading.Event()\nwith ThreadPoolExecutor(2) as ex:\n    slow, fast = ex.submit(e.wait), ex.submit(pow, 2, 3)\n    first = wait([slow, fast], return_when=FIRST_COMPLETED).done\n    r = first == {fast}, slow.done()\n    e.set()\nr, slow.result()",
        "((True, False), True)",
    ),
    "a future that is late": (
        "e = threading.Event()\nex = ThreadPoolExecutor(1)\nf = ex.submit(e.wait)\ntry:\n    f.result(timeout=0.01)\nexcept TimeoutError:\n    done.append('late')\ne.set()\nex.shutdown()\ndone, f.result()",
        "(['late'], True)",
    ),
    "a future that is cancelled": ("e = threading.Event()\nex = ThreadPoolExecutor(1)\na, b = ex.submit(e.wait), ex.submit(print)\nr = b.cancel(), a.cancel()\ne.set()\nex.shutdown()\nr, b.cancelled()", "((True, False), True)"),
    "what a call raises": ("def bad(): raise KeyError('k')\nwith ThreadPoolExecutor() as ex:\n    f = ex.submit(bad)\n    e = f.exception()\nf.done(), repr(e)", "(True, \"KeyError('k')\")"),
    "callbacks of futures": ("e = threading.Event()\nwith ThreadPoolExecutor() as ex:\n    f = ex.submit(e.wait)\n    f.add_done_callback(lambda f: done.append(f.result()))\n    e.set()\ndone", "[True]"),
    "a future in a busy loop": ("def work():\n    time.sleep(0.01)\n    return 3\nex = ThreadPoolExecutor()\nf = ex.submit(work)\nwhile not f.done(): time.sleep(0.001)\nf.result()", "3"),
    "an initializer": (
        "own = threading.local()\ndef start(n): own.n = n\ndef read(_): return own.n\nwith ThreadPoolExecutor(2, initializer=start, initargs=(7,)) as ex:\n    r = list(ex.map(read, range(3)))\nr",
        "[7, 7, 7]",
    ),
    "a pool": ("from multiprocessing.pool import ThreadPool\ndef sq(n):\n    time.sleep(0.001)\n    return n * n\nwith ThreadPool(4) as p:\n    r = p.map(sq, range(4)), list(p.imap_unordered(sq, [3])), p.apply_async(sq, (5,)).get(), p.map_async(sq, [6]).get()\nr", "([0, 1, 4, 9], [9], 25, [36])"),
    "a process before its queue is filled": (
        "import multiprocessing as mp\ndef work(a, b):\n    for n in iter(a.get, None):\n        b.put(n + 1)\na, b = mp.Queue(), mp.Queue()\np = mp.Process(target=work, args=(a, b))\nfor n in (1, 2, None): a.put(n)\np.start()\np.join()\nb.get(), b.get(), p.exitcode",
        "(2, 3, 0)",
    ),
    "asyncio beside threads": (
        "import asyncio\nasync def main():\n    def work():\n        time.sleep(0.01)\n        return 5\n    t = threading.Thread(target=lambda: done.append(asyncio.run(asyncio.sleep(0.001, 6))))\n    t.start()\n    r = await asyncio.to_thread(work)\n    t.join()\n    return r\nasyncio.run(main()), done",
        "(5, [6])",
    ),
    "generators that wait": (
        "q1, q2 = queue.Queue(), queue.Queue()\ndef items(q):\n    while (n := q.get()) is not None:\n        yield n\ndef work(q, out):\n    for n in items(q):\n        done.append(n)\n        out.put(n + 1)\na = threading.Thread(target=work, args=(q1, q2))\nb = threading.Thread(target=work, args=(q2, queue.Queue()))\na.start(); b.start()\nfor n in (1, 2, None): q1.put(n)\na.join()\nq2.put(None)\nb.join()\nsorted(done)",
        "[1, 2, 2, 3]",
    ),
    "generators in generators": (
        "q = queue.Queue()\nback = queue.Queue()\nclass Source:\n    def raw(self):\n        while (n := q.get()) is not None:\n            back.put(n)\n            yield n\n    def twice(self):\n        for n in self.raw():\n            yield n * 2\n        yield from self.rest()\n        yield from (8, 9)\n    def rest(self):\n        yield q.get()\n    def run(self):\n        for n in self.twice(): done.append(n)\nt = threading.Thread(target=Source().run)\nt.start()\nfor n in (1, 2):\n    q.put(n)\n    back.get()\nq.put(None); q.put(7)\nt.join()\ndone",
        "[2, 4, 7, 8, 9]",
    ),
    "a generator that is left early": (
        "q = queue.Queue()\ndef items():\n    try:\n        while True: yield q.get()\n    finally:\n        done.append('closed')\ndef work():\n    for n in items():\n        done.append(n)\n        if n == 2: break\n    else:\n        done.append('else')\nt = threading.Thread(target=work)\nt.start()\nq.put(1); q.put(2)\nt.join()\ndone",
        "[1, 2, 'closed']",
    ),
    "context managers that wait": (
        "from contextlib import contextmanager\nlocks = [threading.Lock(), threading.Lock()]\n@contextmanager\ndef held(n):\n    locks[n].acquire()\n    try:\n        time.sleep(0.002)\n        yield n\n    finally:\n        locks[n].release()\n        time.sleep(0.001)\ndef work(first):\n    for n in (first, 1 - first):\n        with held(n) as m:\n            time.sleep(0.001)\n            done.append(m)\nts = [threading.Thread(target=work, args=(i,)) for i in (0, 1)]\n[t.start() for t in ts]\n[t.join() for t in ts]\nsorted(done), locks[0].locked()",
        "([0, 0, 1, 1], False)",
    ),
    "context managers that swap": (
        "from contextlib import contextmanager\na, b = queue.Queue(), queue.Queue()\n@contextmanager\ndef swapped(take, give, value):\n    give.put(value)\n    yield take.get()\n    give.put(value + 1)\n    done.append(take.get())\ndef work(take, give, value):\n    with swapped(take, give, value) as other:\n        done.append(other)\nts = [threading.Thread(target=work, args=args) for args in ((a, b, 10), (b, a, 20))]\n[t.start() for t in ts]\n[t.join() for t in ts]\nsorted(done)",
        "[10, 11, 20, 21]",
    ),
    "what a context manager does with an error": (
        "from contextlib import contextmanager\nq = queue.Queue()\n@contextmanager\ndef guarded():\n    try:\n        yield q.get()\n    except KeyError as error:\n        done.append(repr(error))\n    except ZeroDivisionError:\n        raise ValueError('other') from None\ndef work():\n    with guarded(): raise KeyError('k')\n    try:\n        with guarded(): 1 / 0\n    except ValueError as error: done.append(str(error))\n    try:\n        with guarded(): next(iter(()))\n    except StopIteration: done.append('stop')\n    try:\n        with guarded(): raise OSError('through')\n    except OSError as error: done.append(str(error))\nt = threading.Thread(target=work)\nt.start()\nfor n in range(4): q.put(n)\nt.join()\ndone",
        "[\"KeyError('k')\", 'other', 'stop', 'through']",
    ),
    "StopIteration through functions": (
        "q = queue.Queue()\ndef first(): return next(iter(q.get()))\ndef nested(*a): return first(*a)\ndef work():\n    while True:\n        try:\n            done.append(nested())\n        except StopIteration as stop:\n            done.append(type(stop).__name__)\n            return\nt = threading.Thread(target=work)\nt.start()\nq.put([4]); q.put([])\nt.join()\ndone",
        "[4, 'StopIteration']",
    ),
    "StopIteration out of a call": (
        "q = queue.Queue()\ndef bad():\n    q.get()\n    raise StopIteration('no more')\nwith ThreadPoolExecutor(1) as ex:\n    f = ex.submit(bad)\n    q.put(0)\n    e = f.exception()\nrepr(e)",
        "\"StopIteration('no more')\"",
    ),
    "a future in a loop without a wait": ("def work():\n    time.sleep(0.01)\n    return 3\nex = ThreadPoolExecutor()\nf = ex.submit(work)\nwhile not f.done(): pass\nf.result()", "3"),
    "an event in a loop without a wait": ("e = threading.Event()\nthreading.Timer(0.01, e.set).start()\nwhile not e.is_set(): pass\ne.is_set()", "True"),
    "queues in loops without a wait": (
        "q = queue.Queue(1)\nout = queue.SimpleQueue()\ndef work():\n    for _ in range(3): out.put(q.get() * 2)\nt = threading.Thread(target=work)\nt.start()\nfor n in range(3):\n    while q.full(): pass\n    q.put(n)\nwhile out.qsize() < 3 and t.is_alive(): pass\n[out.get() for _ in range(3)]",
        "[0, 2, 4]",
    ),
    "a lock in a loop without a wait": (
        "lock = threading.Lock()\ndef work():\n    with lock: time.sleep(0.005)\nt = threading.Thread(target=work)\nt.start()\nwhile lock.locked(): pass\nlock.locked()",
        "False",
    ),
}


class Idioms(unittest.TestCase):
    def test_each(self):
        for name, (source, expected) in IDIOMS.items():
            with self.subTest(name):
                strands.forget()
                run(HEAD)
                result = run(source)
                self.assertIsNone(result.error, result.traceback)
                self.assertEqual(result.value, expected)


class Ends(unittest.TestCase):
    def setUp(self):
        strands.forget()
        run(HEAD)

    def test_a_turn_ends_after_its_threads_and_not_after_daemons(self):
        run("def late():\n    time.sleep(0.01)\n    done.append('late')\nthreading.Thread(target=late).start()")
        self.assertEqual(run("done").value, "['late']")
        started = time.perf_counter()
        result = run("def ever():\n    while True:\n        time.sleep(1)\nthreading.Thread(target=ever, daemon=True).start()\n1")
        self.assertEqual(result.value, "1")
        self.assertLess(time.perf_counter() - started, 0.5)

    @unittest.skipUnless(harness.can_capture, "descriptors cannot be redirected here")
    def test_a_thread_that_waits_goes_on_in_a_later_turn(self):
        result, _, err = output_of("q = queue.Queue()\ndef eat():\n    done.append(q.get())\nthreading.Thread(target=eat, name='eater').start()")
        self.assertIsNone(result.error)
        self.assertIn("1 thread has not ended", err)
        self.assertIn("eater in Queue.get", err)
        _, _, err = output_of("q.put(3)")
        self.assertEqual((run("done").value, err), ("[3]", ""))

    def test_a_thread_that_never_ends_holds_up_no_later_turn(self):
        run("def spin():\n    while True: done.append(1)\nt = threading.Thread(target=spin)\ndone.append(0)")
        # Of a turn that failed before it could wait for its threads.
        self.assertEqual(run("t.start()\n1/0").type, "ZeroDivisionError")
        started = time.perf_counter()
        self.assertEqual(run("t.is_alive()").value, "True")
        self.assertLess(time.perf_counter() - started, 2)
        # Nor does it when a thread of that turn waits for what never comes.
        started = time.perf_counter()
        strands.END_SECONDS, before = 0.2, strands.END_SECONDS
        try:
            self.assertIsNone(run("threading.Thread(target=queue.Queue().get).start()").error)
        finally:
            strands.END_SECONDS = before
        self.assertLess(time.perf_counter() - started, 2)

    def test_a_function_that_is_defined_anew_may_wait(self):
        run("q = queue.Queue()\ndef get(): return 1\ndef work(): done.append(get())\nt = threading.Thread(target=work)\nt.start()\nt.join()")
        result = run("def get(): return q.get()\nt = threading.Thread(target=work)\nt.start()\nq.put(2)\nt.join()\ndone")
        self.assertEqual(result.value, "[1, 2]", result.traceback)

    def test_no_later_turn_is_told_of_a_deadlock(self):
        run("def gen():\n    yield q.get()\nq = queue.Queue()\ndef bad(): done.extend(gen())")
        told = run("t = threading.Thread(target=bad)\nt.start()\n'told'")
        self.assertEqual(told.type, "RuntimeError")
        self.assertIsNone(run("threading.Thread(target=queue.Queue().get, daemon=True).start()").error)

    def test_a_fork_has_no_threads_of_its_parent(self):
        run("ex = ThreadPoolExecutor(2)\nq = queue.Queue()\nf = ex.submit(q.get)\nt = threading.Thread(target=q.get)\nt.start()")
        self.assertEqual(harness.entry.after_fork(b""), b"")
        self.assertEqual(run("t.is_alive(), threading.active_count(), ex.submit(pow, 2, 5).result()").value, "(False, 1, 32)")

    def test_no_number_of_seconds(self):
        for seconds in ("float('nan')", "-1", "'x'"):
            run("threading.Thread(target=queue.Queue().get, daemon=True).start()")
            self.assertIn(run("time.sleep(" + seconds + ")").type, ("ValueError", "TypeError"))

    @unittest.skipUnless(harness.can_capture, "descriptors cannot be redirected here")
    def test_stop_iteration_out_of_a_thread_is_told_as_what_it_is(self):
        _, _, err = output_of("def bad():\n    time.sleep(0.001)\n    next(iter(()))\nt = threading.Thread(target=bad)\nt.start()\nt.join()")
        self.assertIn("\nStopIteration\n", err)
        self.assertNotIn("RuntimeError", err)

    def test_a_top_level_wait_lets_threads_run(self):
        result = run("import asyncio\ndef work():\n    for i in range(3):\n        time.sleep(0.005)\n        done.append(i)\nthreading.Thread(target=work).start()\nawait asyncio.sleep(0.05)\ndone")
        self.assertEqual(result.value, "[0, 1, 2]", result.traceback)


class Deadlocks(unittest.TestCase):
    def setUp(self):
        strands.forget()
        run(HEAD)

    def test_each_names_who_waits_for_what(self):
        cases = [
            ("queue.Queue().get()", ["MainThread waits in Lock.acquire"]),
            ("e = threading.Event()\nt = threading.Thread(target=e.wait, name='sleeper')\nt.start()\nt.join()", ["sleeper waits in", "MainThread waits in Thread.join"]),
            (
                "a, b = threading.Lock(), threading.Lock()\ndef take(x, y):\n    with x:\n        time.sleep(0.001)\n        with y:\n            pass\nfor n, p in (('one', (a, b)), ('two', (b, a))):\n    threading.Thread(target=take, args=p, name=n).start()",
                ["one waits in Lock.acquire", "two waits in Lock.acquire"],
            ),
        ]
        for source, words in cases:
            with self.subTest(source):
                result = run(source)
                self.assertEqual(result.type, "RuntimeError", result.traceback)
                for word in words:
                    self.assertIn(word, result.message)
                self.assertNotIn("memex_guest", result.traceback)
                # What was stuck is no burden of later turns.
                run("e.set() if 'e' in globals() else None")
                self.assertIsNone(run("1").error)

    def test_there_is_an_end_to_threads(self):
        result = run("e = threading.Event()\nts = [threading.Thread(target=e.wait, daemon=True) for _ in range(20_000)]\nfor n, t in enumerate(ts):\n    t.start()")
        self.assertEqual(result.type, "RuntimeError")
        self.assertIn("can't start new thread", result.message)
        self.assertIsNone(run("e.set()\nfor t in ts[:n]: t.join()").error)
        self.assertEqual(run("t = threading.Thread(target=done.append, args=(1,))\nt.start()\ndone").value, "[1]")

    def test_an_interrupt_in_a_thread_ends_the_turn(self):
        result = run("def work():\n    time.sleep(0.001)\n    raise KeyboardInterrupt('now')\nt = threading.Thread(target=work)\nt.start()\nt.join()")
        self.assertEqual(result.type, "KeyboardInterrupt")
        self.assertEqual(run("1 + 1").value, "2")


if __name__ == "__main__":
    unittest.main()
