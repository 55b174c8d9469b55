"""What a turn comes to at each step."""

from __future__ import annotations

from typing import Any, NamedTuple

from memex._result import Result


class Call(NamedTuple):
    """A call of a tool that waits for an answer: `session.answer({call.id: value})`."""

    id: str
    name: str
    args: dict[str, Any]


class Done(NamedTuple):
    """The turn is over."""

    result: Result


class Waiting(NamedTuple):
    """The turn waits for answers to these calls."""

    calls: list[Call]
