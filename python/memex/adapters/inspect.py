"""Inspect: `Task(…, sandbox="memex")` runs a sample's tools in a session.

The package registers it as an entry point. `sandbox=("memex", "policy.toml")` gives the
sessions a policy. Inspect's `python()` and `bash()` tools run by `memex.shell`.
"""

from __future__ import annotations

import os
from typing import Any, Literal, overload

import memex
from memex.adapters import _common
from memex.shell import AsyncShell

try:
    from inspect_ai.util import ExecResult, OutputLimitExceededError, SandboxEnvironment, SandboxEnvironmentLimits, sandboxenv
except ModuleNotFoundError as error:
    raise _common.needed(error, "inspect") from None

# Of each output: one answer of the sandbox holds both.
_OUTPUT_BYTES = 6 << 20
# The sandboxes of this process, by their policy files.
_boxes: dict[str | None, memex.AsyncSandbox] = {}


@sandboxenv(name="memex")
class MemexSandboxEnvironment(SandboxEnvironment):
    """The session of a sample."""

    def __init__(self, shell: AsyncShell) -> None:
        super().__init__()
        self.session = shell.session
        self._shell = shell

    @classmethod
    def config_files(cls) -> list[str]:
        return ["memex.toml"]

    @classmethod
    async def sample_init(cls, task_name: str, config: Any, metadata: dict[str, str]) -> dict[str, SandboxEnvironment]:
        if config is not None and not isinstance(config, str):
            raise memex.PolicyError("the configuration of a memex sandbox is a policy file")
        if config not in _boxes:
            # Commands have their own timeouts; these are for what has none.
            _boxes[config] = memex.AsyncSandbox(policy=config, limits=None if config else memex.Limits(time="600s", wall_time="3600s"))
        return {"default": cls(await AsyncShell.open(_boxes[config], output_bytes=_OUTPUT_BYTES))}

    @classmethod
    async def sample_cleanup(cls, task_name: str, config: Any, environments: dict[str, SandboxEnvironment], interrupted: bool) -> None:
        for environment in environments.values():
            await environment.as_type(MemexSandboxEnvironment).session.close()

    async def exec(
        self,
        cmd: list[str],
        input: str | bytes | None = None,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        user: str | None = None,
        timeout: int | None = None,
        timeout_retry: bool = True,
        concurrency: bool = True,
    ) -> ExecResult[str]:
        ran = await self._shell.run(list(cmd), stdin=input or b"", cwd=self._path(cwd), env=env, timeout=timeout)
        if ran.timed_out:
            raise TimeoutError(f"the command ran longer than {timeout} seconds" if timeout else "the command ran out of time")
        if ran.truncated:
            raise OutputLimitExceededError(limit_str=f"{_OUTPUT_BYTES >> 20} MiB", truncated_output=ran.stdout)
        return ExecResult(ran.ok, ran.exit_code, ran.stdout, ran.stderr)

    async def write_file(self, file: str, contents: str | bytes) -> None:
        await self._shell.write(file, contents)

    @overload
    async def read_file(self, file: str, text: Literal[True] = True) -> str: ...

    @overload
    async def read_file(self, file: str, text: Literal[False]) -> bytes: ...

    async def read_file(self, file: str, text: bool = True) -> str | bytes:
        bytes_max = SandboxEnvironmentLimits.MAX_READ_FILE_SIZE
        if (await self._shell.stat(file)).size > bytes_max:
            raise OutputLimitExceededError(limit_str=SandboxEnvironmentLimits.MAX_READ_FILE_SIZE_STR, truncated_output=None)
        data = await self._shell.read(file, bytes_max)
        return data.decode("utf-8") if text else data

    def _path(self, cwd: str | None) -> str | None:
        return None if cwd is None else os.path.join(self._shell.cwd, cwd)
