"""A turn as events, in the order in which they happen."""

from __future__ import annotations

from typing import Any, Callable, Iterator, NamedTuple, Protocol

from memex import _events
from memex._events import Put
from memex._steps import Done


class Stdout(NamedTuple):
    """A piece of standard output.

    >>> next(session.stream("print('a')"))
    Stdout(text='a\\n')
    """

    text: str


class Stderr(NamedTuple):
    """A piece of standard error.

    >>> next(session.stream("import sys\\nprint('a', file=sys.stderr)"))
    Stderr(text='a\\n')
    """

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
    # Where events go while the session is followed.
    _put: Put

    def run(self, code: str) -> Any: ...

    def interrupt(self) -> bool: ...


def listening(session: Runs) -> Callable[[Put], None]:
    """Has the session's output passed on as events."""
    pieces = Pieces()

    def follow(put: Put) -> None:
        def listen(name: str, data: bytes) -> None:
            event = pieces.event(name, data)
            if event is not None and put is not None:
                put(event)

        session._put = put
        session._native.listen(None if put is None else listen)

    return follow


def ended(session: Runs, result: Any) -> Done:
    """The last event of a turn, after those of what it displayed."""
    put = session._put
    if put is not None:
        for display in result.displays:
            put(display)
    return Done(result)


def stream(session: Runs, code: str) -> Iterator[Any]:
    """Runs the block on a thread of its own; leaving the iteration interrupts it."""
    from contextvars import copy_context

    return _events.stream(listening(session), lambda: ended(session, session.run(code)), session.interrupt, copy_context())
