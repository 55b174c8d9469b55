"""`python3 -c`, `-m`, a file, or the input: code in this interpreter, in a `__main__` of its own."""

from __future__ import annotations

import builtins
import io
import os
import sys
import traceback
from types import ModuleType
from typing import Any, Callable

from ..bounds import is_limit
from ..invocation import Command, UsageFault
from ..streams import PipeClosed, TextOutput, decoded

_IGNORED = frozenset("uBsSEIqO")


def python(run: Command) -> int:
    given = list(run.arguments)
    while given and given[0].startswith("-") and given[0] not in ("-", "-c", "-m"):
        one = given.pop(0)
        if one in ("--version", "-V"):
            run.out(f"Python {sys.version.split()[0]}\n")
            return 0
        if one in ("-W", "-X"):
            given = given[1:]
        elif one[1:2] not in ("W", "X") and not set(one[1:]) <= _IGNORED:
            letters = one[1:]
            if letters[-1:] in ("c", "m") and set(letters[:-1]) <= _IGNORED:
                given.insert(0, "-" + letters[-1])
                break
            raise UsageFault(f"{one}: there is no such option here")
    if given and given[0] in ("-c", "-m"):
        option = given.pop(0)
        if not given:
            raise UsageFault(f"{option} needs an argument")
        what = given.pop(0)
        if option == "-c":
            return _code(run, what, "<string>", ["-c", *given], "")
        if what == "pip":
            return pip(Command(run.machine, "pip", given, run.streams))
        return _within(run, [what, *given], run.state.folder, lambda _main: _module(what))
    if given and given[0] != "-":
        path = given[0]
        try:
            source = run.content(path)
        except OSError as error:
            if is_limit(error):
                raise
            run.complain(f"can't open file '{run.state.path(path)}': [Errno {error.errno}] {error.strerror}")
            return 2
        return _code(run, source, run.state.path(path), given, os.path.dirname(run.state.path(path)))
    return _code(run, run.read(), "<stdin>", ["-", *given[1:]], "")


def script(run: Command) -> int:
    """A path as a command: what its first line says."""
    path = run.name
    where = run.state.path(path)
    if os.path.isdir(where):
        run.complain("Is a directory")
        return 126
    try:
        source = run.content(path)
    except OSError:
        run.machine.fault(run.streams, f"{path}: No such file or directory", 127)
        return 127
    first = source.split(b"\n", 1)[0]
    if first.startswith(b"#!") and b"python" in first:
        return _code(run, source, where, [path, *run.arguments], os.path.dirname(where))
    if first.startswith(b"#!") and b"sh" not in first:
        run.complain(f"{decoded(first)}: there is no such interpreter here")
        return 126
    from .builtin import bash

    return bash(Command(run.machine, "bash", [path, *run.arguments], run.streams))


def _code(run: Command, source: str | bytes, name: str, arguments: list[str], folder: str) -> int:
    def execute(main: ModuleType) -> None:
        if name != "<string>":
            main.__dict__["__file__"] = name
        text = source if isinstance(source, str) else source.removeprefix(b"\xef\xbb\xbf")
        import linecache

        shown = decoded(text) if isinstance(text, bytes) else text
        # For the lines in tracebacks.
        linecache.cache[name] = (len(shown), None, shown.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), main.__dict__)

    return _within(run, arguments, folder or run.state.folder, execute)


