"""Types of Python as contracts: schemas, validation and JSON, by pydantic.

Imported by the first tool with annotations, not by `import memex`.
"""

from __future__ import annotations

import itertools
import types
import typing
from typing import Annotated, Any, Iterable, Union

import pydantic
from pydantic.json_schema import GenerateJsonSchema, WithJsonSchema

from memex import _values
from memex._errors import ValueNotData
from memex._extent import DIGITS_MAX, Extent
from memex._guarded import guarded

# More are not described one by one, which takes a kilobyte each.
_PROBLEMS_MAX = 1000
_AS_IT_IS = "; use it as it is, by `.value`"
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
_FLOATS = frozenset({float, complex, type(None)})
# Every integer up to here is a float.
_EXACT = 1 << 53
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
    are_whole = not any(kind in _FLOATS or issubclass(kind, numpy.inexact) for kind in kinds)
    if not are_whole and not _are_exact(int(one) for one in level if isinstance(one, (int, numpy.integer))):
        raise ValueError(f"an array of floats holds integers exactly, and some of these have more digits than a float{_NO_ARRAY}")
    if type(None) in kinds:
        # A float that is no number has no form in JSON.
        is_complex = any(kind is complex or issubclass(kind, numpy.complexfloating) for kind in kinds)
        return numpy.asarray(value, dtype=complex if is_complex else float)
    made = numpy.asarray(value)
    if made.dtype.kind == "O" or are_whole and level and made.dtype.kind not in "iub":
        raise ValueError(f"an array has integers of 64 bits, and some of these are longer{_NO_ARRAY}")
    return made


def _are_exact(integers: Iterable[int]) -> bool:
    """Whether integers are the same as floats."""
    try:
        return all(-_EXACT <= one <= _EXACT or int(float(one)) == one for one in integers)
    except OverflowError:
        return False


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


def reader(annotation: Any) -> Any:
    """What reads values of a guest as a type: `validate_python` takes bounded time for a value that can be walked."""
    made = adapter(annotation)
    return guarded(made.core_schema, made)


def validated(kind: Any, value: Any) -> Any:
    """The value as an object of a type."""
    extent = Extent(value)
    if not extent.is_walkable:
        raise ValueNotData(f"the value is not read as {shown(kind)}: {_values.larger('')}{_AS_IT_IS}")
    if extent.has_long_numbers:
        raise ValueNotData(f"the value is not read as {shown(kind)}: it has a number of more than {DIGITS_MAX} digits{_AS_IT_IS}")
    try:
        return reader(kind).validate_python(value)
    except pydantic.ValidationError as error:
        raise ValueNotData(f"the value is not {shown(kind)}: {problems(error)}") from None
    except pydantic.errors.PydanticUserError as error:
        raise ValueNotData(f"{shown(kind)} is no type that values can be read as: {error.message}") from None
    except Exception as error:
        # Values such as a time that is missing have the class of a type, and not its manners.
        raise ValueNotData(f"the value is not {shown(kind)}: {type(error).__name__}: {error}") from error


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
