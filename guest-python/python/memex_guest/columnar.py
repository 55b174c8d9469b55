"""Columns of pandas as columns of Arrow."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import datetime
import decimal
from importlib import import_module as _import

from memex_guest import arrow, cells

_EPOCH = datetime.date(1970, 1, 1)
# Digits that a decimal of Arrow can have, by its bits.
_DIGITS = {32: 9, 64: 18, 128: 38, 256: 76}


def column_of(name, values, numbers):
    """The column of a series, an index or an array. `numbers` gives each dictionary its number."""
    pandas, numpy = _import("pandas"), _import("numpy")
    dtype = values.dtype
    if isinstance(dtype, pandas.CategoricalDtype):
        return _of_categories(name, values, numbers)
    if isinstance(dtype, pandas.DatetimeTZDtype):
        plain = pandas.Series(values).dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return _of_array(name, ("timestamp", dtype.unit, str(dtype.tz)), plain.view("int64"), numpy.isnat(plain))
    if isinstance(dtype, pandas.StringDtype):
        return _of_objects(name, pandas.Series(values).to_numpy(dtype=object, na_value=None), ("utf8",))
    if str(dtype) in cells.NULLABLE:
        array = pandas.array(values)
        mask = numpy.asarray(array.isna())
        plain = array.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
        return _of_plain(name, plain, mask)
    if not isinstance(dtype, numpy.dtype):
        raise NotImplementedError("the column " + repr(name) + " of type " + str(dtype) + " cannot be written here: convert it, with astype(str) for instance")
    plain = numpy.asarray(values)
    if dtype.kind in "mM":
        unit, _ = numpy.datetime_data(dtype)
        kind = ("timestamp", unit, None) if dtype.kind == "M" else ("duration", unit)
        return _of_array(name, kind, plain.view("int64"), numpy.isnat(plain))
    if dtype.kind in "biuf":
        # What is not a number is missing, as elsewhere.
        return _of_plain(name, plain, numpy.isnan(plain) if dtype.kind == "f" else None)
    if dtype.kind in "OU":
        return _of_objects(name, plain.astype(object), None)
    raise NotImplementedError("the column " + repr(name) + " of type " + str(dtype) + " cannot be written")


def _of_plain(name, values, mask):
    numpy = _import("numpy")
    kind = values.dtype.kind
    if kind == "b":
        return _made(name, ("bool",), len(values), mask, [_packed(numpy, values)])
    bits = values.dtype.itemsize * 8
    if bits > 64:
        raise NotImplementedError("the column " + repr(name) + " of type " + str(values.dtype) + " cannot be written")
    return _of_array(name, ("float", bits) if kind == "f" else ("int", bits, kind == "i"), values, mask)


def _of_array(name, kind, values, mask):
    numpy = _import("numpy")
    values = numpy.ascontiguousarray(values)
    return _made(name, kind, len(values), mask, [values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()])


def _made(name, kind, length, mask, buffers, children=()):
    """A column; `mask` says what is missing."""
    numpy = _import("numpy")
    nulls = 0 if mask is None else int(mask.sum())
    there = _packed(numpy, ~mask) if nulls else None
    field = arrow.Field(name, kind, [child.field for child in children])
    own = [] if kind[0] == "null" else [there, *buffers]
    return arrow.Column(field, length, nulls, own, children)


def _packed(numpy, flags):
    return numpy.packbits(flags, bitorder="little").tobytes()


def _of_categories(name, values, numbers):
    pandas, numpy = _import("pandas"), _import("numpy")
    array = pandas.Categorical(values)
    codes = numpy.asarray(array.codes)
    column = _of_array(name, ("int", codes.dtype.itemsize * 8, True), numpy.where(codes < 0, 0, codes).astype(codes.dtype), codes < 0)
    values = column_of(name, array.categories, numbers)
    field = arrow.Field(name, values.field.type, values.field.children, column.field.type, bool(array.ordered), number=next(numbers))
    return arrow.Column(field, column.length, column.nulls, column.buffers, dictionary=values)


def _of_objects(name, values, kind):
    """A column of Python's objects, whose type is that of the first one that is there, or `kind`."""
    numpy, pandas = _import("numpy"), _import("pandas")
    mask = _missing(values, numpy, pandas)
    there = values[~mask] if mask.any() else values
    kind = kind or _kind_of(name, there, numpy)
    try:
        return _OBJECTS[kind[0]](name, kind, values, there, mask)
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        if error.args and str(error.args[-1]).startswith("Conversion failed"):
            raise
        raise _failed(name, error) from None


