"""deepagents: `create_deep_agent(backend=Backend())` works on the files of a session.

Its file tools are scripts that run in the sandbox, and its `execute` tool runs command
lines by `memex.shell`.
"""

from __future__ import annotations

import uuid
from typing import Any

import memex
from memex.adapters import _common
from memex.shell import Shell

try:
    from deepagents.backends.protocol import ExecuteResponse, FileDownloadResponse, FileUploadResponse
    from deepagents.backends.sandbox import BaseSandbox
except ModuleNotFoundError as error:
    raise _common.needed(error, "deepagents") from None


class Backend(BaseSandbox):
    """A sandbox backend. The settings are those of `memex.Sandbox`; `session=` uses one there is."""

    def __init__(self, *, session: memex.Session | None = None, timeout: float | None = None, **settings: Any) -> None:
        if session is not None and settings:
            raise memex.MemexError("a session has its settings already; give them to its Sandbox")
        self._box = None if session is not None else memex.Sandbox(**settings)
        self.session = session or self._box.session()  # type: ignore[union-attr]
        self._shell = Shell(self.session)
        self._timeout = timeout
        self._id = f"memex-{uuid.uuid4().hex[:12]}"

    @property
    def id(self) -> str:
        return self._id

    def execute(self, command: str, *, timeout: int | None = None) -> ExecuteResponse:
        ran = self._shell.run(command, timeout=timeout or self._timeout)
        return ExecuteResponse(output=ran.output, exit_code=ran.exit_code, truncated=ran.truncated)

    def upload_files(self, files: list[tuple[str, bytes]]) -> list[FileUploadResponse]:
        found = []
        for path, content in files:
            problem = self._problem(lambda: self._shell.write(path, content))
            found.append(FileUploadResponse(path=path, error=problem))
        return found

    def download_files(self, paths: list[str]) -> list[FileDownloadResponse]:
        found = []
        for path in paths:
            content: list[bytes] = []
            problem = self._problem(lambda: content.append(self._shell.read(path)))
            found.append(FileDownloadResponse(path=path, content=content[0] if content else None, error=problem))
        return found

    def close(self) -> None:
        """Ends the session, if it is the backend's own."""
        if self._box is not None:
            self._box.close()

    @staticmethod
    def _problem(work: Any) -> Any:
        """The word that deepagents has for what went wrong."""
        try:
            work()
        except FileNotFoundError:
            return "file_not_found"
        except IsADirectoryError:
            return "is_directory"
        except NotADirectoryError:
            return "invalid_path"
        except PermissionError:
            return "permission_denied"
        except OSError as error:
            return str(error)
        return None
