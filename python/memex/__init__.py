"""memex: Python for untrusted code, in one persistent scope at a time.

>>> import memex
>>> memex.run("1 + 1").value
2

A `Sandbox` binds a policy, limits and tools; a `Session` is one interpreter whose scope
lasts from turn to turn; a `Result` is what a turn came to. An `Agent` is a model that acts in
a sandbox, a `Memory` what agents keep in files. The tour is `docs/python.md`.
"""

from typing import Any

from memex._errors import (
    AgentError,
    AnswerError,
    BudgetExhausted,
    Closed,
    Diverged,
    ForkedProcess,
    GuestError,
    ImageError,
    LimitError,
    MemexError,
    MemoryAccessError,
    MemoryLimitError,
    ModelError,
    PolicyError,
    RunCancelled,
    RunError,
    RunFailed,
    SessionBusy,
    SessionError,
    SessionLost,
    SnapshotError,
    StoreError,
    TimeLimitError,
    ToolError,
    TrajectoryError,
    TurnError,
    ValueNotData,
)
from memex._limits import Limits, Mount, Policy
from memex._memex import __version__
from memex._progress import Progress
from memex._result import Display, ErrorInfo, LimitInfo, Result, Stats
from memex._sandbox import Sandbox, default, prepare, run
from memex._session import Failure, Session, TurnRecord
from memex._snapshot import Snapshot
from memex._steps import Call, Done, Waiting
from memex._streams import Stderr, Stdout

__all__ = [
    "Agent",
    "AgentError",
    "AnswerError",
    "AsyncMemory",
    "AsyncSandbox",
    "AsyncSession",
    "BudgetExhausted",
    "Budgets",
    "Call",
    "Change",
    "Closed",
    "Display",
    "Diverged",
    "Done",
    "ErrorInfo",
    "Failure",
    "Finished",
    "ForkedProcess",
    "GuestError",
    "ImageError",
    "LimitError",
    "LimitInfo",
    "Limits",
    "MemexError",
    "Memory",
    "MemoryAccessError",
    "MemoryAnswer",
    "MemoryConversation",
    "MemoryLimitError",
    "Model",
    "ModelError",
    "Mount",
    "Piece",
    "Policy",
    "PolicyError",
    "Progress",
    "Reply",
    "Result",
    "RunCancelled",
    "RunError",
    "RunFailed",
    "RunResult",
    "Sandbox",
    "Session",
    "SessionBusy",
    "SessionError",
    "SessionLost",
    "Snapshot",
    "SnapshotError",
    "Spawning",
    "Stats",
    "Stderr",
    "Stdout",
    "Step",
    "StoreError",
    "TimeLimitError",
    "Tool",
    "ToolCall",
    "ToolError",
    "ToolResult",
    "Totals",
    "Trajectory",
    "TrajectoryError",
    "TurnError",
    "TurnRecord",
    "Usage",
    "ValueNotData",
    "Waiting",
    "__version__",
    "default",
    "mcp_tools",
    "prepare",
    "run",
    "tool",
]


# What needs modules that take longer to import than all the rest, such as asyncio.
_LAZY = {
    "Agent": "_agent",
    "AsyncMemory": "_memory",
    "AsyncSandbox": "_async",
    "AsyncSession": "_async",
    "Budgets": "_budgets",
    "Change": "_memory",
    "Finished": "_following",
    "Memory": "_memory",
    "MemoryAnswer": "_conversations",
    "MemoryConversation": "_conversations",
    "Model": "_model",
    "Piece": "_following",
    "Reply": "_replies",
    "RunResult": "_run",
    "Spawning": "_budgets",
    "Step": "_trajectory",
    "Tool": "_tools",
    "ToolCall": "_replies",
    "ToolResult": "_trajectory",
    "Totals": "_trajectory",
    "Trajectory": "_trajectory",
    "Usage": "_replies",
    "mcp_tools": "_mcp",
    "tool": "_tools",
}


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
