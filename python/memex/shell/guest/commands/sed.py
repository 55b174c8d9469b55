"""`sed`: addresses with `p d s y q a i c = n` and `{ … }`."""

from __future__ import annotations

import re
from typing import Any

from ..invocation import Command, UsageFault
from ..options import parsed
from ..sedscript import Script, Step
from ..streams import Written, decoded, encoded
from .lines import contents

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
    steps = Script("\n".join(scripts), "E" in options or "r" in options).steps()
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


class _Edit:
    """One pass over some text."""

    def __init__(self, steps: list[Step], quiet: bool) -> None:
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

    def reset(self, steps: list[Step]) -> None:
        for step in steps:
            step.inside = False
            self.reset(step.inner)

    def run(self, steps: list[Step], source: Any) -> str:
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

    def selected(self, step: Step) -> bool:
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
