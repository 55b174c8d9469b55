"""Columns of Arrow as columns of pandas, and back."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import datetime
import decimal
from importlib import import_module as _import

from memex_guest import arrow

_EPOCH = datetime.date(1970, 1, 1)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_MS = 86_400_000
# Digits that a decimal of Arrow can have, by its bits.
_DIGITS = {32: 9, 64: 18, 128: 38, 256: 76}


def cells(column):
    """The cells of a column as an array: of numpy's own types where nothing is missing, else of objects."""
    numpy = _import("numpy")
    if column.field.index is not None:
        values = cells(_joined(column.dictionary, column.field))
        codes, present = _numbers(column, column.field.index), _present(column)
        out = _objects(numpy, column.length)
        for row, code in enumerate(codes.tolist()):
            if present is None or present[row]:
                out[row] = values[code]
        return out
    read = _READERS.get(column.field.type[0])
    if read is None:
        raise arrow.ArrowError("the column " + repr(column.field.name) + " is of a type that has no equivalent in pandas here")
    return read(column)


def _objects(numpy, length):
    out = numpy.empty(length, dtype=object)
    out[:] = None
    return out


def _present(column):
    """Which rows are there; None for all."""
    if not column.buffers or column.buffers[0] is None:
        return None
    numpy = _import("numpy")
    return _bits(numpy, column.buffers[0], column.length)


def _bits(numpy, buffer, length):
    bits = numpy.unpackbits(numpy.frombuffer(buffer, dtype=numpy.uint8), count=length, bitorder="little")
    if len(bits) < length:
        raise arrow.ArrowError("the file is damaged: a buffer is too short")
    return bits.astype(bool)


def _array(column, number, form, count):
    numpy = _import("numpy")
    size = numpy.dtype(form).itemsize
    buffer = column.buffers[number] if number < len(column.buffers) else b""
    if buffer is None or len(buffer) < size * count:
        raise arrow.ArrowError("the file is damaged: a buffer is too short")
    return numpy.frombuffer(buffer[: size * count], dtype=form)


