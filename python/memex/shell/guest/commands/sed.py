"""`sed`: addresses with `p d s y q a i c = n` and `{ … }`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .. import regular
from ..machine import Command, UsageFault
from ..options import parsed
from ..streams import Written, decoded, encoded
from .lines import contents

_DEPTH_MAX = 16


@dataclass
class _Step:
    first: Any
    last: Any
    negated: bool
    letter: str
    argument: Any = None
    inner: list[_Step] = field(default_factory=list)
    inside: bool = False


def sed(run: Command) -> int:
    given = ["-i" if one == "--in-place" else one for one in run.arguments]
    suffix = next((one[2:] for one in given if re.fullmatch(r"-i\..+", one)), "")
    given = ["-i" if re.fullmatch(r"-i\..+", one) else one for one in given]
    options, rest = parsed(given, "nErsiuz", "ef", {"quiet": "n", "silent": "n", "regexp-extended": "E", "expression": "e", "file": "f"})
    scripts = list(options.get("e", []))
    for path in options.get("f", []):
        scripts.append(decoded(run.content(path)))
    if not scripts:
        if not rest:
            raise UsageFault("needs a script")
        scripts = [rest.pop(0)]
    steps = _Script("\n".join(scripts), "E" in options or "r" in options).steps()
    quiet = "n" in options
    status = 0
    if "i" in options:
        for path, data in contents(run, rest, "can't read "):
            if data is None:
                status = 2
                continue
            text, _ = _Edit(steps, quiet).whole(decoded(data))
            where = run.state.path(path)
            if suffix:
                Written(where + suffix, False).write(data)
            Written(where, False).write(encoded(text))
        return status
    whole = []
    for _path, data in contents(run, rest, "can't read "):
        if data is None:
            status = 2
        else:
            whole.append(decoded(data))
    text, left = _Edit(steps, quiet).whole("".join(whole))
    run.out(text)
    return left or status


class _Script:
    """Reads the commands."""

    def __init__(self, text: str, extended: bool) -> None:
        self.text, self.at, self.extended = text, 0, extended

    def steps(self, depth: int = 0) -> list[_Step]:
        found: list[_Step] = []
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

    def step(self, depth: int) -> _Step:
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
        made = _Step(first, last, negated, letter)
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


class _Edit:
    """One pass over some text."""

    def __init__(self, steps: list[_Step], quiet: bool) -> None:
        self.steps, self.quiet = steps, quiet
        self.printed: list[str] = []
        self.appended: list[str] = []
        self.line, self.number, self.count = "", 0, 0
        self.status = 0

    def whole(self, text: str) -> tuple[str, int]:
        lines = text.split("\n")
        ended = lines[-1] == ""
        if ended:
            lines.pop()
        self.count = len(lines)
        self.reset(self.steps)
        source = iter(lines)
        for line in source:
            self.line, self.number = line, self.number + 1
            verdict = self.run(self.steps, source)
            if verdict != "deleted" and not self.quiet:
                self.printed.append(self.line)
            self.printed.extend(self.appended)
            self.appended.clear()
            if verdict == "quit":
                break
        made = "\n".join(self.printed)
        return made + ("\n" if self.printed and (ended or self.number < self.count) else ""), self.status

    def reset(self, steps: list[_Step]) -> None:
        for step in steps:
            step.inside = False
            self.reset(step.inner)

    def run(self, steps: list[_Step], source: Any) -> str:
        for step in steps:
            if self.selected(step) == step.negated:
                continue
            letter = step.letter
            if letter == "{":
                verdict = self.run(step.inner, source)
                if verdict:
                    return verdict
            elif letter == "p":
                self.printed.append(self.line)
            elif letter == "=":
                self.printed.append(str(self.number))
            elif letter == "d":
                return "deleted"
            elif letter == "q":
                self.status = step.argument
                return "quit"
            elif letter == "s":
                self.substitute(*step.argument)
            elif letter == "y":
                self.line = self.line.translate(step.argument)
            elif letter == "a":
                self.appended.append(step.argument)
            elif letter == "i":
                self.printed.append(step.argument)
            elif letter == "c":
                if step.last is None or not step.inside:
                    self.printed.append(step.argument)
                return "deleted"
            elif letter == "n":
                if self.number >= self.count:
                    return "" if self.quiet else "quit"
                if not self.quiet:
                    self.printed.append(self.line)
                self.line, self.number = next(source), self.number + 1
        return ""

    def selected(self, step: _Step) -> bool:
        if step.first is None:
            return True
        if step.last is None:
            return self.at(step.first)
        if step.inside is False:
            if not self.at(step.first):
                return False
            step.inside = True
            if step.last[0] == "more":
                step.inside = self.number + step.last[1]  # type: ignore[assignment]
                if step.last[1] == 0:
                    step.inside = False
            elif step.last[0] == "line" and step.last[1] <= self.number:
                step.inside = False
            return True
        ended = self.number >= step.inside if step.last[0] == "more" else self.at(step.last)
        if step.last[0] == "line":
            ended = self.number >= step.last[1]
        if ended:
            step.inside = False
        return True

    def at(self, address: Any) -> bool:
        kind = address[0]
        if kind == "line":
            return self.number == address[1]
        if kind == "last":
            return self.number == self.count
        if kind == "every":
            return self.number >= address[1] and (self.number - address[1]) % max(address[2], 1) == 0
        return kind == "match" and address[1].search(self.line) is not None

    def substitute(self, rule: Any, pieces: list[Any], every: bool, shown: bool, first: int) -> None:
        place = 0
        made = False

        def one(found: re.Match[str]) -> str:
            nonlocal place, made
            place += 1
            if place < first or (place > first and not every):
                return found[0]
            made = True
            return "".join(piece if isinstance(piece, str) else (found[piece] or "") if piece <= (found.re.groups) else "" for piece in pieces)

        self.line = rule.sub(one, self.line)
        if made and shown:
            self.printed.append(self.line)


COMMANDS = {"sed": sed}
