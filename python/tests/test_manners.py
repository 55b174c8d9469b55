"""What a process expects of an extension: signals, threads, forks, exits."""

import os
import signal
import threading
import time

import pytest

import memex

INTERRUPTED = """
import os, signal, sys, threading, time
import memex
box = memex.Sandbox(limits=memex.Limits(time="60s", wall_time="60s"))
session = box.session(inputs={"y": 5})
worst = 0
for code in ["while True: pass", "import time\\ntime.sleep(50)", "sum(i for i in range(10**10))",
             "try:\\n    while True: pass\\nexcept ValueError: pass"]:
    sent = []
    def send():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Timer(0.3, send).start()
    try:
        session.run(code)
        print("not interrupted")
    except KeyboardInterrupt:
        worst = max(worst, time.perf_counter() - sent[0])
    assert session.run("y").value == 5
print(worst * 1000)
"""


def test_ctrl_c_ends_the_turn_and_raises(program):
    assert float(program(INTERRUPTED)) < 50 * SLACK


# What a machine that does much else at the same time may need longer.
SLACK = float(os.environ.get("MEMEX_TEST_SLACK", "4"))


def test_ctrl_c_in_a_tool(program):
    out = program(
        """
import os, signal, threading, time
import memex
def wait() -> int:
    time.sleep(30)
    return 1
session = memex.Sandbox(tools=[wait]).session(inputs={"x": 1})
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    session.run("try:\\n    wait()\\nexcept BaseException: pass\\nx = 2")
except KeyboardInterrupt:
    print("interrupted", session.run("1 + 1").value)
"""
    )
    assert out == "interrupted 2\n"


def test_a_handler_of_the_programs_own_is_run(program):
    out = program(
        """
import os, signal, threading
import memex
session = memex.Sandbox().session()
signal.signal(signal.SIGINT, lambda *_: print("handled"))
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
print(session.run("while True: pass").error.name)
"""
    )
    assert out == "handled\nKeyboardInterrupt\n"


def test_other_threads_run_meanwhile(box):
    turns = 0

    def count():
        nonlocal turns
        while not done.is_set():
            turns += 1

    done = threading.Event()
    thread = threading.Thread(target=count)
    thread.start()
    with box.session() as session:
        began = time.perf_counter()
        session.run("import time\nend = time.time() + 0.3\nwhile time.time() < end: pass")
        took = time.perf_counter() - began
    done.set()
    thread.join()
    assert turns > 1000 and took < 5


def test_sessions_of_many_threads(box):
    found = []

    def work(number):
        with box.session(inputs={"n": number}) as session:
            for _ in range(20):
                session.run("n += 1")
            found.append(session.run("n").value - number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [20] * 8


def test_crashes_of_the_guest_stay_there(session):
    session.run("kept = 1")
    for code in (
        "import os\nos.abort()",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
        "a = None\nfor _ in range(10**6): a = (a,)\ndel a",
    ):
        session.run(code)
        assert session.run("kept").value == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_is_told(program):
    out = program(
        """
import os, sys
import memex
box = memex.Sandbox()
session = box.session()
session.run("x = 1")
snapshot = session.snapshot()
pid = os.fork()
if pid == 0:
    for use in (lambda: session.run("x"), box.session, session.close, lambda: bytes(snapshot)):
        try:
            use()
            print("used")
        except memex.ForkedProcess as error:
            assert "spawn" in str(error)
    del session, box, snapshot
    assert memex.run("1 + 1").value == 2
    sys.stdout.flush()
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
print(session.run("x").value)
"""
    )
    assert out == "1\n"


def test_a_forked_child_leaves_through_the_front_door(program):
    out = program(
        """
import os, sys
import memex
session = memex.Sandbox().session()
pid = os.fork()
if pid == 0:
    sys.exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    )
    assert out == "3\n"


def test_spawned_workers_get_snapshots(program, tmp_path):
    script = tmp_path / "workers.py"
    script.write_text(
        """
import multiprocessing
import memex

def work(snapshot):
    with memex.Sandbox() as box, box.restore(snapshot) as session:
        return session.run("x + 1").value

if __name__ == "__main__":
    with memex.Sandbox() as box, box.session(inputs={"x": 41}) as session:
        snapshot = session.snapshot()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(pool.map(work, [snapshot] * 3))
"""
    )
    assert program(f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')") == "[42, 42, 42]\n"


def test_the_interpreter_exits_with_sessions_that_live(program):
    began = time.perf_counter()
    program(
        """
import asyncio, threading, time
import memex
async def hang() -> int:
    await asyncio.sleep(3600)
    return 1
box = memex.Sandbox(tools=[hang])
kept = box.session()
kept.run("x = 1")
for code in ("while True: pass", "hang()"):
    threading.Thread(target=box.session().run, args=(code,), daemon=True).start()
stream = box.session().stream("print('a')\\nwhile True: pass")
next(stream)
time.sleep(0.3)
"""
    )
    assert time.perf_counter() - began < 30


def test_signals_reach_an_event_loop_that_waited_for_them(program):
    out = program(
        """
import asyncio, os, signal, threading
import memex
async def main():
    loop = asyncio.get_running_loop()
    seen = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, seen.set)
    session = memex.Sandbox().session()
    threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
    session.run("import time\\ntime.sleep(0.5)")
    await asyncio.wait_for(seen.wait(), 5)
    print("seen")
asyncio.run(main())
"""
    )
    assert out == "seen\n"
