"""`Sandbox`."""

from __future__ import annotations

import datetime
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Callable

import memex
from memex.e2b import _code
from memex.e2b._commands import Commands
from memex.e2b._exceptions import InvalidArgumentException, SandboxException, SandboxNotFoundException, TimeoutException
from memex.e2b._files import Filesystem
from memex.e2b._models import Execution
from memex.shell import Shell

_live: dict[str, Sandbox] = {}
_snapshots: dict[str, tuple[memex.Sandbox, bytes]] = {}
_lock = threading.Lock()
_default: memex.Sandbox | None = None


def _default_box() -> memex.Sandbox:
    global _default
    with _lock:
        if _default is None or _default._closed:
            # E2B's code may run for five minutes.
            _default = memex.Sandbox(limits=memex.Limits(time="300s", wall_time="300s"))
        return _default


@dataclass
class SandboxInfo:
    """A sandbox, as `list` and `get_info` tell of it."""

    sandbox_id: str
    template_id: str
    metadata: dict[str, str]
    started_at: datetime.datetime
    end_at: datetime.datetime
    state: str
    name: str | None = None


@dataclass
class SnapshotInfo:
    """A saved state: `Sandbox.create(info.snapshot_id)` begins as it."""

    snapshot_id: str
    names: list[str] = field(default_factory=list)


# `Sandbox` has a method called `list`.
Infos = list[SandboxInfo]
Sandboxes = list["Sandbox"]


