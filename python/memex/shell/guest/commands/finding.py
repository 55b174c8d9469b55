"""`find`."""

from __future__ import annotations

import os
import re
import stat
import time
from typing import Any, Callable

from ..bounds import is_limit
from .. import patterns
from ..invocation import Command, UsageFault
from ..options import number

_DEPTH_MAX = 64
_Check = Callable[["_Entry"], bool]


class _Entry:
    def __init__(self, path: str, where: str, depth: int) -> None:
        self.path, self.where, self.depth = path, where, depth
        self.status = os.lstat(where)
        self.pruned = False

    @property
    def folder(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)


def find(run: Command) -> int:
    given = list(run.arguments)
    roots = []
    while given and not (given[0].startswith("-") or given[0] in ("(", "!")):
        roots.append(given.pop(0))
    reader = _Reader(run, given)
    check = reader.either(0) if given else None
    if reader.at < len(given):
        raise UsageFault(f"{given[reader.at]}: unexpected")
    search = _Search(run, reader, check)
    for root in roots or ["."]:
        try:
            search.visit(_Entry(root, run.state.path(root), 0))
        except OSError as error:
            if is_limit(error):
                raise
            search.status = run.complain(f"'{root}': {error.strerror}")
    for words, found in reader.together:
        if found:
            search.status = run.run([*words, *found]) and 1 or search.status
    return search.status


class _Search:
    def __init__(self, run: Command, reader: _Reader, check: _Check | None) -> None:
        self.run, self.reader, self.check = run, reader, check
        self.status = 0

    def visit(self, entry: _Entry) -> None:
        reader = self.reader
        if reader.deep_first:
            self.below(entry)
        if entry.depth >= reader.shallowest and (self.check is None or self.check(entry)) and not reader.acts:
            self.run.out(entry.path + "\n")
        if not reader.deep_first:
            self.below(entry)

    def below(self, entry: _Entry) -> None:
        if not entry.folder or entry.pruned or entry.depth >= min(self.reader.deepest, _DEPTH_MAX):
            return
        try:
            names = sorted(os.listdir(entry.where))
        except OSError as error:
            self.status = self.run.complain(f"'{entry.path}': {error.strerror}")
            return
        for name in names:
            try:
                inner = _Entry(entry.path.rstrip("/") + "/" + name if entry.path != "/" else "/" + name, os.path.join(entry.where, name), entry.depth + 1)
            except OSError:
                continue
            self.visit(inner)


class _Reader:
    """The expression: what is tested and done, and how deep."""

    def __init__(self, run: Command, words: list[str]) -> None:
        self.run, self.words, self.at = run, words, 0
        self.shallowest, self.deepest = 0, _DEPTH_MAX
        self.acts = self.deep_first = False
        self.together: list[tuple[list[str], list[str]]] = []

    def here(self) -> str | None:
        return self.words[self.at] if self.at < len(self.words) else None

    def take(self, of: str) -> str:
        if self.at >= len(self.words):
            raise UsageFault(f"{of} needs an argument")
        self.at += 1
        return self.words[self.at - 1]

    def either(self, depth: int) -> _Check:
        found = [self.both(depth)]
        while self.here() in ("-o", "-or"):
            self.at += 1
            found.append(self.both(depth))
        return found[0] if len(found) == 1 else lambda entry: any(check(entry) for check in found)

    def both(self, depth: int) -> _Check:
        found = [self.single(depth)]
        while self.here() not in (None, "-o", "-or", ")"):
            if self.here() in ("-a", "-and"):
                self.at += 1
            found.append(self.single(depth))
        return found[0] if len(found) == 1 else lambda entry: all(check(entry) for check in found)

    def single(self, depth: int) -> _Check:
        if depth > 32:
            raise UsageFault("the expression is nested too deeply")
        word = self.take("find")
        if word in ("!", "-not"):
            inner = self.single(depth + 1)
            return lambda entry: not inner(entry)
        if word == "(":
            inner = self.either(depth + 1)
            if self.take("(") != ")":
                raise UsageFault("missing )")
            return inner
        made = _TESTS.get(word)
        if made is None:
            raise UsageFault(f"{word}: there is no such test here")
        return made(self, word)


def _name(reader: _Reader, word: str) -> _Check:
    rule = patterns.compiled(reader.take(word), ignore_case=word.startswith("-i"))
    whole = word.endswith(("path", "wholename"))
    return lambda entry: rule.fullmatch(entry.path if whole else os.path.basename(entry.path.rstrip("/")) or "/") is not None


def _regex(reader: _Reader, word: str) -> _Check:
    from ..regular import compiled

    rule = compiled(reader.take(word), ignore_case=word.startswith("-i"))
    return lambda entry: rule.fullmatch(entry.path) is not None


