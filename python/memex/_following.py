"""Following runs: as events, and in event loops."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Iterator, NamedTuple

from memex import _events
from memex._trajectory import Step

if TYPE_CHECKING:
    from memex._caller import Caller


class Piece(NamedTuple):
    """A piece of a reply that is being written: `text`, `reasoning` or `arguments`; after `reset` it begins anew.

    >>> "".join(event.text for event in agent.stream("Greet me", pieces=True) if isinstance(event, memex.Piece))
    'Hello.'
    """

    kind: str
    text: str


class Finished(NamedTuple):
    """The run is over.

    >>> [event.result.output for event in agent.stream("Greet me") if isinstance(event, memex.Finished)]
    ['Hello.']
    """

    result: Any


def stream(run: Caller, event_of: Callable[[str, str], Any]) -> Iterator[Any]:
    """The run's events, while it goes on a thread of its own; leaving the iteration stops it."""
    return _events.stream(_followed(run, event_of), lambda: Finished(run.go()), run.stop.stop, run.turn.context.copy())


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


def astream(run: Caller, event_of: Callable[[str, str], Any]) -> AsyncIterator[Any]:
    """The run's events in an event loop; closing the generator stops it."""

    async def work() -> Finished:
        return Finished(await apart(run))

    return _events.astream(_followed(run, event_of), work)


def _followed(run: Caller, event_of: Callable[[str, str], Any]) -> Callable[[_events.Put], None]:
    def follow(put: _events.Put) -> None:
        def told(kind: str, text: str) -> None:
            if put is not None:
                put(event_of(kind, text))

        run.follow = None if put is None else told

    return follow


def event_of(kind: str, text: str) -> Step | Piece:
    """The event that a run reports."""
    return Step._of(json.loads(text)) if kind == "step" else Piece(kind, text)
