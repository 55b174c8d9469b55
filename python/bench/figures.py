"""Figures of the Python package: one JSON object a line, as `memex bench --json` prints them.

    python bench/figures.py [--peers] [NAME…]

With `--peers`, those of other sandboxes that are installed beside it follow (`peers.py`). All are of this
machine as it is; other work on it disturbs them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Callable

import memex


def measured(action: Callable[[], object], count: int, *, unit_s: float, per: int = 1) -> dict:
    """The distribution of an action's time, in a unit of so many seconds."""
    for _ in range(max(3, count // 20)):
        action()
    times = []
    for _ in range(count):
        began = time.perf_counter()
        action()
        times.append((time.perf_counter() - began) / per / unit_s)
    times.sort()
    return {
        "n": count,
        "p50": round(times[count // 2], 2),
        "p99": round(times[min(count - 1, count * 99 // 100)], 2),
        "min": round(times[0], 2),
    }


@memex.tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


def python_import_ms() -> dict:
    """`import memex`, in an interpreter that runs already."""
    code = "import time; t = time.perf_counter(); import memex; print((time.perf_counter() - t) * 1e3)"
    times = sorted(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(21))
    return {"unit": "ms", "n": 21, "p50": round(times[10], 2), "p99": round(times[-1], 2), "min": round(times[0], 2)}


def python_run_us() -> dict:
    """`session.run("x += 1")`."""
    with memex.Sandbox() as box, box.session(inputs={"x": 0}) as session:
        return {"unit": "us", **measured(lambda: session.run("x += 1"), 2000, unit_s=1e-6)}


def python_value_us() -> dict:
    """`session.run("x").value`: a turn and its value."""
    with memex.Sandbox() as box, box.session(inputs={"x": [1, "a"]}) as session:
        return {"unit": "us", **measured(lambda: session.run("x").value, 2000, unit_s=1e-6)}


def python_fresh_us() -> dict:
    """A fresh session and `print(1)`, on the image that has pandas."""
    with memex.Sandbox() as box:

        def action() -> None:
            with box.session() as session:
                session.run("print(1)")

        return {"unit": "us", **measured(action, 500, unit_s=1e-6)}


def python_interrupt_ms() -> dict:
    """From a SIGINT in the middle of an endless loop to the `KeyboardInterrupt`."""
    times = []
    with memex.Sandbox(limits=memex.Limits(time="60s")) as box, box.session() as session:
        for _ in range(20):
            sent = []

            def send() -> None:
                sent.append(time.perf_counter())
                os.kill(os.getpid(), signal.SIGINT)

            threading.Timer(0.05, send).start()
            try:
                session.run("while True: pass")
            except KeyboardInterrupt:
                times.append((time.perf_counter() - sent[0]) * 1e3)
    times.sort()
    return {"unit": "ms", "n": len(times), "p50": round(times[len(times) // 2], 2), "p99": round(times[-1], 2), "min": round(times[0], 2)}


def python_call_us() -> dict:
    """A call of a tool that is a Python function, there and back."""
    calls = 200
    with memex.Sandbox(tools=[add]) as box, box.session() as session:
        session.run(f"def calls():\n    for n in range({calls}): add(n, 1)").raise_for_error()
        return {"unit": "us", **measured(lambda: session.run("calls()"), 40, unit_s=1e-6, per=calls)}


def _frame(put: bool) -> dict:
    import numpy
    import pandas

    frame = pandas.DataFrame(numpy.random.default_rng(1).random((1_000_000, 5)), columns=list("abcde"))
    with memex.Sandbox(limits=memex.Limits(call_bytes="64MiB", memory="2GiB")) as box, box.session() as session:
        session.set("frame", frame)
        assert session.get("frame").equals(frame)
        action = (lambda: session.set("frame", frame)) if put else (lambda: session.get("frame"))
        return {"unit": "ms", **measured(action, 10, unit_s=1e-3)}


def python_frame_in_ms() -> dict:
    """A DataFrame of 1,000,000 × 5 floats into a session."""
    return _frame(True)


def python_frame_out_ms() -> dict:
    """The same out of it."""
    return _frame(False)


def python_threads_ratio() -> dict:
    """Turns of 8 threads, each with its session, against one thread's, in the same time; five times."""
    code = "sum(i * i for i in range(200_000))"

    def work(session: memex.Session, turns: int) -> None:
        for _ in range(turns):
            session.run(code)

    ratios = []
    with memex.Sandbox() as box:
        sessions = [box.session() for _ in range(8)]
        for _ in range(5):
            began = time.perf_counter()
            work(sessions[0], 16)
            one = time.perf_counter() - began
            threads = [threading.Thread(target=work, args=(session, 16)) for session in sessions]
            began = time.perf_counter()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            ratios.append(round(8 * one / (time.perf_counter() - began), 2))
    ratios.sort()
    return {"unit": "ratio", "n": 5, "p50": ratios[2], "p99": ratios[0], "min": ratios[0]}


def wheel_mib() -> dict:
    """The wheel that MEMEX_WHEEL names, in MiB."""
    path = os.environ.get("MEMEX_WHEEL")
    if path is None:
        return {"unit": "MiB", "n": 0}
    size = round(os.stat(path).st_size / (1 << 20), 2)
    return {"unit": "MiB", "n": 1, "p50": size, "p99": size, "min": size}


FIGURES = [
    python_import_ms, python_run_us, python_value_us, python_fresh_us, python_call_us,
    python_frame_in_ms, python_frame_out_ms, python_threads_ratio, python_interrupt_ms, wheel_mib,
]


def main(names: list[str]) -> int:
    """Prints the figures of these names, or all."""
    asks_peers = "--peers" in names
    names = [name for name in names if name != "--peers"]
    known = {figure.__name__: figure for figure in FIGURES}
    for name in names:
        if name not in known:
            print(f"there is no figure {name}; there are {', '.join(known)}", file=sys.stderr)
            return 2
    for name in names or known:
        figure = known[name]
        print(json.dumps({"name": name, **figure(), "note": figure.__doc__}), flush=True)
    if asks_peers:
        from peers import figures

        for one in figures(measured):
            print(json.dumps(one), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
