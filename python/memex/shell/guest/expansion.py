"""Words to arguments: variables, substitutions, splitting, braces, patterns."""

from __future__ import annotations

import os
import re
from typing import Any

from . import arithmetic, patterns
from .bounds import FIELDS_MAX, VARIABLE_CHARACTERS, Exhausted
from .syntax import Arithmetic, Substitution, Text, Variable, Word

# Characters with whether they were quoted.
_Run = tuple[str, bool]


class Expander:
    """Expands words in the state of a shell; `run` gives the output of a substitution."""

    def __init__(self, state: Any, run: Any) -> None:
        self.state = state
        self.run = run

    def fields(self, words: list[Word]) -> list[str]:
        """The arguments that some words come to."""
        found: list[str] = []
        for word in words:
            for one in _braces(word):
                if not self.state.arguments and _only_arguments(one):
                    continue
                for field in self._split(self._runs(one)):
                    found.extend(self._paths(field))
                if len(found) > FIELDS_MAX:
                    raise Exhausted(f"a command has more than {FIELDS_MAX} arguments")
        return found

    def text(self, word: Word) -> str:
        """One text, neither split nor matched: what is assigned, or a name after `>`."""
        return "".join(text for text, _ in _joined(self._runs(word)))

    def pattern(self, word: Word) -> str:
        """One pattern, of which quoted parts match themselves only."""
        return "".join(patterns.escaped(text) if quoted else text for text, quoted in _joined(self._runs(word)))

    def _runs(self, word: Word) -> list[_Run | None]:
        """The parts as texts; `None` divides fields, as `"$@"` does."""
        found: list[_Run | None] = []
        for number, part in enumerate(word):
            if isinstance(part, Text):
                text = part.text
                if number == 0 and not part.quoted and text.startswith("~"):
                    text = self._home(text)
                found.append((text, part.quoted))
            elif isinstance(part, Variable):
                found.extend(self._variable(part))
            elif isinstance(part, Substitution):
                found.append(_split_later(self.run(part.body).rstrip("\n"), part.quoted))
            elif isinstance(part, Arithmetic):
                found.append((str(arithmetic.value(self.text(part.expression), self.state)), True))
        return found

    def _home(self, text: str) -> str:
        head, slash, tail = text.partition("/")
        return self.state.get("HOME", "/home/user") + slash + tail if head == "~" else text

    def _variable(self, part: Variable) -> list[_Run | None]:
        state = self.state
        if part.name in ("@", "*") and part.operator == "":
            if not part.quoted:
                return _between([_split_later(text, False) for text in state.arguments])
            if part.name == "*":
                return [(" ".join(state.arguments), True)]
            return _between([(text, True) for text in state.arguments]) or [("", False)]
        value = state.parameter(part.name)
        operator = part.operator
        if operator == "length":
            return [(str(len(value or "")), part.quoted)]
        if operator.lstrip(":") in ("-", "=", "?", "+") and operator not in ("", ":"):
            missing = value is None or (operator.startswith(":") and not value)
            kind = operator[-1]
            if kind == "+":
                return [] if missing else self._quoted(self._runs(part.argument), part.quoted)
            if missing:
                return self._missing(part, kind)
        elif value is None and state.options["u"] and part.name not in "@*":
            raise LookupError(f"{part.name}: unbound variable")
        text = self._changed(value or "", operator, part.argument)
        return [_split_later(text, part.quoted)]

    def _missing(self, part: Variable, kind: str) -> list[_Run | None]:
        if kind == "-":
            return self._quoted(self._runs(part.argument), part.quoted)
        text = self.text(part.argument)
        if kind == "?":
            raise LookupError(f"{part.name}: {text or 'parameter null or not set'}")
        self.state.set(part.name, text)
        return [_split_later(text, part.quoted)]

    @staticmethod
    def _quoted(runs: list[_Run | None], quoted: bool) -> list[_Run | None]:
        return [run if run is None else (run[0], run[1] or quoted) for run in runs]

    def _changed(self, value: str, operator: str, argument: Word) -> str:
        if operator in ("#", "##", "%", "%%"):
            return _trimmed(value, operator, patterns.compiled(self.pattern(argument)))
        if operator in ("/", "//"):
            pattern, replacement = self._halves(argument)
            rule = patterns.compiled(pattern)
            made = rule.sub(lambda _: replacement, value, count=0 if operator == "//" else 1) if pattern else value
            if len(made) > VARIABLE_CHARACTERS:
                raise Exhausted(f"a text has more than {VARIABLE_CHARACTERS} characters")
            return made
        if operator == ":":
            offset, _, length = self.text(argument).partition(":")
            begin = arithmetic.value(offset, self.state)
            begin = max(len(value) + begin, 0) if begin < 0 else begin
            if not length:
                return value[begin:]
            end = arithmetic.value(length, self.state)
            return value[begin : begin + end] if end >= 0 else value[begin:end]
        return value

    def _halves(self, argument: Word) -> tuple[str, str]:
        for number, part in enumerate(argument):
            if isinstance(part, Text) and not part.quoted and part.text == "/" and number > 0:
                return self.pattern(argument[:number]), self.text(argument[number + 1 :])
        return self.pattern(argument), ""

    def _split(self, runs: list[_Run | None]) -> list[list[_Run]]:
        """Fields, by the blanks in what variables and substitutions gave."""
        separators = self.state.get("IFS", " \t\n")
        fields: list[list[_Run]] = []
        current: list[_Run] = []
        open_field = False
        for run in runs:
            if run is None:
                fields.append(current)
                current, open_field = [], False
                continue
            text, quoted = run
            if isinstance(run, _Splittable) and separators:
                pieces = re.split("[" + re.escape(separators) + "]+", text)
                for number, piece in enumerate(pieces):
                    if number and open_field:
                        fields.append(current)
                        current, open_field = [], False
                    if piece:
                        current.append((piece, False))
                        open_field = True
                continue
            if text or quoted:
                current.append((text, quoted))
                open_field = True
        if open_field:
            fields.append(current)
        return fields

    def _paths(self, field: list[_Run]) -> list[str]:
        plain = "".join(text for text, _ in field)
        if self.state.options["f"] or not any(not quoted and re.search(r"[*?\[]", text) for text, quoted in field):
            return [plain]
        pattern = "".join(patterns.escaped(text) if quoted else text for text, quoted in field)
        return patterns.paths(pattern, self.state.folder) or [plain]


