"""Columns of Arrow as columns of pandas."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import datetime
import decimal
from importlib import import_module as _import

from memex_guest import arrow

_EPOCH = datetime.date(1970, 1, 1)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_MS = 86_400_000


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
    if kind in ("int", "float", "bool") and wanted in NULLABLE:
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


NULLABLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "boolean")


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
