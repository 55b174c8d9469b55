"""JSON Schemas of Python types."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import enum
import types
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

DEPTH_MAX = 20

_PLAIN = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    None: {"type": "null"},
    list: {"type": "array"},
    tuple: {"type": "array"},
    dict: {"type": "object"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    time: {"type": "string", "format": "time"},
    Decimal: {"type": ["string", "number"]},
}


def schema_of(wanted, depth=0):
    """The schema that a type, or a schema itself, stands for; `{}` admits anything.

    Raises `TypeError` for what is neither.
    """
    if isinstance(wanted, dict):
        return wanted
    if depth > DEPTH_MAX:
        return {}
    if wanted is Any or wanted is object:
        return {}
    try:
        if wanted in _PLAIN:
            return dict(_PLAIN[wanted])
    except TypeError:
        pass
    origin, given = get_origin(wanted), get_args(wanted)
    if origin in (list, set, frozenset):
        return {"type": "array", "items": schema_of(given[0], depth + 1)}
    if origin is tuple:
        if len(given) == 2 and given[1] is ...:
            return {"type": "array", "items": schema_of(given[0], depth + 1)}
        prefix = [schema_of(one, depth + 1) for one in given]
        return {"type": "array", "prefixItems": prefix, "minItems": len(prefix), "maxItems": len(prefix)}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(given[1], depth + 1)}
    if origin is Literal:
        return {"enum": list(given)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(one, depth + 1) for one in given]}
    if isinstance(wanted, type):
        return _of_class(wanted, depth)
    raise TypeError("output: a type or a JSON Schema is expected, not " + repr(wanted)[:100])


def admits_anything(schema):
    """Whether a schema says nothing of what it admits."""
    either = schema.get("anyOf")
    return not schema or schema.keys() == {"anyOf"} and any(not one for one in either)


def _of_class(wanted, depth):
    if issubclass(wanted, enum.Enum):
        return {"enum": [member.value for member in wanted]}
    fields = getattr(wanted, "__dataclass_fields__", None)
    is_typed = issubclass(wanted, dict) and hasattr(wanted, "__total__")
    if fields is None and not is_typed:
        # A DataFrame, an array, a class: the object itself is the answer.
        return {}
    hints = get_type_hints(wanted)
    names = list(fields) if fields is not None else list(hints)
    schema = {
        "type": "object",
        "properties": {name: schema_of(hints.get(name, Any), depth + 1) for name in names},
        "required": [name for name in names if _is_required(wanted, fields, name)],
        "additionalProperties": False,
    }
    if wanted.__doc__ and not wanted.__doc__.startswith(wanted.__name__ + "("):
        schema["description"] = wanted.__doc__
    return schema


def _is_required(wanted, fields, name):
    if fields is None:
        return name in getattr(wanted, "__required_keys__", ())
    field = fields[name]
    kept = type(field.default).__name__, type(field.default_factory).__name__
    return kept == ("_MISSING_TYPE", "_MISSING_TYPE")
