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

    >>> try:
    ...     box.restore(b"")
    ... except memex.MemexError as error:
    ...     type(error).__name__
    'SnapshotError'
    """

    def __str__(self) -> str:
        from memex._terminal import plain

        return plain(super().__str__())


class PolicyError(MemexError, ValueError):
    """A policy, a limit or a grant that cannot be used; the message says which.

    >>> memex.Limits(tim="2s")
    Traceback (most recent call last):
    memex._errors.PolicyError: there is no limit `tim`; did you mean time?
    """


class ImageError(MemexError):
    """The image that sessions start from cannot be had: fetched, built or opened.

    >>> memex.Sandbox(cache="/proc/nowhere").prepare()
    Traceback (most recent call last):
    memex._errors.ImageError: ...
    """


class ToolError(MemexError, ValueError):
    """A tool that cannot be made of what was given: a missing annotation, a name twice.

    >>> memex.tool(lambda x: x)
    Traceback (most recent call last):
    memex._errors.ToolError: a lambda has no name; give it one: memex.tool(lambda x: …, name=…)
    """


class StoreError(MemexError):
    """A saved session cannot be opened, continued or saved.

    >>> box.session("study", store="store").rewind(turn=7)
    Traceback (most recent call last):
    memex._errors.StoreError: ...
    """


class SnapshotError(MemexError, ValueError):
    """Bytes that are no snapshot, or one of another image or with more than the limits allow.

    >>> box.restore(b"anything")
    Traceback (most recent call last):
    memex._errors.SnapshotError: these bytes are no snapshot of this version: they are cut off, or of another form
    """


class ValueNotData(MemexError, TypeError):
    """A value that cannot cross between the program and the sandbox; the message says why.

    >>> session.set("x", object())
    Traceback (most recent call last):
    memex._errors.ValueNotData: ...
    """


class AnswerError(MemexError, ValueError):
    """An answer to a call that was not taken; the session waits as before.

    >>> call = session.start("approve('delete it')").calls[0]
    >>> session.answer({call.id: "perhaps"})
    Traceback (most recent call last):
    memex._errors.AnswerError: ...
    """


class SessionError(MemexError):
    """The session is not in the state for what was asked of it.

    >>> session.run("approve('delete it')")
    Traceback (most recent call last):
    memex._errors.SessionError: the code called approve, whose calls wait for an answer; use session.start(code) and session.answer(…)
    """


class SessionBusy(SessionError):
    """The session runs a turn in another thread, or in the tool that asks.

    >>> box = memex.Sandbox(tools=[memex.tool(lambda: session.run("1").value, name="again")])
    >>> session = box.session()
    >>> session.run("again()").error.message
    'SessionBusy: the session runs a turn already; ...'
    """


class SessionLost(SessionError):
    """A fault of the host took the session away; start another one.

    >>> try:
    ...     result = session.run("1 + 1")
    ... except memex.SessionLost:
    ...     session = box.session()
    """


class Closed(SessionError):
    """The session or the sandbox was closed.

    >>> session.close()
    >>> session.run("1 + 1")
    Traceback (most recent call last):
    memex._errors.Closed: the session is closed; make another one with Sandbox.session()
    """


class ForkedProcess(SessionError):
    """The object was made before `os.fork()`, by the parent of this process.

    >>> if os.fork() == 0:                       # in the child
    ...     try:
    ...         session.run("1 + 1")
    ...     except memex.ForkedProcess:
    ...         session = memex.Sandbox().session()
    ...     os._exit(0)
    """


class Diverged(SessionError):
    """A block that ran again after a wait made other calls than the first time; it was undone.

    >>> step = session.start("import time\\ndef f(): return approve(str(time.time_ns()))\\nf()")
    >>> try:
    ...     step = session.answer({step.calls[0].id: True})
    ... except memex.Diverged:
    ...     step = None                           # the block was undone
    """


class AgentError(MemexError, ValueError):
    """An agent that cannot be made or run as it is set: a setting, an output type, an input.

    >>> memex.Agent("openai:gpt-5", action_space="words")
    Traceback (most recent call last):
    memex._errors.AgentError: action_space is one of code, tools, not 'words'
    """


class ModelError(MemexError):
    """A model that cannot be asked: no name, no key, an address, an option. What goes wrong in a run is in its result.

    >>> memex.Agent("gpt")
    Traceback (most recent call last):
    memex._errors.ModelError: ...
    """


class TrajectoryError(MemexError):
    """A record of a run that cannot be read, written or gone on with.

    >>> memex.Trajectory.load("nothing.jsonl")
    Traceback (most recent call last):
    memex._errors.TrajectoryError: ...
    """


class MemoryAccessError(MemexError):
    """A memory that cannot be opened, read or changed.

    >>> memex.Memory("nothing")
    Traceback (most recent call last):
    memex._errors.MemoryAccessError: there is no directory ...
    """


class RunError(MemexError):
    """A run without an answer; `result` is its `RunResult`. Raised by `RunResult.output` and `raise_for_error`.

    >>> try:
    ...     memex.Agent("openai:gpt-5", budgets={"turns": 1}).run("Count for ever").output
    ... except memex.RunError as error:
    ...     error.result.status
    'exhausted'
    """

    def __init__(self, message: str, result: object = None) -> None:
        super().__init__(message)
        self.result = result

    def __reduce__(self):
        return type(self), (str(self),)


class RunFailed(RunError):
    """The run could not go on; the cause of the exception is that of the model, where Python has it.

    >>> memex.Agent(lambda messages: 1 / 0).run("Greet me").output
    Traceback (most recent call last):
    memex._errors.RunFailed: the run failed: ...
    """


class BudgetExhausted(RunError):
    """A budget of the run was used up; `Budgets(…)` raises it.

    >>> memex.Agent("openai:gpt-5", budgets={"turns": 1}).run("Count for ever").output
    Traceback (most recent call last):
    memex._errors.BudgetExhausted: the run used up its budget of turns before it had an answer; ...
    """


class RunCancelled(RunError):
    """The run was stopped.

    >>> events = agent.stream("Count for ever")
    >>> next(events).kind
    'system'
    >>> events.close()                           # a run that is stopped has no answer
    """


class TurnError(MemexError):
    """A turn that did not end well. `result` is its `Result`.

    >>> try:
    ...     session.run("1 / 0").raise_for_error()
    ... except memex.TurnError as error:
    ...     error.result.status
    'exception'
    """

    def __init__(self, message: str, result: object = None) -> None:
        super().__init__(message)
        self.result = result


class GuestError(TurnError):
    """An exception that the code did not catch: its class `name`, `message` and `traceback`.

    >>> try:
    ...     session.run("1 / 0").raise_for_error()
    ... except memex.GuestError as error:
    ...     error.name, error.message
    ('ZeroDivisionError', 'division by zero')
    """

    def __init__(self, name: str, message: str, traceback: str = "", result: object = None) -> None:
        super().__init__(f"{name}: {message}" if message else name, result)
        self.name = name
        self.message = message
        self.traceback = traceback

    def __reduce__(self):
        return type(self), (self.name, self.message, self.traceback)


class LimitError(TurnError):
    """A limit of the policy that ended the turn: `limit`, its `bound`, and what was `actual`.

    >>> with memex.Sandbox(limits=memex.Limits(memory="256MiB")) as box:
    ...     try:
    ...         box.run("'x' * 10**9").raise_for_error()
    ...     except (memex.LimitError, memex.GuestError) as error:
    ...         error.result.ok
    False
    """

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
    """A limit of time.

    >>> with memex.Sandbox(limits=memex.Limits(time="200ms")) as box:
    ...     try:
    ...         box.run("while True: pass").raise_for_error()
    ...     except TimeoutError as error:
    ...         error.limit, error.bound
    ('guest_time_ms', 200)
    """


class MemoryLimitError(LimitError, MemoryError):
    """The limit of memory.

    >>> issubclass(memex.MemoryLimitError, MemoryError)
    True
    """


_LIMIT_CLASSES = {
    "guest_time_ms": TimeLimitError,
    "wall_time_ms": TimeLimitError,
    "memory_bytes": MemoryLimitError,
}


def limit_error(limit: str, bound: int, actual: int, result: object) -> LimitError:
    """The exception of a limit."""
    return _LIMIT_CLASSES.get(limit, LimitError)(limit, bound, actual, result)