def _numbers(column, kind=None):
    """The numbers of a column, whatever is missing."""
    name, *rest = kind or column.field.type
    if name == "int":
        bits, is_signed = rest
        if bits not in (8, 16, 32, 64):
            raise arrow.ArrowError("the file is damaged: an integer has " + str(bits) + " bits")
        form = ("<i" if is_signed else "<u") + str(bits // 8)
    elif name == "float":
        form = "<f" + str(rest[0] // 8)
    elif name == "date":
        form = "<i4" if rest[0] == "D" else "<i8"
    elif name == "time":
        form = "<i" + str(rest[1] // 8)
    else:
        form = "<i8"
    return _array(column, 1, form, column.length)


def missing_numbers(column):
    """The numbers of a column, and a mask of what is missing."""
    numpy = _import("numpy")
    present = _present(column)
    if column.field.type[0] == "bool":
        values = _bits(numpy, column.buffers[1], column.length)
    else:
        values = _numbers(column).copy()
    return values, numpy.zeros(column.length, dtype=bool) if present is None else ~present


def _read_numbers(column):
    present, values = _present(column), _numbers(column)
    if present is None:
        return values.copy()
    # As elsewhere: integers of which some are missing are floats.
    values = values.astype("float64" if column.field.type[0] == "int" else values.dtype)
    values[~present] = float("nan")
    return values


def _read_bools(column):
    numpy = _import("numpy")
    values, present = _bits(numpy, column.buffers[1], column.length), _present(column)
    if present is None:
        return values
    out = values.astype(object)
    out[~present] = None
    return out


def _read_times(column):
    """Points and spans of time, which have a way to say that one is missing."""
    numpy = _import("numpy")
    kind, unit = column.field.type[0], column.field.type[1]
    form = "datetime64[" if kind == "timestamp" else "timedelta64["
    values, present = _numbers(column).astype(form + unit + "]"), _present(column)
    if present is not None:
        values[~present] = numpy.array("NaT", dtype=values.dtype)
    return values


def _spans(column, wide):
    """The text or the bytes of the rows; None for what is missing."""
    offsets = _array(column, 1, "<i8" if wide else "<i4", column.length + 1 if column.length else 0).tolist()
    data, present = bytes(column.buffers[2] or b""), _present(column)
    if offsets and (offsets[0] < 0 or offsets[-1] > len(data) or any(a > b for a, b in zip(offsets, offsets[1:]))):
        raise arrow.ArrowError("the file is damaged: a text lies outside")
    return offsets, data, present


def _read_bytes(column, decode=None):
    numpy = _import("numpy")
    offsets, data, present = _spans(column, column.field.type[0].startswith("large"))
    out = _objects(numpy, column.length)
    if decode and data.isascii():
        # One text for all; characters are bytes.
        text = data.decode("ascii")
        pieces = [text[a:b] for a, b in zip(offsets, offsets[1:])]
    elif decode:
        try:
            pieces = [data[a:b].decode("utf-8") for a, b in zip(offsets, offsets[1:])]
        except UnicodeDecodeError as error:
            raise arrow.ArrowError("the file is damaged: a text is not UTF-8: " + str(error)) from None
    else:
        pieces = [data[a:b] for a, b in zip(offsets, offsets[1:])]
    if pieces:
        out[:] = pieces
    if present is not None:
        out[~present] = None
    return out


def _read_views(column):
    """Text or bytes that stand in twelve bytes behind their length, or in one of several buffers."""
    data = [bytes(buffer) for buffer in column.buffers[2:]]
    views, is_text = _array(column, 1, "<i4", 4 * column.length), column.field.type[0] == "utf8_view"
    inline = views.tobytes()

    def piece(row):
        length, _, number, start = views[4 * row : 4 * row + 4].tolist()
        if length <= 12:
            found = inline[16 * row + 4 : 16 * row + 4 + max(length, 0)]
        else:
            found = data[number][start : start + length] if 0 <= number < len(data) and start >= 0 else b""
        if len(found) != length:
            raise arrow.ArrowError("the file is damaged: a text lies outside")
        return found.decode("utf-8", "replace") if is_text else found

    return _each(column, range(column.length), piece)


def _read_texts(column):
    return _read_bytes(column, True)


def _each(column, values, convert):
    """Objects that are made of each value that is there."""
    numpy = _import("numpy")
    out, present = _objects(numpy, column.length), _present(column)
    for row, value in enumerate(values):
        if present is None or present[row]:
            out[row] = convert(value)
    return out


def _read_dates(column):
    per_day = 1 if column.field.type[1] == "D" else _DAY_MS
    return _each(column, _numbers(column).tolist(), lambda number: _EPOCH + datetime.timedelta(days=number // per_day))


def _read_clock_times(column):
    per_second = _PER_SECOND[column.field.type[1]]

    def time(number):
        seconds, rest = divmod(number, per_second)
        return (datetime.datetime.min + datetime.timedelta(seconds=seconds, microseconds=rest * 10**6 // per_second)).time()

    return _each(column, _numbers(column).tolist(), time)


def _read_decimals(column):
    _, precision, scale, bits = column.field.type
    size, data = bits // 8, bytes(column.buffers[1] or b"")
    if size not in (4, 8, 16, 32) or len(data) < size * column.length:
        raise arrow.ArrowError("the file is damaged: a buffer is too short")
    context = decimal.Context(prec=max(precision, 1) + 1)

    def number(row):
        value = int.from_bytes(data[size * row : size * row + size], "little", signed=True)
        return decimal.Decimal(value).scaleb(-scale, context)

    return _each(column, range(column.length), number)


def _read_fixed(column):
    size, data = column.field.type[1], bytes(column.buffers[1] or b"")
    if size < 0 or len(data) < size * column.length:
        raise arrow.ArrowError("the file is damaged: a buffer is too short")
    return _each(column, range(column.length), lambda row: data[size * row : size * row + size])


def _read_lists(column):
    items = cells(column.children[0])
    if column.field.type[0] == "fixed_list":
        size = column.field.type[1]
        offsets = range(0, size * column.length + 1, size) if size > 0 else [0] * (column.length + 1)
    else:
        offsets = _array(column, 1, "<i8" if column.field.type[0] == "large_list" else "<i4", column.length + 1 if column.length else 0).tolist()
    if len(offsets) > 1 and (offsets[0] < 0 or offsets[-1] > len(items)):
        raise arrow.ArrowError("the file is damaged: a list lies outside")
    return _each(column, zip(offsets, offsets[1:]), lambda span: items[span[0] : span[1]])


def _read_maps(column):
    lists = _read_lists(column)
    return _each(column, lists, lambda pairs: [tuple(pair.values()) for pair in pairs])


def _read_structs(column):
    names = [child.field.name for child in column.children]
    if any(child.length < column.length for child in column.children):
        raise arrow.ArrowError("the file is damaged: columns are not equally long")
    parts = [_plain(cells(child)) for child in column.children]
    rows = zip(*parts) if parts else ((),) * column.length
    return _each(column, rows, lambda row: dict(zip(names, row)))


def _plain(values):
    return values.tolist() if values.dtype.kind in "biuf" else values


def _read_nulls(column):
    return _objects(_import("numpy"), column.length)


_READERS = {
    "null": _read_nulls,
    "int": _read_numbers,
    "float": _read_numbers,
    "bool": _read_bools,
    "timestamp": _read_times,
    "duration": _read_times,
    "utf8": _read_texts,
    "large_utf8": _read_texts,
    "binary": _read_bytes,
    "large_binary": _read_bytes,
    "utf8_view": _read_views,
    "binary_view": _read_views,
    "fixed": _read_fixed,
    "date": _read_dates,
    "time": _read_clock_times,
    "decimal": _read_decimals,
    "list": _read_lists,
    "large_list": _read_lists,
    "fixed_list": _read_lists,
    "map": _read_maps,
    "struct": _read_structs,
}


def _joined(columns, field):
    """One column of the parts of a dictionary."""
    if len(columns) == 1:
        return columns[0]
    if not columns:
        raise arrow.ArrowError("the file is damaged: the column " + repr(field.name) + " has no dictionary")
    raise arrow.ArrowError("the dictionary of the column " + repr(field.name) + " grows, which cannot be read here")


def series(columns, wanted=None):
    """What a frame holds of a field, batch after batch. `wanted` is the type that pandas had, by its name."""
    pandas, numpy = _import("pandas"), _import("numpy")
    field = columns[0].field
    kind = field.type[0]
    if field.index is not None:
        return _categories(columns, pandas, numpy)
    if kind in ("int", "float", "bool") and wanted in _NULLABLE:
        dtype = pandas.api.types.pandas_dtype(wanted)
        values, masks = zip(*map(missing_numbers, columns))
        return dtype.construct_array_type()(numpy.concatenate(values).astype(dtype.numpy_dtype), numpy.concatenate(masks))
    values = [cells(column) for column in columns]
    if len({part.dtype for part in values}) > 1:
        # Something is missing in some of the batches.
        kinds = {part.dtype for part in values}
        dtype = object if numpy.dtype(object) in kinds else "float64"
        values = [part.astype(dtype) for part in values]
    joined = values[0] if len(values) == 1 else numpy.concatenate(values)
    if kind == "timestamp" and field.type[2]:
        return pandas.Series(joined).dt.tz_localize("UTC").dt.tz_convert(field.type[2])
    if kind in ("utf8", "large_utf8", "utf8_view"):
        return pandas.array(joined, dtype="string" if wanted == "string" else "str")
    return joined


_NULLABLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "boolean")


def _categories(columns, pandas, numpy):
    parts = []
    for column in columns:
        values = _joined(column.dictionary, column.field)
        codes, present = _numbers(column, column.field.index).astype("int64"), _present(column)
        if present is not None:
            codes[~present] = -1
        if len(codes) and (codes.max() >= values.length or codes.min() < -1):
            raise arrow.ArrowError("the file is damaged: a code lies outside of its dictionary")
        categories = pandas.Index(series([values]))
        parts.append(pandas.Categorical.from_codes(codes, categories, ordered=column.field.is_ordered))
    return parts[0] if len(parts) == 1 else pandas.api.types.union_categoricals(parts)


# ---- from pandas ----


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
    if str(dtype) in _NULLABLE:
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
