"""What a scope holds, one line for each name, as a model is told it before it begins."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys
import types
from itertools import islice as _islice

from memex_guest import definitions, preview, text

NAMES_MAX = 100
LINE_MAX = 600
COLUMNS_MAX = 30
KEYS_MAX = 12
KEY_CHARACTERS = 60
VALUE_CHARACTERS = 160

_SHORT = {"object": "str", "string": "str", "datetime64[ns]": "datetime", "datetime64[us]": "datetime"}


def lines(scope):
    """The names of a scope with their types, sizes, fields and beginnings."""
    found = []
    for name, value in list(scope.items()):
        if type(name) is not str or name[:1] == "_" or isinstance(value, types.ModuleType):
            continue
        if definitions.is_function(value) or getattr(type(value), "__module__", None) == "tools" and name == "shared":
            continue
        if len(found) == NAMES_MAX:
            found.append("…")
            break
        try:
            told = name + ": " + described(value)
        except Exception as error:
            told = name + ": " + text.type_name(type(value)) + " (not described: " + text.summary(error, 80) + ")"
        told = " ".join(told.split())
        found.append(text.scrubbed(told if len(told) <= LINE_MAX else told[: LINE_MAX - 1] + "…"))
    return found


def described(value):
    """A value in one line: its type and size, and what it is made of."""
    pandas = sys.modules.get("pandas")
    numpy = sys.modules.get("numpy")
    if pandas is not None and isinstance(value, pandas.DataFrame):
        rows, columns = value.shape
        return "DataFrame[" + _number(rows) + " × " + str(columns) + "] (" + _columns(value) + ")"
    if pandas is not None and isinstance(value, pandas.Series):
        return "Series[" + _number(len(value)) + "] of " + _dtype(value)
    if numpy is not None and isinstance(value, numpy.ndarray):
        return "ndarray[" + " × ".join(map(_number, value.shape)) + "] of " + str(value.dtype)
    if isinstance(value, type):
        return "class " + text.type_name(value)
    if isinstance(value, types.FunctionType):
        return "function"
    if isinstance(value, dict):
        return _mapping(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return _sequence(value)
    if isinstance(value, str):
        shown = preview.brief(value, VALUE_CHARACTERS)
        return "str = " + shown if len(value) <= VALUE_CHARACTERS else "str, " + _number(len(value)) + " characters: " + shown
    if isinstance(value, (bytes, bytearray)):
        return text.type_name(type(value)) + ", " + _number(len(value)) + " bytes"
    return text.type_name(type(value)) + " = " + preview.brief(value, VALUE_CHARACTERS)


def _columns(frame):
    told = []
    for at, name in enumerate(frame.columns[:COLUMNS_MAX]):
        told.append(text.safe_str(name, KEY_CHARACTERS) + " " + _dtype(frame.iloc[:, at]))
    if len(frame.columns) > COLUMNS_MAX:
        told.append("… " + str(len(frame.columns) - COLUMNS_MAX) + " more")
    return ", ".join(told)


def _dtype(series):
    name = text.safe_str(series.dtype, KEY_CHARACTERS)
    if name == "object" and len(series):
        # Objects are texts, for the most part, and dates among them look like texts.
        first = next((cell for cell in series.iloc[:20] if cell is not None and cell == cell), None)
        return text.type_name(type(first)) if first is not None else "object"
    return _SHORT.get(name, name)


def _mapping(value):
    pairs = list(_islice(dict.items(value), KEYS_MAX + 1))
    size = dict.__len__(value)
    kind = text.type_name(type(value))
    if not pairs:
        return kind + ", empty"
    if size > KEYS_MAX and all(isinstance(item, str) for _key, item in pairs):
        return kind + "[str, str], " + _number(size) + " entries: " + _sized(pairs[:3]) + ", … " + _sized(_last(value))
    if all(isinstance(item, str) for _key, item in pairs) and size > 1:
        return kind + "[str, str], " + _number(size) + " entries: " + _sized(pairs)
    fields = [preview.brief(key, KEY_CHARACTERS) + ": " + _kind(item) for key, item in pairs[:KEYS_MAX]]
    more = ", …" if size > KEYS_MAX else ""
    return kind + " of " + _number(size) + ": {" + ", ".join(fields) + more + "}"


def _last(value):
    return [(key, dict.__getitem__(value, key)) for key in _islice(reversed(value), 1)]


def _sized(pairs):
    return ", ".join(preview.brief(key, KEY_CHARACTERS) + " (" + _number(len(item)) + " characters)" for key, item in pairs)


def _sequence(value):
    kind = text.type_name(type(value)) + "[" + _number(len(value)) + "]"
    first = next(iter(value), None)
    if isinstance(first, dict):
        keys = list(_islice(dict.items(first), KEYS_MAX + 1))
        fields = [preview.brief(key, KEY_CHARACTERS) + ": " + _kind(item) for key, item in keys[:KEYS_MAX]]
        return kind + " of {" + ", ".join(fields) + (", …" if len(keys) > KEYS_MAX else "") + "}"
    return kind + " = " + preview.brief(value, VALUE_CHARACTERS)


def _kind(value):
    kind = text.type_name(type(value))
    if isinstance(value, (list, tuple, dict, set)):
        return kind + "[" + _number(len(value)) + "]"
    return kind


def _number(size):
    return f"{int(size):,}".replace(",", " ")
