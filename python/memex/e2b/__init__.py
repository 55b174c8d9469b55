"""E2B's code interpreter in this process: `from memex.e2b import Sandbox` in place of `from e2b_code_interpreter import Sandbox`.

>>> from memex.e2b import Sandbox
>>> with Sandbox.create() as sandbox:
...     sandbox.files.write("numbers.txt", "3\\n5\\n")
...     sandbox.run_code("sum(map(int, open('numbers.txt')))").text
'8'

Names, parameters and results are those of E2B's clients, as far as they have a meaning
here; what has none raises `InvalidArgumentException` and says so. There is no account,
no server and no process: a sandbox is a session of memex, and its commands are run by
`memex.shell`. `docs/python/e2b.md` has what differs.
"""

from memex.e2b._async import AsyncSandbox
from memex.e2b._commands import CommandExitException, CommandResult
from memex.e2b._exceptions import (
    FileNotFoundException,
    InvalidArgumentException,
    NotFoundException,
    SandboxException,
    SandboxNotFoundException,
    TimeoutException,
)
from memex.e2b._files import EntryInfo, FileType, WriteInfo
from memex.e2b._models import Execution, ExecutionError, Logs, OutputMessage, Result
from memex.e2b._sandbox import Sandbox, SandboxInfo, SnapshotInfo

__all__ = [
    "AsyncSandbox",
    "CommandExitException",
    "CommandResult",
    "EntryInfo",
    "Execution",
    "ExecutionError",
    "FileNotFoundException",
    "FileType",
    "InvalidArgumentException",
    "Logs",
    "NotFoundException",
    "OutputMessage",
    "Result",
    "Sandbox",
    "SandboxException",
    "SandboxInfo",
    "SandboxNotFoundException",
    "SnapshotInfo",
    "TimeoutException",
    "WriteInfo",
]
