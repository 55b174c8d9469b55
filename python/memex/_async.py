"""The same for programs with an event loop: turns run on threads, async tools on the loop."""

from __future__ import annotations

import asyncio
import contextvars
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, AsyncIterator, Callable, Mapping

from memex import _characters, _events
from memex._errors import SessionError
from memex._result import Result
from memex._sandbox import BaseSandbox, opened
from memex._session import BaseSession, _ended, _step
from memex._snapshot import Snapshot, snapshot_of
from memex._steps import Call, Done, Waiting
from memex._streams import ended, listening

# Turns at a time of one sandbox, by default: they wait for tools more than they compute.
_THREADS = 32


class AsyncSession(BaseSession):
    """As `Session`, awaited. One turn at a time; sessions run in parallel.

    Cancelling a task that awaits a turn interrupts the turn.

    >>> session = await box.session(inputs={"x": 20})
    >>> (await session.run("x + 22")).value
    42
    """

    async def run(self, code: str) -> Result:
        """Runs a block to its end.

        >>> (await session.run("6 * 7")).value
        42
        """
        found = await self._started(code)
        if isinstance(found, list):
            await self.cancel()
            names = ", ".join(sorted({call.name for call in found}))
            raise SessionError(
                f"the code called {names}, whose calls wait for an answer; use session.start(code) and session.answer(…)"
            )
        return found

    def stream(self, code: str) -> AsyncIterator[Any]:
        """Runs a block and yields what happens as it happens, as `Session.stream` does.

        Closing the generator ends the turn; `contextlib.aclosing` does so where it is left early.

        >>> async for event in session.stream("print('a')"):
        ...     if isinstance(event, memex.Stdout):
        ...         print(event.text, end="")
        a
        """

        async def work() -> Done:
            return ended(self, await self.run(code))

        return _events.astream(listening(self), work)

    async def start(self, code: str) -> Done | Waiting:
        """Runs a block until it is over, or waits for answers to calls of tools that suspend.

        >>> step = await session.start("approve('delete it')")
        >>> step.calls[0].args
        {'action': 'delete it'}
        """
        return _step(await self._started(code))

    async def answer(self, answers: Mapping[str, Any] | None = None) -> Done | Waiting:
        """Answers calls by their ids and goes on with the turn that waits.

        >>> step = await session.start("approve('delete it')")
        >>> (await session.answer({step.calls[0].id: True})).result.value
        True
        """
        packed = self._packed_answers(answers or {})
        self._begin(asyncio.get_running_loop())
        try:
            return _step(self._seen(await self._apart(lambda: self._native.answer(packed))))
        finally:
            self._end()

    async def _started(self, code: str) -> Result | list[Call]:
        self._begin(asyncio.get_running_loop(), code)
        try:
            return self._seen(await self._apart(lambda: self._native.start(_characters.block(code))))
        finally:
            self._end()

    async def cancel(self) -> Result | None:
        """Gives up the turn that waits: its result, or `None` if it was rolled back instead.

        >>> step = await session.start("approve('delete it')")
        >>> (await session.cancel()).error.name
        'KeyboardInterrupt'
        """
        step = await self._apart(self._native.cancel)
        return None if step is None else _ended(self._seen(step))

    async def fork(self, count: int = 1) -> list[AsyncSession]:
        """Sessions in this one's state, which go their own ways.

        >>> left, right = await session.fork(2)
        >>> (await left.run("1 + 1")).value
        2
        """
        if count < 0:
            raise SessionError(f"a session is forked a number of times, not {count}")
        self._settle()
        natives = await self._apart(lambda: self._native.fork(count))
        return [AsyncSession(self._sandbox, native, []) for native in natives]

    async def close(self) -> None:
        """Ends the session.

        >>> await session.close()
        """
        await self._apart(self._close)

    async def __aenter__(self) -> AsyncSession:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def _apart(self, work: Callable[[], Any]) -> Any:
        """Runs work on a thread of the sandbox. When the task is cancelled, the turn is interrupted first."""
        return await self._sandbox._apart(work, self._native.interrupt)


class AsyncSandbox(BaseSandbox):
    """As `Sandbox`, for programs with an event loop.

    >>> async with memex.AsyncSandbox(tools=[fetch]) as box:
    ...     session = await box.session()
    ...     (await session.run("len(fetch('https://example.com'))")).value
    4
    """

    def __init__(self, *, threads: int = _THREADS, **settings: Any) -> None:
        super().__init__(**settings)
        self._settings["threads"] = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="memex-turn")

    async def session(
        self,
        name: str | None = None,
        *,
        inputs: Mapping[str, Any] | None = None,
        store: str | os.PathLike[str] | None = None,
        fresh_generators: bool = False,
        keep: int = 0,
    ) -> AsyncSession:
        """A fresh session; or, with a name, the saved one of that name.

        >>> async with await box.session(inputs={"x": 20}) as session:
        ...     (await session.run("x + 22")).value
        42
        """
        return await self._apart(lambda: opened(self, AsyncSession, name, inputs, store, fresh_generators, keep))

    async def restore(self, state: Snapshot | bytes, *, keep_generators: bool = False) -> AsyncSession:
        """A session in the state of a snapshot, or of the bytes of one.

        >>> restored = await box.restore(session.snapshot())
        """
        snapshot = snapshot_of(state)
        native, lost = await self._apart(lambda: self._open().restore(snapshot._in(self), keep_generators))
        return AsyncSession(self, native, lost)

    async def wake(self, data: bytes) -> AsyncSession:
        """The session of `AsyncSession.hibernate`, which waits for answers to its `open_calls()`.

        >>> step = await session.start("approve('delete it')")
        >>> woken = await box.wake(session.hibernate())
        >>> (await woken.answer({step.calls[0].id: True})).result.value
        True
        """
        return AsyncSession(self, await self._apart(lambda: self._open().wake(bytes(data))), [])

    async def run(self, code: str, *, inputs: Mapping[str, Any] | None = None) -> Result:
        """Runs a block in a fresh session.

        >>> (await box.run("1 + 1")).value
        2
        """
        async with await self.session(inputs=inputs) as session:
            return await session.run(code)

    async def close(self) -> None:
        """Ends the sandbox and its sessions.

        >>> box = memex.AsyncSandbox()
        >>> await box.close()
        """
        await self._apart(self._close)
        self._executor.shutdown(wait=False)

    async def __aenter__(self) -> AsyncSandbox:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def _apart(self, work: Callable[[], Any], interrupt: Callable[[], Any] | None = None) -> Any:
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        future = loop.run_in_executor(self._executor, lambda: context.run(work))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # A turn that has not begun yet cannot be interrupted: again until it is over.
            while not future.done():
                if interrupt is not None:
                    interrupt()
                await asyncio.wait([future], timeout=0.01)
            # What it came to is nobody's any more.
            future.exception()
            raise
