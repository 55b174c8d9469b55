"""What an execution comes to, in E2B's shape."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any, Iterable

import memex
from memex._result import shown_safely

_FORMS = {
    "text/plain": "text",
    "text/html": "html",
    "text/markdown": "markdown",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpeg",
    "application/pdf": "pdf",
    "text/latex": "latex",
    "application/json": "json",
    "application/javascript": "javascript",
}


_DEPTH_MAX = 100


@dataclass
class OutputMessage:
    """A piece of output."""

    line: str
    timestamp: int = field(default_factory=time.time_ns)
    error: bool = False

    def __str__(self) -> str:
        return self.line


@dataclass
class ExecutionError:
    """An exception that the code did not catch."""

    name: str
    value: str
    traceback: str

    def to_json(self) -> str:
        return json.dumps({"name": self.name, "value": self.value, "traceback": self.traceback})


@dataclass
class Result:
    """A value or a display in its forms; pictures are base64."""

    text: str | None = None
    html: str | None = None
    markdown: str | None = None
    svg: str | None = None
    png: str | None = None
    jpeg: str | None = None
    pdf: str | None = None
    latex: str | None = None
    json: dict | None = None
    javascript: str | None = None
    data: dict | None = None
    chart: Any = None
    is_main_result: bool = False
    extra: dict | None = None

    def __getitem__(self, item: str) -> Any:
        return getattr(self, item)

    def formats(self) -> Iterable[str]:
        """The names of the forms there are."""
        found = [name for name in (*_FORMS.values(), "data", "chart") if getattr(self, name)]
        return [*found, *(self.extra or {})]

    def __str__(self) -> str:
        return self.text or repr(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What a notebook shows, whose page can do what its kernel can: the fields have the forms as they came."""
        forms = {kind: getattr(self, name) for kind, name in _FORMS.items() if name != "json"}
        return shown_safely({kind: form for kind, form in forms.items() if isinstance(form, str)})


class _Displayed(Result):
    """A display of the guest's. Its JSON is read when it is asked for."""

    # The text, and then what it is.
    _written: str | None = None
    _json: Any = None

    @property
    def json(self) -> Any:  # type: ignore[override]
        if self._written is not None:
            written, self._written = self._written, None
            try:
                self._json = _shallow(json.loads(written))
            except (ValueError, RecursionError):
                self.extra = {**(self.extra or {}), "application/json": written}
        return self._json

    @json.setter
    def json(self, value: Any) -> None:
        self._json = value


@dataclass
class Logs:
    """What was printed, piece by piece."""

    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps({"stdout": self.stdout, "stderr": self.stderr})


@dataclass
class Execution:
    """What a block of code came to."""

    results: list[Result] = field(default_factory=list)
    logs: Logs = field(default_factory=Logs)
    error: ExecutionError | None = None
    execution_count: int | None = None

    @property
    def text(self) -> str | None:
        """The value of the last expression, as a prompt shows it."""
        return next((one.text for one in self.results if one.is_main_result), None)

    def to_json(self) -> str:
        results = [{name: one[name] for name in one.formats() if hasattr(one, name)} for one in self.results]
        error = None if self.error is None else json.loads(self.error.to_json())
        return json.dumps({"results": results, "logs": json.loads(self.logs.to_json()), "error": error})


def _shallow(value: Any) -> Any:
    """The same JSON. Raises `ValueError` for what lies so deep that writing or showing it fails."""
    level = [value]
    for _ in range(_DEPTH_MAX):
        inner = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, (dict, list))]
        level = [part for parts in inner for part in parts]
        if not level:
            return value
    raise ValueError("it is nested too deeply")


def results_of(result: memex.Result) -> list[Result]:
    """The displays and the value of a turn."""
    found = [_displayed(one) for one in result.displays]
    main = next((one for one in found if one.is_main_result), None)
    if main is not None:
        main.text = main.text or result.text or None
    elif result.text:
        found.append(Result(text=result.text, is_main_result=True))
    return found


def _displayed(display: memex.Display) -> Result:
    made = _Displayed(is_main_result=display.main)
    for kind, data in display.data.items():
        text = data if isinstance(data, str) else base64.b64encode(data).decode("ascii")
        name = _FORMS.get(kind)
        if name is None:
            made.extra = {**(made.extra or {}), kind: text}
        elif name == "json":
            made._written = text
        else:
            setattr(made, name, text)
    return made


def error_of(result: memex.Result) -> ExecutionError | None:
    """The exception of a turn, or the limit that ended it."""
    if result.ok:
        return None
    if result.error is not None:
        return ExecutionError(result.error.name, result.error.message, result.error.traceback)
    limit = result.limit
    reason = f"the limit {limit.name} was reached: {limit.bound}" if limit is not None else "the sandbox ended the turn"
    return ExecutionError("LimitError" if limit is not None else "RuntimeError", reason, "")
