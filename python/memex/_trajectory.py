"""Records of runs: their steps as objects, files and the formats of other programs."""

from __future__ import annotations

import dataclasses
import functools
import html
import json
import os
from typing import Any, NamedTuple

from memex import _characters, _framed, _memex
from memex._errors import TrajectoryError
from memex._replies import ToolCall, Usage

# What a notebook shows of a record, and of a text in it, at most.
_PAGE_BYTES_MAX = 1 << 20
_SHOWN_MAX = 4000
FORMATS = ("memex", "atif", "chat", "rollout", "otlp", "html")


class ToolResult(NamedTuple):
    """What a call of a tool returned, as the model was shown it.

    >>> agent = memex.Agent("openai:gpt-5", tools=[search], action_space="tools")
    >>> steps = agent.run("Call search").trajectory.steps
    >>> [one.name for step in steps for one in step.results]
    ['search']
    """

    call_id: str
    name: str
    content: str
    is_error: bool
    duration_ms: int | None


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of a run: a message, a reply of the model, or what came of one.

    `kind` is `system`, `user`, `model`, `observation` (what a block of code gave) or
    `tool` (what calls returned).

    >>> [step.code for step in result.trajectory.steps if step.code]
    ["sales = {'May': 3, 'June': 2}\\n"]
    """

    index: int
    kind: str
    text: str = ""
    reasoning: str | None = None
    code: str | None = None
    tool_calls: list[ToolCall] = dataclasses.field(default_factory=list)
    results: list[ToolResult] = dataclasses.field(default_factory=list)
    observation: dict[str, Any] | None = None
    usage: Usage | None = None
    timing: dict[str, int] = dataclasses.field(default_factory=dict)
    children: list[str] = dataclasses.field(default_factory=list)
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Step:
        used = fields.get("usage")
        return cls(
            index=fields["index"],
            kind=fields["kind"],
            text=fields.get("text", ""),
            reasoning=fields.get("reasoning"),
            code=fields.get("code"),
            tool_calls=[ToolCall(one["name"], one.get("arguments"), one["id"]) for one in fields.get("tool_calls", ())],
            results=[
                ToolResult(
                    one["call_id"], one["name"], one.get("content", ""), one.get("is_error", False), one.get("duration_ms")
                )
                for one in fields.get("results", ())
            ],
            observation=fields.get("observation"),
            usage=None if used is None else usage_of(used),
            timing=fields.get("timing", {}),
            children=fields.get("children", []),
            metadata=fields.get("metadata", {}),
        )


class Totals(NamedTuple):
    """What a run used, together with the agents that it spawned.

    >>> agent.run("Greet me").usage.turns
    1
    """

    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None
    tool_calls: int = 0
    wall_ms: int = 0
    guest_time_ms: int = 0

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Totals:
        return cls(**{name: fields[name] for name in cls._fields if name in fields})


def usage_of(fields: dict[str, Any]) -> Usage:
    """Tokens and money of a record."""
    return Usage(
        fields.get("input_tokens", 0), fields.get("output_tokens", 0), fields.get("cached_tokens", 0), fields.get("cost_usd")
    )


class Trajectory:
    """The record of a run. What models and code wrote in it is as trustworthy as they are.

    >>> result.trajectory.save("run.jsonl")
    >>> [step.kind for step in memex.Trajectory.load("run.jsonl").steps]
    ['system', 'user', 'model', 'observation', 'model']
    """

    def __init__(self, native: Any) -> None:
        self._native = native

    @functools.cached_property
    def _fields(self) -> dict[str, Any]:
        return json.loads(self._native.json())

    @property
    def id(self) -> str:
        """Its id, which no other run has.

        >>> len(result.trajectory.id) > 10
        True
        """
        return self._fields["id"]

    @property
    def task(self) -> str:
        """What the agent was asked.

        >>> agent.run("Greet me").trajectory.task
        'Greet me'
        """
        return self._fields["task"]

    @property
    def status(self) -> str:
        """`submitted`, `answered`, `exhausted`, `failed`, `cancelled` or `unfinished`.

        >>> agent.run("Greet me").trajectory.status
        'answered'
        """
        return self._fields["status"]["state"]

    @property
    def model(self) -> str:
        """The name of the model.

        >>> isinstance(result.trajectory.model, str)
        True
        """
        return self._fields["agent"].get("model", "")

    @property
    def answer(self) -> str | None:
        """The answer in words.

        >>> agent.run("Greet me").trajectory.answer
        'Hello.'
        """
        return self._fields.get("answer")

    @property
    def submission(self) -> Any:
        """The value that was handed in, as JSON has it.

        >>> agent = memex.Agent("openai:gpt-5", output=int)
        >>> agent.run("Add the prices", inputs={"prices": [3, 5, 8]}).trajectory.submission
        16
        """
        return self._fields.get("submission")

    @functools.cached_property
    def steps(self) -> list[Step]:
        """What happened, in order.

        >>> [step.kind for step in agent.run("Greet me").trajectory.steps]
        ['system', 'user', 'model']
        """
        return [Step._of(step) for step in self._fields.get("steps", ())]

    @property
    def totals(self) -> Totals:
        """What the run used, without the agents that it spawned.

        >>> agent.run("Greet me").trajectory.totals.turns
        1
        """
        return Totals._of(self._fields.get("totals", {}))

    @property
    def children(self) -> list[dict[str, Any]]:
        """The agents that it spawned: their ids, tasks, states and records, as JSON has them.

        >>> agent.run("Greet me").trajectory.children
        []
        """
        return self._fields.get("children", [])

    def to_json(self) -> str:
        """The whole record as one JSON object.

        >>> '"Greet me"' in agent.run("Greet me").trajectory.to_json()
        True
        """
        return self._native.json()

    def to_dict(self) -> dict[str, Any]:
        """The same as a dictionary.

        >>> agent.run("Greet me").trajectory.to_dict()["task"]
        'Greet me'
        """
        return json.loads(self._native.json())

    def export(self, format: str, path: str | os.PathLike[str] | None = None, *, content: bool = False) -> str:
        """The record in another format, and into a file if one is named.

        `memex` (JSON lines, which `load` and `memex agent` read), `atif`, `chat` and
        `rollout` (JSON lines for training), `otlp` (OpenTelemetry spans; with `content`,
        messages too), `html` (a page for people).

        >>> page = result.trajectory.export("html", "run.html")
        """
        if format not in FORMATS:
            raise TrajectoryError(f"there is no format {format!r}; there are {', '.join(FORMATS)}")
        text = self._native.export(format, content)
        if path is not None:
            _write(path, text, "w")
        return text

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Writes the record as JSON lines, which `load` and `memex agent` read.

        >>> agent.run("Greet me").trajectory.save("greeting.jsonl")
        """
        _write(path, self._native.export("memex", False), "w" if overwrite else "x")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Trajectory:
        """The record in a file of any of the formats `memex`, `atif`, `chat` and `rollout`; the first, of several.

        >>> agent.run("Greet me").trajectory.save("run.jsonl", overwrite=True)
        >>> memex.Trajectory.load("run.jsonl").answer
        'Hello.'
        """
        found = cls.load_all(path)
        if not found:
            raise TrajectoryError(f"there is no run in {os.fspath(path)}")
        return found[0]

    @classmethod
    def load_all(cls, path: str | os.PathLike[str]) -> list[Trajectory]:
        """All records in a file.

        >>> agent.run("Greet me").trajectory.save("run.jsonl", overwrite=True)
        >>> len(memex.Trajectory.load_all("run.jsonl"))
        1
        """
        return [cls(native) for native in _memex.Trajectory.read(_characters.checked(os.fspath(path), "the path", TrajectoryError))]

    def __repr__(self) -> str:
        return f"<memex.Trajectory {self.id}: {self.status}, {len(self.steps)} steps>"

    def __reduce__(self):
        raise TypeError("a Trajectory is kept as a file: trajectory.save(path), Trajectory.load(path)")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What a notebook shows: the report, in a frame that runs no scripts and reaches nothing."""
        return {"text/plain": repr(self), "text/html": framed(self._native.export("html", False)) or escaped(repr(self))}


def framed(page: str) -> str | None:
    """A report in a frame that runs no scripts and loads nothing; `None` for one that is too long to show."""
    return _framed.framed(page, "36em", _PAGE_BYTES_MAX)


def escaped(text: str) -> str:
    """A text as HTML, cut to what a notebook may show."""
    more = "" if len(text) <= _SHOWN_MAX else " …"
    return f"<pre>{html.escape(text[:_SHOWN_MAX])}{more}</pre>"


def _write(path: str | os.PathLike[str], text: str, mode: str) -> None:
    try:
        with open(path, mode, encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise TrajectoryError(f"{os.fspath(path)} is there already; save(path, overwrite=True) replaces it") from None
    except OSError as error:
        raise TrajectoryError(f"cannot write {os.fspath(path)}: {error.strerror}") from None
