"""Following work that goes on elsewhere: what it reports as it comes, then what it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, AsyncIterator, Awaitable, Callable, Iterator, Optional

if TYPE_CHECKING:
    import contextvars

# Where events go; `None` when nobody follows any more.
Put = Optional[Callable[[Any], None]]

# How often work that was left early is stopped again, in seconds: what has not begun yet cannot be.
_AGAIN = 0.01


def stream(
    follow: Callable[[Put], None],
    work: Callable[[], Any],
    stop: Callable[[], Any],
    context: contextvars.Context,
) -> Iterator[Any]:
    """Does the work on a thread of its own, in a context; yields its events, and last what it returns.

    `follow` is given where events go. Leaving the iteration stops the work, and waits for its end.
    """
    import queue
    import threading

    events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def to_its_end() -> None:
        try:
            events.put(("last", work()))
        except BaseException as error:
            events.put(("error", error))

    follow(lambda event: events.put(("event", event)))
    thread = threading.Thread(target=context.run, args=(to_its_end,), name="memex-stream", daemon=True)
    thread.start()
    try:
        while True:
            kind, found = events.get()
            if kind == "error":
                raise found
            yield found
            if kind == "last":
                return
    finally:
        while thread.is_alive():
            stop()
            thread.join(_AGAIN)
        follow(None)


async def astream(follow: Callable[[Put], None], work: Callable[[], Awaitable[Any]]) -> AsyncIterator[Any]:
    """As `stream`, in an event loop: closing the generator cancels the work, and waits for its end."""
    import asyncio

    loop = asyncio.get_running_loop()
    events: asyncio.Queue[Any] = asyncio.Queue()

    def put(event: Any) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    follow(put)
    task = asyncio.ensure_future(work())
    # After the events that are on their way.
    task.add_done_callback(lambda ended: loop.call_soon(events.put_nowait, ended))
    try:
        while True:
            event = await events.get()
            if event is task:
                yield task.result()
                return
            yield event
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        follow(None)