class Sandbox:
    """A sandbox with the interface of `e2b_code_interpreter.Sandbox`.

    `Sandbox.create(box=memex.Sandbox(…))` makes it of a sandbox with limits, mounts, tools
    and packages of its own; without, all defaults but for limits of five minutes.
    """

    default_sandbox_timeout = 300

    def __init__(self, box: memex.Sandbox, template: str, timeout: float, metadata: dict[str, str], state: Any = None) -> None:
        self._box, self._template, self._metadata = box, template, dict(metadata)
        self._id = "i" + uuid.uuid4().hex[:20]
        self._paused: bytes | None = None
        self._count = 0
        self._started = datetime.datetime.now(datetime.timezone.utc)
        self._shell_of = Shell.open(box) if state is None else Shell(box.restore(state))
        self.set_timeout(timeout)
        self._files, self._commands = Filesystem(self._shell), Commands(self._shell)
        with _lock:
            _live[self._id] = self

    @classmethod
    def create(
        cls,
        template: str | None = None,
        timeout: int | None = None,
        metadata: dict[str, str] | None = None,
        envs: dict[str, str] | None = None,
        secure: bool | None = None,
        allow_internet_access: bool | None = None,
        *,
        box: memex.Sandbox | None = None,
        **options: Any,
    ) -> Sandbox:
        """A fresh sandbox, or one in the state of `create_snapshot`, whose id is then the template."""
        if allow_internet_access:
            raise InvalidArgumentException("there is no network in a sandbox; give its memex.Sandbox a policy and tool files that fetch")
        for name in ("mcp", "network", "iam", "volume_mounts"):
            if options.get(name):
                raise InvalidArgumentException(f"{name} has no meaning here; memex.Sandbox(…) has tools, mounts and policies")
        _sweep()
        state = None
        if template is not None and template in _snapshots:
            box, state = _snapshots[template]
        elif template not in (None, "base", "code-interpreter-v1"):
            raise InvalidArgumentException(f"there is no template {template!r}; templates here are the ids of create_snapshot()")
        made = cls(box or _default_box(), template or "base", timeout or cls.default_sandbox_timeout, metadata or {}, state)
        if envs:
            _code.set_variables(made._shell_of, envs)
        return made

    @classmethod
    def connect(cls, sandbox_id: str, timeout: int | None = None, **_options: Any) -> Sandbox:
        """The sandbox of an id, which goes on if it was paused."""
        _sweep()
        found = _live.get(sandbox_id)
        if found is None:
            raise SandboxNotFoundException(f"there is no sandbox {sandbox_id} in this process")
        if found._paused is not None:
            found._shell_of = Shell(found._box.restore(found._paused, keep_generators=True))
            found._paused = None
            timeout = timeout or cls.default_sandbox_timeout
        if timeout:
            found.set_timeout(timeout)
        return found

    @staticmethod
    def list(**_options: Any) -> Infos:
        """The sandboxes of this process."""
        _sweep()
        return [one.get_info() for one in reversed(_live.values())]

    @property
    def sandbox_id(self) -> str:
        """What it is known by."""
        return self._id

    @property
    def files(self) -> Filesystem:
        """Its files."""
        return self._files

    @property
    def commands(self) -> Commands:
        """Its command lines."""
        return self._commands

    def run_code(
        self,
        code: str,
        language: str | None = None,
        context: Any = None,
        on_stdout: Callable[[Any], Any] | None = None,
        on_stderr: Callable[[Any], Any] | None = None,
        on_result: Callable[[Any], Any] | None = None,
        on_error: Callable[[Any], Any] | None = None,
        envs: dict[str, str] | None = None,
        timeout: float | None = 300,
        request_timeout: float | None = None,
    ) -> Execution:
        """Runs Python, or with `language="bash"` a command line. Raises `TimeoutException` after `timeout` seconds."""
        if context is not None:
            raise InvalidArgumentException("a sandbox has one context; fork() or another sandbox has another")
        shell = self._shell()
        self._count += 1
        if (language or "python").lower() in ("bash", "sh"):
            made = _code.bash(shell, code, envs, timeout)
        elif (language or "python").lower() == "python":
            made = _code.python(shell, code, envs, timeout, on_stdout, on_stderr)
        else:
            raise InvalidArgumentException(f"the languages are python and bash, not {language}")
        made.execution_count = self._count
        if on_result is not None:
            for result in made.results:
                on_result(result)
        if made.error is not None and on_error is not None:
            on_error(made.error)
        return made

    def create_code_context(self, cwd: str | None = None, language: str | None = None, request_timeout: float | None = None) -> Any:
        """Not there: see `run_code`."""
        raise InvalidArgumentException("a sandbox has one context; fork() or another sandbox has another")

    def fork(self, timeout: int | None = None, count: int | None = None, **_options: Any) -> Sandboxes:
        """Sandboxes in this one's state."""
        state = self._shell().session.snapshot()
        return [
            Sandbox(self._box, self._template, timeout or self.default_sandbox_timeout, self._metadata, state) for _ in range(count or 1)
        ]

    def create_snapshot(self, name: str | None = None, **_options: Any) -> SnapshotInfo:
        """Saves the state, in this process, as a template."""
        info = SnapshotInfo(f"snapshot-{uuid.uuid4().hex[:20]}", [name] if name else [])
        _snapshots[info.snapshot_id] = (self._box, bytes(self._shell().session.snapshot()))
        return info

    @staticmethod
    def delete_snapshot(snapshot_id: str, **_options: Any) -> bool:
        """Forgets a saved state."""
        return _snapshots.pop(snapshot_id, None) is not None

    def pause(self, **_options: Any) -> bool:
        """Keeps the state as bytes, until `connect`; says whether it was running."""
        if self._paused is not None:
            return False
        shell = self._shell()
        self._paused = bytes(shell.session.snapshot())
        shell.session.close()
        return True

    beta_pause = pause

    def kill(self, **_options: Any) -> bool:
        """Ends the sandbox; says whether there was one."""
        with _lock:
            found = _live.pop(self._id, None) is not None
        self._shell_of.session.close()
        self._paused = None
        return found

    def set_timeout(self, timeout: float, **_options: Any) -> None:
        """It is killed so many seconds from now, unless it is told again."""
        self._ends = time.monotonic() + timeout

    def is_running(self, request_timeout: float | None = None) -> bool:
        """Whether it can be used."""
        _sweep()
        return self._id in _live and self._paused is None

    def get_info(self, **_options: Any) -> SandboxInfo:
        """What is known of it."""
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self._ends - time.monotonic())
        state = "paused" if self._paused is not None else "running"
        return SandboxInfo(self._id, self._template, dict(self._metadata), self._started, end, state)

    def _shell(self) -> Shell:
        if self._id in _live and self._paused is None and time.monotonic() > self._ends:
            self.kill()
            raise TimeoutException("the sandbox reached its timeout and was killed; set_timeout(seconds) prolongs it")
        if self._id not in _live:
            raise SandboxNotFoundException(f"the sandbox {self._id} was killed, or reached its timeout")
        if self._paused is not None:
            raise SandboxException("the sandbox is paused; Sandbox.connect(sandbox_id) resumes it")
        return self._shell_of

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()


def _sweep() -> None:
    """Kills the sandboxes whose time is over; paused ones stay."""
    now = time.monotonic()
    for one in list(_live.values()):
        if one._paused is None and now > one._ends:
            one.kill()
