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
        """The arguments by name. Raises `TypeError` for one that the schema does not name.

        JSON Schema admits such names; but what is called may take more than a model is
        told of, and code in the sandbox can write any call.
        """
        known = _names_of(self._own_parameters)
        if known is not None:
            others = sorted(name for name in arguments if name not in known)
            if others:
                raise TypeError(f"{self.name}: there is no parameter {', '.join(map(repr, others))[:200]}")
        return [], arguments

    def __reduce__(self):
        return _Described, (self.function, self.name, self.description, self._own_parameters, self.is_async)


# How many schemas of one are looked at.
_SCHEMAS_MAX = 1000


def _names_of(schema: dict[str, Any]) -> frozenset[str] | None:
    """The parameters that a schema names, or `None` where it says itself that there may be others."""
    names: set[str] = set()
    waiting: list[Any] = [schema]
    for _ in range(_SCHEMAS_MAX):
        if not waiting:
            return frozenset(names)
        one = waiting.pop()
        if not isinstance(one, dict):
            continue
        if one.get("additionalProperties") not in (None, False) or one.get("patternProperties"):
            return None
        names.update(one.get("properties") or {}, one.get("required") or ())
        for key in ("allOf", "anyOf", "oneOf"):
            waiting.extend(one.get(key) or ())
        waiting.append(_referred(schema, one.get("$ref")))
    return frozenset(names)


def _referred(schema: Any, reference: Any) -> Any:
    """What a reference within a schema names."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    for step in reference[2:].split("/"):
        schema = schema.get(step) if isinstance(schema, dict) else None
    return schema


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
        if getattr(given, "func", None) is None and getattr(given, "coroutine", None) is not None:
            return _Described(_Awaited(given), given.name, given.description, parameters, True)
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


class _Awaited:
    """The same of a tool that has a coroutine alone."""

    def __init__(self, tool: Any) -> None:
        self.tool = tool

    async def __call__(self, **arguments: Any) -> Any:
        return await self.tool.ainvoke(arguments)


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
