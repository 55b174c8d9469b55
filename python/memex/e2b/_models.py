"""What an execution comes to, in E2B's shape."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any, Iterable

import memex

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

    def _repr_html_(self) -> str | None:
        return self.html

    def _repr_png_(self) -> str | None:
        return self.png

    def _repr_svg_(self) -> str | None:
        return self.svg


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
    made = Result(is_main_result=display.main)
    for kind, data in display.data.items():
        text = data if isinstance(data, str) else base64.b64encode(data).decode("ascii")
        name = _FORMS.get(kind)
        if name is None:
            made.extra = {**(made.extra or {}), kind: text}
        elif name == "json":
            try:
                made.json = json.loads(text)
            except ValueError:
                made.text = made.text or text
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
