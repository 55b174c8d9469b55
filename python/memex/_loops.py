"""Event loops for async tools: the caller's, or one thread for sessions that have none."""

from __future__ import annotations

import atexit
import contextvars
import os
import sys
import threading
from typing import Any, Awaitable, Callable

_lock = threading.Lock()
_loop: Any = None


def background() -> Any:
    """The loop of a thread of our own, started on first need."""
    global _loop
    with _lock:
        if _loop is None or _loop.is_closed():
            import asyncio

            _loop = asyncio.new_event_loop()
            threading.Thread(target=_run, args=(_loop,), name="memex-loop", daemon=True).start()
        return _loop


def start(loop: Any, function: Callable[[], Awaitable[None]], context: contextvars.Context) -> Callable[[], None]:
    """Runs a coroutine in a loop of another thread; returns what cancels it."""
    tasks: list[Any] = []
    state = {"cancelled": False}

    def begin() -> None:
        if not state["cancelled"]:
            tasks.append(loop.create_task(function()))

    def cancel() -> None:
        state["cancelled"] = True
        try:
            loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
        except RuntimeError:
            # The loop is closed, and its tasks with it.
            return

    loop.call_soon_threadsafe(begin, context=context)
    return cancel


def in_running_loop() -> bool:
    """Whether this thread runs an event loop, without importing asyncio for the question."""
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None


def _run(loop: Any) -> None:
    import asyncio

    asyncio.set_event_loop(loop)
    loop.run_forever()


def _stop() -> None:
    if _loop is not None and not _loop.is_closed():
        try:
            _loop.call_soon_threadsafe(_loop.stop)
        except RuntimeError:
            return


def _forget() -> None:
    """In a child of `os.fork()`: the thread is not there."""
    global _loop, _lock
    _loop = None
    _lock = threading.Lock()


atexit.register(_stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
