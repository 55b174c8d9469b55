"""Commands that pass text on, whole or in parts."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Iterator

from ..bounds import is_limit
from ..invocation import Command, UsageFault
from ..options import number, parsed
from ..streams import Written, decoded, encoded


def contents(run: Command, paths: list[str], verb: str = "") -> Iterator[tuple[str, bytes | None]]:
    """The bytes of each file, or of the input; `None`, with a message, for one that cannot be read."""
    for path in paths or ["-"]:
        try:
            yield path, run.content(path)
        except OSError as error:
            if is_limit(error):
                raise
            run.complain(f"{verb}{path}: {error.strerror}")
            yield path, None


def cat(run: Command) -> int:
    options, rest = parsed(run.arguments, "nbAevtsuET", "", {"number": "n", "show-all": "A"})
    status = line = 0
    for _path, data in contents(run, rest):
        if data is None:
            status = 1
        elif "n" in options or "b" in options:
            for one in data.splitlines(keepends=True):
                if "b" in options and not one.strip():
                    run.out_bytes(one)
                    continue
                line += 1
                run.out_bytes(b"%6d\t%b" % (line, one))
        elif "A" in options or "E" in options:
            run.out_bytes(data.replace(b"\t", b"^I" if "A" in options else b"\t").replace(b"\n", b"$\n"))
        else:
            run.out_bytes(data)
    return status


def tac(run: Command) -> int:
    status = 0
    for _path, data in contents(run, run.arguments):
        if data is None:
            status = 1
        else:
            run.out_bytes(b"".join(reversed(data.splitlines(keepends=True))))
    return status


def _plain_count(arguments: list[str]) -> list[str]:
    """`head -5` as `head -n5`."""
    return [
        f"-n{one[1:]}" if re.fullmatch(r"-\d+", one) and arguments[place - 1 : place] not in (["-n"], ["-c"]) else one
        for place, one in enumerate(arguments)
    ]


def head(run: Command) -> int:
    options, rest = parsed(_plain_count(run.arguments), "qv", "nc", {"lines": "n", "bytes": "c", "quiet": "q"})
    return _parts(run, options, rest, lambda lines, count: lines[:count])


def tail(run: Command) -> int:
    options, rest = parsed(_plain_count(run.arguments), "qvf", "nc", {"lines": "n", "bytes": "c", "quiet": "q"})
    if "f" in options:
        raise UsageFault("-f: nothing else runs here that could write on")
    return _parts(run, options, rest, None)


def _parts(run: Command, options: dict, rest: list[str], first) -> int:
    given = options.get("c", options.get("n", ["10"]))[-1]
    count = number(given.lstrip("+"), "lines")
    status = 0
    for place, (path, data) in enumerate(contents(run, rest)):
        if data is None:
            status = 1
            continue
        if (len(rest) > 1 and "q" not in options) or "v" in options:
            run.out(("\n" if place else "") + f"==> {path} <==\n")
        pieces = data if "c" in options else data.splitlines(keepends=True)
        if first is not None:
            part = first(pieces, count)
        elif given.startswith("+"):
            part = pieces[max(count - 1, 0) :]
        else:
            count = abs(count)
            part = pieces[len(pieces) - min(count, len(pieces)) :]
        run.out_bytes(part if isinstance(part, bytes) else b"".join(part))
    return status


def wc(run: Command) -> int:
    options, rest = parsed(run.arguments, "lwcmL", "", {"lines": "l", "words": "w", "bytes": "c", "chars": "m"})
    shown = [letter for letter in "lwmc" if letter in options] or ["l", "w", "c"]
    rows: list[tuple[list[int], str]] = []
    status = size = 0
    for path, data in contents(run, rest):
        if data is None:
            status = 1
            continue
        counts = {"l": data.count(b"\n"), "w": len(data.split()), "c": len(data), "m": len(decoded(data))}
        size += len(data)
        rows.append(([counts[letter] for letter in shown], path if rest else ""))
    width = 1 if len(shown) == 1 and len(rest) < 2 else len(str(size)) if rest and "-" not in rest else 7
    if len(rest) > 1:
        rows.append(([sum(column) for column in zip(*(counts for counts, _ in rows))] if rows else [0] * len(shown), "total"))
    for counts_, name in rows:
        run.out(" ".join(f"{count:>{width}}" for count in counts_) + (f" {name}" if name else "") + "\n")
    return status


def tee(run: Command) -> int:
    options, rest = parsed(run.arguments, "ai", "", {"append": "a"})
    data = run.read()
    run.out_bytes(data)
    for path in rest:
        if path != "/dev/null":
            Written(run.state.path(path), "a" in options).write(data)
    return 0


def _ranges(text: str) -> list[tuple[int, int | None]]:
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d*)(-?)(\d*)", part)
        if match is None or not (match[1] or match[3]):
            raise UsageFault(f"{text}: not a list of fields")
        first = int(match[1][:9] or 1)
        found.append((first, int(match[3][:9]) if match[3] else None if match[2] else first))
    return found


def cut(run: Command) -> int:
    options, rest = parsed(run.arguments, "s", "dfcb", {"delimiter": "d", "fields": "f", "characters": "c", "output-delimiter": "b"})
    by_field = "f" in options
    ranges = _ranges((options.get("f") or options.get("c") or options.get("b") or [""])[-1])
    delimiter = options.get("d", ["\t"])[-1]
    status = 0
    for _path, data in contents(run, rest):
        if data is None:
            status = 1
            continue
        for line in decoded(data).splitlines():
            pieces = line.split(delimiter) if by_field and delimiter else list(line)
            if by_field and len(pieces) == 1:
                if "s" not in options:
                    run.out(line + "\n")
                continue
            chosen = [piece for place, piece in enumerate(pieces, 1) if any(first <= place and (last is None or place <= last) for first, last in ranges)]
            run.out((delimiter if by_field else "").join(chosen) + "\n")
    return status


_SETS = {
    "[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "[:lower:]": "abcdefghijklmnopqrstuvwxyz", "[:digit:]": "0123456789",
    "[:space:]": " \t\n\r\v\f", "[:blank:]": " \t", "[:punct:]": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
}  # fmt: skip
_SETS["[:alpha:]"] = _SETS["[:upper:]"] + _SETS["[:lower:]"]
_SETS["[:alnum:]"] = _SETS["[:alpha:]"] + _SETS["[:digit:]"]


def _characters(text: str) -> str:
    from .basic import _unescaped

    for name, members in _SETS.items():
        text = text.replace(name, members)
    text = _unescaped(text)
    return re.sub(r"(.)-(.)", lambda found: "".join(map(chr, range(ord(found[1]), ord(found[2]) + 1))), text, flags=re.DOTALL)


def tr(run: Command) -> int:
    options, rest = parsed(run.arguments, "dscC", "", {"delete": "d", "squeeze-repeats": "s", "complement": "c"})
    if not rest:
        raise UsageFault("needs characters")
    text = decoded(run.read())
    first = _characters(rest[0])
    second = _characters(rest[1]) if len(rest) > 1 else ""
    inverted = "c" in options or "C" in options
    members = set(first)
    if "d" in options:
        text = "".join(char for char in text if (char in members) == inverted)
    elif second:
        if inverted:
            text = "".join(char if char in members else second[-1] for char in text)
        else:
            text = text.translate({ord(char): second[min(place, len(second) - 1)] for place, char in reversed(list(enumerate(first)))})
    if "s" in options:
        squeezed = set(second or first)
        text = re.sub(r"(.)\1+", lambda found: found[1] if (found[1] in squeezed) != (inverted and not second) else found[0], text, flags=re.DOTALL)
    run.out(text)
    return 0


def base64_(run: Command) -> int:
    options, rest = parsed(run.arguments, "di", "w", {"decode": "d", "wrap": "w"})
    data = run.content(rest[0]) if rest else run.read()
    if "d" in options:
        try:
            run.out_bytes(base64.b64decode(data))
        except ValueError:
            return run.complain("invalid input")
        return 0
    text = base64.b64encode(data)
    width = number(options.get("w", ["76"])[-1], "columns")
    if width > 0:
        text = b"\n".join(text[at : at + width] for at in range(0, len(text), width)) + b"\n"
    run.out_bytes(text)
    return 0


def digest(run: Command) -> int:
    status = 0
    for path, data in contents(run, [one for one in run.arguments if one == "-" or not one.startswith("-")]):
        if data is None:
            status = 1
            continue
        run.out(f"{hashlib.new(run.name.removesuffix('sum'), data, usedforsecurity=False).hexdigest()}  {path}\n")
    return status


def diff(run: Command) -> int:
    import difflib

    options, rest = parsed(run.arguments, "uqNrbw", "U", {"brief": "q", "unified": "u"})
    if len(rest) != 2:
        raise UsageFault("compares two files")
    first, second = (run.content(path) for path in rest)
    if first == second:
        return 0
    if "q" in options:
        run.out(f"Files {rest[0]} and {rest[1]} differ\n")
        return 1
    context = number(options.get("U", ["3"])[-1], "lines")
    for line in difflib.unified_diff(decoded(first).splitlines(True), decoded(second).splitlines(True), rest[0], rest[1], n=context):
        run.out_bytes(encoded(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"))
    return 1


COMMANDS = {
    "cat": cat, "tac": tac, "head": head, "tail": tail, "wc": wc, "tee": tee, "cut": cut, "tr": tr, "base64": base64_,
    "md5sum": digest, "sha1sum": digest, "sha256sum": digest, "diff": diff,
}  # fmt: skip
