"""From Python values to the JSON of a tool call, with binary values as parts of the frame.

Most arguments are JSON already and are encoded in C at once; only a call whose
arguments the encoder refuses is walked here.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import enum
import sys
from collections import deque as _deque
from collections.abc import MappingView as _MappingView
from _json import encode_basestring_ascii as _quote, make_encoder as _make_encoder
from datetime import date as _date, datetime as _datetime, time as _time, timedelta as _timedelta
from decimal import Decimal as _Decimal
from os import PathLike as _PathLike, fspath as _fspath
from uuid import UUID as _UUID

from memex_guest import columns, text

DEPTH_MAX = 100
# Longer arguments have their long texts taken out of the JSON.
_TEXTS_FROM = 256 << 10
_TEXT_MIN = 256
# What the channel takes as JSON, less what stands around the arguments.
_JSON_MAX = (1 << 20) - 4096

_SCALARS = frozenset((str, int, bool, type(None)))
_BINARY = (bytes, bytearray, memoryview)
_ISO = (_datetime, _date, _time)
_SETS = (set, frozenset)
# What has an end and an order, and is a list to everybody but its type.
_LISTS = (range, _deque, _MappingView)
# Containers that a cycle is looked for in, and how deep.
_NESTED = (list, tuple, dict)
_CYCLE_DEPTH_MAX = 2 * DEPTH_MAX


class NotPlain(Exception):
    """Arguments that are more than JSON."""


def _refuse(_value):
    raise NotPlain


# Without a memo of open containers: one that holds itself ends in a RecursionError.
_encode = _make_encoder(None, _refuse, _quote, None, ":", ",", False, False, False)


def encoded(tool, arguments, function=None):
    """The JSON text of the arguments, by name, and the binary parts that it refers to.

    Where long texts are a part, the JSON is followed by the field that says which. The
    annotations of `function` decide between the forms that a value has.
    Raises `TypeError` or `ValueError`, naming the argument, for what has no JSON form.
    """
    parts = ()
    written = _written(arguments)
    if written is None:
        # The walk knows the reason, and the name to tell it with.
        parts = []
        kinds = getattr(function, "__annotations__", {})
        arguments = {
            name: plain(value, parts, tool + ": " + name, 0, _kind(kinds, name)) for name, value in arguments.items()
        }
        written = "".join(_encode(arguments, 0))
    if "\\ud" in written:
        for name, value in arguments.items():
            _check_texts(value, tool + ": " + name)
    if len(written) > _TEXTS_FROM:
        return _with_texts_apart(tool, arguments, written, parts)
    return written, parts


def _written(arguments):
    """The JSON text of arguments that are JSON already, or None."""
    try:
        return "".join(_encode(arguments, 0))
    except (NotPlain, ValueError, TypeError, RecursionError, AttributeError):
        return None


def _kind(kinds, name):
    """The annotation of a parameter, whose name in Python can differ from that in JSON."""
    for own in (name, name + "_", name.replace("-", "_")):
        if own in kinds:
            return str(kinds[own])
    return ""


def _is_number(kind):
    return ("float" in kind or "int" in kind) and "str" not in kind and "Decimal" not in kind


def _check_texts(value, path):
    """Refuses texts that are none in UTF-8; the host could only say that the call is malformed."""
    if isinstance(value, str):
        try:
            str.encode(value, "utf-8")
        except UnicodeEncodeError as error:
            message = path + ": the character at " + str(error.start) + " is half of a surrogate pair (" + ascii(value[error.start])
            raise ValueError(message + "), which is no text; drop it, or pass bytes") from None
    elif isinstance(value, (list, tuple)):
        for at, item in enumerate(value):
            _check_texts(item, path + "[" + str(at) + "]")
    elif isinstance(value, dict):
        for key, item in dict.items(value):
            _check_texts(key, path)
            _check_texts(item, path + "." + ascii(key)[1:-1])


def _too_deep(value, path):
    """What is wrong with a value that is nested too deeply, without the path of every step."""
    head = path.partition("[")[0].partition(".")[0]
    if _holds_itself(value, set(), set(), 0):
        return ValueError(head + ": a " + text.type_name(type(value)) + " in it contains itself, which has no form in JSON")
    return ValueError(head + ": it is nested more than " + str(DEPTH_MAX) + " levels deep")


def _holds_itself(value, above, done, depth):
    if not isinstance(value, _NESTED) or depth > _CYCLE_DEPTH_MAX or id(value) in done:
        return False
    if id(value) in above:
        return True
    above.add(id(value))
    items = dict.values(value) if isinstance(value, dict) else value
    found = any(_holds_itself(item, above, done, depth + 1) for item in items)
    above.discard(id(value))
    done.add(id(value))
    return found


def _with_texts_apart(tool, arguments, written, parts):
    """The same with its long texts as UTF-8, one after the other in one more part."""
    texts = []
    short = {name: _shortened(value, texts, tool, 0) for name, value in arguments.items()}
    if texts:
        written = "".join(_encode(short, 0)) + ',"text":' + str(len(parts))
        parts = [*parts, b"".join(texts)]
    if len(written) > _JSON_MAX:
        raise ValueError(
            tool + ": the arguments have " + str(len(written)) + " bytes as JSON, of " + str(_JSON_MAX) + " allowed; "
            "pass long data as text, bytes or a DataFrame, which cross as they are"
        )
    return written, parts


def _shortened(value, texts, tool, depth):
    if isinstance(value, str):
        if len(value) < _TEXT_MIN:
            return value
        try:
            encoded = str.encode(value, "utf-8")
        except UnicodeEncodeError:
            return value
        texts.append(encoded)
        return {"$text": len(encoded)}
    if depth > DEPTH_MAX:
        return value
    if isinstance(value, (list, tuple)):
        return [_shortened(item, texts, tool, depth + 1) for item in value]
    if isinstance(value, dict):
        if len(value) == 1:
            if "$part" in value or "$table" in value:
                return value
            if "$text" in value:
                raise ValueError(tool + ": the key $text is reserved for long texts")
        return {key: _shortened(item, texts, tool, depth + 1) for key, item in dict.items(value)}
    return value


def plain(value, parts, path, depth, expected=""):
    """The JSON form of a value; `path` names it in errors, `expected` is its parameter's annotation."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is float:
        return _finite(value, path)
    if depth > DEPTH_MAX:
        raise _too_deep(value, path)
    if kind is list or kind is tuple:
        return [plain(item, parts, path + "[" + str(at) + "]", depth + 1, expected) for at, item in enumerate(value)]
    if isinstance(value, dict):
        # The methods of a record's class may be hidden by its fields.
        pairs = dict.items(value)
        made = {_key(key, path): plain(item, parts, path + "." + str(key), depth + 1, expected) for key, item in pairs}
        if len(made) != len(pairs):
            raise ValueError(path + ": two of its keys are the same as text, which keys of JSON are")
        return made
    return _other(value, parts, path, depth, expected)


