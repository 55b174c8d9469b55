"""Tools of what a user gives. Those of other libraries are known by their attributes: nothing of those is imported."""

from __future__ import annotations

from typing import Any

from memex._tools import Tool


class _Described(Tool):
    """A tool that brings its own schema; arguments and result cross as they are."""

    def __init__(self, function: Any, name: str, description: str, parameters: dict[str, Any], is_async: bool) -> None:
        self.function = function
        self.name = name
        self.description = description
        self.timeout = None
        self.suspends = False
        self.is_async = is_async
        self._own_parameters = parameters

    @property
    def parameters(self) -> dict[str, Any]:  # type: ignore[override]
        return self._own_parameters

    @property
    def returns(self) -> dict[str, Any] | None:  # type: ignore[override]
        return None

    @property
    def _adapter(self) -> Any:  # type: ignore[override]
        return None

    def read(self, arguments: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        return [], arguments

    def __reduce__(self):
        return _Described, (self.function, self.name, self.description, self._own_parameters, self.is_async)


def tool_of(given: Any) -> Tool:
    """A tool of what a user gives: a `Tool`, a function, or a tool of another library."""
    if isinstance(given, Tool):
        return given
    return _foreign_tool(given) or Tool(given)


def _foreign_tool(given: Any) -> Tool | None:
    """A tool of LangChain or smolagents; `None` for anything else."""
    if all(hasattr(given, name) for name in ("name", "description", "invoke", "get_input_schema")):
        schema = given.tool_call_schema
        parameters = schema if isinstance(schema, dict) else schema.model_json_schema()
        return _Described(_Invoked(given), given.name, given.description, parameters, False)
    if all(hasattr(given, name) for name in ("name", "description", "inputs", "forward", "output_type")):
        return _Described(given.forward, given.name, given.description, _of_inputs(given.inputs), False)
    return None


class _Invoked:
    """Calls a LangChain tool by the names of its arguments."""

    def __init__(self, tool: Any) -> None:
        self.tool = tool

    def __call__(self, **arguments: Any) -> Any:
        return self.tool.invoke(arguments)


_KINDS = {"any": {}, "image": {"type": "string", "format": "binary"}, "audio": {"type": "string", "format": "binary"}}


def _of_inputs(inputs: dict[str, Any]) -> dict[str, Any]:
    """The schema of smolagents' inputs."""
    properties = {}
    for name, one in inputs.items():
        kind = one.get("type", "any")
        schema = dict(_KINDS[kind]) if isinstance(kind, str) and kind in _KINDS else {"type": kind}
        properties[name] = {**schema, "description": one.get("description", "")}
    required = [name for name, one in inputs.items() if not one.get("nullable")]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