def _only_arguments(word: Word) -> bool:
    """Whether this is `"$@"`, which is no field at all without arguments."""
    parts = [part for part in word if not (isinstance(part, Text) and not part.text)]
    return len(parts) == 1 and isinstance(parts[0], Variable) and parts[0].name == "@" and not parts[0].operator


class _Splittable(tuple):
    """A run that is split at blanks."""


def _split_later(text: str, quoted: bool) -> Any:
    return (text, True) if quoted else _Splittable((text, False))


def _joined(runs: list[_Run | None]) -> list[_Run]:
    return [(" ", True) if run is None else run for run in runs]


def _between(runs: list[Any]) -> list[_Run | None]:
    found: list[_Run | None] = []
    for number, run in enumerate(runs):
        if number:
            found.append(None)
        found.append(run)
    return found


def _trimmed(value: str, operator: str, rule: re.Pattern[str]) -> str:
    sizes = range(len(value) + 1)
    if operator in ("##", "%"):
        # The longest head, or the shortest tail.
        sizes = range(len(value), -1, -1)
    for size in sizes:
        if operator in ("#", "##") and rule.fullmatch(value, 0, size):
            return value[size:]
        if operator in ("%", "%%") and rule.fullmatch(value, size):
            return value[:size]
    return value


_SEQUENCE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?\Z|([A-Za-z])\.\.([A-Za-z])\Z")


def _braces(word: Word, depth: int = 0) -> list[Word]:
    """`a{b,c}` as two words."""
    if depth > 8 or not any(isinstance(part, Text) and not part.quoted and "{" in part.text for part in word):
        return [word]
    items: list[Any] = []
    for part in word:
        if isinstance(part, Text) and not part.quoted:
            items.extend(part.text)
        else:
            items.append(part)
    for begin, item in enumerate(items):
        if item != "{":
            continue
        level, commas, end = 1, [begin], begin + 1
        while end < len(items) and level:
            level += {"{": 1, "}": -1}.get(items[end], 0) if isinstance(items[end], str) else 0
            if items[end] == "," and level == 1:
                commas.append(end)
            end += 1
        if level:
            return [word]
        options = _options(items, commas, end - 1)
        if options is None:
            continue
        found: list[Word] = []
        for option in options:
            found.extend(_braces(_word_of(items[:begin] + option + items[end:]), depth + 1))
            if len(found) > FIELDS_MAX:
                raise Exhausted(f"braces give more than {FIELDS_MAX} words")
        return found
    return [word]


def _options(items: list[Any], commas: list[int], end: int) -> list[list[Any]] | None:
    if len(commas) > 1:
        bounds = [*commas, end]
        return [items[bounds[number] + 1 : bounds[number + 1]] for number in range(len(bounds) - 1)]
    inner = items[commas[0] + 1 : end]
    if not all(isinstance(item, str) for item in inner):
        return None
    found = _SEQUENCE.match("".join(inner))
    if found is None:
        return None
    if found[4]:
        first, last, step = ord(found[4]), ord(found[5]), 1
    else:
        first, last, step = int(found[1]), int(found[2]), abs(int(found[3] or 1)) or 1
    if abs(last - first) // step > FIELDS_MAX:
        raise Exhausted(f"braces give more than {FIELDS_MAX} words")
    numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    return [list(chr(number) if found[4] else str(number)) for number in numbers]


def _word_of(items: list[Any]) -> Word:
    word: Word = []
    for item in items:
        if not isinstance(item, str):
            word.append(item)
        elif word and isinstance(word[-1], Text) and not word[-1].quoted:
            word[-1] = Text(word[-1].text + item)
        else:
            word.append(Text(item))
    return word


def absolute(path: str, folder: str) -> str:
    """A path from a folder, without `..` and `.`."""
    return os.path.normpath(os.path.join(folder, path))