def _failed(name, error):
    kind = TypeError if isinstance(error, (TypeError, AttributeError)) else ValueError
    return kind(str(error), "Conversion failed for column " + str(name) + " with type object")


def _missing(values, numpy, pandas):
    def is_missing(value):
        return value is None or value is pandas.NA or value is pandas.NaT or (isinstance(value, float) and value != value)

    return numpy.fromiter(map(is_missing, values), dtype=bool, count=len(values))


def _kind_of(name, there, numpy):
    kinds = {_kind_of_one(name, value, numpy) for value in there}
    if not kinds:
        return ("null",)
    if len(kinds) == 1:
        (kind,) = kinds
        return kind
    if kinds <= {("int", 64, True), ("float", 64)}:
        return ("float", 64)
    first = _kind_of_one(name, there[0], numpy)[0]
    odd = next(value for value in there if _kind_of_one(name, value, numpy)[0] != first)
    if first in ("int", "float"):
        wanted = "int64" if first == "int" else "double"
        raise _failed(name, ValueError("Could not convert " + repr(odd) + " with type " + type(odd).__name__ + ": tried to convert to " + wanted))
    wanted = {"utf8": "bytes", "binary": "bytes"}.get(first, first)
    raise _failed(name, TypeError("Expected " + wanted + ", got a " + repr(type(odd).__name__) + " object"))


def _kind_of_one(name, value, numpy):
    if isinstance(value, str):
        return ("utf8",)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return ("binary",)
    if isinstance(value, (bool, numpy.bool_)):
        return ("bool",)
    if isinstance(value, (int, numpy.integer)):
        return ("int", 64, True)
    if isinstance(value, (float, numpy.floating)):
        return ("float", 64)
    if isinstance(value, decimal.Decimal):
        return ("decimal",)
    if isinstance(value, datetime.datetime):
        return ("timestamp", "us", str(value.tzinfo) if value.tzinfo else None)
    if isinstance(value, datetime.date):
        return ("date", "D")
    if isinstance(value, datetime.time):
        return ("time", "us", 64)
    if isinstance(value, datetime.timedelta):
        return ("duration", "us")
    if isinstance(value, (list, tuple, numpy.ndarray)):
        return ("list",)
    if isinstance(value, dict):
        return ("struct",)
    raise _failed(name, ValueError("Could not convert " + repr(value) + " with type " + type(value).__name__ + ": did not recognize Python value type when inferring an Arrow data type"))


def _object_texts(name, kind, values, there, mask):
    numpy = _import("numpy")
    pieces = ["" if gone else value for value, gone in zip(values.tolist(), mask.tolist())]
    if kind[0] == "utf8":
        odd = next((piece for piece in pieces if not isinstance(piece, str)), None)
        if odd is not None:
            raise TypeError("Expected bytes, got a " + repr(type(odd).__name__) + " object")
        data = "".join(pieces)
        # Where characters are bytes, they are encoded at once.
        data, pieces = (data.encode("ascii"), pieces) if data.isascii() else (None, [piece.encode("utf-8") for piece in pieces])
    else:
        data, pieces = None, [bytes(piece or b"") for piece in pieces]
    data = b"".join(pieces) if data is None else data
    lengths = numpy.zeros(len(pieces) + 1, dtype="int64")
    numpy.cumsum(numpy.fromiter(map(len, pieces), dtype="int64", count=len(pieces)), out=lengths[1:])
    wide = bool(lengths[-1] >= 1 << 31)
    kind = ("large_" + kind[0],) if wide else kind
    return _made(name, kind, len(values), mask, [lengths.astype("<i8" if wide else "<i4").tobytes(), data])


