"""`sort` and `uniq`."""

from __future__ import annotations

import re
from typing import Any

from ..invocation import Command, UsageFault
from ..options import number, parsed
from ..streams import Written, decoded, encoded
from .lines import contents

_NUMBER = re.compile(r"\s*(-?\d*\.?\d*)")
_SIZES = {"K": 1, "M": 2, "G": 3, "T": 4}


def sort(run: Command) -> int:
    options, rest = parsed(run.arguments, "nrufbhVdsg", "kto", {"numeric-sort": "n", "reverse": "r", "unique": "u", "key": "k", "field-separator": "t", "output": "o", "ignore-case": "f"})
    lines: list[str] = []
    for _path, data in contents(run, rest, "cannot read: "):
        if data is None:
            return 2
        lines.extend(decoded(data).splitlines())
    separator = options.get("t", [None])[-1]
    keys = [_key(text) for text in options.get("k", [])]
    letters = "".join(options)

    def order(line: str) -> Any:
        return [_reversed(_value(_field(line, separator, first, last), own or letters), "r" in own) for first, last, own in keys]

    reverse = "r" in options and not any(own for _, _, own in keys)
    if keys:
        lines.sort(key=lambda line: encoded(line), reverse=reverse)
        lines.sort(key=order, reverse=reverse)
    else:
        lines.sort(key=lambda line: (_value(line, letters), encoded(line)), reverse="r" in options)
    if "u" in options:
        seen, kept = set(), []
        for line in lines:
            mark = repr(order(line)) if keys else repr(_value(line, letters))
            if mark not in seen:
                seen.add(mark)
                kept.append(line)
        lines = kept
    text = "".join(line + "\n" for line in lines)
    if "o" in options:
        Written(run.state.path(options["o"][-1]), False).write(encoded(text))
    else:
        run.out(text)
    return 0


def _key(text: str) -> tuple[int, int | None, str]:
    found = re.fullmatch(r"(\d+)(?:\.\d+)?([a-zA-Z]*)(?:,(\d+)(?:\.\d+)?([a-zA-Z]*))?", text)
    if found is None or int(found[1][:9]) < 1:
        raise UsageFault(f"{text}: not a key")
    return int(found[1][:9]), int(found[3][:9]) if found[3] else None, found[2] + (found[4] or "")


def _field(line: str, separator: str | None, first: int, last: int | None) -> str:
    pieces = line.split(separator) if separator else line.split()
    return (separator or " ").join(pieces[first - 1 : last])


class _Down:
    """A value that is sorted the other way."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Down) -> bool:
        return other.value < self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Down) and self.value == other.value

    def __repr__(self) -> str:
        return repr(self.value)


def _reversed(value: Any, down: bool) -> Any:
    return _Down(value) if down else value


def _value(text: str, letters: str) -> Any:
    if "h" in letters:
        found = re.match(r"\s*(-?\d*\.?\d*)([KMGT]?)", text)
        return (_SIZES.get(found[2], 0), _float(found[1])) if found else (0, 0.0)
    if "n" in letters or "g" in letters:
        found = _NUMBER.match(text)
        return _float(found[1]) if found else 0.0
    if "V" in letters:
        return [(0, int(part[:18]), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]
    if "b" in letters:
        text = text.lstrip()
    return encoded(text.upper() if "f" in letters else text)


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def uniq(run: Command) -> int:
    options, rest = parsed(run.arguments, "cdui", "f", {"count": "c", "repeated": "d", "unique": "u", "ignore-case": "i"})
    data = run.content(rest[0]) if rest else run.read()
    skipped = number(options.get("f", ["0"])[-1], "fields")
    groups: list[tuple[str, str, int]] = []
    for line in decoded(data).splitlines():
        mark = " ".join(line.split()[skipped:]) if skipped else line
        mark = mark.lower() if "i" in options else mark
        if groups and groups[-1][0] == mark:
            groups[-1] = (mark, groups[-1][1], groups[-1][2] + 1)
        else:
            groups.append((mark, line, 1))
    for _mark, line, count in groups:
        if ("d" in options and count == 1) or ("u" in options and count > 1):
            continue
        run.out((f"{count:>7} " if "c" in options else "") + line + "\n")
    return 0


COMMANDS = {"sort": sort, "uniq": uniq}
