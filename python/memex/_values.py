"""Values on their way between this process and a session.

They cross as typed data, never as pickles: what a session hands over is read by a
list of kinds, with bounds, and no class of this process is looked up by a name that
the session gives (see `docs/dispatcher.md`, "Values between sessions").
"""

from __future__ import annotations

import enum
import sys
from typing import Any

from memex import _guest
from memex._errors import ValueNotData
from memex._extent import ELEMENTS_MAX, Extent

# How deep containers may lie in each other.
_DEPTH_MAX = 100
_ready = False


def unpacked(data: bytes) -> Any:
    """The value that a session packed."""
    try:
        return _codec().unpacked(data)
    except ImportError as error:
        raise ValueNotData(f"the value needs a package that is not installed here: {error}") from None
    except ValueError as error:
        raise ValueNotData(str(error)) from None


def packed(value: Any, name: str) -> bytes:
    """The bytes of a value for a session; `name` is what errors call it."""
    codec = _codec()
    try:
        return codec.packed(plain(value), name)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueNotData(f"{error}".replace("handed over", "put into a session")) from None


def table(description: dict, parts: list[bytes]) -> Any:
    """The DataFrame of a table that came as an argument of a tool."""
    return _guest.module("columns").decoded(description, parts)


def json_like(value: Any, path: str) -> tuple[Any, list]:
    """A result of a tool as JSON, with bytes and columns of tables as parts."""
    check_walkable(value, path, "as JSON")
    parts: list = []
    found = _guest.module("arguments").plain(value, parts, path, 0)
    return found, parts


def check_walkable(value: Any, path: str, form: str) -> None:
    """Raises `ValueError` for a value that is far larger for whoever walks it than it is."""
    if not Extent(value).is_walkable:
        raise ValueError(f"{path}: {larger(form)}")


def larger(form: str) -> str:
    """What is wrong with a value that cannot be walked."""
    return (
        "it states a length, or its parts refer to each other so often, "
        f"that it would have more than {ELEMENTS_MAX} elements {form}"
    )


def _codec():
    global _ready
    codec = _guest.module("values")
    if not _ready:
        # Objects of classes that only the session has arrive as their fields.
        codec.readers.update({"record": _read_record, "object": _read_object, "named": _read_named, "choice": _read_choice})
        _ready = True
    return codec


def _read_record(reader, _tool, _name, keys, found):
    return _guest.module("containers").mapping(reader, keys, found)


def _read_object(reader, _name, fields, found):
    for field in _guest.module("values").checked(fields, list):
        _guest.module("values").checked(field, str)
    return _guest.module("containers").mapping(reader, fields, found)


def _read_named(reader, _name, found):
    return tuple(reader.items(found))


def _read_choice(reader, _tool, _name, _member, value):
    return reader.item(value)


def plain(value: Any) -> Any:
    """The value with objects of classes that the session does not have as their fields.

    What is shared in it stays shared.
    """
    return _plain(value, 0, {})


def _plain(value: Any, depth: int, known: dict[int, tuple[Any, Any]]) -> Any:
    """`known` has what was made of what, by identity."""
    if type(value) in _SCALARS:
        return value
    if depth > _DEPTH_MAX:
        raise ValueError("it is nested too deeply, or contains itself")
    found = known.get(id(value))
    if found is None:
        # The value is kept as well: no other one takes its identity.
        found = known[id(value)] = (value, _made_plain(value, depth, known))
    return found[1]


def _made_plain(value: Any, depth: int, known: dict[int, tuple[Any, Any]]) -> Any:
    kind = type(value)
    if kind is list:
        return [_plain(item, depth + 1, known) for item in value]
    if kind is tuple:
        return tuple(_plain(item, depth + 1, known) for item in value)
    if kind is dict:
        made = {_plain(key, depth + 1, known): _plain(item, depth + 1, known) for key, item in value.items()}
        if len(made) != len(value):
            raise ValueError("two keys of a dictionary are the same when they are data, such as a member of an Enum and its value")
        return made
    if isinstance(value, enum.Enum):
        return _plain(value.value, depth + 1, known)
    if hasattr(kind, "__dataclass_fields__"):
        from dataclasses import fields

        return _plain({field.name: getattr(value, field.name) for field in fields(value)}, depth + 1, known)
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        # It dumps what is shared as often as it is there.
        check_walkable(value, type(value).__name__, "as plain data")
        return _plain(value.model_dump(), depth + 1, known)
    arrow = sys.modules.get("pyarrow")
    if arrow is not None and isinstance(value, (arrow.Table, arrow.RecordBatch)):
        from memex._columnar import of_arrow

        return of_arrow(value, arrow)
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(value, (polars.DataFrame, polars.Series)):
        from memex._columnar import of_polars

        return of_polars(value)
    return value


_SCALARS = frozenset((str, int, float, bool, type(None), bytes))
