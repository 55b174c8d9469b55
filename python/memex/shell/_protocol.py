"""What the two halves of the shell say to each other, and what the host makes of it.

An answer comes from the sandbox and is as trustworthy as the code that ran there, so
its shape is checked here.
"""

from __future__ import annotations

import builtins
from importlib import resources
from typing import Any, Generator, Mapping

from memex._errors import SessionError
from memex._result import Result
from memex._terminal import plain
from memex.shell.guest import MODULES

HOME = "/home/user"
#: What is kept of each output by default.
OUTPUT_BYTES = 1 << 20
#: What one call moves of a file.
PIECE_BYTES = 4 << 20
#: What is read of a file by default: a session could go on answering for ever.
READ_BYTES = 256 << 20
#: The status of a command that ran out of time, as `timeout` has it.
TIMED_OUT = 124
_KILLED = 137

_REQUEST = "__memex_shell__"
_MISSING = "the shell is not loaded"
_ASK = f"""
globals().pop("{_REQUEST}") and None if "memex_shell.serving" not in __import__("sys").modules else (
    __import__("sys").modules["memex_shell.serving"].served(globals().pop("{_REQUEST}")))
"""
_LOAD = f"exec({_REQUEST}['loader'], globals().pop('{_REQUEST}'))"
_LOADER = '''
import sys
from types import ModuleType
def module(name):
    full = ("memex_shell." + name).rstrip(".")
    if full not in sys.modules or name == fresh:
        made = sys.modules[full] = ModuleType(full)
        made.__package__ = full if name in ("", "commands") else full.rpartition(".")[0]
        if made.__package__ == full:
            made.__path__ = []
        if name:
            setattr(module(name.rpartition(".")[0]), name.rpartition(".")[2], made)
    return sys.modules[full]
fresh = name if name != "commands" else None
exec(compile(source, "<memex shell " + name + ">", "exec"), module(name).__dict__)
'''

Exchange = Generator[str, Result, Result]


def sources() -> list[tuple[str, str]]:
    """The modules of the guest's half, in the order in which they load."""
    found = []
    folder = resources.files("memex.shell.guest")
    for name in MODULES:
        file = folder / (name.replace(".", "/") + ("/__init__.py" if name == "commands" else ".py"))
        found.append((name, file.read_text(encoding="utf-8")))
    return found


def exchange(session: Any, request: dict[str, Any] | None) -> Exchange:
    """The blocks to run for one request: each yields its code and takes its result. Without a request: to be loaded."""
    if request is not None:
        session.set(_REQUEST, request)
        result = yield _ASK
        if not (result.ok and result.value is None and result.value_error is None):
            return result
    # One turn for each module, so that a small limit of time is enough.
    for name, source in sources():
        session.set(_REQUEST, {"loader": _LOADER, "name": name, "source": source})
        result = yield _LOAD
        if not result.ok:
            return result
    if request is None:
        return result
    session.set(_REQUEST, request)
    return (yield _ASK)


class Ran:
    """What a command came to: `exit_code`, `stdout`, `stderr`.

    124 is the status of one that ran out of time, 127 of one that is not there.
    """

    __slots__ = ("exit_code", "stdout_bytes", "stderr_bytes", "truncated", "timed_out")

    def __init__(self, exit_code: int, stdout: bytes, stderr: bytes, truncated: bool = False, timed_out: bool = False) -> None:
        self.exit_code = exit_code
        self.stdout_bytes = stdout
        self.stderr_bytes = stderr
        #: Whether some output was dropped.
        self.truncated = truncated
        self.timed_out = timed_out

    @property
    def ok(self) -> bool:
        """Whether the status is 0."""
        return self.exit_code == 0

    @property
    def stdout(self) -> str:
        """What it printed."""
        return self.stdout_bytes.decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """What it printed on its second output."""
        return self.stderr_bytes.decode("utf-8", "replace")

    @property
    def output(self) -> str:
        """Both, one after the other."""
        return self.stdout + self.stderr

    def __repr__(self) -> str:
        return f"Ran(exit_code={self.exit_code}, stdout={self.stdout[:80]!r}, stderr={self.stderr[:80]!r})"


def run_request(
    command: str | list[str], stdin: str | bytes, cwd: str, environment: Mapping[str, str], bytes_max: int
) -> dict[str, Any]:
    """The request to run a command line, or a command with its arguments."""
    made: dict[str, Any] = {
        "what": "run",
        "input": stdin.encode("utf-8", "surrogateescape") if isinstance(stdin, str) else bytes(stdin),
        "folder": cwd,
        "environment": {str(name): str(value) for name, value in environment.items()},
        "bytes_max": bytes_max,
    }
    if isinstance(command, str):
        made["line"] = command
    elif command and all(isinstance(one, str) for one in command):
        made["arguments"] = list(command)
    else:
        raise TypeError("a command is a text, or a list of texts")
    return made


