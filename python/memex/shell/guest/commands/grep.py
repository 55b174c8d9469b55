"""`grep`."""

from __future__ import annotations

import os
import re
from typing import Iterator

from .. import patterns, regular
from ..bounds import DEPTH_MAX, is_limit
from ..invocation import Command, UsageFault
from ..options import number, parsed
from ..streams import decoded

_LONG = {
    "recursive": "r", "ignore-case": "i", "invert-match": "v", "line-number": "n", "with-filename": "H", "no-filename": "h",
    "files-with-matches": "l", "files-without-match": "L", "count": "c", "only-matching": "o", "quiet": "q", "silent": "q",
    "no-messages": "s", "word-regexp": "w", "line-regexp": "x", "extended-regexp": "E", "fixed-strings": "F",
    "perl-regexp": "P", "basic-regexp": "G", "regexp": "e", "file": "f", "after-context": "A", "before-context": "B",
    "context": "C", "max-count": "m", "include": "1", "exclude": "2", "exclude-dir": "3", "color": "4", "colour": "4",
    "null": "Z", "text": "a",
}  # fmt: skip


def grep(run: Command) -> int:
    given = [f"-C{one[1:]}" if re.fullmatch(r"-\d+", one) else one for one in run.arguments]
    given = ["--color=x" if one in ("--color", "--colour") else one for one in given]
    options, rest = parsed(given, "rRivnHhlLcoqswxEFPGZaIU", "efABCm1234", _LONG)
    texts = list(options.get("e", []))
    for path in options.get("f", []):
        texts.extend(decoded(run.content(path)).splitlines())
    if not texts and "f" not in options:
        if not rest:
            raise UsageFault("needs a pattern")
        texts = rest.pop(0).split("\n")
    else:
        texts = [one for text in texts for one in text.split("\n")]
    search = _Search(run, options, [_rule(text, options, run.name) for text in texts])
    deep = "r" in options or "R" in options
    many = (deep or len(rest) > 1 or "H" in options) and "h" not in options
    for path in rest or (["."] if deep else ["-"]):
        for one in _files(run, path, options, deep) if path != "-" else ["-"]:
            search.file(one, many)
            if search.matched and "q" in options:
                return 0
    return 0 if search.matched else 2 if search.failed else 1


def _rule(text: str, options: dict, name: str) -> re.Pattern[str]:
    if "F" in options or name == "fgrep":
        text = re.escape(text)
    elif "P" not in options:
        text = regular.translated(text, "E" in options or name == "egrep")
    if "w" in options:
        text = rf"(?<!\w)(?:{text})(?!\w)"
    if "x" in options:
        text = rf"\A(?:{text})\Z"
    return regular.compiled(text, ignore_case="i" in options, python=True)


def _files(run: Command, path: str, options: dict, deep: bool) -> Iterator[str]:
    where = run.state.path(path)
    if not os.path.isdir(where):
        if not deep or _wanted(os.path.basename(where), options):
            yield path
    elif not deep:
        run.complain(f"{path}: Is a directory")
    else:
        yield from _below(run, path, options, 0)


def _below(run: Command, path: str, options: dict, depth: int) -> Iterator[str]:
    if depth > DEPTH_MAX * 2:
        return
    for name in sorted(os.listdir(run.state.path(path))):
        inner = os.path.join(path, name)
        where = run.state.path(inner)
        if os.path.isdir(where):
            excluded = any(patterns.compiled(one).fullmatch(name) for one in options.get("3", []))
            if not excluded and (not os.path.islink(where) or "R" in options):
                yield from _below(run, inner, options, depth + 1)
        elif _wanted(name, options):
            yield inner


def _wanted(name: str, options: dict) -> bool:
    included = options.get("1")
    if included and not any(patterns.compiled(one).fullmatch(name) for one in included):
        return False
    return not any(patterns.compiled(one).fullmatch(name) for one in options.get("2", []))


class _Search:
    def __init__(self, run: Command, options: dict, rules: list[re.Pattern[str]]) -> None:
        self.run, self.options, self.rules = run, options, rules
        self.matched = self.failed = False
        both = options.get("C", ["0"])[-1]
        self.before = number(options.get("B", [both])[-1], "lines")
        self.after = number(options.get("A", [both])[-1], "lines")
        self.most = number(options["m"][-1], "lines") if "m" in options else None
        self.group = False

    def file(self, path: str, named: bool) -> None:
        run, options = self.run, self.options
        try:
            data = run.content(path)
        except OSError as error:
            if is_limit(error):
                raise
            self.failed = True
            if "s" not in options:
                run.complain(f"{path}: {error.strerror}")
            return
        shown = "(standard input)" if path == "-" else path
        binary = b"\0" in data[:8192] and "a" not in options
        if binary and "I" in options:
            return
        count = self._lines(decoded(data).split("\n"), shown, named, binary)
        if count:
            self.matched = True
        if "l" in options and count or "L" in options and not count:
            run.out(shown + ("\0" if "Z" in options else "\n"))
        elif "c" in options:
            run.out((self._mark(shown, ":") if named else "") + f"{count}\n")

    def _mark(self, shown: str, separator: str) -> str:
        return shown + ("\0" if "Z" in self.options else separator)

    def _lines(self, lines: list[str], shown: str, named: bool, binary: bool) -> int:
        options, run = self.options, self.run
        if lines and lines[-1] == "":
            lines.pop()
        silent = any(letter in options for letter in "qlLc")
        count, due, last = 0, 0, -1
        for number_, line in enumerate(lines):
            hit = any(rule.search(line) for rule in self.rules) != ("v" in options)
            if hit:
                count += 1
                if silent:
                    if "c" not in options:
                        return count
                    continue
                if binary:
                    run.out(f"grep: {shown}: binary file matches\n")
                    return count
                if (self.before or self.after) and self.group and max(number_ - self.before, 0) > last + 1:
                    run.out("--\n")
                for place in range(max(number_ - self.before, last + 1), number_):
                    self._out(shown, named, place, lines[place], "-")
                if "o" in options:
                    for rule in self.rules:
                        for found in rule.finditer(line):
                            if found[0]:
                                self._out(shown, named, number_, found[0], ":")
                else:
                    self._out(shown, named, number_, line, ":")
                last, due, self.group = number_, self.after, True
                if self.most is not None and count >= self.most:
                    return count
            elif due and not silent:
                self._out(shown, named, number_, line, "-")
                last, due = number_, due - 1
        return count

    def _out(self, shown: str, named: bool, place: int, text: str, separator: str) -> None:
        head = self._mark(shown, separator) if named else ""
        if "n" in self.options:
            head += f"{place + 1}{separator}"
        self.run.out(f"{head}{text}\n")


COMMANDS = {"grep": grep, "egrep": grep, "fgrep": grep}
