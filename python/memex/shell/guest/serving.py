"""What the host asks for: command lines, and operations on files. Answers are plain data."""

from __future__ import annotations

import io
import os
import shutil
import stat
import sys
from typing import Any

from .bounds import Exhausted, is_limit
from .commands import COMMANDS
from .invocation import Exit, Jump
from .machine import Machine
from .state import HOME, State
from .streams import Kept, PipeClosed, Streams, encoded

_ENTRIES_MAX = 20_000


def served(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request."""
    return _OPERATIONS[request["what"]](request)


def _run(request: dict[str, Any]) -> dict[str, Any]:
    out, errors = Kept(request["bytes_max"]), Kept(request["bytes_max"])
    folder = request["folder"]
    if not os.path.isdir(folder):
        return {"status": 1, "stdout": b"", "stderr": encoded(f"bash: {folder}: No such file or directory\n"), "cut": False, "folder": folder}
    state = State(folder, request["environment"])
    streams = Streams({0: io.BytesIO(request["input"]), 1: out, 2: errors})
    try:
        machine = Machine(state, COMMANDS)
        if "arguments" in request:
            status = _one(machine, request["arguments"], streams)
        else:
            status = machine.line(request["line"], streams)
    except Exhausted as error:
        errors.write(encoded(f"bash: {error}\n"))
        status = 2
    except RecursionError:
        errors.write(b"bash: commands are nested too deeply\n")
        status = 2
    except BaseException:
        # A limit, or the end of the caller's patience: what was printed goes with the turn.
        for stream, kept in ((sys.__stdout__, out), (sys.__stderr__, errors)):
            if stream is not None:
                stream.buffer.write(kept.whole())
                stream.flush()
        raise
    return {"status": status & 255, "stdout": out.whole(), "stderr": errors.whole(), "cut": out.cut or errors.cut, "folder": state.folder}


def _one(machine: Machine, arguments: list[str], streams: Streams) -> int:
    try:
        return machine.command(arguments, streams)
    except Exit as ended:
        return ended.status
    except Jump as jump:
        return jump.status
    except PipeClosed:
        return 141


def bang(line: str) -> None:
    """`!LINE` in a block of code."""
    bytes_max = 1 << 20
    environment = {name: value for name, value in os.environ.items()}
    answer = _run({"line": line, "input": b"", "folder": os.getcwd(), "environment": environment, "bytes_max": bytes_max})
    for stream, data in ((sys.stdout, answer["stdout"]), (sys.stderr, answer["stderr"])):
        if data:
            stream.write(data.decode("utf-8", "replace"))


def _path(request: dict[str, Any], key: str = "path") -> str:
    return os.path.normpath(os.path.join(request.get("folder") or HOME, request[key]))


def _read(request: dict[str, Any]) -> dict[str, Any]:
    with open(_path(request), "rb") as file:
        file.seek(request["offset"])
        return {"data": file.read(request["count"])}


def _write(request: dict[str, Any]) -> dict[str, Any]:
    path = _path(request)
    if not os.path.lexists(os.path.dirname(path)):
        os.makedirs(os.path.dirname(path))
    with open(path, "ab" if request.get("append") else "wb") as file:
        file.write(request["data"])
    return {}


def entry(path: str) -> dict[str, Any]:
    """What is said of a file."""
    found = os.lstat(path)
    kind = "folder" if stat.S_ISDIR(found.st_mode) else "link" if stat.S_ISLNK(found.st_mode) else "file"
    made = {"name": os.path.basename(path) or "/", "path": path, "kind": kind, "size": found.st_size, "time": found.st_mtime}
    if kind == "link":
        made["target"] = os.readlink(path)
        made["leads_to_folder"] = os.path.isdir(path)
    return made


def _stat(request: dict[str, Any]) -> dict[str, Any]:
    return {"entry": entry(_path(request))}


def _list(request: dict[str, Any]) -> dict[str, Any]:
    path = _path(request)
    found: list[dict[str, Any]] = []
    _listed(path, max(request.get("depth", 1), 1), found)
    return {"entries": found}


def _listed(folder: str, depth: int, found: list[dict[str, Any]]) -> None:
    for name in sorted(os.listdir(folder)):
        one = entry(os.path.join(folder, name))
        found.append(one)
        if len(found) > _ENTRIES_MAX:
            raise OSError(None, f"more than {_ENTRIES_MAX} entries", folder)
        if depth > 1 and one["kind"] == "folder":
            _listed(one["path"], depth - 1, found)


def _make(request: dict[str, Any]) -> dict[str, Any]:
    path = _path(request)
    there = os.path.isdir(path)
    os.makedirs(path, exist_ok=True)
    return {"made": not there}


def _remove(request: dict[str, Any]) -> dict[str, Any]:
    path = _path(request)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.remove(path)
    return {}


def _move(request: dict[str, Any]) -> dict[str, Any]:
    target = _path(request, "target")
    os.makedirs(os.path.dirname(target) or "/", exist_ok=True)
    shutil.move(_path(request), target, copy_function=shutil.copyfile)
    return {"entry": entry(target)}


def _real(request: dict[str, Any]) -> dict[str, Any]:
    # What `..` leads to depends on the links before it.
    return {"path": os.path.realpath(os.path.join(request.get("folder") or HOME, request["path"]))}


def _guarded(operation: Any) -> Any:
    def run(request: dict[str, Any]) -> dict[str, Any]:
        try:
            return operation(request)
        except OSError as error:
            if is_limit(error):
                raise
            return {"error": [type(error).__name__, f"{error.filename or request.get('path')}: {error.strerror or error}"]}
        except shutil.Error as error:
            return {"error": ["OSError", str(error)]}

    return run


_OPERATIONS = {
    "run": _run, "read": _guarded(_read), "write": _guarded(_write), "stat": _guarded(_stat), "list": _guarded(_list),
    "make": _guarded(_make), "remove": _guarded(_remove), "move": _guarded(_move), "real": _guarded(_real),
}  # fmt: skip
