"""`test`, `[` and `[[`."""

from __future__ import annotations

import os
import re
import stat
from typing import Any

from .invocation import Command, UsageFault
from .patterns import compiled
from .syntax import Text

_NUMBERS = {"-eq": "==", "-ne": "!=", "-lt": "<", "-le": "<=", "-gt": ">", "-ge": ">="}
_DEPTH_MAX = 40


def test(run: Command) -> int:
    """`test EXPRESSION` and `[ EXPRESSION ]`."""
    words = run.arguments
    if run.name == "[":
        if not words or words[-1] != "]":
            raise UsageFault("missing ]")
        words = words[:-1]
    if not words:
        return 1
    reader = _Reader(words, run.state)
    result = reader.either(0)
    if reader.at < len(words):
        raise UsageFault(f"{words[reader.at]}: unexpected")
    return 0 if result else 1


def extended(words: list[Any], expander: Any, state: Any) -> bool:
    """Whether the expression in `[[ … ]]` holds."""
    texts: list[str] = []
    for number, word in enumerate(words):
        if number and texts[-1] in ("=", "==", "!="):
            texts.append(expander.pattern(word))
        elif len(word) == 1 and isinstance(word[0], Text) and not word[0].quoted:
            texts.append(word[0].text)
        else:
            texts.append(expander.text(word))
    reader = _Reader(texts, state, patterns=True)
    result = reader.either(0)
    if reader.at < len(texts):
        raise UsageFault(f"{texts[reader.at]}: unexpected")
    return result


class _Reader:
    def __init__(self, words: list[str], state: Any, patterns: bool = False) -> None:
        self.words, self.state, self.patterns, self.at = words, state, patterns, 0
        self.either_word, self.both_word = ("||", "&&") if patterns else ("-o", "-a")

    def here(self) -> str | None:
        return self.words[self.at] if self.at < len(self.words) else None

    def take(self) -> str:
        if self.at >= len(self.words):
            raise UsageFault("the expression ends too early")
        self.at += 1
        return self.words[self.at - 1]

    def either(self, depth: int) -> bool:
        result = self.both(depth)
        while self.here() == self.either_word:
            self.at += 1
            result = self.both(depth) or result
        return result

    def both(self, depth: int) -> bool:
        result = self.single(depth)
        while self.here() == self.both_word:
            self.at += 1
            result = self.single(depth) and result
        return result

    def single(self, depth: int) -> bool:
        if depth > _DEPTH_MAX:
            raise UsageFault("the expression is nested too deeply")
        word = self.take()
        following = self.here()
        if following is not None and following in _BINARY and self.at + 1 < len(self.words):
            self.at += 1
            return self.compared(word, following, self.take())
        if word == "!" and following is not None:
            return not self.single(depth + 1)
        if word == "(" and following is not None:
            result = self.either(depth + 1)
            if self.take() != ")":
                raise UsageFault("missing )")
            return result
        if len(word) == 2 and word in _UNARY and following is not None:
            return _UNARY[word](self.take(), self.state)
        return word != ""

    def compared(self, left: str, operator: str, right: str) -> bool:
        if operator in ("=", "=="):
            return bool(compiled(right).fullmatch(left)) if self.patterns else left == right
        if operator == "!=":
            return not compiled(right).fullmatch(left) if self.patterns else left != right
        if operator == "=~":
            try:
                return re.search(right, left) is not None
            except re.error as error:
                raise UsageFault(f"{right}: {error}") from None
        if operator == "<":
            return left < right
        if operator == ">":
            return left > right
        if operator in ("-nt", "-ot", "-ef"):
            return self.files(left, operator, right)
        first, second = _whole(left), _whole(right)
        return {"-eq": first == second, "-ne": first != second, "-lt": first < second, "-le": first <= second,
                "-gt": first > second, "-ge": first >= second}[operator]  # fmt: skip

    def files(self, left: str, operator: str, right: str) -> bool:
        first, second = _status(left, self.state), _status(right, self.state)
        if operator == "-ef":
            return first is not None and second is not None and (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
        if operator == "-ot":
            first, second = second, first
        return first is not None and (second is None or first.st_mtime > second.st_mtime)


_BINARY = {"=", "==", "!=", "=~", "<", ">", "-nt", "-ot", "-ef", *_NUMBERS}


def _whole(text: str) -> int:
    try:
        return int(text.strip()[:40])
    except ValueError:
        raise UsageFault(f"{text}: integer expression expected") from None


def _status(path: str, state: Any, follow: bool = True) -> os.stat_result | None:
    if path == "/dev/null":
        return None
    try:
        return os.stat(state.path(path), follow_symlinks=follow) if path else None
    except OSError:
        return None


def _kind(check: Any) -> Any:
    return lambda path, state: (found := _status(path, state)) is not None and check(found.st_mode)


def _access(mode: int) -> Any:
    # The sandbox has no owners: what is there can be used.
    return lambda path, state: path == "/dev/null" or _status(path, state) is not None


_UNARY = {
    "-z": lambda text, state: not text,
    "-n": lambda text, state: bool(text),
    "-e": lambda path, state: path == "/dev/null" or _status(path, state) is not None,
    "-f": _kind(stat.S_ISREG),
    "-d": _kind(stat.S_ISDIR),
    "-s": lambda path, state: (found := _status(path, state)) is not None and found.st_size > 0,
    "-L": lambda path, state: (found := _status(path, state, False)) is not None and stat.S_ISLNK(found.st_mode),
    "-h": lambda path, state: (found := _status(path, state, False)) is not None and stat.S_ISLNK(found.st_mode),
    "-r": _access(4),
    "-w": _access(2),
    "-x": _access(1),
    "-v": lambda name, state: state.parameter(name) is not None,
    "-t": lambda number, state: False,
}
