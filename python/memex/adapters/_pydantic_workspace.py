"""A workspace of Pydantic AI's over a session: commands by `memex.shell`, and its files."""

from __future__ import annotations

import asyncio
import posixpath
import uuid
from typing import Any, Awaitable, Mapping, Sequence

import memex
from memex.shell import AsyncShell, Entry

from pydantic_ai.messages import WorkspaceRef
from pydantic_ai.workspaces import (
    CommandResult,
    FileEntry,
    WorkspaceOutputLimitError,
    WorkspaceTimeoutError,
    WorkspaceUnavailableError,
)
from pydantic_ai.workspaces.protocol import validate_timeout

_PROVIDER = "memex"
# The environments of this process.
_live: dict[str, AsyncShell] = {}


class SessionWorkspace:
    """A workspace backend; the settings are those of `memex.AsyncSandbox`.

    With `ref` it reaches the environment of another one in this process. `destroy()` ends
    the environment; nothing else does. Commands and file operations take turns.
    """

    def __init__(self, ref: WorkspaceRef | None = None, **settings: Any) -> None:
        self._ref, self._settings = ref, settings
        self._lock = asyncio.Lock()

    @property
    def ref(self) -> WorkspaceRef | None:
        """What names the environment, once there is one."""
        return self._ref

    async def working_dir(self) -> str:
        """Where commands begin."""
        return (await self._shell()).cwd

    async def run(
        self, command: str | Sequence[str], *, shell: bool = False, env: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> CommandResult:
        """Runs a command line, or a command with its arguments."""
        if isinstance(command, str) != shell:
            raise TypeError("a text needs shell=True, and a list of arguments shell=False")
        validate_timeout(timeout)
        given = command if isinstance(command, str) else list(command)
        ran = await self._reached((await self._shell()).run(given, env=env, timeout=timeout))
        if ran.timed_out:
            raise WorkspaceTimeoutError("the command ran out of time", stdout=ran.stdout, stderr=ran.stderr)
        if ran.truncated:
            limit = (await self._shell()).output_bytes
            raise WorkspaceOutputLimitError("the command printed too much", limit=limit, stdout=ran.stdout, stderr=ran.stderr)
        return CommandResult(exit_code=ran.exit_code, stdout=ran.stdout, stderr=ran.stderr)

    async def read_bytes(self, path: str) -> bytes:
        """The content of a file."""
        return await self._reached((await self._shell()).read(path))

    async def write_bytes(self, path: str, data: bytes) -> None:
        """Writes a file; folders on the way are made."""
        await self._reached((await self._shell()).write(path, data))

    async def stat(self, path: str) -> FileEntry:
        """What is said of a file; a link is followed."""
        shell = await self._shell()
        entry = await self._reached(shell.stat(path))
        if entry.kind == "link":
            target = await self._reached(shell.stat(await self._reached(shell.real_path(path))))
            entry.is_folder, entry.size = target.is_folder, target.size
        return _entry(entry)

    async def list_dir(self, path: str) -> Sequence[FileEntry]:
        """What lies in a folder."""
        return [_entry(one) for one in await self._reached((await self._shell()).list(path))]

    async def make_dir(self, path: str) -> None:
        """Makes a folder and those on the way."""
        await self._reached((await self._shell()).make_folder(path))

    async def remove(self, path: str) -> None:
        """Removes a file, or a folder with what is in it; not the one commands begin in."""
        shell = await self._shell()
        if posixpath.join(shell.cwd, "").startswith(posixpath.join(posixpath.normpath(path), "")):
            raise ValueError(f"{path} holds the working directory")
        await self._reached(shell.remove(path))

    async def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return await self._reached((await self._shell()).exists(path))

    async def realpath(self, path: str) -> str:
        """The path with every link followed."""
        return await self._reached((await self._shell()).real_path(path))

    async def destroy(self) -> None:
        """Ends the environment."""
        shell = _live.pop(self._ref.id, None) if self._ref is not None else None
        if shell is not None:
            await shell.session._sandbox.close()

    async def _shell(self) -> AsyncShell:
        async with self._lock:
            if self._ref is None:
                box = memex.AsyncSandbox(**self._settings)
                self._ref = WorkspaceRef(provider=_PROVIDER, id=uuid.uuid4().hex)
                _live[self._ref.id] = AsyncShell(await box.session())
            shell = _live.get(self._ref.id) if self._ref.provider == _PROVIDER else None
            if shell is None:
                raise WorkspaceUnavailableError(f"there is no environment {self._ref.id} in this process")
            return shell

    @staticmethod
    async def _reached(work: Awaitable[Any]) -> Any:
        try:
            return await work
        except (memex.Closed, memex.SessionLost) as error:
            raise WorkspaceUnavailableError(str(error)) from error


def _entry(entry: Entry) -> FileEntry:
    return FileEntry(name=entry.name, path=entry.path, is_dir=entry.is_folder, size=None if entry.is_folder else entry.size)
