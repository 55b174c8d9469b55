"""The answer that a parent takes: of the type that it asked for, whatever was handed over.

    checked JSON ─┐
                  ├─► a value of the type ─► the parent
    the object  ──┘

The host has checked the JSON, and the object is the word of who made it. So containers
and objects are made of the JSON, by the type; of the object there is taken what has
exactly the type that is asked for, and what stands where the type admits anything.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import enum
import types
from collections import Counter, OrderedDict, defaultdict
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from memex_guest import arguments, forms, hashing, instances, records, schemas, values

_FROM_TEXT = {date: date.fromisoformat, datetime: datetime.fromisoformat, time: time.fromisoformat}
_NUMBERS = (int, float)
_SEQUENCES = (list, tuple, set, frozenset)
_SETS = (set, frozenset)
_CONTAINERS = (dict, list)
_MAPPINGS = (dict, OrderedDict, defaultdict, Counter)
# Words of a schema that say what is in a container, or nothing of its type.
_KNOWN = frozenset(("type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "title", "description"))

# Digits of a key that is a number; more take quadratic time.
_DIGITS_MAX = 4300

_dict_of = type.__dict__["__dict__"].__get__
_mro_of = type.__dict__["__mro__"].__get__


class Misfit(ValueError):
    """A value that is not of a type."""


def fitted(wanted, value, given):
    """The checked JSON as a value of a type or schema, with what fits of the object in it.

    What does not fit stays JSON. Without an object, `given` is the JSON.
    """
    # The last argument of what follows is what was tried and found so far.
    return _part(wanted, value, given, 0, False, {})


def _part(wanted, value, given, depth, strict, tried):
    if depth > schemas.DEPTH_MAX:
        return value
    try:
        return _fitted(wanted, value, given, depth + 1, strict, tried)
    except Exception:
        if strict:
            raise
        return value


def _fitted(wanted, value, given, depth, strict, tried):
    if wanted is Any or wanted is object:
        return given
    if isinstance(wanted, dict):
        return _of_schema(wanted, value, given, depth, tried)
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in (list, set, frozenset):
        found = [_part(inner[0], one, own, depth, strict, tried) for one, own in _elements(value, given)]
        return found if origin is list else _set_of(origin, found)
    if origin is tuple:
        pairs = _elements(value, given)
        kinds = [inner[0]] * len(pairs) if inner[1:] == (...,) else inner
        return tuple([_part(kind, *pair, depth, strict, tried) for kind, pair in zip(kinds, pairs, strict=True)])
    if origin is dict:
        members = _members(value, given)
        keys = [_key(inner[0], name, tried) for name, _one, _own in members]
        hashing.check_keys(keys)
        return {key: _part(inner[1], one, own, depth, strict, tried) for key, (_name, one, own) in zip(keys, members)}
    if origin in (Union, types.UnionType):
        return _one_of(inner, value, given, depth, strict, tried)
    if origin is Literal:
        return _exact(value, value, *[type(one) for one in inner if one == value])
    if wanted is None or wanted is type(None):
        return _exact(value, value, type(None))
    if not isinstance(wanted, type):
        raise Misfit("there is no such type")
    return _of_class(wanted, value, given, depth, strict, tried)


def _of_class(wanted, value, given, depth, strict, tried):
    if wanted is float:
        return _exact(given, value, float, int)
    if wanted is int and type(given) is not int and type(value) is float and value.is_integer():
        return int(value)
    if wanted in values.SCALARS:
        return _exact(given, value, wanted)
    if wanted is list or wanted is tuple:
        return given if type(given) is wanted else wanted([own for _one, own in _elements(value, given)])
    if wanted is dict:
        return given if type(given) is dict else {name: own for name, _one, own in _members(value, given)}
    if wanted in _FROM_TEXT:
        return given if type(given) is wanted else _FROM_TEXT[wanted](_exact(value, value, str))
    if wanted is Decimal:
        return given if type(given) is wanted else Decimal(str(_exact(value, value, str, int, float)))
    if issubclass(wanted, enum.Enum):
        return given if type(given) is wanted else _member(wanted, value, tried)
    if getattr(wanted, "__dataclass_fields__", None) is not None:
        return _of_dataclass(wanted, value, given, depth, strict, tried)
    if issubclass(wanted, dict) and hasattr(wanted, "__total__"):
        hints = _hints_of(wanted, tried)
        return {name: _part(hints.get(name, Any), one, own, depth, strict, tried) for name, one, own in _members(value, given)}
    # The schema of such a class admits anything: what is of another class stays JSON. One of
    # the session is no other class's; of a library there are subclasses, such as of paths.
    if type(given) is wanted or not instances.layout_of(wanted) and wanted in _mro_of(type(given)):
        return given
    raise Misfit("it is no object of the class")


def _member(wanted, value, tried):
    """The member of an Enum that has a value; no code of the class looks for it."""
    _exact(value, value, *values.SCALARS)
    key = id(wanted), "members"
    if key not in tried:
        known = {}
        for member in _dict_of(wanted)["_member_map_"].values():
            if type(member._value_) in values.SCALARS:
                known.setdefault(member._value_, member)
        tried[key] = wanted, known
    found = tried[key][1].get(value)
    if found is None:
        raise Misfit("it is no value of the Enum")
    return found


def _hints_of(wanted, tried):
    """The types of a class's fields, the same objects each time."""
    key = id(wanted), "hints"
    if key not in tried:
        tried[key] = wanted, get_type_hints(wanted)
    return tried[key][1]


