"""The exceptions of this package.

What happens in the sandbox is data, a `Result`; these are for what the caller can
do something about. `TurnError` and its children are raised by
`Result.raise_for_error` alone.
"""

from __future__ import annotations


class MemexError(Exception):
    """The base of all exceptions of this package.

    As a text, which a traceback shows, it steers no terminal; `GuestError.message` and
    `traceback` are as they came.
    """

    def __str__(self) -> str:
        from memex._terminal import plain

        return plain(super().__str__())


class PolicyError(MemexError, ValueError):
    """A policy, a limit or a grant that cannot be used; the message says which."""


class ImageError(MemexError):
    """The image that sessions start from cannot be had: fetched, built or opened."""


class ToolError(MemexError, ValueError):
    """A tool that cannot be made of what was given: a missing annotation, a name twice."""


class StoreError(MemexError):
    """A saved session cannot be opened, continued or saved."""


class SnapshotError(MemexError, ValueError):
    """Bytes that are no snapshot, or one of another image or with more than the limits allow."""


class ValueNotData(MemexError, TypeError):
    """A value that cannot cross between the program and the sandbox; the message says why."""


class AnswerError(MemexError, ValueError):
    """An answer to a call that was not taken; the session waits as before."""


class SessionError(MemexError):
    """The session is not in the state for what was asked of it."""


class SessionBusy(SessionError):
    """The session runs a turn in another thread, or in the tool that asks."""


class SessionLost(SessionError):
    """A fault of the host took the session away; start another one."""


class Closed(SessionError):
    """The session or the sandbox was closed."""


class ForkedProcess(SessionError):
    """The object was made before `os.fork()`, by the parent of this process."""


class Diverged(SessionError):
    """A block that ran again after a wait made other calls than the first time; it was undone."""


class AgentError(MemexError, ValueError):
    """An agent that cannot be made or run as it is set: a setting, an output type, an input."""


class ModelError(MemexError):
    """A model that cannot be asked: no name, no key, an address, an option. What goes wrong in a run is in its result."""


class TrajectoryError(MemexError):
    """A record of a run that cannot be read, written or gone on with."""


class MemoryAccessError(MemexError):
    """A memory that cannot be opened, read or changed."""


class RunError(MemexError):
    """A run without an answer; `result` is its `RunResult`. Raised by `RunResult.output` and `raise_for_error`."""

    def __init__(self, message: str, result: object = None) -> None:
        super().__init__(message)
        self.result = result

    def __reduce__(self):
        return type(self), (str(self),)


class RunFailed(RunError):
    """The run could not go on; the cause of the exception is that of the model, where Python has it."""


class BudgetExhausted(RunError):
    """A budget of the run was used up; `Budgets(…)` raises it."""


class RunCancelled(RunError):
    """The run was stopped."""


class TurnError(MemexError):
    """A turn that did not end well. `result` is its `Result`."""

    def __init__(self, message: str, result: object = None) -> None:
        super().__init__(message)
        self.result = result


class GuestError(TurnError):
    """An exception that the code did not catch: its class `name`, `message` and `traceback`."""

    def __init__(self, name: str, message: str, traceback: str = "", result: object = None) -> None:
        super().__init__(f"{name}: {message}" if message else name, result)
        self.name = name
        self.message = message
        self.traceback = traceback

    def __reduce__(self):
        return type(self), (self.name, self.message, self.traceback)


class LimitError(TurnError):
    """A limit of the policy that ended the turn: `limit`, its `bound`, and what was `actual`."""

    def __init__(self, limit: str, bound: int, actual: int, result: object = None) -> None:
        super().__init__(
            f"the turn ended at the limit {limit}: {actual}, of {bound} allowed; "
            f"raise it with Limits({limit}=…)",
            result,
        )
        self.limit = limit
        self.bound = bound
        self.actual = actual

    def __reduce__(self):
        return type(self), (self.limit, self.bound, self.actual)


class TimeLimitError(LimitError, TimeoutError):
    """A limit of time."""


class MemoryLimitError(LimitError, MemoryError):
    """The limit of memory."""


_LIMIT_CLASSES = {
    "guest_time_ms": TimeLimitError,
    "wall_time_ms": TimeLimitError,
    "memory_bytes": MemoryLimitError,
}


def limit_error(limit: str, bound: int, actual: int, result: object) -> LimitError:
    """The exception of a limit."""
    return _LIMIT_CLASSES.get(limit, LimitError)(limit, bound, actual, result)
