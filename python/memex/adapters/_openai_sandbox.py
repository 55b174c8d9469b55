"""A sandbox of the Agents SDK's over a session: commands by `memex.shell`, and its files."""

from __future__ import annotations

import io
import uuid
from pathlib import Path
from typing import Any, Literal

import memex
from memex.shell import AsyncShell

from agents.sandbox.errors import ExecTimeoutError, WorkspaceArchiveReadError, WorkspaceArchiveWriteError, WorkspaceReadNotFoundError
from agents.sandbox.manifest import Manifest
from agents.sandbox.session import BaseSandboxSession, SandboxSessionState
from agents.sandbox.snapshot import SnapshotBase, SnapshotSpec, resolve_snapshot
from agents.sandbox.types import ExecResult, User

# The SDK's own default, which code here cannot write to, and what takes its place.
_THEIRS, WORKSPACE = "/workspace", "/home/user/workspace"
# Of each output: one answer of the sandbox holds both.
_OUTPUT_BYTES = 6 << 20
_ARCHIVE = "/tmp/memex-workspace.tar"
_PACK = """
import sys, tarfile
archive, root, *left_out = sys.argv[1:]
def kept(member):
    name = member.name.removeprefix("./")
    return None if any(name == one or name.startswith(one + "/") for one in left_out) else member
with tarfile.open(archive, "w") as tar:
    tar.add(root, arcname=".", filter=kept)
"""
_UNPACK = """
import sys, tarfile
with tarfile.open(sys.argv[1]) as tar:
    tar.extractall(sys.argv[2], filter="data")
"""


class MemexSandboxState(SandboxSessionState):
    """What a sandbox goes on from: its manifest, and the snapshot of its workspace."""

    type: Literal["memex"] = "memex"

    @classmethod
    def fresh(cls, manifest: Manifest, snapshot: SnapshotSpec | SnapshotBase | None) -> MemexSandboxState:
        """The state of one that begins."""
        if manifest.root == _THEIRS:
            manifest = manifest.model_copy(update={"root": WORKSPACE}, deep=True)
        id = uuid.uuid4()
        return cls(session_id=id, manifest=manifest, snapshot=resolve_snapshot(snapshot, str(id)))


class MemexSandboxSession(BaseSandboxSession):
    """A session of memex's as a workspace. There are no users, no ports and no terminals in it."""

    state: MemexSandboxState

    def __init__(self, state: MemexSandboxState, box: memex.AsyncSandbox) -> None:
        self.state, self._box = state, box
        self._shell: AsyncShell | None = None

    @property
    def shell(self) -> AsyncShell:
        if self._shell is None:
            raise memex.Closed("the sandbox was not started, or is shut down")
        return self._shell

    async def _ensure_backend_started(self) -> None:
        if self.state.manifest.users or self.state.manifest.groups:
            raise ValueError("a session of memex has no users and no groups; leave them out of the manifest")
        if self._shell is None:
            self._shell = await AsyncShell.open(self._box, output_bytes=_OUTPUT_BYTES)

    async def _prepare_backend_workspace(self) -> None:
        await self.shell.make_folder(self.state.manifest.root)
        self.shell.cwd = self.state.manifest.root
        self.shell.env = dict(await self.state.manifest.environment.resolve())

    async def _shutdown_backend(self) -> None:
        shell, self._shell = self._shell, None
        if shell is not None:
            await shell.session.close()

    async def running(self) -> bool:
        return self._shell is not None and not self._shell.session.closed

    def _prepare_exec_command(self, *command: str | Path, shell: bool | list[str], user: str | User | None) -> list[str]:
        _no_user(user)
        return super()._prepare_exec_command(*command, shell=shell, user=None)

    async def _exec_internal(self, *command: str | Path, timeout: float | None = None) -> ExecResult:
        ran = await self.shell.run([str(word) for word in command], timeout=timeout)
        if ran.timed_out:
            raise ExecTimeoutError(command=command, timeout_s=timeout)
        return ExecResult(stdout=ran.stdout_bytes, stderr=ran.stderr_bytes, exit_code=ran.exit_code)

    async def read(self, path: Path, *, user: str | User | None = None) -> io.IOBase:
        _no_user(user)
        path = await self._validate_path_access(path)
        try:
            return io.BytesIO(await self.shell.read(path.as_posix()))
        except FileNotFoundError as error:
            raise WorkspaceReadNotFoundError(path=path, cause=error) from error
        except OSError as error:
            raise WorkspaceArchiveReadError(path=path, cause=error) from error

    async def write(self, path: Path, data: io.IOBase, *, user: str | User | None = None) -> None:
        _no_user(user)
        path = await self._validate_path_access(path, for_write=True)
        try:
            await self.shell.write(path.as_posix(), data.read())
        except OSError as error:
            raise WorkspaceArchiveWriteError(path=path, cause=error) from error

    async def persist_workspace(self) -> io.IOBase:
        left_out = sorted(path.as_posix() for path in self._persist_workspace_skip_relpaths())
        await self._archived(WorkspaceArchiveReadError, _PACK, *left_out)
        data = await self.shell.read(_ARCHIVE)
        await self.shell.remove(_ARCHIVE)
        return io.BytesIO(data)

    async def hydrate_workspace(self, data: io.IOBase) -> None:
        await self.shell.write(_ARCHIVE, data.read())
        await self._archived(WorkspaceArchiveWriteError, _UNPACK)
        await self.shell.remove(_ARCHIVE)

    async def _archived(self, failure: Any, program: str, *words: str) -> None:
        root = self.state.manifest.root
        ran = await self.shell.run(["python3", "-c", program, _ARCHIVE, root, *words], cwd="/tmp")
        if not ran.ok:
            raise failure(path=Path(root), context={"reason": ran.stderr[-500:]})

    def _should_compute_snapshot_fingerprint_on_persist(self) -> bool:
        # Of a session that is shut down nothing is left that it could be of.
        return False


def _no_user(user: str | User | None) -> None:
    """Refuses what names one."""
    if user is not None:
        raise ValueError("a session of memex has no users; leave out `user` and `run_as`")
