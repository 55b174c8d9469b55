"""Input and output of commands: bytes in memory, and files."""

from __future__ import annotations

import io
from typing import Any

from .bounds import PIPE_BYTES, Exhausted


class PipeClosed(Exception):
    """Nobody reads on: the command that writes ends."""


class Kept:
    """What a command line prints, up to a bound; the rest is dropped."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.pieces: list[bytes] = []
        self.size = 0
        self.cut = False

    def write(self, data: bytes) -> None:
        room = self.bytes_max - self.size
        if len(data) > room:
            self.cut = True
            data = data[:room]
        if data:
            self.pieces.append(data)
            self.size += len(data)

    def whole(self) -> bytes:
        return b"".join(self.pieces)


class Pipe(Kept):
    """What goes to the next command. One that is full ends its writer, as a reader that has enough would."""

    def __init__(self) -> None:
        super().__init__(PIPE_BYTES)

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.cut:
            raise PipeClosed


class Caught(Kept):
    """What a substitution takes."""

    def __init__(self) -> None:
        super().__init__(PIPE_BYTES)

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.cut:
            raise Exhausted(f"the output of a substitution has more than {PIPE_BYTES} bytes")


class Nothing:
    """`/dev/null`."""

    def write(self, data: bytes) -> None:
        pass


class Written:
    """A file after `>`."""

    def __init__(self, path: str, append: bool) -> None:
        self.file = open(path, "ab" if append else "wb", buffering=0)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self.file.write(view) :]


class Streams:
    """What the numbers 0, 1, 2 and others stand for."""

    def __init__(self, numbers: dict[int, Any]) -> None:
        self.numbers = numbers

    def with_number(self, number: int, stream: Any) -> Streams:
        return Streams({**self.numbers, number: stream})

    @property
    def input(self) -> Any:
        return self.numbers.get(0) or io.BytesIO()

    @property
    def output(self) -> Any:
        return self.numbers.get(1) or Nothing()

    @property
    def errors(self) -> Any:
        return self.numbers.get(2) or Nothing()


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


class TextOutput(io.TextIOBase):
    """`sys.stdout` of Python code that a command runs."""

    encoding = "utf-8"
    errors = "surrogateescape"

    def __init__(self, stream: Any, name: str) -> None:
        self.name = name
        self.buffer = _Bytes(stream)

    def writable(self) -> bool:
        return True

    def reconfigure(self, **_options: Any) -> None:
        """Nothing is buffered, and the encoding is fixed."""

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.buffer.write(text.encode("utf-8", "surrogateescape"))
        return len(text)


class _Bytes(io.RawIOBase):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        data = bytes(data)
        self._stream.write(data)
        return len(data)
