"""One run of a command, and how commands end."""

from __future__ import annotations

from typing import Any

from .streams import Streams, encoded


class Exit(Exception):
    """`exit`."""

    def __init__(self, status: int) -> None:
        self.status = status


class Jump(Exception):
    """`break`, `continue` and `return`."""

    def __init__(self, kind: str, count: int = 1, status: int = 0) -> None:
        self.kind, self.count, self.status = kind, count, status


class UsageFault(Exception):
    """Arguments that a command does not take; the message says which."""


class Command:
    """One run of a command: its arguments, streams, and the shell's state."""

    def __init__(self, machine: Any, name: str, arguments: list[str], streams: Streams) -> None:
        self.machine = machine
        self.state = machine.state
        self.name = name
        self.arguments = arguments
        self.streams = streams

    def out(self, text: str) -> None:
        self.streams.output.write(encoded(text))

    def out_bytes(self, data: bytes) -> None:
        self.streams.output.write(data)

    def complain(self, text: str) -> int:
        """Says what went wrong; returns the status 1."""
        self.streams.errors.write(encoded(f"{self.name}: {text}\n"))
        return 1

    def read(self) -> bytes:
        return self.streams.input.read()

    def content(self, path: str) -> bytes:
        """The bytes of a file that an argument names; `-` is the input."""
        if path in ("-", "/dev/stdin"):
            return self.read()
        if path == "/dev/null":
            return b""
        with open(self.state.path(path), "rb") as file:
            return file.read()

    def run(self, arguments: list[str], streams: Streams | None = None) -> int:
        """Runs another command, as `xargs` and `find -exec` do."""
        return self.machine.command(arguments, streams or self.streams)
