"""A turn as events, in the order in which they happen."""

from __future__ import annotations

from typing import Any, Iterator, NamedTuple, Protocol

from memex._result import Result
from memex._steps import Done


class Stdout(NamedTuple):
    """A piece of standard output."""

    text: str


class Stderr(NamedTuple):
    """A piece of standard error."""

    text: str


class Pieces:
    """Makes events of output, whose characters may come in parts."""

    def __init__(self) -> None:
        import codecs

        make = codecs.getincrementaldecoder("utf-8")
        self._decoders = {"stdout": make("replace"), "stderr": make("replace")}

    def event(self, stream: str, data: bytes) -> Stdout | Stderr | None:
        """The event of some bytes; `None` while a character is not whole."""
        text = self._decoders[stream].decode(data)
        if not text:
            return None
        return Stdout(text) if stream == "stdout" else Stderr(text)


class Runs(Protocol):
    """A session, as far as its output goes."""

    _native: Any

    def run(self, code: str) -> Result: ...

    def interrupt(self) -> bool: ...


def stream(session: Runs, code: str) -> Iterator[Any]:
    """Runs the block on a thread of its own; leaving the iteration interrupts it."""
    import queue
    import threading

    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    pieces = Pieces()

    def listen(name: str, data: bytes) -> None:
        event = pieces.event(name, data)
        if event is not None:
            events.put(event)

    def work() -> None:
        try:
            events.put(Done(session.run(code)))
        except BaseException as error:
            events.put(error)

    session._native.listen(listen)
    thread = threading.Thread(target=work, name="memex-stream", daemon=True)
    thread.start()
    try:
        while True:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            yield event
            if isinstance(event, Done):
                return
    finally:
        if thread.is_alive():
            session.interrupt()
            thread.join()
        session._native.listen(None)