def _object_numbers(name, kind, values, there, mask):
    numpy = _import("numpy")
    form = {"bool": "bool", "int": "int64", "float": "float64"}[kind[0]]
    filled = numpy.zeros(len(values), dtype=form)
    if kind[0] == "int" and len(there) and min(there) >= 0 and max(there) > (1 << 63) - 1:
        kind, filled = ("int", 64, False), filled.astype("uint64")
    filled[~mask] = there.astype(filled.dtype)
    return _made(name, kind, len(values), mask, [_packed(numpy, filled) if kind[0] == "bool" else filled.tobytes()])


def _object_nulls(name, kind, values, there, mask):
    return _made(name, kind, len(values), mask, [])


def _object_decimals(name, kind, values, there, mask):
    parts = [value.as_tuple() for value in there]
    if any(type(part.exponent) is not int for part in parts):
        raise ValueError("a decimal is infinite or not a number")
    scale = max([max(-part.exponent, 0) for part in parts], default=0)
    digits = max([len(part.digits) + max(part.exponent, 0) + scale - max(-part.exponent, 0) for part in parts], default=1)
    precision = max(digits, scale, 1)
    bits = 128 if precision <= _DIGITS[128] else 256
    if precision > _DIGITS[256]:
        raise ValueError("Decimal precision out of range [1, 76]: " + str(precision))
    context = decimal.Context(prec=precision + scale + 1)
    numbers = [0 if gone else int(value.scaleb(scale, context)) for value, gone in zip(values, mask)]
    data = b"".join(number.to_bytes(bits // 8, "little", signed=True) for number in numbers)
    return _made(name, ("decimal", precision, scale, bits), len(values), mask, [data])


def _object_times(name, kind, values, there, mask):
    numpy = _import("numpy")

    def number(value):
        if kind[0] == "date":
            return (value - _EPOCH).days
        if kind[0] == "time":
            return ((value.hour * 60 + value.minute) * 60 + value.second) * 10**6 + value.microsecond
        if kind[0] == "duration":
            return value // datetime.timedelta(microseconds=1)
        if value.tzinfo is None:
            return (value - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
        return (value - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)

    form = "<i4" if kind[0] == "date" else "<i8"
    filled = numpy.zeros(len(values), dtype=form)
    filled[~mask] = [number(value) for value in there]
    return _made(name, kind, len(values), mask, [filled.tobytes()])


def _object_lists(name, kind, values, there, mask):
    numpy = _import("numpy")
    lengths = numpy.zeros(len(values) + 1, dtype="int64")
    lengths[1:][~mask] = [len(value) for value in there]
    offsets = numpy.cumsum(lengths)
    items = numpy.empty(int(offsets[-1]), dtype=object)
    at = 0
    for value in there:
        items[at : at + len(value)] = [*value]
        at += len(value)
    wide = bool(offsets[-1] >= 1 << 31)
    child = _of_objects("item", items, None)
    return _made(name, ("large_list",) if wide else kind, len(values), mask, [offsets.astype("<i8" if wide else "<i4").tobytes()], [child])


def _object_structs(name, kind, values, there, mask):
    numpy = _import("numpy")
    names = list(dict.fromkeys(str(key) for value in there for key in value))
    children = []
    for key in names:
        items = numpy.empty(len(values), dtype=object)
        items[:] = [None if gone else value.get(key) for value, gone in zip(values, mask)]
        children.append(_of_objects(key, items, None))
    return _made(name, kind, len(values), mask, [], children)


_OBJECTS = {
    "utf8": _object_texts,
    "binary": _object_texts,
    "bool": _object_numbers,
    "int": _object_numbers,
    "float": _object_numbers,
    "null": _object_nulls,
    "decimal": _object_decimals,
    "timestamp": _object_times,
    "date": _object_times,
    "time": _object_times,
    "duration": _object_times,
    "list": _object_lists,
    "struct": _object_structs,
}
