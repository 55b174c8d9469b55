"""The host's half of the shell, for sessions and for async ones."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import weakref
from typing import Any, Iterator, Mapping

from memex._result import Result
from memex.shell import _protocol
from memex.shell._protocol import HOME, OUTPUT_BYTES, PIECE_BYTES, READ_BYTES, Entry, Ran

# The state of a session with the shell in it, for each sandbox.
_begun: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
# How often a command that does not end is interrupted again.
_AGAIN = 0.05


class _BaseShell:
    def __init__(self, session: Any, *, cwd: str = HOME, env: Mapping[str, str] | None = None, output_bytes: int = OUTPUT_BYTES) -> None:
        self.session = session
        self.cwd = cwd
        self.env = dict(env or {})
        self.output_bytes = output_bytes

    def _request(self, command: Any, stdin: Any, cwd: str | None, env: Mapping[str, str] | None) -> dict[str, Any]:
        return _protocol.run_request(command, stdin, cwd or self.cwd, {**self.env, **(env or {})}, self.output_bytes)


class Shell(_BaseShell):
    """Runs commands over the files of a `Session`.

    Each command is a turn of the session, begins in `cwd` with `env`, and forgets its
    variables; files stay. Commands of several threads run one after the other.
    """

    def __init__(self, session: Any, **settings: Any) -> None:
        super().__init__(session, **settings)
        self._lock = threading.RLock()
        self._until: float | None = None

    @classmethod
    def open(cls, sandbox: Any, **settings: Any) -> Shell:
        """A shell in a session of its own of a `Sandbox`.

        The shell is sent to the first one; the others begin as it, at the cost of a fork.
        """
        begun = _begun.get(sandbox)
        if begun is None:
            with sandbox.session() as session:
                begun = _begun[sandbox] = cls(session).load().session.snapshot()
        return cls(sandbox.restore(begun), **settings)

    def load(self) -> Shell:
        """Sends the shell into the session, which the first command does otherwise: for what is then forked or saved."""
        self._exchange(None, None)[0].raise_for_error()
        return self

    def run(
        self,
        command: str | list[str],
        *,
        stdin: str | bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Ran:
        """Runs a command line, or one command with its arguments. Its failure is in the result."""
        request = self._request(command, stdin, cwd, env)
        return _protocol.ran(*self._exchange(request, timeout), request["bytes_max"])

    def code(self, code: str, timeout: float | None = None) -> Result:
        """Runs a block as `Session.run` does, but for at most `timeout` seconds."""
        return self._coded(code, timeout)[0]

    def _coded(self, code: str, timeout: float | None) -> tuple[Result, bool]:
        """The result, and whether its time ended the block."""
        with self._lock, _Clock(self.session, timeout) as clock:
            result = self.session.run(code)
        return result, clock.struck and not result.ok

    # Files

    def read(self, path: str, bytes_max: int = READ_BYTES) -> bytes:
        """The bytes of a file. Raises `FileNotFoundError` and other `OSError`s, also for more than `bytes_max`."""
        whole = bytearray()
        while True:
            answer = self._ask("read", path=path, offset=len(whole), count=PIECE_BYTES)
            data = _protocol.piece(answer, path, len(whole), bytes_max)
            whole += data
            if len(data) < PIECE_BYTES:
                return bytes(whole)

    def write(self, path: str, data: str | bytes) -> None:
        """Writes a file; folders on the way are made."""
        data = data.encode() if isinstance(data, str) else bytes(data)
        for at in range(0, max(len(data), 1), PIECE_BYTES):
            self._ask("write", path=path, data=data[at : at + PIECE_BYTES], append=at > 0)

    def list(self, path: str = ".", depth: int = 1) -> list[Entry]:
        """What lies in a folder."""
        found = self._ask("list", path=path, depth=depth).get("entries")
        return [Entry(one) for one in found] if isinstance(found, list) else []

    def stat(self, path: str) -> Entry:
        """What is said of a file."""
        return Entry(self._ask("stat", path=path).get("entry"))

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder of this name."""
        try:
            self.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def make_folder(self, path: str) -> bool:
        """Makes a folder and those on the way; says whether it is new."""
        return self._ask("make", path=path).get("made") is True

    def remove(self, path: str) -> None:
        """Removes a file, or a folder with what is in it."""
        self._ask("remove", path=path)

    def move(self, path: str, target: str) -> Entry:
        """Gives a file or folder another name."""
        return Entry(self._ask("move", path=path, target=target).get("entry"))

    def real_path(self, path: str) -> str:
        """The path with every link followed; what is missing stays as it is written."""
        return _protocol.text_of(self._ask("real", path=path), "path")

    @contextlib.contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """Gives all operations on files in here so many seconds together. They raise `TimeoutError` when these are over."""
        before, self._until = self._until, time.monotonic() + seconds
        try:
            yield
        finally:
            self._until = before

    def _ask(self, what: str, **fields: Any) -> dict[str, Any]:
        left = None if self._until is None else self._until - time.monotonic()
        if left is not None and left <= 0:
            raise _protocol.no_time()
        result, late = self._exchange({"what": what, "folder": self.cwd, **fields}, left)
        if late and not result.ok:
            raise _protocol.no_time()
        return _protocol.answered(result)

    def _exchange(self, request: dict[str, Any] | None, timeout: float | None) -> tuple[Result, bool]:
        with self._lock, _Clock(self.session, timeout) as clock:
            steps = _protocol.exchange(self.session, request)
            try:
                code = next(steps)
                while True:
                    code = steps.send(self.session.run(code))
            except StopIteration as ended:
                return ended.value, clock.struck


