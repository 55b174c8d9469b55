"""Options of commands: `-abc`, `-n 5`, `-n5`, `--name=value`, `--`."""

from __future__ import annotations

from .invocation import UsageFault


def parsed(arguments: list[str], flags: str = "", valued: str = "", long: dict[str, str] | None = None) -> tuple[dict[str, list[str]], list[str]]:
    """The options with their values, and the other arguments.

    `flags` are letters without a value, `valued` letters with one; `long` gives the letter
    of each long name. An option that is given twice has two values.
    """
    found: dict[str, list[str]] = {}
    rest: list[str] = []
    given = iter(arguments)
    for one in given:
        if one == "--":
            rest.extend(given)
        elif one.startswith("--"):
            name, equals, value = one[2:].partition("=")
            letter = (long or {}).get(name)
            if letter is None:
                raise UsageFault(f"{one}: there is no such option here")
            if letter in valued and not equals:
                value = _following(given, one)
            found.setdefault(letter, []).append(value)
        elif one.startswith("-") and len(one) > 1:
            _letters(one, given, flags, valued, found)
        else:
            rest.append(one)
    return found, rest


def _letters(one: str, given, flags: str, valued: str, found: dict[str, list[str]]) -> None:
    for at, letter in enumerate(one[1:], 1):
        if letter in valued:
            found.setdefault(letter, []).append(one[at + 1 :] or _following(given, f"-{letter}"))
            return
        if letter not in flags:
            raise UsageFault(f"-{letter}: there is no such option here")
        found.setdefault(letter, []).append("")


def _following(given, option: str) -> str:
    value = next(given, None)
    if value is None:
        raise UsageFault(f"{option} needs a value")
    return value


def number(text: str, what: str) -> int:
    """A whole number that an option has."""
    try:
        return int(text[:20])
    except ValueError:
        raise UsageFault(f"{text}: not a number of {what}") from None