def _of_dataclass(wanted, value, given, depth, strict, tried):
    hints = _hints_of(wanted, tried)
    parts = {name: _part(hints.get(name, Any), one, own, depth, strict, tried) for name, one, own in _members(value, given)}
    if type(given) is wanted and instances.layout_of(wanted) == "fields":
        return instances.filled(wanted, parts)
    fields = wanted.__dataclass_fields__
    return wanted(**{name: part for name, part in parts.items() if name not in fields or fields[name].init})


def _one_of(members, value, given, depth, strict, tried):
    """By the member of a union that the object is of, else by the first that the JSON is of."""
    kind = type(given)
    exact = [one for one in members if (get_origin(one) or one) is kind]
    for one in [*exact, *[one for one in members if one not in exact]]:
        try:
            return _whole(one, value, given, depth, tried)
        except Exception:
            continue
    loose = [one for one in members if one is not type(None)]
    # Where all has to fit, the one that is left was just tried.
    if strict or value is None or len(loose) != 1:
        raise Misfit("it is of no member of the union")
    return _part(loose[0], value, given, depth, strict, tried)


def _whole(member, value, given, depth, tried):
    """By a member of a union, of which all has to fit.

    Each value is tried once by each member: classes that refer to each other would have
    what is deep in it tried once more for each member at each level above.
    """
    if type(value) not in _CONTAINERS:
        return _fitted(member, value, given, depth, True, tried)
    key = id(member), id(value), id(given)
    if key not in tried:
        fits, found = True, None
        try:
            found = _fitted(member, value, given, depth, True, tried)
        except Exception:
            fits = False
        # What is kept keeps its identity.
        tried[key] = member, value, given, fits, found
    *_, fits, found = tried[key]
    if not fits:
        raise Misfit("it is not of this member of the union")
    return found


def _of_schema(schema, value, given, depth, tried):
    """By a JSON Schema: JSON, with what stands where it admits anything."""
    if schemas.admits_anything(schema):
        return given
    kind = schema.get("type")
    if kind == "integer":
        return _exact(given, value, int, float)
    if not _KNOWN.issuperset(schema):
        return value
    if kind == "array":
        items = schema.get("items", {})
        return [_below(items, one, own, depth, tried) for one, own in _elements(value, given)]
    if kind == "object":
        known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        return {name: _below(known.get(name, others), one, own, depth, tried) for name, one, own in _members(value, given)}
    return value


def _below(schema, value, given, depth, tried):
    if schema is True:
        return given
    return _part(schema, value, given, depth, False, tried) if type(schema) is dict else value


def _exact(given, value, *kinds):
    """The object if it is of the first type, else the JSON if it is of one of them."""
    if type(given) is kinds[0]:
        return given
    if type(value) not in kinds:
        raise Misfit("a value of another type is expected in its place")
    return value


def _elements(value, given):
    """The elements of a JSON array, each with that of the object, as far as it has them."""
    _exact(value, value, list)
    kind = type(given)
    if kind in _SETS:
        # In the order in which they became JSON; comparing these runs no code of a class.
        given = arguments.ordered(given) if all(type(one) in values.SCALARS for one in given) else value
    elif instances.layout_of(kind) == "tuple":
        given = tuple.__iter__(given)
    elif kind not in _SEQUENCES:
        given = value
    given = list(given)
    return list(zip(value, given if len(given) == len(value) else value))


def _members(value, given):
    """The names and members of a JSON object, each with that of the object, as far as it has them."""
    _exact(value, value, dict)
    kind = type(given)
    found = {}
    if kind in _MAPPINGS or records.Record in _mro_of(kind):
        known = [(key if type(key) is str else str(key), one) for key, one in dict.items(given) if _is_name(key)]
        hashing.check_keys([key for key, _one in known])
        found = dict(known)
    elif instances.layout_of(kind) == "fields":
        found = instances.fields_of(given, kind)
    return [(name, one, found.get(name, one)) for name, one in value.items()]


def _is_name(key):
    return type(key) is str or type(key) is int and key.bit_length() <= forms.KEY_BITS_MAX


def _key(wanted, name, tried):
    """A key of the type that is asked for, of its text."""
    try:
        if len(name) > _DIGITS_MAX:
            return name
        if wanted in _NUMBERS or wanted in _FROM_TEXT:
            made = _FROM_TEXT.get(wanted, wanted)(name)
            # One that is written in another way would make one key of two.
            return made if (made.isoformat() if wanted in _FROM_TEXT else str(made)) == name else name
        if isinstance(wanted, type) and issubclass(wanted, enum.Enum):
            made = _member(wanted, name, tried)
            values.refuse_key(made, (None, "it"))
            return made
    except Exception:
        pass
    return name


def _set_of(origin, found):
    for one in found:
        # One whose hash is code of its class leaves the value as it is.
        values.refuse_key(one, (None, "it"))
    hashing.check_keys(found, hashing.SET)
    return origin(found)
