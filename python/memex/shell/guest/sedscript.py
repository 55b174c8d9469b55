"""The commands of `sed`, read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from . import regular
from .invocation import UsageFault

_DEPTH_MAX = 16


@dataclass
class Step:
    first: Any
    last: Any
    negated: bool
    letter: str
    argument: Any = None
    inner: list[Step] = field(default_factory=list)
    inside: bool = False


class Script:
    """Reads the commands."""

    def __init__(self, text: str, extended: bool) -> None:
        self.text, self.at, self.extended = text, 0, extended

    def steps(self, depth: int = 0) -> list[Step]:
        found: list[Step] = []
        if depth > _DEPTH_MAX:
            raise UsageFault("{ … } is nested too deeply")
        while True:
            self.skip("; \t\n")
            if self.at >= len(self.text):
                if depth:
                    raise UsageFault("a { is not closed")
                return found
            if self.text[self.at] == "}":
                if not depth:
                    raise UsageFault("unexpected }")
                self.at += 1
                return found
            found.append(self.step(depth))

    def skip(self, characters: str) -> None:
        while self.at < len(self.text):
            if self.text[self.at] == "#" and "\n" in characters:
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text[self.at] in characters:
                self.at += 1
            else:
                return

    def step(self, depth: int) -> Step:
        first = self.address()
        last = None
        if first is not None and self.text.startswith(",", self.at):
            self.at += 1
            self.skip(" ")
            last = self.address(relative=True)
            if last is None:
                raise UsageFault("unexpected ,")
        self.skip(" \t")
        negated = self.text.startswith("!", self.at)
        if negated:
            self.at += 1
            self.skip(" \t")
        letter = self.text[self.at : self.at + 1]
        self.at += 1
        made = Step(first, last, negated, letter)
        if letter == "{":
            made.inner = self.steps(depth + 1)
        elif letter == "s":
            made.argument = self.substitution()
        elif letter == "y":
            first_, second, _ = self.halves()
            if len(first_) != len(second):
                raise UsageFault("y needs as many characters on both sides")
            made.argument = dict(zip(map(ord, first_), second))
        elif letter in ("a", "i", "c"):
            made.argument = self.added()
        elif letter in ("p", "d", "q", "=", "n", "D", "P", "N", "h", "H", "g", "G", "x") and letter:
            if letter in "DPNhHgGx":
                raise UsageFault(f"{letter}: there is no such command here; use python3")
            if letter == "q":
                made.argument = int(self.taken(r"\s*\d*").strip()[:3] or 0)
        else:
            raise UsageFault(f"unknown command: {letter or 'none'}")
        return made

    def taken(self, pattern: str) -> str:
        """What matches here, which may be nothing; it is taken."""
        found = re.compile(pattern).match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0]

    def address(self, relative: bool = False) -> Any:
        found = re.compile(r"(\d+)~(\d+)|(\d+)|\$" + (r"|\+(\d+)" if relative else "")).match(self.text, self.at)
        if found:
            self.at = found.end()
            if found[1]:
                return ("every", int(found[1][:9]), int(found[2][:9]))
            if found[3]:
                return ("line", int(found[3][:9]))
            if found[0] == "$":
                return ("last",)
            return ("more", int(found[4][:9]))
        delimiter = self.text[self.at : self.at + 1]
        if delimiter == "\\":
            self.at += 1
            delimiter = self.text[self.at : self.at + 1]
        elif delimiter != "/":
            return None
        self.at += 1
        pattern = self.until(delimiter)
        ignore = self.text.startswith("I", self.at)
        self.at += ignore
        return ("match", regular.compiled(pattern, self.extended, ignore))

    def until(self, delimiter: str) -> str:
        found = []
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == "\\" and self.at < len(self.text):
                following = self.text[self.at]
                self.at += 1
                found.append(following if following == delimiter and delimiter not in "|.*+?(){}[]^$" else "\\" + following)
                continue
            if char == delimiter:
                return "".join(found)
            found.append(char)
        raise UsageFault(f"a {delimiter} is not closed")

    def halves(self) -> tuple[str, str, str]:
        delimiter = self.text[self.at : self.at + 1]
        if not delimiter or delimiter in "\\\n":
            raise UsageFault("s needs a delimiter")
        self.at += 1
        return self.until(delimiter), self.until(delimiter), delimiter

    def substitution(self) -> Any:
        pattern, replacement, _ = self.halves()
        flags = self.taken(r"[gpiIm\d]*")
        digits = re.sub(r"\D", "", flags)
        rule = regular.compiled(pattern, self.extended, "i" in flags.lower())
        return rule, _pieces(replacement), "g" in flags, "p" in flags, int(digits[:9] or 1)

    def added(self) -> str:
        self.taken(r"\s*\\?\n?")
        begin = end = self.at
        while end < len(self.text) and self.text[end] != "\n":
            end += 2 if self.text[end] == "\\" else 1
        text, self.at = self.text[begin:end], min(end, len(self.text))
        return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _pieces(replacement: str) -> list[Any]:
    """Texts, and the numbers of groups."""
    found: list[Any] = []
    for piece in re.findall(r"\\.|&|[^\\&]+", replacement, re.DOTALL):
        if piece == "&":
            found.append(0)
        elif piece[0] == "\\" and len(piece) > 1:
            char = piece[1]
            found.append(int(char) if char.isdigit() else {"n": "\n", "t": "\t"}.get(char, char))
        else:
            found.append(piece)
    return found
