"""Code as it is written for an ordinary Python: threads, pools, processes, sockets, notebooks."""

import unittest

import harness
from harness import run

WORKS = [
    ("import threading\nr = []\nt = threading.Thread(target=r.append, args=(1,))\nt.start()\nt.join()\nr, t.is_alive()", "([1], False)"),
    ("t = threading.Thread(target=lambda: r.append(threading.current_thread().name), name='T')\nt.start()\nr[-1], threading.current_thread().name", "('T', 'MainThread')"),
    ("lock = threading.Lock()\nwith lock:\n    held = lock.locked()\nheld, lock.locked()", "(True, False)"),
    ("lock.acquire(), lock.acquire(False), lock.acquire(timeout=0.001), lock.release()", "(True, False, False, None)"),
    ("with threading.RLock() as a:\n    pass\nevent = threading.Event()\nevent.wait(0.001), event.set(), event.wait()", "(False, None, True)"),
    ("t = threading.Timer(0.001, r.append, (5,))\nt.start()\nt.join()\nr[-1]", "5"),
    ("import queue\nq = queue.Queue()\nq.put(1)\nq.get(), queue.SimpleQueue().empty()", "(1, True)"),
    ("from concurrent.futures import ThreadPoolExecutor, ProcessPoolExecutor, as_completed, wait\nwith ThreadPoolExecutor(4) as e:\n    r = list(e.map(pow, [2, 3], [3, 2]))\nr", "[8, 9]"),
    ("with ThreadPoolExecutor() as e:\n    r = [f.result() for f in as_completed([e.submit(abs, -1)])]\nr", "[1]"),
    ("with ProcessPoolExecutor(2) as e:\n    r = list(e.map(abs, [-1, -2], chunksize=2))\nr", "[1, 2]"),
    ("with ThreadPoolExecutor() as e:\n    f = e.submit(lambda: 1/0)\ntype(f.exception()).__name__, f.done()", "('ZeroDivisionError', True)"),
    ("import multiprocessing\nwith multiprocessing.Pool(2) as p:\n    r = p.map(abs, [-1, 2]), p.starmap(pow, [(2, 2)]), p.apply_async(abs, (-3,)).get()\nr", "([1, 2], [4], 3)"),
    ("p = multiprocessing.Process(target=print, args=('',))\np.start()\np.join()\np.exitcode", "0"),
    ("import asyncio\nasync def m():\n    return await asyncio.get_running_loop().run_in_executor(None, abs, -1)\nasyncio.run(m())", "1"),
    ("import pickle, copy\ntry:\n    copy.deepcopy(lock)\nexcept TypeError as e:\n    r = 'refused'\nr", "'refused'"),
]

REFUSED = [
    ("lock = threading.Lock()\nlock.acquire()\nlock.acquire()", "RuntimeError", "deadlock"),
    ("import queue\nqueue.Queue().get()", "RuntimeError", "deadlock"),
    ("queue.SimpleQueue().get()", "RuntimeError", "deadlock"),
    ("threading.Event().wait()", "RuntimeError", "deadlock"),
    ("from concurrent.futures import Future\nFuture().result()", "RuntimeError", "deadlock"),
    ("t = threading.Thread(target=print, args=('',))\nt.start()\nt.start()", "RuntimeError", "only be started once"),
    ("import os\nos.system('ls')", "OSError", "cannot start processes"),
    ("os.popen('ls')", "OSError", "cannot start processes"),
    ("import subprocess\nsubprocess.run(['ls'])", "OSError", "cannot start processes"),
    ("subprocess.check_output('ls', shell=True)", "OSError", "cannot start processes"),
    ("import asyncio\nawait asyncio.create_subprocess_exec('ls')", "OSError", "cannot start processes"),
    ("import socket\nsocket.socket()", "OSError", "no network"),
    ("socket.create_connection(('localhost', 80))", "OSError", "no network"),
    ("import urllib.request\nurllib.request.urlopen('http://localhost/')", "urllib.error.URLError", "no network"),
    ("await asyncio.open_connection('localhost', 80)", "OSError", "no network"),
    ("!ls", "RuntimeError", "no shell"),
    ("!pip install no-such-thing-here", "ModuleNotFoundError", "no-such-thing-here"),
]


class Shims(unittest.TestCase):
    def test_what_works(self):
        for source, expected in WORKS:
            with self.subTest(source):
                result = run(source)
                self.assertIsNone(result.error, result.traceback)
                self.assertEqual(result.value, expected)

    def test_what_is_refused_says_why(self):
        run("import threading")
        for source, kind, message in REFUSED:
            with self.subTest(source):
                result = run(source)
                self.assertEqual(result.type, kind, result.traceback)
                self.assertIn(message, result.message)
                self.assertNotIn("memex_guest", result.traceback)

    @unittest.skipUnless(harness.can_capture, "descriptors cannot be redirected here")
    def test_a_failing_thread_is_told_on_stderr(self):
        _, _, err = harness.output_of("import threading\ndef bad():\n    1/0\nthreading.Thread(target=bad).start()")
        self.assertIn("Exception in thread", err)
        self.assertIn("in bad", err)
        self.assertNotIn("threads.py", err)