def _type(reader: _Reader, word: str) -> _Check:
    kinds = {"f": stat.S_ISREG, "d": stat.S_ISDIR, "l": stat.S_ISLNK}
    wanted = reader.take(word).split(",")
    if not set(wanted) <= set(kinds):
        raise UsageFault(f"-type {','.join(wanted)}: types are f, d and l")
    return lambda entry: any(kinds[one](entry.status.st_mode) for one in wanted)


def _compared(text: str, unit: float) -> Callable[[float], bool]:
    sign = text[:1] if text[:1] in "+-" and text else ""
    bound = number(text[len(sign) :], "units")
    if sign == "+":
        return lambda value: value // unit > bound
    if sign == "-":
        return lambda value: value // unit < bound
    return lambda value: value // unit == bound


def _size(reader: _Reader, word: str) -> _Check:
    text = reader.take(word)
    units = {"c": 1, "k": 1024, "M": 1 << 20, "G": 1 << 30, "b": 512}
    unit = units.get(text[-1:])
    rule = _compared(text[:-1] if unit else text, unit or 512)
    # Sizes are rounded up to whole units.
    return lambda entry: rule(entry.status.st_size + (unit or 512) - 1)


def _age(reader: _Reader, word: str) -> _Check:
    rule = _compared(reader.take(word), 86400 if word == "-mtime" else 60)
    return lambda entry: rule(time.time() - entry.status.st_mtime)


def _newer(reader: _Reader, word: str) -> _Check:
    bound = os.stat(reader.run.state.path(reader.take(word))).st_mtime
    return lambda entry: entry.status.st_mtime > bound


def _empty(reader: _Reader, word: str) -> _Check:
    return lambda entry: not os.listdir(entry.where) if entry.folder else entry.status.st_size == 0


def _depths(reader: _Reader, word: str) -> _Check:
    bound = number(reader.take(word), "levels")
    if word == "-maxdepth":
        reader.deepest = bound
    else:
        reader.shallowest = bound
    return lambda entry: True


def _first(reader: _Reader, word: str) -> _Check:
    reader.deep_first = True
    return lambda entry: True


def _print(reader: _Reader, word: str) -> _Check:
    reader.acts = True
    end = "\0" if word == "-print0" else "\n"

    def act(entry: _Entry) -> bool:
        reader.run.out(entry.path + end)
        return True

    return act


def _printf(reader: _Reader, word: str) -> _Check:
    from .basic import _unescaped

    reader.acts = True
    form = _unescaped(reader.take(word))

    def act(entry: _Entry) -> bool:
        kind = "d" if entry.folder else "l" if stat.S_ISLNK(entry.status.st_mode) else "f"
        values = {"p": entry.path, "f": os.path.basename(entry.path), "s": str(entry.status.st_size), "y": kind,
                  "h": os.path.dirname(entry.path) or ".", "d": str(entry.depth), "%": "%", "P": entry.path.partition("/")[2],
                  "T@": str(entry.status.st_mtime)}  # fmt: skip
        reader.run.out(re.sub(r"%(T@|.)", lambda found: values.get(found[1], found[0]), form))
        return True

    return act


def _prune(reader: _Reader, word: str) -> _Check:
    def act(entry: _Entry) -> bool:
        entry.pruned = True
        return True

    return act


def _delete(reader: _Reader, word: str) -> _Check:
    reader.acts = reader.deep_first = True

    def act(entry: _Entry) -> bool:
        try:
            os.rmdir(entry.where) if entry.folder else os.remove(entry.where)
        except OSError as error:
            reader.run.complain(f"cannot delete '{entry.path}': {error.strerror}")
            return False
        return True

    return act


def _exec(reader: _Reader, word: str) -> _Check:
    reader.acts = True
    words: list[str] = []
    while (one := reader.take(word)) not in (";", "+"):
        words.append(one)
    if not words:
        raise UsageFault("-exec needs a command")
    if one == "+":
        found: list[str] = []
        reader.together.append(([w for w in words if w != "{}"], found))

        def collect(entry: _Entry) -> bool:
            found.append(entry.path)
            return True

        return collect
    return lambda entry: reader.run.run([w.replace("{}", entry.path) for w in words]) == 0


def _constant(reader: _Reader, word: str) -> _Check:
    return lambda entry: word == "-true"


_TESTS: dict[str, Any] = {
    "-name": _name, "-iname": _name, "-path": _name, "-ipath": _name, "-wholename": _name, "-regex": _regex, "-iregex": _regex,
    "-type": _type, "-size": _size, "-mtime": _age, "-mmin": _age, "-newer": _newer, "-empty": _empty, "-maxdepth": _depths,
    "-mindepth": _depths, "-depth": _first, "-print": _print, "-print0": _print, "-printf": _printf, "-prune": _prune,
    "-delete": _delete, "-exec": _exec, "-true": _constant, "-false": _constant,
}  # fmt: skip

COMMANDS = {"find": find}
