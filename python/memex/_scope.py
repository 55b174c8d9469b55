"""What a session says of its scope.

The answers are the guest's, in whatever form code in the session brings them; what has
another form than an answer has is an error.
"""

from __future__ import annotations

import json
from typing import Any

from memex._errors import SessionError

_COUNT_MAX = 1000
_AXES_MAX = 64
_LENGTH_MAX = 1 << 63


def names(answer: str | None) -> list[dict[str, Any]]:
    """The variables: `name`, `type`, and `preview`, `shape` or `len` where they are known."""
    return [_variable(one) for one in _listed(answer, "names")]


def matches(answer: str | None) -> list[str]:
    """What may follow at a prompt."""
    found = _listed(answer, "matches")
    if not all(isinstance(one, str) for one in found):
        raise _no_answer()
    return found


def _listed(answer: str | None, name: str) -> list[Any]:
    if not answer:
        return []
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        raise _no_answer() from None
    listed = found.get(name) if isinstance(found, dict) else None
    if not isinstance(listed, list) or len(listed) > _COUNT_MAX:
        raise _no_answer()
    return listed


def _variable(given: Any) -> dict[str, Any]:
    if not (isinstance(given, dict) and isinstance(given.get("name"), str) and isinstance(given.get("type"), str)):
        raise _no_answer()
    made = {"name": given["name"], "type": given["type"]}
    for name, is_one in (("shape", _is_shape), ("len", _is_length), ("preview", lambda one: isinstance(one, str))):
        if name in given:
            if not is_one(given[name]):
                raise _no_answer()
            made[name] = given[name]
    return made


def _is_length(given: Any) -> bool:
    return type(given) is int and 0 <= given < _LENGTH_MAX


def _is_shape(given: Any) -> bool:
    return isinstance(given, list) and len(given) <= _AXES_MAX and all(map(_is_length, given))


def _no_answer() -> SessionError:
    return SessionError("the session gave no answer about its scope: code there changed it")
