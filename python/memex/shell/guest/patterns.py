"""Patterns with `*`, `?` and `[…]`: matching texts, and paths of the session's files."""

from __future__ import annotations

import functools
import os
import re

from .bounds import MATCHES_MAX, Exhausted

_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "punct": re.escape("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"), "xdigit": "0-9A-Fa-f", "blank": r" \t", "word": r"\w",
}  # fmt: skip


def escaped(text: str) -> str:
    """The text as a pattern that matches nothing else."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)


def is_pattern(text: str) -> bool:
    """Whether anything of it is not to be taken as it stands."""
    return re.search(r"(?<!\\)(?:\\\\)*[*?\[]", text) is not None


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def compiled(pattern: str, slash: bool = True, ignore_case: bool = False) -> re.Pattern[str]:
    """A pattern as a regular expression; without `slash`, none of it matches a `/`."""
    return _kept(pattern, slash, ignore_case)


def _compiled(pattern: str, slash: bool, ignore_case: bool) -> re.Pattern[str]:
    every = "." if slash else "[^/]"
    found: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            if found[-1:] != [every + "*"]:
                found.append(every + "*")
        elif char == "?":
            found.append(every)
        elif char == "\\" and at < len(pattern):
            found.append(re.escape(pattern[at]))
            at += 1
        elif char == "[":
            inner, at = _bracket(pattern, at)
            found.append(inner)
        else:
            found.append(re.escape(char))
    return re.compile("".join(found), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


_kept = functools.lru_cache(maxsize=256)(_compiled)


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    end = at
    if pattern[end : end + 1] in ("!", "^"):
        end += 1
    if pattern[end : end + 1] == "]":
        end += 1
    while end < len(pattern) and pattern[end] != "]":
        if pattern.startswith("[:", end):
            close = pattern.find(":]", end)
            if close > 0:
                end = close + 1
        end += 1
    if end >= len(pattern):
        return r"\[", at
    inner = pattern[at:end]
    negated = inner[:1] in ("!", "^") and inner[:1] != ""
    inner = inner[1:] if negated else inner
    for name, members in _CLASSES.items():
        inner = inner.replace(f"[:{name}:]", f"\0{name}\0")
    inner = re.sub(r"([\\\[&~|])", r"\\\1", inner)
    inner = inner[:1].replace("]", r"\]").replace("^", r"\^") + inner[1:].replace("]", r"\]")
    for name, members in _CLASSES.items():
        inner = inner.replace(f"\0{name}\0", members)
    made = f"[{'^' if negated else ''}{inner}]"
    try:
        re.compile(made)
    except re.error:
        return r"\[", at
    return made, end + 1


def paths(pattern: str, folder: str) -> list[str]:
    """The paths that a pattern matches, sorted; relative ones from a folder."""
    found = [""]
    parts = pattern.split("/")
    if pattern.startswith("/"):
        found, parts = ["/"], parts[1:]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if not part:
            found = [one if one.endswith("/") else one + "/" for one in found] if last else found
            continue
        found = _below(found, part, folder, last)
        if len(found) > MATCHES_MAX:
            raise Exhausted(f"{unescaped(pattern)} matches more than {MATCHES_MAX} paths")
        if not last:
            found = [one + "/" for one in found if os.path.isdir(os.path.join(folder, one))]
    return sorted(found)


def _below(begun: list[str], part: str, folder: str, last: bool) -> list[str]:
    if not is_pattern(part):
        name = unescaped(part)
        return [one + name for one in begun if os.path.lexists(os.path.join(folder, one + name))]
    rule = compiled(part)
    found: list[str] = []
    for one in begun:
        try:
            names = os.listdir(os.path.join(folder, one) or ".")
        except OSError:
            continue
        found.extend(one + name for name in names if rule.fullmatch(name) and (part.startswith(".") or not name.startswith(".")))
    return found
