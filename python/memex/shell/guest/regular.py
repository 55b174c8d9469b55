"""Regular expressions of `grep` and `sed` as Python's."""

from __future__ import annotations

import re

from .invocation import UsageFault
from .patterns import _CLASSES

# What is an operator only behind a backslash in basic expressions.
_SWAPPED = frozenset("(){}|+?")


def translated(pattern: str, extended: bool) -> str:
    """A POSIX expression in Python's syntax."""
    found: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "[":
            inner, at = _set(pattern, at)
            found.append(inner)
        elif char == "\\" and at < len(pattern):
            following = pattern[at]
            at += 1
            if following in _SWAPPED:
                found.append("\\" + following if extended else following)
            elif following in "<>":
                found.append(r"\b")
            elif following in "wWsSbBdDnt123456789":
                found.append("\\" + following)
            else:
                found.append(re.escape(following))
        elif char in _SWAPPED and not extended:
            found.append("\\" + char)
        elif char == "*" and (not found or found[-1] in ("(", "|", "^")):
            found.append(r"\*")
        else:
            found.append(char)
    return "".join(found)


def _set(pattern: str, at: int) -> tuple[str, int]:
    end = at
    if pattern[end : end + 1] == "^":
        end += 1
    if pattern[end : end + 1] == "]":
        end += 1
    while end < len(pattern) and pattern[end] != "]":
        if pattern.startswith("[:", end):
            close = pattern.find(":]", end)
            end = close + 1 if close > 0 else end
        end += 1
    if end >= len(pattern):
        raise UsageFault("a [ is not closed")
    inner = pattern[at:end]
    negated = inner.startswith("^")
    inner = inner[1:] if negated else inner
    found = []
    place = 0
    while place < len(inner):
        name = next((name for name in _CLASSES if inner.startswith(f"[:{name}:]", place)), None)
        if name:
            found.append(_CLASSES[name])
            place += len(name) + 4
            continue
        char = inner[place]
        found.append("\\" + char if char in "\\[]^&~|" else char)
        place += 1
    return f"[{'^' if negated else ''}{''.join(found)}]", end + 1


def compiled(pattern: str, extended: bool = False, ignore_case: bool = False, python: bool = False) -> re.Pattern[str]:
    """The expression, compiled. Raises `UsageFault` for one that is none."""
    try:
        return re.compile(pattern if python else translated(pattern, extended), re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageFault(f"{pattern}: {error}") from None