def _other(value, parts, path, depth, expected):
    if isinstance(value, _BINARY):
        parts.append(value)
        return {"$part": len(parts) - 1}
    if isinstance(value, enum.Enum):
        return plain(value.value, parts, path, depth + 1, expected)
    if isinstance(value, str):
        return text.plain(value)
    if isinstance(value, _ISO):
        # pandas' missing time is a datetime that is not itself.
        return value.isoformat() if value == value else None
    if isinstance(value, _Decimal):
        return _number(value, path) if _is_number(expected) else str(value)
    if isinstance(value, _UUID):
        return str(value)
    if isinstance(value, float):
        return _finite(float(value), path)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (list, tuple)):
        return plain(list(value), parts, path, depth, expected)
    if isinstance(value, _SETS):
        return plain(ordered(value), parts, path, depth, expected)
    if isinstance(value, _LISTS):
        return plain(list(value), parts, path, depth, expected)
    if isinstance(value, _PathLike):
        return plain(_fspath(value), parts, path, depth)
    if isinstance(value, _timedelta):
        # Time spans that the tool takes as text are those of ISO 8601.
        return _duration(value) if "str" in expected and not _is_number(expected) else value.total_seconds()
    if columns.is_frame(value):
        return columns.encoded(value, parts, lambda cell: plain(cell, parts, path, depth + 1))
    found, made = _of_library(value)
    if found:
        return plain(made, parts, path, depth + 1, expected)
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is not None:
        return plain({name: getattr(value, name) for name in fields}, parts, path, depth)
    dump = getattr(type(value), "model_dump", None)
    if dump is not None:
        return plain(dump(value), parts, path, depth + 1)
    if hasattr(type(value), "keys") and hasattr(type(value), "__getitem__"):
        return plain({key: value[key] for key in value.keys()}, parts, path, depth)
    raise TypeError(path + ": a value of type " + text.type_path(type(value)) + " cannot be passed to a tool")


def _of_library(value):
    """Whether a value is one of numpy or pandas, and what it is as plain Python."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.generic, numpy.ndarray)):
        if isinstance(value, numpy.datetime64):
            return True, None if numpy.isnat(value) else str(value)
        if getattr(value.dtype, "kind", "") == "M":
            return True, [None if cell == "NaT" else cell for cell in numpy.datetime_as_string(value.ravel()).tolist()]
        return True, value.tolist()
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return False, None
    if value is pandas.NA or value is pandas.NaT:
        return True, None
    if isinstance(value, (pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray)):
        return True, value.tolist()
    if isinstance(value, (pandas.Period, pandas.Interval)):
        return True, str(value)
    return False, None


def _number(value, path):
    """A decimal as a number of JSON."""
    whole = value.is_finite() and value == value.to_integral_value()
    return int(value) if whole and value.adjusted() < 19 else _finite(float(value), path)


def _duration(value):
    """A time span as ISO 8601 writes it: `P1DT2H30M1.5S`."""
    sign = "-" if value.days < 0 else ""
    value = abs(value)
    hours, rest = divmod(value.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    written = ((hours, "H"), (minutes, "M"))
    clock = "".join(str(count) + unit for count, unit in written if count)
    if seconds or value.microseconds:
        part = ("." + "%06d" % value.microseconds).rstrip("0").rstrip(".")
        clock += str(seconds) + part + "S"
    days = str(value.days) + "D" if value.days else ""
    if not days and not clock:
        return "PT0S"
    return sign + "P" + days + ("T" + clock if clock else "")


def _finite(value, path):
    # An infinity less itself is no number.
    if value - value != 0:
        raise ValueError(path + ": " + repr(value) + " cannot be passed to a tool: it has no form in JSON; use None")
    return value


def _key(key, path):
    if isinstance(key, enum.Enum):
        key = key.value
    if isinstance(key, str):
        return text.plain(key)
    if key is None or isinstance(key, (int, float)):
        return str(key)
    raise TypeError(path + ": a key of type " + text.type_path(type(key)) + " cannot be passed to a tool; keys are strings")


def ordered(value):
    """The elements of a set in the order in which they become JSON."""
    try:
        return sorted(value)
    except TypeError:
        return list(value)
