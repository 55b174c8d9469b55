"""Where the input of a command comes from, and where its output goes."""

from __future__ import annotations

import io
from typing import Any

from .bounds import is_limit
from .invocation import Command
from .streams import Nothing, Streams, Written, encoded
from .syntax import Redirect


def redirected(machine: Any, redirects: list[Redirect], streams: Streams) -> Any:
    """The streams after some redirects; `None`, with a message, if one is not possible."""
    for redirect in redirects:
        name = ""
        try:
            name = machine.expander(streams).text(redirect.target)
            streams = _one(machine, redirect, name, streams)
        except (LookupError, ValueError) as error:
            machine.fault(streams, str(error))
            return None
        except OSError as error:
            if is_limit(error):
                raise
            machine.fault(streams, f"{name}: {error.strerror or error}")
            return None
    return streams


def _one(machine: Any, redirect: Redirect, name: str, streams: Streams) -> Streams:
    operator, number = redirect.operator, redirect.number
    if operator in ("<<", "<<-"):
        return streams.with_number(number, io.BytesIO(encoded(name)))
    if operator == "<<<":
        return streams.with_number(number, io.BytesIO(encoded(name + "\n")))
    if operator == "<":
        data = b"" if name == "/dev/null" else Command(machine, "bash", [], streams).content(name)
        return streams.with_number(number, io.BytesIO(data))
    if operator in (">&", "<&") and (name == "-" or name.isdigit()):
        if name == "-":
            return streams.with_number(number, io.BytesIO() if operator == "<&" else Nothing())
        if int(name[:6]) not in streams.numbers:
            raise ValueError(f"{name}: Bad file descriptor")
        return streams.with_number(number, streams.numbers[int(name[:6])])
    target = _output(machine, name, operator in (">>", "&>>"), streams)
    if operator in ("&>", "&>>", ">&"):
        return streams.with_number(1, target).with_number(2, target)
    return streams.with_number(number, target)


def _output(machine: Any, name: str, append: bool, streams: Streams) -> Any:
    """Where a name after `>` leads."""
    named = {"/dev/stdout": streams.output, "/dev/stderr": streams.errors, "/dev/null": Nothing()}
    if name in named:
        return named[name]
    if not name:
        raise ValueError("a redirect needs a name")
    return Written(machine.state.path(name), append)
