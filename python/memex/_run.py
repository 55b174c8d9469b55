"""One run of an agent: how it is started and stopped, and what it comes to."""

from __future__ import annotations

import json
import os
import threading
from pathlib import PurePath
from typing import Any, Callable, Mapping

from memex import _calls, _memex, _values
from memex._caller import Caller
from memex._errors import AgentError, BudgetExhausted, RunCancelled, RunFailed
from memex._extent import Extent
from memex._snapshot import Snapshot
from memex._trajectory import Totals, Trajectory, escaped, framed

# Integers that JSON has a form for, here and in the scope.
_INT_MIN, _INT_MAX = -(1 << 63), (1 << 64) - 1
_DEPTH_MAX = 50


class RunResult:
    """What a run came to. Nothing of it raises, but for what says so.

    >>> result = agent.run("Greet me")
    >>> result.ok, result.output
    (True, 'Hello.')
    """

    def __init__(self, agent: Any, outcome: Any, run: Run) -> None:
        self._agent = agent
        self._outcome = outcome
        self._objects = run.objects
        self._kind = run.kind
        self._cause = run.model_error if outcome.status == "failed" else None
        #: The record of the run.
        self.trajectory = Trajectory(outcome.trajectory)

    @property
    def status(self) -> str:
        """`submitted`, `answered`, `exhausted`, `failed` or `cancelled`.

        >>> agent.run("Greet me").status
        'answered'
        """
        return self._outcome.status

    @property
    def ok(self) -> bool:
        """Whether there is an answer.

        >>> agent.run("Greet me").ok
        True
        """
        return self._outcome.status in ("submitted", "answered")

    @property
    def reason(self) -> str | None:
        """Why the run failed, or the budget that is used up.

        >>> memex.Agent("openai:gpt-5", budgets={"turns": 1}).run("Count for ever").reason
        'turns'
        """
        return self._outcome.reason

    @property
    def output(self) -> Any:
        """The answer: an object of the agent's `output` type, or words without one. Raises `RunError` if there is none.

        >>> memex.Agent("openai:gpt-5", output=int).run("Add the prices", inputs={"prices": [3, 5]}).output
        8
        """
        self.raise_for_error()
        if self._kind is None:
            return self._outcome.answer
        if self._objects:
            return self._objects[0]
        return self._kind.read(self.submission)

    @property
    def answer(self) -> str | None:
        """The answer in words.

        >>> agent.run("Greet me").answer
        'Hello.'
        """
        return self._outcome.answer

    @property
    def submission(self) -> Any:
        """The value that was handed in, as JSON has it.

        >>> memex.Agent("openai:gpt-5", output=int).run("Add the prices", inputs={"prices": [3, 5, 8]}).submission
        16
        """
        text = self._outcome.submission
        return None if text is None else json.loads(text)

    @property
    def usage(self) -> Totals:
        """What the run used, together with the agents that it spawned.

        >>> agent.run("Greet me").usage.turns
        1
        """
        return Totals._of(json.loads(self._outcome.totals))

    @property
    def scope(self) -> Snapshot | None:
        """The scope that the run ended with, for `Agent.run(scope=…)`; `None` if no code ran.

        >>> result = agent.run("Add the prices", inputs={"prices": [3, 5, 8]})
        >>> memex.default().restore(bytes(result.scope)).run("sum(prices)").value
        16
        """
        native = self._outcome.scope
        return None if native is None else Snapshot._of(native)

    def raise_for_error(self) -> RunResult:
        """Raises `RunFailed`, `BudgetExhausted` or `RunCancelled` unless there is an answer; returns the result.

        >>> agent.run("Greet me").raise_for_error().answer
        'Hello.'
        """
        if self.ok:
            return self
        if self.status == "exhausted":
            raise BudgetExhausted(
                f"the run used up its budget of {self.reason} before it had an answer; raise it with Budgets(…), "
                "or go on with result.continue_(…)",
                self,
            )
        if self.status == "cancelled":
            raise RunCancelled("the run was stopped before it had an answer", self)
        raise RunFailed(f"the run failed: {self.reason}", self) from self._cause

    def continue_(
        self,
        task: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        output: Any = None,
        save: str | os.PathLike[str] | None = None,
    ) -> RunResult:
        """Gives the same agent another task in the same conversation, over the same scope.

        Settings are those of `Agent.run`. Budgets count anew; the record goes on in a new
        one, whose `metadata` names this run's.

        >>> agent.run("Load the sales").continue_("Where do they fall?").output
        'In June.'
        """
        return self._agent._run(task, self, inputs=inputs, output=output, save=save)

    async def acontinue(
        self,
        task: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        output: Any = None,
        save: str | os.PathLike[str] | None = None,
    ) -> RunResult:
        """As `continue_`, awaited.

        >>> result = await agent.arun("Add the prices", inputs={"prices": [3, 5, 8]})
        >>> (await result.acontinue("Greet me")).output
        'Hello.'
        """
        return await self._agent._arun(task, self, inputs=inputs, output=output, save=save)

    def __repr__(self) -> str:
        what = f"RunResult(status={self.status!r}"
        if self.ok:
            return f"{what}, output={_short(self.output)})"
        return f"{what}, reason={self.reason!r})" if self.reason else f"{what})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What a notebook shows: the answer, and the report in a frame that runs no scripts."""
        shown = repr(self)
        page = framed(self._outcome.trajectory.export("html", False)) or ""
        return {"text/plain": shown, "text/html": escaped(shown) + page}

    def __reduce__(self):
        raise TypeError("a RunResult belongs to its agent; pickle its output, and save its trajectory")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 2000 else text[:2000] + "…"


