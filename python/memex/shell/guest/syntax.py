"""What a command line is made of, once it is parsed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class SyntaxFault(Exception):
    """A command line that cannot be parsed; the message says where."""


@dataclass
class Text:
    """Characters as they are; quoted ones are neither split nor matched as a pattern."""

    text: str
    quoted: bool = False


@dataclass
class Variable:
    """`$NAME`, or `${NAME OPERATOR WORD}`."""

    name: str
    operator: str = ""
    argument: list[Any] = field(default_factory=list)
    quoted: bool = False


@dataclass
class Substitution:
    """`$(LIST)`."""

    body: Any
    quoted: bool = False


@dataclass
class Arithmetic:
    """`$((EXPRESSION))`."""

    expression: list[Any]
    quoted: bool = False


# A word is a list of the four above.
Word = list


@dataclass
class Redirect:
    """`2> WORD` and its kind; a here-document has its text in place of a name."""

    number: int
    operator: str
    target: Word


@dataclass
class Simple:
    """A command with its arguments, or assignments alone."""

    assignments: list[tuple[str, Word]]
    words: list[Word]
    redirects: list[Redirect]


@dataclass
class Condition:
    """`[[ … ]]`."""

    words: list[Word]
    redirects: list[Redirect]


@dataclass
class Pipeline:
    """Commands whose output is the input of the next."""

    commands: list[Any]
    negated: bool


@dataclass
class Chain:
    """Pipelines joined by `&&` and `||`; the first operator is empty."""

    links: list[tuple[str, Any]]


@dataclass
class Block:
    """Chains one after the other: a list, `{ … }`, or `( … )` with a state of its own."""

    items: list[Any]
    apart: bool = False
    redirects: list[Redirect] = field(default_factory=list)


@dataclass
class If:
    """`if`, its conditions with their bodies, and `else`."""

    branches: list[tuple[Any, Any]]
    otherwise: Any
    redirects: list[Redirect]


@dataclass
class For:
    """`for NAME in WORDS`; without words, over the arguments."""

    name: str
    words: list[Word] | None
    body: Any
    redirects: list[Redirect]


@dataclass
class While:
    """`while`, or `until`."""

    condition: Any
    body: Any
    until: bool
    redirects: list[Redirect]


@dataclass
class Case:
    """`case WORD in`, with the patterns of each arm."""

    word: Word
    arms: list[tuple[list[Word], Any]]
    redirects: list[Redirect]


@dataclass
class Function:
    """`NAME() BODY`."""

    name: str
    body: Any
