"""Agents: a loop between a model and a sandbox. The loop is the one of the Rust crate `memex-agent`."""

from __future__ import annotations

import json
import os
import weakref
from typing import Any, AsyncIterator, Callable, Iterable, Iterator, Mapping

from memex import _calls, _characters, _following, _memex, _run, _values
from memex._budgets import Budgets, Spawning
from memex._errors import AgentError, ToolError, TrajectoryError
from memex._model import Model, model_of
from memex._output import Output
from memex._following import Finished, Piece
from memex._run import Run, RunResult
from memex._sandbox import BaseSandbox
from memex._snapshot import Snapshot
from memex._trajectory import Step

_SPACES = ("code", "tools")
# Settings of the sandbox that matter to code alone.
_OF_CODE = ("mounts", "environment", "preload", "packages", "image")
_FORMS = ("tool", "fenced", "tagged")
# How long an agent that is closed waits for a run in another thread to end, in seconds.
_PATIENCE = 10.0


class Agent:
    """A model that acts in a sandbox: by writing code there, or by calling tools.

    >>> agent = memex.Agent("openai:gpt-5", tools=[search], output=list[Hit])
    >>> agent.run("Find the three best hits for bees").output[0]
    Hit(title='bees 1', score=1.0)

    - `model`: a name, a client of `openai` or `anthropic`, a function, or a `Model`;
      `model_name`, `api_key` and `base_url` as there. By default `MEMEX_MODEL` of the environment.
    - `models`: further ones by name, which code can ask for: `spawn_agent(model=…)`, `llm(model=…)`.
    - `tools`: functions, as those of a `Sandbox`.
    - `output`: the type of the answer: a pydantic model, a dataclass, a `TypedDict`, `list[int]` …, or
      a JSON schema as a dictionary;
      what a model hands in is checked against it, and the model is told what does not fit.
      Without one, the answer is words.
    - `action_space`: `code` (blocks of Python in one scope) or `tools` (calls, no scope).
    - `code_form`: how code comes: as calls of a `tool`, `fenced` in text, or `tagged`. By default
      `fenced` for functions that take messages alone, and `tool` for all others.
    - `instructions`, `name`, `temperature`, `reply_tokens`, `seed`, `context_tokens`,
      `observation_chars`: as in `docs/agents.md`.
    - `budgets`, `spawning`: bounds, as `Budgets` and `Spawning`.
    - `approve`: tools whose calls `approver(tool, arguments)` has to permit: it returns `True`, or a
      reason why not. Names, or prefixes with `*`.
    - `prices`: a file of prices of models, over those that are known.
    - Everything else makes the sandbox, as for `Sandbox`: `policy`, `limits`, `mounts`, `packages` …

    An agent can be run any number of times, also at once; each run has a scope of its own.
    """

    def __init__(
        self,
        model: Any = None,
        *,
        tools: Iterable[Any] = (),
        output: Any = None,
        action_space: str = "code",
        code_form: str | None = None,
        instructions: str = "",
        name: str = "agent",
        budgets: Budgets | Mapping[str, Any] | None = None,
        spawning: Spawning | Mapping[str, Any] | None = None,
        models: Mapping[str, Any] | None = None,
        model_name: str | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        temperature: float | None = None,
        reply_tokens: int | None = None,
        seed: int | None = None,
        context_tokens: int | None = None,
        observation_chars: int | None = None,
        approve: Iterable[str] = (),
        approver: Callable[[str, dict[str, Any]], Any] | None = None,
        prices: str | os.PathLike[str] | None = None,
        **sandbox: Any,
    ) -> None:
        if action_space not in _SPACES:
            raise AgentError(f"action_space is one of {', '.join(_SPACES)}, not {action_space!r}")
        if code_form is not None and code_form not in _FORMS:
            raise AgentError(f"code_form is one of {', '.join(_FORMS)}, not {code_form!r}")
        if action_space == "tools":
            idle = [one for one in _OF_CODE if sandbox.get(one)] + ([] if code_form is None else ["code_form"])
            if idle:
                raise AgentError(
                    f'the action space "tools" runs no code, so {idle[0]} has no effect; leave it out, or use action_space="code"'
                )
        if isinstance(approve, str):
            raise AgentError("approve is a list of names of tools, not one text")
        approve = list(approve)
        if approve and approver is None:
            raise AgentError("approve names tools whose calls somebody has to permit; give approver=… to ask")
        self._model: Model = model_of(model, model_name, api_key, base_url)
        self._form = code_form or ("tool" if self._model._takes_tools else "fenced")
        self._chose_form = code_form is not None
        self.models: dict[str, Model] = {one: model_of(given) for one, given in (models or {}).items()}
        self._kind = None if output is None else Output(output)
        self._space = action_space
        self._approver = approver
        self._runs: weakref.WeakSet[Run] = weakref.WeakSet()
        spent = budgets if isinstance(budgets, Budgets) else Budgets(**(budgets or {}))
        spawns = spawning if isinstance(spawning, Spawning) else Spawning(**(spawning or {}))
        config: dict[str, Any] = {
            "name": name,
            "action_space": action_space,
            "code_form": self._form,
            "instructions": instructions,
            "budgets": spent._fields,
            "agents": spawns._fields,
            "approve": approve,
        }
        for setting, value in (
            ("temperature", temperature),
            ("reply_tokens", reply_tokens),
            ("seed", seed),
            ("context_tokens", context_tokens),
        ):
            if value is not None:
                config[setting] = value
        if observation_chars is not None:
            config["observations"] = {"max_chars": observation_chars}
        self._place = _Place(config, None if prices is None else _characters.checked(os.fspath(prices), "the file of prices", AgentError), self._runs, tools=tools, **sandbox)
        self.tools = self._place.tools
        suspended = [tool.name for tool in self.tools if tool.suspends]
        if suspended:
            raise ToolError(f"{suspended[0]} suspends, which the loop of an agent does not wait for; make it a function")
        if spent._fields.get("cost_usd") is not None:
            self._priced = [self.model, *self.models.values()]
        else:
            self._priced = []

    @property
    def model(self) -> Model:
        """The model. Another one takes its place in later runs, if code comes out of it in the same form.

        >>> agent.model = lambda messages: "Good day."
        >>> agent.run("Greet me").output
        'Good day.'
        """
        return self._model

    @model.setter
    def model(self, model: Any) -> None:
        made = model_of(model)
        form = "tool" if made._takes_tools else "fenced"
        if not self._chose_form and form != self._form:
            raise AgentError(
                f"code comes out of {made.name} in another form ({form}) than this agent tells models of ({self._form}); "
                "make another Agent, or give it code_form=…"
            )
        self._model = made

    def run(
        self,
        task: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        output: Any = None,
        scope: Snapshot | bytes | None = None,
        save: str | os.PathLike[str] | None = None,
    ) -> RunResult:
        """Runs a task to its end, on this thread. Ctrl-C ends it.

        Settings, all by name:

        - `inputs`: objects for the scope by name: JSON-like values, tables, arrays, dataclasses; a
          `pathlib.Path` is read as data (CSV, Parquet, JSON, text, a folder of texts …). The model is told their
          names, types and sizes.
        - `output`: another type for this answer.
        - `scope`: a `Snapshot` (or its bytes) to begin in: of a session, or of another run.
        - `save`: a file for the record, written while it happens; `Agent.resume` goes on with it.

        >>> agent.run("Where do sales fall?", inputs={"sales": {"May": 3, "June": 2}}).output
        'In June.'
        """
        return self._run(task, None, inputs=inputs, output=output, scope=scope, save=save)

    async def arun(
        self,
        task: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        output: Any = None,
        scope: Snapshot | bytes | None = None,
        save: str | os.PathLike[str] | None = None,
    ) -> RunResult:
        """As `run`, awaited: async tools and models run on this event loop. Cancelling the task ends the run.

        >>> results = await asyncio.gather(*[agent.arun(f"Greet {name}") for name in ("Ada", "Bob")])
        >>> [result.output for result in results]
        ['Hello.', 'Hello.']
        """
        return await self._arun(task, None, inputs=inputs, output=output, scope=scope, save=save)

    def stream(
        self,
        task: str,
        *,
        pieces: bool = False,
        inputs: Mapping[str, Any] | None = None,
        output: Any = None,
        scope: Snapshot | bytes | None = None,
        save: str | os.PathLike[str] | None = None,
    ) -> Iterator[Step | Piece | Finished]:
        """Runs a task and yields each `Step` as it is over, then `Finished`; with `pieces`, a `Piece` of each reply too.

        Leaving the iteration ends the run.

        >>> for event in agent.stream("Load the sales"):
        ...     match event:
        ...         case memex.Step(kind="model", code=str(code)): print(code.strip())
        ...         case memex.Finished(result): print(result.output)
        sales = {'May': 3, 'June': 2}
        They are loaded.
        """
        return self._stream(task, pieces, inputs=inputs, output=output, scope=scope, save=save)

    def astream(
        self,
        task: str,
        *,
        pieces: bool = False,
        inputs: Mapping[str, Any] | None = None,
        output: Any = None,
        scope: Snapshot | bytes | None = None,
        save: str | os.PathLike[str] | None = None,
    ) -> AsyncIterator[Step | Piece | Finished]:
        """As `stream`, in an event loop. `contextlib.aclosing` ends a run that is left early.

        >>> async with contextlib.aclosing(agent.astream("Load the sales")) as events:
        ...     async for event in events:
        ...         if isinstance(event, memex.Finished):
        ...             print(event.result.output)
        They are loaded.
        """
        return self._astream(task, pieces, inputs=inputs, output=output, scope=scope, save=save)

    def resume(self, path: str | os.PathLike[str]) -> RunResult:
        """Goes on with a run that was saved and has no answer yet: it was stopped, or its process died.

        >>> first = memex.Agent("openai:gpt-5", budgets={"turns": 1})
        >>> first.run("Load the sales", save="run.jsonl").status
        'exhausted'
        >>> memex.Agent("openai:gpt-5").resume("run.jsonl").output
        'They are loaded.'
        """
        self._check_loop()
        task = _memex.RunTask("", _values.table)
        run = Run(self, task, _characters.checked(os.fspath(path), "the file of the record", TrajectoryError), self._kind, None)
        # The record says what the answer has to be.
        task.output = None
        return run.go()

    def prepare(self) -> Agent:
        """Gets the image and starts the tools now, instead of with the first run; returns the agent.

        >>> agent = memex.Agent("openai:gpt-5").prepare()
        """
        self._place._open()
        return self

    @property
    def policy(self) -> str:
        """What code may do, as the TOML of a policy file with every limit spelled.

        >>> "guest_time_ms" in agent.policy
        True
        """
        return self._place._open().policy

    def close(self) -> None:
        """Ends runs that are under way, and the servers of tools.

        >>> agent.close()
        """
        self._place._close()

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __reduce__(self):
        raise TypeError("an Agent cannot be pickled; make it anew where it is needed")

    def __repr__(self) -> str:
        return f"<memex.Agent of {self.model.name} with {len(self.tools)} tools>"

    def _run(self, task: str, after: RunResult | None, **settings: Any) -> RunResult:
        self._check_loop()
        return self._begun(task, None, after, **settings).go()

    async def _arun(self, task: str, after: RunResult | None, **settings: Any) -> RunResult:
        import asyncio

        loop = asyncio.get_running_loop()
        run = await loop.run_in_executor(None, lambda: self._begun(task, loop, after, **settings))
        run.called_from(loop)
        return await _following.apart(run)

    def _stream(self, task: str, pieces: bool, **settings: Any) -> Iterator[Any]:
        self._check_loop()
        run = self._begun(task, None, None, **settings)
        if pieces:
            run.pieces()
        yield from _following.stream(run, _following.event_of)

    async def _astream(self, task: str, pieces: bool, **settings: Any) -> AsyncIterator[Any]:
        import asyncio

        loop = asyncio.get_running_loop()
        run = await loop.run_in_executor(None, lambda: self._begun(task, loop, None, **settings))
        run.called_from(loop)
        if pieces:
            run.pieces()
        events = _following.astream(run, _following.event_of)
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()  # type: ignore[attr-defined]

    def _check_loop(self) -> None:
        from memex import _loops

        if _loops.in_running_loop():
            for model in (self.model, *self.models.values()):
                if model._needs_loop:
                    raise AgentError(
                        f"{model.name} is async, and Agent.run was called inside of a running event loop, which cannot run it "
                        "meanwhile; use `await agent.arun(…)`"
                    )

    def _begun(
        self,
        task: str,
        loop: Any,
        after: RunResult | None,
        *,
        inputs: Mapping[str, Any] | None = None,
        output: Any = None,
        scope: Snapshot | bytes | None = None,
        save: str | os.PathLike[str] | None = None,
    ) -> Run:
        if not isinstance(task, str) or not task.strip():
            raise AgentError("a task is a text that says what is to be done")
        _characters.checked(task, "the task", AgentError)
        if self._space == "tools" and (inputs or scope is not None):
            raise AgentError(
                "an agent in the action space \"tools\" has no scope for inputs; put what it needs into the task, "
                'or use action_space="code"'
            )
        native = self._place._open()
        for model in self._priced:
            if not native.has_price(model.name):
                raise AgentError(
                    f"cost_usd bounds nothing, as no price is known of the model {model.name!r}; name a file with "
                    "prices=…, or bound tokens"
                )
        given = _memex.RunTask(task, _values.table)
        begins: Any = None
        if after is not None:
            given.after = after._outcome.trajectory
            begins = after._outcome.scope
            if begins is None and self._space == "code" and any(step.code for step in after.trajectory.steps):
                raise AgentError("the scope of that run is gone, and its code would refer to names that are not there")
        if scope is not None:
            if isinstance(scope, (bytes, bytearray)):
                scope = Snapshot(bytes(scope))
            begins = scope._native if scope._native is not None else native.decode(bytes(scope))
        _run.put_inputs(given, native, inputs, begins)
        if save is not None:
            given.trajectory = _characters.checked(os.path.abspath(save), "the file of the record", TrajectoryError)
        kind = self._kind if output is None else Output(output)
        return Run(self, given, None, kind, loop)


class _Place(BaseSandbox):
    """The sandbox of an agent, with its settings."""

    def __init__(self, config: dict[str, Any], prices: str | None, runs: Any, **settings: Any) -> None:
        self._config = _characters.checked(json.dumps(config, ensure_ascii=False), "a setting of the agent", AgentError)
        self._prices, self._runs = prices, runs
        super().__init__(**settings)

    def _made(self, host: Any, report: Callable[..., None]) -> Any:
        definitions = [_calls.definition(tool) for tool in self.tools]
        return _memex.Agent.made(host, self._spec, self._config, definitions, self._prices, report)

    def _close(self, **patience: float) -> None:
        for run in list(self._runs):
            run.stop.stop()
            run.wait(patience.get("patience", _PATIENCE))
        super()._close(**patience)

    def __reduce__(self):
        raise TypeError("an Agent cannot be pickled; make it anew where it is needed")