class Display(unittest.TestCase):
    def setUp(self):
        harness.calls.clear()

    def test_bundles(self):
        cases = [
            ("display(1)", {"text/plain": "1"}, False),
            ("class H:\n    def _repr_html_(self): return '<b>'\ndisplay(H())", {"text/html": "<b>"}, False),
            ("H()", {"text/html": "<b>"}, True),
            ("class B:\n    def _repr_mimebundle_(self, include=None, exclude=None): return {'text/markdown': '*m*'}\nB()", {"text/markdown": "*m*"}, True),
            ("class J:\n    def _repr_json_(self): return {'a': 1}\nJ()", {"application/json": '{"a": 1}'}, True),
            ("class E:\n    def _repr_html_(self): raise KeyError\n    def _repr_latex_(self): return '$x$'\nE()", {"text/latex": "$x$"}, True),
            (
                "from memex_guest.notebook import Finder\nimport types\nm = types.ModuleType('IPython.display')\n"
                "Finder.exec_module(m)\nm.display(m.Markdown('# h'))",
                {"text/markdown": "# h"},
                False,
            ),
            ("class L:\n    def _repr_html_(self): return 'x' * (16 << 20)\nL();display(L())", {"text/plain": None}, False),
        ]
        for source, expected, main in cases:
            with self.subTest(source):
                result = run(source)
                self.assertIsNone(result.error, result.traceback)
                ((head, parts),) = harness.displayed()
                self.assertEqual(head["main"], main)
                self.assertEqual(len(parts), len(head["binary"]))
                for mime, text in expected.items():
                    self.assertIn(mime, head["data"])
                    if text is not None:
                        self.assertEqual(head["data"][mime], text)
                self.assertNotIn("x" * 1000, str(head["data"]))

    def test_pictures_travel_raw(self):
        run("class P:\n    def _repr_png_(self): return bytes(range(256))\nP()")
        ((head, parts),) = harness.displayed()
        self.assertEqual((head["binary"], parts), (["image/png"], [bytes(range(256))]))

    def test_plain_values_ask_nothing_of_the_host(self):
        for source in ("1", "'s'", "[1]", "class G:\n    def __getattr__(self, n): return lambda *a: 'no'\nG()"):
            run(source)
        self.assertEqual(harness.calls, [])

    def test_a_refusing_host_does_not_lose_the_value(self):
        harness.replies.append(harness.frame_of(1, {"type": "ValueError", "message": "too big"}, ()))
        self.assertIsNone(run("class H:\n    def _repr_html_(self): return 'h'\nH()").error)
        harness.replies.append(harness.frame_of(1, {"type": "ValueError", "message": "too big"}, ()))
        result = run("display(H())")
        self.assertEqual((result.type, result.message), ("ValueError", "too big"))

    @unittest.skipUnless(harness.has("matplotlib"), "matplotlib is not installed")
    def test_figures(self):
        cases = [
            ("import matplotlib.pyplot as plt\nplt.plot([1, 2]);", [False]),
            ("plt.plot([1])\nplt.show()\nplt.plot([2])\nplt.show()", [False, False]),
            ("fig, ax = plt.subplots()\nfig", [True]),
            ("fig, ax = plt.subplots()\n1/0", [False]),
            ("fig.show()", [False]),
            ("plt.gcf().axes == []\nplt.close('all')", []),
        ]
        for source, expected in cases:
            with self.subTest(source):
                run(source)
                shown = harness.displayed()
                self.assertEqual([head["main"] for head, _ in shown], expected)
                for head, parts in shown:
                    self.assertEqual(head["binary"], ["image/png"])
                    self.assertTrue(parts[0].startswith(b"\x89PNG"))
        self.assertEqual(run("plt.get_fignums()").value, "[]")


class Channel(unittest.TestCase):
    def test_errors_become_exceptions(self):
        from memex_guest import channel

        cases = [("ValueError", ValueError), ("PermissionError", PermissionError), ("SystemExit", channel.HostError), ("Odd", channel.HostError), (None, channel.HostError)]
        for name, kind in cases:
            with self.subTest(name):
                harness.replies.append(harness.frame_of(1, {"type": name, "message": "m"}, ()))
                with self.assertRaises(kind) as caught:
                    channel.call(2, {}, [])
                self.assertIn("m", str(caught.exception))

    def test_frames(self):
        from memex_guest import channel

        harness.calls.clear()
        harness.replies.append(harness.frame_of(0, {"é": [1]}, [b"", b"\0\xff"]))
        self.assertEqual(channel.call(2, {"a": "ü"}, [b"x", memoryview(b"yz")]), ({"é": [1]}, [b"", b"\0\xff"]))
        self.assertEqual(channel.parse(harness.calls.pop()), (2, {"a": "ü"}, [b"x", b"yz"]))
        whole = harness.frame_of(0, {"a": 1}, [b"part"])
        for end in range(1, len(whole)):
            if end == 13:
                continue
            with self.subTest(end), self.assertRaises(channel.HostError):
                channel.parse(whole[:end])


if __name__ == "__main__":
    unittest.main()
