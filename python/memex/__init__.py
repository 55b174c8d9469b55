"""memex: Python for untrusted code, in one persistent scope at a time.

>>> import memex
>>> memex.run("1 + 1").value
2

A `Sandbox` binds a policy, limits and tools; a `Session` is one interpreter whose scope
lasts from turn to turn; a `Result` is what a turn came to. The tour is `docs/python.md`.
"""

from typing import TYPE_CHECKING, Any

from memex._errors import (
    AnswerError,
    Closed,
    Diverged,
    ForkedProcess,
    GuestError,
    ImageError,
    LimitError,
    MemexError,
    MemoryLimitError,
    PolicyError,
    SessionBusy,
    SessionError,
    SessionLost,
    SnapshotError,
    StoreError,
    TimeLimitError,
    ToolError,
    TurnError,
    ValueNotData,
)
from memex._limits import Limits, Mount, Policy
from memex._memex import __version__
from memex._progress import Progress
from memex._result import Display, ErrorInfo, LimitInfo, Result, Stats
from memex._sandbox import Sandbox, default, prepare, run
from memex._session import Failure, Session, Snapshot, TurnRecord
from memex._steps import Call, Done, Waiting
from memex._streams import Stderr, Stdout

if TYPE_CHECKING:
    from memex._async import AsyncSandbox, AsyncSession
    from memex._tools import Tool, tool

__all__ = [
    "AnswerError",
    "AsyncSandbox",
    "AsyncSession",
    "Call",
    "Closed",
    "Display",
    "Diverged",
    "Done",
    "ErrorInfo",
    "Failure",
    "ForkedProcess",
    "GuestError",
    "ImageError",
    "LimitError",
    "LimitInfo",
    "Limits",
    "MemexError",
    "MemoryLimitError",
    "Mount",
    "Policy",
    "PolicyError",
    "Progress",
    "Result",
    "Sandbox",
    "Session",
    "SessionBusy",
    "SessionError",
    "SessionLost",
    "Snapshot",
    "SnapshotError",
    "Stats",
    "Stderr",
    "Stdout",
    "StoreError",
    "TimeLimitError",
    "Tool",
    "ToolError",
    "TurnError",
    "TurnRecord",
    "ValueNotData",
    "Waiting",
    "__version__",
    "default",
    "prepare",
    "run",
    "tool",
]


# What needs modules that take longer to import than all the rest, such as asyncio.
_LAZY = {"AsyncSandbox": "_async", "AsyncSession": "_async", "Tool": "_tools", "tool": "_tools"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        found = getattr(import_module(f"memex.{_LAZY[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'memex' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext memex`: the cell magic `%%memex`."""
    from memex._magic import load

    load(shell)