class _Clock:
    """Interrupts what a session runs when its time is over, until it ends."""

    def __init__(self, session: Any, timeout: float | None) -> None:
        self.session, self.timeout = session, timeout
        self.struck = False
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> _Clock:
        if self.timeout is not None:
            self._thread = threading.Thread(target=self._wait, name="memex-timeout", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _wait(self) -> None:
        left = self.timeout
        while not self._ended.wait(left):
            self.struck = self.session.interrupt() or self.struck
            left = _AGAIN


class AsyncShell(_BaseShell):
    """As `Shell`, awaited, over an `AsyncSession`. Cancelling a task that awaits a command ends the command."""

    def __init__(self, session: Any, **settings: Any) -> None:
        super().__init__(session, **settings)
        self._lock = asyncio.Lock()

    @classmethod
    async def open(cls, sandbox: Any, **settings: Any) -> AsyncShell:
        """A shell in a session of its own of an `AsyncSandbox`: see `Shell.open`."""
        begun = _begun.get(sandbox)
        if begun is None:
            async with await sandbox.session() as session:
                begun = _begun[sandbox] = (await cls(session).load()).session.snapshot()
        return cls(await sandbox.restore(begun), **settings)

    async def load(self) -> AsyncShell:
        """Sends the shell into the session."""
        (await self._exchange(None, None))[0].raise_for_error()
        return self

    async def run(
        self,
        command: str | list[str],
        *,
        stdin: str | bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Ran:
        """Runs a command line, or one command with its arguments."""
        request = self._request(command, stdin, cwd, env)
        return _protocol.ran(*await self._exchange(request, timeout), request["bytes_max"])

    async def code(self, code: str, timeout: float | None = None) -> Result:
        """Runs a block as `AsyncSession.run` does, but for at most `timeout` seconds."""
        async with self._lock:
            return (await self._timed(self.session.run(code), timeout))[0]

    # Files

    async def read(self, path: str, bytes_max: int = READ_BYTES) -> bytes:
        """The bytes of a file. Raises `FileNotFoundError` and other `OSError`s, also for more than `bytes_max`."""
        whole = bytearray()
        while True:
            answer = await self._ask("read", path=path, offset=len(whole), count=PIECE_BYTES)
            data = _protocol.piece(answer, path, len(whole), bytes_max)
            whole += data
            if len(data) < PIECE_BYTES:
                return bytes(whole)

    async def write(self, path: str, data: str | bytes) -> None:
        """Writes a file; folders on the way are made."""
        data = data.encode() if isinstance(data, str) else bytes(data)
        for at in range(0, max(len(data), 1), PIECE_BYTES):
            await self._ask("write", path=path, data=data[at : at + PIECE_BYTES], append=at > 0)

    async def list(self, path: str = ".", depth: int = 1) -> list[Entry]:
        """What lies in a folder."""
        found = (await self._ask("list", path=path, depth=depth)).get("entries")
        return [Entry(one) for one in found] if isinstance(found, list) else []

    async def stat(self, path: str) -> Entry:
        """What is said of a file."""
        return Entry((await self._ask("stat", path=path)).get("entry"))

    async def exists(self, path: str) -> bool:
        """Whether there is a file or folder of this name."""
        try:
            await self.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    async def make_folder(self, path: str) -> bool:
        """Makes a folder and those on the way; says whether it is new."""
        return (await self._ask("make", path=path)).get("made") is True

    async def remove(self, path: str) -> None:
        """Removes a file, or a folder with what is in it."""
        await self._ask("remove", path=path)

    async def move(self, path: str, target: str) -> Entry:
        """Gives a file or folder another name."""
        return Entry((await self._ask("move", path=path, target=target)).get("entry"))

    async def real_path(self, path: str) -> str:
        """The path with every link followed; what is missing stays as it is written."""
        return _protocol.text_of(await self._ask("real", path=path), "path")

    async def _ask(self, what: str, **fields: Any) -> dict[str, Any]:
        return _protocol.answered((await self._exchange({"what": what, "folder": self.cwd, **fields}, None))[0])

    async def _exchange(self, request: dict[str, Any] | None, timeout: float | None) -> tuple[Result, bool]:
        async with self._lock:
            struck = False
            steps = _protocol.exchange(self.session, request)
            try:
                code = next(steps)
                while True:
                    result, late = await self._timed(self.session.run(code), timeout)
                    struck = struck or late
                    code = steps.send(result)
            except StopIteration as ended:
                return ended.value, struck

    async def _timed(self, turn: Any, timeout: float | None) -> tuple[Result, bool]:
        task = asyncio.ensure_future(turn)
        struck = False
        try:
            await asyncio.wait([task], timeout=timeout)
            while not task.done():
                struck = self.session.interrupt() or struck
                await asyncio.wait([task], timeout=_AGAIN)
            return task.result(), struck
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
