"""The types of the package `memex`; what each name is for is said where it is defined."""

from typing import Any

from memex._agent import Agent as Agent
from memex._async import AsyncSandbox as AsyncSandbox
from memex._async import AsyncSession as AsyncSession
from memex._budgets import Budgets as Budgets
from memex._budgets import Spawning as Spawning
from memex._conversations import MemoryAnswer as MemoryAnswer
from memex._conversations import MemoryConversation as MemoryConversation
from memex._errors import AgentError as AgentError
from memex._errors import AnswerError as AnswerError
from memex._errors import BudgetExhausted as BudgetExhausted
from memex._errors import Closed as Closed
from memex._errors import Diverged as Diverged
from memex._errors import ForkedProcess as ForkedProcess
from memex._errors import GuestError as GuestError
from memex._errors import ImageError as ImageError
from memex._errors import LimitError as LimitError
from memex._errors import MemexError as MemexError
from memex._errors import MemoryAccessError as MemoryAccessError
from memex._errors import MemoryLimitError as MemoryLimitError
from memex._errors import ModelError as ModelError
from memex._errors import PolicyError as PolicyError
from memex._errors import RunCancelled as RunCancelled
from memex._errors import RunError as RunError
from memex._errors import RunFailed as RunFailed
from memex._errors import SessionBusy as SessionBusy
from memex._errors import SessionError as SessionError
from memex._errors import SessionLost as SessionLost
from memex._errors import SnapshotError as SnapshotError
from memex._errors import StoreError as StoreError
from memex._errors import TimeLimitError as TimeLimitError
from memex._errors import ToolError as ToolError
from memex._errors import TrajectoryError as TrajectoryError
from memex._errors import TurnError as TurnError
from memex._errors import ValueNotData as ValueNotData
from memex._following import Finished as Finished
from memex._following import Piece as Piece
from memex._limits import Limits as Limits
from memex._limits import Mount as Mount
from memex._limits import Policy as Policy
from memex._mcp import mcp_tools as mcp_tools
from memex._memex import __version__ as __version__
from memex._memory import AsyncMemory as AsyncMemory
from memex._memory import Change as Change
from memex._memory import Memory as Memory
from memex._model import Model as Model
from memex._progress import Progress as Progress
from memex._replies import Reply as Reply
from memex._replies import ToolCall as ToolCall
from memex._replies import Usage as Usage
from memex._result import Display as Display
from memex._result import ErrorInfo as ErrorInfo
from memex._result import LimitInfo as LimitInfo
from memex._result import Result as Result
from memex._result import Stats as Stats
from memex._run import RunResult as RunResult
from memex._sandbox import Sandbox as Sandbox
from memex._sandbox import default as default
from memex._sandbox import prepare as prepare
from memex._sandbox import run as run
from memex._session import Failure as Failure
from memex._session import Session as Session
from memex._session import TurnRecord as TurnRecord
from memex._snapshot import Snapshot as Snapshot
from memex._steps import Call as Call
from memex._steps import Done as Done
from memex._steps import Waiting as Waiting
from memex._streams import Stderr as Stderr
from memex._streams import Stdout as Stdout
from memex._tools import Tool as Tool
from memex._tools import tool as tool
from memex._trajectory import Step as Step
from memex._trajectory import ToolResult as ToolResult
from memex._trajectory import Totals as Totals
from memex._trajectory import Trajectory as Trajectory

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

def load_ipython_extension(shell: Any) -> None: ...
