"""Types of Python as contracts: schemas, validation and JSON, by pydantic.

Imported by the first tool with annotations, not by `import memex`.
"""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Union

import pydantic
from pydantic.json_schema import GenerateJsonSchema, WithJsonSchema

from memex._errors import ValueNotData

_CONFIG = pydantic.ConfigDict(arbitrary_types_allowed=True)


class _Schemas(GenerateJsonSchema):
    """Schemas in the words of the tools' broker, without titles that only repeat names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def is_instance_schema(self, schema: Any) -> dict[str, Any]:
        if getattr(schema.get("cls"), "__name__", "") == "DataFrame":
            return {"type": "object", "x-memex-type": "table"}
        return super().is_instance_schema(schema)


def adapted(annotation: Any) -> Any:
    """The annotation with arrays of numpy as lists of numbers, which become arrays."""
    if isinstance(annotation, type) and annotation.__name__ == "ndarray" and annotation.__module__ == "numpy":
        return Annotated[Any, pydantic.BeforeValidator(_array), WithJsonSchema({"type": "array", "items": {}})]
    origin = typing.get_origin(annotation)
    if origin is None or origin is typing.Literal:
        return annotation
    arguments = typing.get_args(annotation)
    changed = tuple(adapted(argument) if not isinstance(argument, list) else argument for argument in arguments)
    if all(new is old for new, old in zip(changed, arguments, strict=True)):
        return annotation
    if origin is Annotated:
        return Annotated[(changed[0], *annotation.__metadata__)]
    if origin is Union or origin is types.UnionType:
        return Union[changed]
    try:
        return origin[changed]
    except TypeError:
        return annotation


def _array(value: Any) -> Any:
    import numpy

    return value if isinstance(value, numpy.ndarray) else numpy.asarray(value)


def adapter(annotation: Any) -> pydantic.TypeAdapter:
    """Reads and writes values of a type. Raises what pydantic raises for one that it does not know."""
    annotation = adapted(annotation)
    try:
        return pydantic.TypeAdapter(annotation, config=_CONFIG)
    except pydantic.errors.PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            raise
        # Models, dataclasses and typed dictionaries have a configuration of their own.
        return pydantic.TypeAdapter(annotation)


def schema_of(adapter: pydantic.TypeAdapter, mode: str) -> dict[str, Any]:
    """The JSON schema of a type, for values that come in (`validation`) or go out (`serialization`)."""
    return adapter.json_schema(schema_generator=_Schemas, mode=mode)  # type: ignore[arg-type]


def model_schema(model: type[pydantic.BaseModel]) -> dict[str, Any]:
    """The JSON schema of arguments."""
    return model.model_json_schema(by_alias=True, schema_generator=_Schemas)


def validated(kind: Any, value: Any) -> Any:
    """The value as an object of a type."""
    try:
        return adapter(kind).validate_python(value)
    except pydantic.ValidationError as error:
        raise ValueNotData(f"the value is not {shown(kind)}: {problems(error)}") from None
    except pydantic.errors.PydanticUserError as error:
        raise ValueNotData(f"{shown(kind)} is no type that values can be read as: {error.message}") from None


def problems(error: pydantic.ValidationError) -> str:
    """What does not fit, and where, without the values."""
    found = []
    for one in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in one["loc"]).lstrip(".")
        found.append(f"{place}: {one['msg']}" if place else one["msg"])
    more = error.error_count() - len(found)
    return "; ".join(found) + (f"; and {more} more" if more > 0 else "")


def shown(kind: Any) -> str:
    """A type in words."""
    return kind.__qualname__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind).replace("typing.", "")
