"""What a turn comes to at each step."""

from __future__ import annotations

from typing import Any, NamedTuple

from memex._result import Result


class Call(NamedTuple):
    """A call of a tool that waits for an answer: `session.answer({call.id: value})`.

    >>> call = session.start("approve('delete it')").calls[0]
    >>> call.name, call.args
    ('approve', {'action': 'delete it'})
    """

    id: str
    name: str
    args: dict[str, Any]


class Done(NamedTuple):
    """The turn is over.

    >>> session.start("6 * 7").result.value
    42
    """

    result: Result


class Waiting(NamedTuple):
    """The turn waits for answers to these calls.

    >>> isinstance(session.start("approve('delete it')"), memex.Waiting)
    True
    """

    calls: list[Call]
