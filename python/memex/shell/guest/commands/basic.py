"""Commands that print, wait and compute."""

from __future__ import annotations

import os
import re

from ..bounds import FIELDS_MAX, Exhausted
from ..invocation import Command, UsageFault
from ..options import number, parsed
from ..testing import test

_ESCAPE = re.compile(r"\\(0[0-7]{0,3}|[1-7][0-7]{0,2}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "\\": "\\"}
_WIDTH_MAX = 10_000


def _unescaped(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        inner = found[1]
        if inner[0] in "01234567" or inner[0] == "x" and len(inner) > 1:
            number = int(inner[1:], 16) if inner[0] == "x" else int(inner, 8) & 255
            # A byte, which need not be a character.
            return chr(number) if number < 128 else chr(0xDC00 + number)
        if inner[0] == "u" and len(inner) > 1:
            return chr(int(inner[1:], 16))
        return _LETTERS.get(inner, "\\" + inner)

    return _ESCAPE.sub(one, text)


def echo(run: Command) -> int:
    words = run.arguments
    newline, escapes = True, False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        newline = newline and "n" not in words[0]
        escapes = "e" in words[0]
        words = words[1:]
    text = " ".join(words)
    if escapes:
        text, stop, _ = text.partition("\\c")
        newline = newline and not stop
        text = _unescaped(text)
    run.out(text + ("\n" if newline else ""))
    return 0


_FORMAT = re.compile(r"%(%|([-+ 0#]*)(\*|\d*)(?:\.(\*|\d*))?([diouxXeEfFgGcsbq]))")


def printf(run: Command) -> int:
    words = run.arguments
    if words[:1] == ["--"]:
        words = words[1:]
    if not words:
        raise UsageFault("needs a format")
    form, values = words[0], list(words[1:])
    if words[:1] == ["-v"]:
        if len(words) < 3:
            raise UsageFault("-v needs a name and a format")
        run.state.set(words[1], "".join(_printed(run, words[2], list(words[3:]))))
        return 0
    for piece in _printed(run, form, values):
        run.out(piece)
    return 0


def _printed(run: Command, form: str, values: list[str]):
    rounds = 0
    while True:
        before = len(values)

        def one(found: re.Match[str]) -> str:
            if found[1] == "%":
                return "%"
            return _converted(found, values)

        pieces = []
        at = 0
        for found in _FORMAT.finditer(form):
            pieces.append(_unescaped(form[at : found.start()]))
            pieces.append(one(found))
            at = found.end()
        pieces.append(_unescaped(form[at:]))
        yield "".join(pieces)
        rounds += 1
        if not values or len(values) == before:
            return
        if rounds > FIELDS_MAX:
            raise Exhausted("printf repeats its format too often")


def _converted(found: re.Match[str], values: list[str]) -> str:
    def following() -> str:
        return values.pop(0) if values else ""

    flags = found[2]
    width = following() if found[3] == "*" else found[3]
    precision = following() if found[4] == "*" else found[4]
    for size in (width, precision):
        if size and number(size, "columns") > _WIDTH_MAX:
            raise UsageFault(f"{size}: at most {_WIDTH_MAX} columns")
    kind = found[5]
    value = following()
    shape = f"%{flags}{width}" + (f".{precision}" if precision is not None else "")
    if kind in "sbqc":
        text = _unescaped(value) if kind == "b" else value[:1] if kind == "c" else value
        if kind == "q":
            import shlex

            text = shlex.quote(text)
        return (shape + "s") % text
    if kind in "diouxX":
        return (shape + ("d" if kind in "iu" else kind)) % _integer(value)
    try:
        return (shape + kind) % float(value or 0)
    except ValueError:
        raise UsageFault(f"{value}: invalid number") from None


def _integer(text: str) -> int:
    text = text.strip()
    if text[:1] in ("'", '"'):
        return ord(text[1]) if len(text) > 1 else 0
    try:
        return int(text[:40] or "0", 0 if re.match(r"[-+]?0[xX]", text) else 10)
    except ValueError:
        raise UsageFault(f"{text}: invalid number") from None


def pwd(run: Command) -> int:
    run.out(run.state.folder + "\n")
    return 0


def false(run: Command) -> int:
    return 1


def env(run: Command) -> int:
    given = list(run.arguments)
    state = run.state
    assigned: list[tuple[str, str | None]] = []
    clean = False
    while given and (given[0].startswith("-") or "=" in given[0]):
        one = given.pop(0)
        if one in ("-i", "-"):
            clean = True
        elif one == "-u" and given:
            assigned.append((given.pop(0), None))
        elif one.startswith("-"):
            raise UsageFault(f"{one}: there is no such option here")
        else:
            name, _, given_value = one.partition("=")
            assigned.append((name, given_value))
    variables, exported = dict(state.variables), set(state.exported)
    try:
        if clean:
            state.exported.clear()
        for name, value in assigned:
            if value is None:
                state.exported.discard(name)
                continue
            state.set(name, value)
            state.exported.add(name)
        if given:
            return run.run(given)
        for name, value in state.environment().items():
            run.out(f"{name}={value}\n")
        return 0
    finally:
        state.variables, state.exported = variables, exported


def printenv(run: Command) -> int:
    found = run.state.environment()
    if not run.arguments:
        return env(run)
    for name in run.arguments:
        if name not in found:
            return 1
        run.out(found[name] + "\n")
    return 0


def basename(run: Command) -> int:
    options, rest = parsed(run.arguments, "a", "s", {"suffix": "s", "multiple": "a"})
    if not rest:
        raise UsageFault("needs a path")
    suffix = options.get("s", [""])[-1]
    if not options and len(rest) == 2:
        suffix = rest.pop()
    for path in rest:
        name = os.path.basename(path.rstrip("/")) or path[:1]
        run.out((name.removesuffix(suffix) if name != suffix else name) + "\n")
    return 0


def dirname(run: Command) -> int:
    if not run.arguments:
        raise UsageFault("needs a path")
    for path in run.arguments:
        stripped = path.rstrip("/") or path[:1]
        run.out((os.path.dirname(stripped).rstrip("/") or ("/" if stripped.startswith("/") else ".")) + "\n")
    return 0


def realpath(run: Command) -> int:
    options, rest = parsed(run.arguments, "fem", "")
    status = 0
    for path in rest:
        found = os.path.realpath(os.path.join(run.state.folder, path))
        if not os.path.lexists(found) and "m" not in options:
            status = run.complain(f"{path}: No such file or directory")
            continue
        run.out(found + "\n")
    return status


COMMANDS = {
    "echo": echo, "printf": printf, "pwd": pwd, "false": false, "env": env, "printenv": printenv, "basename": basename,
    "dirname": dirname, "realpath": realpath, "readlink": realpath,
    "test": test, "[": test,
}  # fmt: skip