def _module(name: str) -> None:
    import runpy

    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _within(run: Command, arguments: list[str], folder: str, execute: Callable[[ModuleType], None]) -> int:
    """Runs code with the arguments, streams, folder and variables of a process, and restores them."""
    main = ModuleType("__main__")
    main.__dict__.update(__builtins__=__builtins__)
    streams = run.streams
    source = io.TextIOWrapper(io.BufferedReader(_Unclosed(streams.input)), encoding="utf-8", errors="surrogateescape")
    output, errors = TextOutput(streams.output, "<stdout>"), TextOutput(streams.errors, "<stderr>")
    kept = (sys.modules["__main__"], sys.argv, list(sys.path), sys.stdin, sys.stdout, sys.stderr, os.getcwd(), dict(os.environ))
    asked = builtins.input
    try:
        builtins.input = _input
        sys.modules["__main__"], sys.argv, sys.path[:0] = main, arguments, [folder]
        sys.stdin, sys.stdout, sys.stderr = source, output, errors
        os.chdir(run.state.folder)
        _variables(run.state.environment())
        return _status(lambda: execute(main), errors)
    finally:
        builtins.input = asked
        sys.modules["__main__"], sys.argv, path, sys.stdin, sys.stdout, sys.stderr, before, environment = kept
        sys.path[:] = path
        _variables(environment)
        try:
            os.chdir(before)
        except OSError:
            os.chdir("/")


def _input(prompt: object = "", /) -> str:
    """`input()` of a program: a line of its own input."""
    sys.stdout.write(str(prompt))
    line = sys.stdin.readline()
    if not line:
        raise EOFError("EOF when reading a line")
    return line.removesuffix("\n")


class _Unclosed(io.RawIOBase):
    """The input of a command, which the end of one reader does not close."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _variables(wanted: dict[str, str]) -> None:
    for name in [name for name in os.environ if name not in wanted]:
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _status(execute: Callable[[], None], errors: TextOutput) -> int:
    try:
        execute()
        return 0
    except SystemExit as error:
        code = error.code
        if code is None:
            return 0
        if isinstance(code, int):
            return code & 255
        errors.write(f"{code}\n")
        return 1
    except PipeClosed:
        raise
    except Exception as error:
        if is_limit(error):
            raise
        _shown(error, errors)
        return 1


def _shown(error: BaseException, errors: TextOutput) -> None:
    """The traceback without the shell's own frames."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__") == __name__:
        trace = trace.tb_next
    for line in traceback.TracebackException(type(error), error, trace, limit=-50).format():
        errors.write(line)


def pip(run: Command) -> int:
    """`pip install` of what is there succeeds; nothing is fetched."""
    import importlib.metadata as metadata
    import re

    given = run.arguments
    if not given or given[0] in ("--version", "-V"):
        run.out("pip: packages come with the image of the sandbox\n")
        return 0
    there = {re.sub(r"[-_.]+", "-", one.name).lower(): one.version for one in metadata.distributions()}
    if given[0] in ("list", "freeze"):
        for name in sorted(there):
            run.out(f"{name}=={there[name]}\n")
        return 0
    if given[0] == "show":
        names = [one for one in given[1:] if not one.startswith("-")]
        for name in names:
            run.out(f"Name: {name}\nVersion: {there.get(name.lower(), '')}\n")
        return int(not all(name.lower() in there for name in names))
    if given[0] != "install":
        raise UsageFault(f"{given[0]}: there is no such command here")
    missing: list[str] = []
    options = iter(given[1:])
    for one in options:
        if one in ("-r", "--requirement", "-i", "--index-url", "--extra-index-url"):
            value = next(options, "")
            if one.startswith("-r") or one == "--requirement":
                lines = decoded(run.content(value)).splitlines()
                missing.extend(_missing(line, there) for line in lines if line.strip() and not line.lstrip().startswith("#"))
        elif not one.startswith("-"):
            missing.append(_missing(one, there))
            if not missing[-1]:
                run.out(f"Requirement already satisfied: {one}\n")
    absent = [one for one in missing if one]
    if absent:
        run.complain(f"not in this sandbox's image: {', '.join(absent)}; nothing can be fetched from inside (memex.Sandbox(packages=[…]) adds packages)")
        return 1
    return 0


def _missing(requirement: str, there: dict[str, str]) -> str:
    import re

    name = re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]).lower()
    return "" if name in there else requirement


COMMANDS = {"python3": python, "python": python, "./": script, "pip": pip, "pip3": pip}
