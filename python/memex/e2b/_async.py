"""`AsyncSandbox`: the same, awaited. Calls run on threads; cancelling a task ends what it runs."""

from __future__ import annotations

import asyncio
import functools
import inspect
from typing import Any, Callable

from memex.adapters._common import apart
from memex.e2b._models import Execution
from memex.e2b._sandbox import Infos, Sandbox, SandboxInfo, SnapshotInfo


class _Awaited:
    """The methods of an object of `Sandbox`, awaited."""

    def __init__(self, of: Any, sandbox: Sandbox) -> None:
        self._of, self._sandbox = of, sandbox

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._of, name)
        if name.startswith("_") or not callable(method):
            raise AttributeError(name)

        @functools.wraps(method)
        async def call(*given: Any, **named: Any) -> Any:
            return await _run(self._sandbox, method, given, named)

        return call


class AsyncSandbox:
    """A sandbox with the interface of `e2b_code_interpreter.AsyncSandbox`.

    Each method is that of `Sandbox`, awaited; callbacks may be async functions.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._files = _Awaited(sandbox.files, sandbox)
        self._commands = _Awaited(sandbox.commands, sandbox)

    @classmethod
    async def create(cls, *given: Any, **named: Any) -> AsyncSandbox:
        """A fresh sandbox: see `Sandbox.create`."""
        return cls(await asyncio.to_thread(Sandbox.create, *given, **named))

    @classmethod
    async def connect(cls, sandbox_id: str, timeout: int | None = None, **options: Any) -> AsyncSandbox:
        """The sandbox of an id: see `Sandbox.connect`."""
        return cls(await asyncio.to_thread(Sandbox.connect, sandbox_id, timeout, **options))

    @staticmethod
    async def list(**_options: Any) -> Infos:
        """The sandboxes of this process."""
        return await asyncio.to_thread(Sandbox.list)

    @property
    def sandbox_id(self) -> str:
        """What it is known by."""
        return self._sandbox.sandbox_id

    @property
    def files(self) -> Any:
        """Its files: the methods of `Sandbox.files`, awaited."""
        return self._files

    @property
    def commands(self) -> Any:
        """Its command lines: the methods of `Sandbox.commands`, awaited."""
        return self._commands

    async def run_code(self, code: str, *given: Any, **named: Any) -> Execution:
        """Runs code: see `Sandbox.run_code`."""
        return await _run(self._sandbox, self._sandbox.run_code, (code, *given), named)

    async def fork(self, timeout: int | None = None, count: int | None = None, **_options: Any) -> Any:
        """Sandboxes in this one's state."""
        made = await _run(self._sandbox, self._sandbox.fork, (timeout, count), {})
        return [AsyncSandbox(one) for one in made]

    async def create_snapshot(self, name: str | None = None, **_options: Any) -> SnapshotInfo:
        """Saves the state, in this process, as a template."""
        return await _run(self._sandbox, self._sandbox.create_snapshot, (name,), {})

    @staticmethod
    async def delete_snapshot(snapshot_id: str, **_options: Any) -> bool:
        """Forgets a saved state."""
        return Sandbox.delete_snapshot(snapshot_id)

    async def pause(self, **_options: Any) -> bool:
        """Keeps the state as bytes, until `connect`."""
        return await _run(self._sandbox, self._sandbox.pause, (), {})

    async def kill(self, **_options: Any) -> bool:
        """Ends the sandbox."""
        return await asyncio.to_thread(self._sandbox.kill)

    async def set_timeout(self, timeout: float, **_options: Any) -> None:
        """It is killed so many seconds from now, unless it is told again."""
        self._sandbox.set_timeout(timeout)

    async def is_running(self, request_timeout: float | None = None) -> bool:
        """Whether it can be used."""
        return self._sandbox.is_running()

    async def get_info(self, **_options: Any) -> SandboxInfo:
        """What is known of it."""
        return self._sandbox.get_info()

    async def __aenter__(self) -> AsyncSandbox:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.kill()


async def _run(sandbox: Sandbox, method: Callable[..., Any], given: Any, named: dict[str, Any]) -> Any:
    loop = asyncio.get_running_loop()
    heard = {name: _on(loop, value) if name.startswith("on_") and callable(value) else value for name, value in named.items()}
    given = tuple(_on(loop, value) if callable(value) and not hasattr(value, "read") else value for value in given)
    return await apart(lambda: method(*given, **heard), sandbox._shell_of.session)


def _on(loop: Any, callback: Callable[..., Any]) -> Callable[..., Any]:
    """A callback that is called on the loop, and awaited there if it is async."""

    async def call(*given: Any) -> Any:
        result = callback(*given)
        return await result if inspect.isawaitable(result) else result

    return lambda *given: asyncio.run_coroutine_threadsafe(call(*given), loop).result()