class Run(Caller):
    """A run that is under way."""

    def __init__(self, agent: Any, task: Any, path: str | None, kind: Any, loop: Any) -> None:
        super().__init__(loop)
        self._agent = agent
        self.kind = kind
        self._path = path
        # Objects of the answer's type, as they were accepted.
        self.objects: list[Any] = []
        self._over = threading.Event()
        self._task = task
        if kind is not None:
            task.output = (kind.schema, self._accept)

    def _accept(self, answer: Any) -> str | None:
        """Keeps the object of an answer, or says why there is none."""
        try:
            made = self.kind.read(answer)
        except Exception as error:
            return f"submit: {error}"
        except BaseException as error:
            # Ctrl-C in a validator: not the model's to read.
            self._struck(error)
            return "submit: the call was interrupted"
        self.objects.append(made)
        return None

    def pieces(self) -> None:
        """Has pieces of replies told, too."""
        self._task.pieces = True

    def go(self) -> RunResult:
        """Runs on this thread, to the end."""
        self._task.follow = self.follow
        agent = self._agent
        native = agent._place._open()
        model = agent.model._bound(lambda: self)
        models = [(name, one._bound(lambda: self)) for name, one in agent.models.items()]
        tools = [_calls.definition(tool, lambda _name: self) for tool in agent.tools]
        if agent._approver is not None:
            self._task.approve = _approving(agent._approver, self)
        agent._runs.add(self)
        try:
            if self._path is not None:
                outcome = native.resume(self._task, self._path, model, models, tools, self.stop)
            else:
                outcome = native.run(self._task, model, models, tools, self.stop)
        except BaseException:
            self._raise_struck()
            raise
        finally:
            agent._runs.discard(self)
            self._over.set()
        self._raise_struck()
        return RunResult(agent, outcome, self)

    def wait(self, patience: float) -> bool:
        """Waits until it is over, so many seconds at most."""
        return self._over.wait(patience)


def _approving(approver: Callable[..., Any], run: Run) -> Callable[[str, dict, Any], None]:
    """Asks the approver, on the thread of the call or on the run's event loop."""
    import inspect

    from memex import _loops

    def answer(found: Any, later: Any) -> None:
        if found is not True and not isinstance(found, str):
            # An approver that forgot to return has permitted nothing.
            found = "the approver gave no answer" if found is None else "the approver said no"
        later.value(found, [])

    def approve(tool: str, arguments: dict, later: Any) -> None:
        try:
            found = run.turn.context.copy().run(approver, tool, arguments)
        except Exception:
            raise
        except BaseException as error:
            run._struck(error)
            raise
        if not inspect.isawaitable(found):
            answer(found, later)
            return
        if run.turn.in_loop:
            raise RuntimeError("the approver is async; use `await agent.arun(…)` in a running event loop")

        async def wait() -> None:
            try:
                answer(await found, later)
            except Exception as error:
                later.error(type(error).__name__, str(error), "")

        _loops.start(run.turn.loop or _loops.background(), wait, run.turn.context.copy())

    return approve


def put_inputs(task: Any, native: Any, inputs: Mapping[str, Any] | None, scope: Any) -> None:
    """Puts the inputs of a run into its task: files, values as JSON, and other objects by a scope that has them."""
    packed = []
    for name, value in (inputs or {}).items():
        if not (isinstance(name, str) and name.isidentifier()):
            raise AgentError(f"the input {name!r}: the name is none that Python code can use")
        if isinstance(value, PurePath):
            task.files = [*task.files, (name, str(value))]
        elif _is_json(value):
            task.values = [*task.values, (name, json.dumps(value))]
        else:
            packed.append((name, _values.packed(value, name)))
            task.described = [*task.described, f"{name}: {described(value)}"]
    if packed:
        scope = native.scope(packed, scope)
    task.scope = scope


def _is_json(value: Any) -> bool:
    """Whether a value is the same after it was JSON, and what it shares with itself is not too much to write out."""
    if type(value) in (list, dict) and not Extent(value).is_walkable:
        return False
    return _stays(value, 0)


def _stays(value: Any, depth: int) -> bool:
    kind = type(value)
    if value is None or kind is bool:
        return True
    if kind is str:
        # Lone surrogates are no characters.
        return value.isascii() or not any("\ud800" <= one <= "\udfff" for one in value)
    if kind is int:
        return _INT_MIN <= value <= _INT_MAX
    if kind is float:
        return value - value == 0
    if depth > _DEPTH_MAX:
        return False
    if kind is list:
        return all(_stays(one, depth + 1) for one in value)
    if kind is dict:
        return all(type(key) is str and _stays(one, depth + 1) for key, one in value.items())
    return False


def described(value: Any) -> str:
    """What a model is told of an object: its type and size, and nothing of what is in it."""
    name = type(value).__name__
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(one, int) for one in shape):
        return f"{name}[{'×'.join(map(str, shape))}]"
    try:
        return f"{name}[{len(value)}]"
    except TypeError:
        return name
