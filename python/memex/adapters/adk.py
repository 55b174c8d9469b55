"""Google's Agent Development Kit: `LlmAgent(code_executor=Executor(), …)` runs the blocks of its model in a sandbox.

The scope lasts as long as the session of ADK's; figures and files that a block writes
into its folder become artifacts. `tools` are functions that the code can call.
"""

from __future__ import annotations

import base64
from typing import Any

import memex
from memex.adapters import _common
from memex.adapters._artifacts import FILES_MAX, Folder
from memex.shell import Shell

try:
    from google.adk.agents.invocation_context import InvocationContext
    from google.adk.code_executors.base_code_executor import BaseCodeExecutor
    from google.adk.code_executors.code_execution_utils import CodeExecutionInput, CodeExecutionResult, File
    from pydantic import PrivateAttr
except ModuleNotFoundError as error:
    raise _common.needed(error, "adk") from None

_PICTURES = {"image/png": "png", "image/jpeg": "jpg", "image/svg+xml": "svg"}


class Executor(BaseCodeExecutor):
    """A stateful code executor. The settings are those of `memex.Sandbox`."""

    stateful: bool = True

    _box: Any = PrivateAttr()
    _sessions: Any = PrivateAttr()

    def __init__(self, *, error_retry_attempts: int = 2, timeout_seconds: int | None = None, **settings: Any) -> None:
        super().__init__(error_retry_attempts=error_retry_attempts, timeout_seconds=timeout_seconds)
        self._box = memex.Sandbox(**settings)
        self._sessions = _common.Sessions(self._box.session)

    @property
    def instruction(self) -> str:
        """What a model is to be told of the functions that its code can call; empty without tools."""
        stubs = self._box.stubs() if self._box.tools else {}
        return "Your Python code can call these functions, which are defined already:\n\n" + "\n\n".join(stubs.values()) if stubs else ""

    def execute_code(self, invocation_context: InvocationContext, code_execution_input: CodeExecutionInput) -> CodeExecutionResult:
        context = invocation_context
        key = (context.app_name, context.user_id, code_execution_input.execution_id or context.session.id)
        shell = Shell(self._sessions.get(key))
        folder = Folder(shell)
        folder.give((file.name, _bytes_of(file.content)) for file in code_execution_input.input_files)
        result, late = shell._coded(code_execution_input.code, self.timeout_seconds)
        problem = result.error.traceback or f"{result.error.name}: {result.error.message}" if result.error else ""
        if late:
            problem += f"\nthe code ran longer than {self.timeout_seconds} seconds"
        elif result.limit is not None:
            problem += f"\nthe limit {result.limit.name} was reached: {result.limit.bound}"
        elif not result.ok and not problem:
            problem = f"the turn ended with the status {result.status}"
        # ADK takes whatever is on the second output for a failure.
        stdout = result.stdout if result.ok else result.stdout + result.stderr
        if result.ok and result.text and result.text != "None":
            stdout += ("\n" if stdout and not stdout.endswith("\n") else "") + result.text + "\n"
        files = _figures(result)[:FILES_MAX]
        files.extend(File(name=name, content=content, mime_type=kind) for name, content, kind in folder.taken(FILES_MAX - len(files)))
        if folder.problem:
            problem = f"{problem}\nsome files were not exchanged: {folder.problem}".lstrip("\n")
        return CodeExecutionResult(stdout=stdout, stderr=problem, output_files=files, exit_code=0 if result.ok else 1)

    def close(self) -> None:
        """Ends the sandbox."""
        self._box.close()


def _bytes_of(content: str | bytes) -> bytes:
    if isinstance(content, bytes):
        data = content
    else:
        data = content.encode()
    try:
        # ADK gives base64, or the bytes themselves.
        return base64.b64decode(data, validate=True)
    except ValueError:
        return data


def _figures(result: memex.Result) -> list[File]:
    found: list[File] = []
    for display in result.displays:
        for kind, suffix in _PICTURES.items():
            data = display.data.get(kind)
            if data is not None:
                name = f"figure_{result.turn}_{len(found) + 1}.{suffix}"
                found.append(File(name=name, content=data.encode() if isinstance(data, str) else data, mime_type=kind))
                break
    return found
