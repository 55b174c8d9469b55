"""Following runs: as events, and in event loops."""

from __future__ import annotations

import json
import queue
import threading
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Iterator, NamedTuple

from memex._trajectory import Step

if TYPE_CHECKING:
    from memex._caller import Caller


class Piece(NamedTuple):
    """A piece of a reply that is being written: `text`, `reasoning` or `arguments`; after `reset` it begins anew.

    >>> "".join(event.text for event in agent.stream(task, pieces=True) if isinstance(event, memex.Piece))
    """

    kind: str
    text: str


class Finished(NamedTuple):
    """The run is over."""

    result: Any


def stream(run: Caller, event_of: Callable[[str, str], Any]) -> Iterator[Any]:
    """The run's events, while it goes on a thread of its own; leaving the iteration stops it."""
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    run.follow = lambda kind, text: events.put(event_of(kind, text))

    def work() -> None:
        try:
            events.put(Finished(run.go()))
        except BaseException as error:
            events.put(error)

    thread = threading.Thread(target=run.turn.context.copy().run, args=(work,), name="memex-run", daemon=True)
    thread.start()
    try:
        while True:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            yield event
            if isinstance(event, Finished):
                return
    finally:
        if thread.is_alive():
            run.stop.stop()
            thread.join()


async def apart(run: Caller) -> Any:
    """The run on a thread of its own; cancelling the task stops it, and waits for its end."""
    import asyncio

    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if not done.done():
            if error is None:
                done.set_result(value)
            else:
                done.set_exception(error)

    def work() -> None:
        value, failure = None, None
        try:
            value = run.go()
        except BaseException as error:
            failure = error
        try:
            loop.call_soon_threadsafe(settle, value, failure)
        except RuntimeError:
            # The loop is closed, and nobody waits.
            return

    threading.Thread(target=run.turn.context.copy().run, args=(work,), name="memex-run", daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        run.stop.stop()
        while not done.done():
            await asyncio.wait([done])
        # What it came to is nobody's any more.
        done.exception()
        raise


async def astream(run: Caller, event_of: Callable[[str, str], Any]) -> AsyncIterator[Any]:
    """The run's events in an event loop; closing the generator stops it."""
    import asyncio

    loop = asyncio.get_running_loop()
    events: asyncio.Queue[Any] = asyncio.Queue()


    def follow(kind: str, text: str) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event_of(kind, text))

    run.follow = follow
    task = asyncio.ensure_future(apart(run))
    # After the events that are on their way.
    task.add_done_callback(lambda ended: loop.call_soon(events.put_nowait, ended))
    try:
        while True:
            event = await events.get()
            if event is task:
                yield Finished(task.result())
                return
            yield event
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])


def event_of(kind: str, text: str) -> Step | Piece:
    """The event that a run reports."""
    return Step._of(json.loads(text)) if kind == "step" else Piece(kind, text)