def ran(result: Result, timed_out: bool, bytes_max: int) -> Ran:
    """What a turn says of a command, of whose output so many bytes were asked for."""
    # Also what was written past the shell, by `os.write(1, …)` for one.
    more, more_errors = result.stdout.encode(), result.stderr.encode()
    if result.ok and not timed_out:
        answer = _checked(result)
        status, out, errors = answer.get("status"), answer.get("stdout"), answer.get("stderr")
        if not (isinstance(status, int) and isinstance(out, bytes) and isinstance(errors, bytes)):
            raise _no_answer()
        # What the shell in the session cuts, code there may have stopped it from cutting.
        is_cut = answer.get("cut") is True or len(out) > bytes_max or len(errors) > bytes_max
        return Ran(status & 255, out[:bytes_max] + more, errors[:bytes_max] + more_errors, is_cut)
    if result.rolled_back:
        more_errors += b"memex: the session is back in its state before this command\n"
    limit, error = result.limit, result.error
    if timed_out or (limit is not None and limit.name in ("guest_time_ms", "wall_time_ms")):
        return Ran(TIMED_OUT, more, more_errors + b"memex: the command ran out of time\n", timed_out=True)
    if limit is not None:
        message = f"memex: the command was ended by the limit {limit.name}: {limit.bound}\n"
        return Ran(_KILLED, more, more_errors + message.encode())
    message = f"memex: the command was ended: {error.name}: {error.message}\n" if error else "memex: the command was ended\n"
    return Ran(_KILLED, more, more_errors + message.encode("utf-8", "replace"))


_ERRORS = ("FileNotFoundError", "FileExistsError", "IsADirectoryError", "NotADirectoryError", "PermissionError")


def answered(result: Result) -> dict[str, Any]:
    """The answer to an operation on files. Raises the `OSError` that it met."""
    result.raise_for_error()
    answer = _checked(result)
    error = answer.get("error")
    if error is None:
        return answer
    if not (isinstance(error, (list, tuple)) and len(error) == 2 and all(isinstance(one, str) for one in error)):
        raise _no_answer()
    raise (getattr(builtins, error[0]) if error[0] in _ERRORS else OSError)(plain(error[1]))


def text_of(answer: dict[str, Any], name: str) -> str:
    """A text of an answer."""
    found = answer.get(name)
    if not isinstance(found, str):
        raise _no_answer()
    return found


def _no_answer() -> SessionError:
    return SessionError("the shell in the session gave no answer: code there changed it")


def no_time() -> TimeoutError:
    """What to raise when a session takes too long to answer."""
    return TimeoutError("the session took too long to answer for its files")


def _checked(result: Result) -> dict[str, Any]:
    answer = result.value
    if not isinstance(answer, dict):
        raise SessionError(f"the shell in the session gave no answer: {result.value_error or 'code there changed it'}")
    return answer


# The end of the year 9999.
_TIME_MAX = 253_402_300_800
_SIZE_MAX = 1 << 63
_KINDS = ("file", "folder", "link")


def piece(answer: dict[str, Any], path: str, before: int, bytes_max: int) -> bytes:
    """A part of a file, of which so many bytes were read before."""
    data = answer.get("data")
    if not isinstance(data, bytes) or len(data) > PIECE_BYTES:
        raise _no_answer()
    if before + len(data) > bytes_max:
        raise OSError(f"{path} has more than {bytes_max} bytes\nhint: read(path, bytes_max=…) takes more")
    return data


class Entry:
    """A file or folder of a session."""

    __slots__ = ("name", "path", "kind", "size", "modified", "target", "is_folder")

    def __init__(self, given: Any) -> None:
        given = given if isinstance(given, dict) else {}
        self.name = text_of(given, "name")
        self.path = text_of(given, "path")
        #: `file`, `folder` or `link`.
        self.kind = text_of(given, "kind")
        if self.kind not in _KINDS:
            raise _no_answer()
        size, time = given.get("size"), given.get("time")
        self.size = size if isinstance(size, int) and 0 <= size < _SIZE_MAX else 0
        #: Seconds since 1970.
        self.modified = float(time) if isinstance(time, (int, float)) and 0 <= time < _TIME_MAX else 0.0
        self.target: str | None = None if given.get("target") is None else text_of(given, "target")
        self.is_folder = self.kind == "folder" or given.get("leads_to_folder") is True

    def __repr__(self) -> str:
        return f"Entry({self.path!r}, {self.kind}, {self.size} bytes)"
