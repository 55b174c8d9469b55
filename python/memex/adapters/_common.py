"""What adapters share: how code is run for a model, and what the model is shown of it."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref
from collections import OrderedDict
from typing import Any, Callable

from memex import _characters
from memex._errors import SessionError, ValueNotData
from memex._extent import DIGITS_MAX, Extent
from memex._foreign import _Described
from memex._result import Result
from memex._tools import Tool
from memex._values import larger

#: What a model is shown of one block.
SHOWN_CHARACTERS = 20_000
_SESSIONS = 32

DESCRIPTION = (
    "Runs Python code in a sandbox and returns what it printed and the value of its last expression. "
    "Variables, imports and files stay from call to call. There is no network and no process besides it."
)


def needed(error: ModuleNotFoundError, extra: str) -> ImportError:
    """What to raise when a framework is not there."""
    return ImportError(
        f"memex.adapters.{extra} needs {error.name}, which is not installed\nhint: pip install 'memex-runtime[{extra}]'",
        name=error.name,
    )


def described(function: Callable[..., Any], name: str, description: str, parameters: dict[str, Any], is_async: bool = False) -> Tool:
    """A tool with a schema of its framework's."""
    return _Described(function, name, description, parameters, is_async)


def code_description(sandbox: Any, text: str = DESCRIPTION) -> str:
    """What a model is told of the code tool, with the functions that its code can call."""
    stubs = sandbox.stubs() if sandbox.tools else {}
    if not stubs:
        return text
    return f"{text} The code can call these functions, which are defined already:\n\n" + "\n\n".join(stubs.values())


def shown(result: Result, characters: int = SHOWN_CHARACTERS) -> str:
    """What a model is shown of a turn: output, value, and what went wrong."""
    parts = [result.stdout, result.stderr, result.text]
    if result.error is not None:
        parts.append(result.error.traceback or f"{result.error.name}: {result.error.message}")
    if result.limit is not None:
        parts.append(f"the limit {result.limit.name} was reached: {result.limit.bound}")
    if result.rolled_back:
        parts.append("the session is back in its state before this block")
    text = "\n".join(part.rstrip("\n") for part in parts if part)
    if len(text) > characters:
        half = characters // 2
        text = f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
    return text or "(no output)"


def value_of(result: Result) -> Any:
    """The value of a turn for a framework that walks it or writes it, or its preview: where it is no data, or too long for that."""
    try:
        return result.text if result.value_error is not None else checked(result.value)
    except ValueNotData:
        return result.text


def checked(value: Any) -> Any:
    """A value of a guest's for a framework. Raises `ValueNotData` for one that takes far longer to walk or to write than it seems."""
    extent = Extent(value)
    if not extent.is_walkable:
        raise ValueNotData(larger("for whoever walks it"))
    if extent.has_long_numbers:
        raise ValueNotData(f"it has a number of more than {DIGITS_MAX} digits")
    return value


def run_on(session: Any, code: str, loop: Any) -> Result:
    """Runs a block on this thread, with async tools on the loop of another."""
    session._begin(loop, code)
    try:
        found = session._seen(session._native.start(_characters.block(code)))
    finally:
        session._end()
    if isinstance(found, list):
        session.cancel()
        raise SessionError("tools that suspend cannot be used here")
    return found


async def awaited(session: Any, code: str) -> Result:
    """Runs a block of a plain session on a thread. Cancelling the task interrupts the block."""
    loop = asyncio.get_running_loop()
    return await apart(lambda: run_on(session, code, loop), session)


async def apart(work: Callable[[], Any], session: Any) -> Any:
    """Runs what uses a session on a thread; interrupts the session when the task is cancelled."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            session.interrupt()
            await asyncio.wait([task], timeout=0.01)
        if not task.cancelled():
            task.exception()
        raise


def waited(awaitable: Any) -> Any:
    """The result of an async tool, on a loop of its own: the caller's may be what waits for this code."""
    found: list[Any] = []
    context = contextvars.copy_context()

    async def main() -> Any:
        return await awaitable

    def run() -> None:
        try:
            found.extend((context.run(asyncio.run, main()), None))
        except BaseException as error:
            found.extend((None, error))

    thread = threading.Thread(target=run, name="memex-tool", daemon=True)
    thread.start()
    thread.join()
    value, error = found
    if error is not None:
        raise error
    return value


class Sessions:
    """Sessions by a key, such as a conversation; the least recent one is closed when they are too many."""

    def __init__(self, make: Callable[[], Any], count: int = _SESSIONS) -> None:
        self._make, self._count = make, count
        self._kept: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, make: Callable[[], Any] | None = None) -> Any:
        """The session of a key, made on first need."""
        with self._lock:
            session = self._kept.pop(key, None)
            if session is None or session.closed:
                session = (make or self._make)()
            self._kept[key] = session
            while len(self._kept) > self._count:
                self._kept.popitem(last=False)[1].close()
            return session

    def drop(self, key: Any) -> None:
        """Closes the session of a key."""
        with self._lock:
            session = self._kept.pop(key, None)
        if session is not None:
            session.close()

    def close(self) -> None:
        """Closes all."""
        for key in list(self._kept):
            self.drop(key)


class Locks:
    """A lock for each session, on whatever loop uses it."""

    def __init__(self) -> None:
        self._locks: weakref.WeakKeyDictionary[Any, tuple[Any, asyncio.Lock]] = weakref.WeakKeyDictionary()

    def of(self, session: Any) -> asyncio.Lock:
        """The lock of a session."""
        loop = asyncio.get_running_loop()
        found = self._locks.get(session)
        if found is None or found[0] is not loop:
            found = self._locks[session] = (loop, asyncio.Lock())
        return found[1]
