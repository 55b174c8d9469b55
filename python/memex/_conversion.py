"""Types of Python as contracts: schemas, validation and JSON, by pydantic.

Imported by the first tool with annotations, not by `import memex`.
"""

from __future__ import annotations

import itertools
import types
import typing
from typing import Annotated, Any, Union

import pydantic
from pydantic.json_schema import GenerateJsonSchema, WithJsonSchema

from memex import _values
from memex._errors import ValueNotData

# More are not described one by one, which takes a kilobyte each.
_PROBLEMS_MAX = 1000
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


# What becomes an array: texts would each take the room of the longest, and other objects
# are no numbers.
_NUMBERS = frozenset({int, float, bool, complex, type(None)})
_AXES_MAX = 32
_NO_ARRAY = "; annotate the parameter with `list[…]` to take it as it is"


def _array(value: Any) -> Any:
    import numpy

    if isinstance(value, (numpy.ndarray, numpy.number, numpy.bool_)):
        return numpy.asarray(value)
    level, axes = [value], 0
    while level and set(map(type, level)) <= {list, tuple}:
        axes += 1
        if axes > _AXES_MAX:
            raise ValueError(f"an array has at most {_AXES_MAX} axes{_NO_ARRAY}")
        if len(set(map(len, level))) > 1:
            raise ValueError(f"the rows of an array have one length, and some of these have another{_NO_ARRAY}")
        level = list(itertools.chain.from_iterable(level))
    kinds = set(map(type, level))
    others = [kind for kind in kinds - _NUMBERS if not issubclass(kind, (numpy.number, numpy.bool_))]
    if others:
        found = sorted(kind.__name__ for kind in others)
        raise ValueError(f"an array is of numbers and booleans, and there are values of type {', '.join(found)}{_NO_ARRAY}")
    if type(None) in kinds:
        # A float that is no number has no form in JSON.
        return numpy.asarray(value, dtype=complex if complex in kinds else float)
    made = numpy.asarray(value)
    if made.dtype.kind == "O" or kinds == {int} and made.dtype.kind not in "iu":
        raise ValueError(f"an array has integers of 64 bits, and some of these are longer{_NO_ARRAY}")
    return made


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
    if _values.expanded(value) > _values.EXPANDED_MAX:
        raise ValueNotData(
            f"the value is not read as {shown(kind)}: its parts refer to each other so often that it would have more than "
            f"{_values.EXPANDED_MAX} elements; use it as it is, by `.value`"
        )
    try:
        return adapter(kind).validate_python(value)
    except pydantic.ValidationError as error:
        raise ValueNotData(f"the value is not {shown(kind)}: {problems(error)}") from None
    except pydantic.errors.PydanticUserError as error:
        raise ValueNotData(f"{shown(kind)} is no type that values can be read as: {error.message}") from None


def problems(error: pydantic.ValidationError) -> str:
    """What does not fit, and where, without the values."""
    if error.error_count() > _PROBLEMS_MAX:
        return f"{error.error_count()} values in it do not fit"
    found = []
    for one in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in one["loc"]).lstrip(".")
        found.append(f"{place}: {one['msg']}" if place else one["msg"])
    more = error.error_count() - len(found)
    return "; ".join(found) + (f"; and {more} more" if more > 0 else "")


def shown(kind: Any) -> str:
    """A type in words."""
    return kind.__qualname__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind).replace("typing.", "")
