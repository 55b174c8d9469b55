"""What a scope holds, one line for each name, as a model is told it before it begins.

A line tells types, sizes, the names of columns, fields and files: never what is in a value.
Only what was handed to this scope on purpose, in `handed`, has its value told, if it is short.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys
import types
from itertools import islice as _islice

from memex_guest import definitions, preview, text

NAMES_MAX = 100
LINE_MAX = 600
COLUMNS_MAX = 30
FIELDS_MAX = 12
# How many items are looked at for what all of them are.
SAMPLED_MAX = 20
KEY_CHARACTERS = 60
VALUE_CHARACTERS = 160

# Names that another agent handed to this one: `item`, and what it shared.
handed = frozenset()

_SHORT = {"string": "str", "datetime64[ns]": "datetime", "datetime64[us]": "datetime"}
_KEPT_APART = (str, bytes, bytearray, int, float, complex, bool, type(None))


def lines(scope):
    """The names of a scope with their types, sizes and fields."""
    found = []
    for name, value in list(scope.items()):
        if type(name) is not str or name[:1] == "_" or isinstance(value, types.ModuleType):
            continue
        if definitions.is_function(value) or _is_of_tools(value):
            continue
        if len(found) == NAMES_MAX:
            found.append("…")
            break
        try:
            told = described(value, name in handed)
        except Exception as error:
            # Its message could quote what the value holds.
            told = text.type_name(type(value)) + " (not described: " + text.type_name(type(error)) + ")"
        told = " ".join((name + ": " + told).split())
        found.append(text.scrubbed(told if len(told) <= LINE_MAX else told[: LINE_MAX - 1] + "…"))
    return found


def described(value, with_value=False):
    """A value in one line: its type and size, what it is made of, and if wanted and short, itself."""
    shape = _shape(value)
    if not with_value or not isinstance(value, (*_KEPT_APART, list, tuple, dict, set, frozenset)):
        return shape
    shown = preview.brief(value, VALUE_CHARACTERS + 1)
    return shape + " = " + shown if len(shown) <= VALUE_CHARACTERS else shape


def _shape(value):
    pandas = sys.modules.get("pandas")
    numpy = sys.modules.get("numpy")
    if pandas is not None and isinstance(value, pandas.DataFrame):
        rows, columns = value.shape
        return "DataFrame[" + _number(rows) + " × " + str(columns) + "] (" + _columns(value) + ")"
    if pandas is not None and isinstance(value, pandas.Series):
        return "Series[" + _number(len(value)) + "] of " + _dtype(value)
    if numpy is not None and isinstance(value, numpy.ndarray):
        return "ndarray[" + " × ".join(map(_number, value.shape)) + "] of " + str(value.dtype)
    kind = text.type_name(type(value))
    if isinstance(value, type):
        return _class(value)
    if isinstance(value, types.FunctionType):
        return _function(value)
    if isinstance(value, dict):
        return _mapping(value, kind)
    if isinstance(value, (list, tuple, set, frozenset)):
        return _sequence(value, kind)
    if isinstance(value, str):
        return kind + ", " + _count(len(value), "character")
    if isinstance(value, (bytes, bytearray)):
        return kind + ", " + _count(len(value), "byte")
    return kind


def _is_of_tools(value):
    return getattr(type(value), "__module__", None) == "tools" and text.type_name(type(value)) == "Shared"


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
        first = next((cell for cell in series.iloc[:SAMPLED_MAX] if cell is not None and cell == cell), None)
        return text.type_name(type(first)) if first is not None else "object"
    if name.startswith("category"):
        return "category"
    return _SHORT.get(name, name)


def _class(kind):
    fields = kind.__dict__.get("__dataclass_fields__")
    names = list(fields) if type(fields) is dict else ()
    return "class " + text.type_name(kind) + ("(" + ", ".join(names) + ")" if names else "")


def _function(function):
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    return "function(" + ", ".join(code.co_varnames[:count]) + ")"


def _mapping(value, kind):
    size = dict.__len__(value)
    pairs = list(_islice(dict.items(value), FIELDS_MAX + 1))
    if not pairs:
        return kind + ", empty"
    if size > 1 and all(type(key) is str and isinstance(item, str) for key, item in pairs):
        return _texts(value, kind, size, pairs)
    if size <= FIELDS_MAX and all(_is_field(key) for key, _item in pairs):
        return kind + " of " + _fields(pairs)
    keys, items = zip(*pairs)
    return kind + "[" + _kinds(keys) + ", " + _kinds(items) + "] of " + _number(size)


def _texts(value, kind, size, pairs):
    """Texts by name, as a folder of documents is."""
    total = sum(len(item) for item in dict.values(value) if isinstance(item, str))
    told = kind + "[str, str] of " + _number(size) + ", " + _count(total, "character") + ": "
    if size <= FIELDS_MAX:
        return told + ", ".join(map(_sized, pairs))
    last = next(iter(reversed(value)))
    return told + ", ".join(map(_sized, pairs[:3])) + ", … " + _sized((last, dict.__getitem__(value, last)))


def _sized(pair):
    key, item = pair
    size = " (" + _number(len(item)) + ")" if isinstance(item, str) else ""
    return preview.brief(key, KEY_CHARACTERS) + size


def _is_field(key):
    return type(key) is str and 0 < len(key) <= KEY_CHARACTERS


def _fields(pairs):
    shown = ", ".join(repr(key) + ": " + _sized_kind(item) for key, item in pairs[:FIELDS_MAX])
    return "{" + shown + (", …" if len(pairs) > FIELDS_MAX else "") + "}"


def _sequence(value, kind):
    told = kind + "[" + _number(len(value)) + "]"
    items = list(_islice(value, SAMPLED_MAX))
    if not items:
        return told
    first = items[0]
    if isinstance(first, dict) and all(isinstance(item, dict) for item in items):
        pairs = list(_islice(dict.items(first), FIELDS_MAX + 1))
        if pairs and all(_is_field(key) for key, _item in pairs):
            return told + " of " + _named(first) + _fields(pairs)
    return told + " of " + _kinds(items)


def _named(record):
    return "" if type(record) is dict else text.type_name(type(record)) + " "


def _kinds(items):
    """What some items are: one type, a few, or any."""
    names = list(dict.fromkeys(text.type_name(type(item)) for item in items))
    return " | ".join(names) if len(names) <= 3 else "Any"


def _sized_kind(value):
    kind = text.type_name(type(value))
    if isinstance(value, (list, tuple, dict, set)):
        return kind + "[" + _number(len(value)) + "]"
    return kind


def _count(size, unit):
    return _number(size) + " " + unit + ("" if size == 1 else "s")


def _number(size):
    return f"{int(size):,}".replace(",", " ")
