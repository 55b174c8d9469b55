"""Tables that cross the channel by columns, and pandas DataFrames made of them.

A column of numbers is one binary part and becomes an array without a look at its
cells; a column of text is one part that is decoded and split once.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys
from importlib import import_module as _import
from itertools import accumulate as _accumulate, pairwise as _pairwise

_NUMBERS = {
    "int8": "<i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "uint8": "<u1",
    "uint16": "<u2",
    "uint32": "<u4",
    "uint64": "<u8",
    "float32": "<f4",
    "float64": "<f8",
    "bool": "?",
}
_MICROSECONDS = "datetime64[us]"
# How many cells a table may have for each that its JSON has, and at least.
_CELLS_PER_CELL = 16
_CELLS_MIN = 1 << 20


def frame_class():
    """The class `DataFrame`, imported if need be, or None where there is no pandas."""
    try:
        return _import("pandas").DataFrame
    except ImportError:
        return None


def is_frame(value):
    """Whether a value is a DataFrame; pandas is not imported for that."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def decoded(table, parts):
    """The DataFrame of a table value.

    Raises `ValueError`, `KeyError` or the like for a table that does not fit its description.
    """
    numpy = _import("numpy")
    pandas = _import("pandas")
    rows = table["rows"]
    columns = table["columns"]
    # Names may repeat, as in `SELECT a.id, b.id`.
    made = {number: _column(column, rows, parts, numpy, pandas) for number, column in enumerate(columns)}
    frame = pandas.DataFrame(made, index=pandas.RangeIndex(rows))
    frame.columns = [column["name"] for column in columns]
    return frame


def of_objects(value):
    """The DataFrame of a table that came as plain JSON: objects, rows, or columns by name."""
    made = frame_class()
    if made is None or not isinstance(value, (list, dict)) or _is_sparse(value):
        return value
    try:
        return made(value)
    except (ValueError, TypeError):
        return value


def _is_sparse(value):
    """Whether a table of some JSON would be far larger than that: most of its cells would be empty."""
    rows = [row for row in (value.values() if isinstance(value, dict) else value) if isinstance(row, (list, dict))]
    cells = sum(map(len, rows))
    names = set()
    for row in rows:
        if isinstance(row, dict):
            names.update(row)
    widest = max([len(names), *[len(row) for row in rows if isinstance(row, list)]])
    return len(rows) * widest > _CELLS_MIN + _CELLS_PER_CELL * cells


def encoded(frame, parts, plain):
    """The table value of a DataFrame; binary parts are appended to `parts`.

    `plain` makes JSON of a cell of a mixed column. An index with a name is a column
    too; one without is left out.
    """
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    columns = []
    labels = {}
    for number, label in enumerate(frame.columns):
        name = ".".join(map(str, label)) if isinstance(label, tuple) else str(label)
        # The same label may be there twice, as in `SELECT a.id, b.id`.
        known = labels.setdefault(name, label)
        if type(known) is not type(label) or known is not label and known != label:
            raise ValueError("a table has the columns " + repr(known) + " and " + repr(label) + ", which are both called " + repr(name) + "; rename one of them")
        columns.append({"name": name, **_packed(frame.iloc[:, number], parts, plain)})
    return {"$table": {"rows": len(frame), "columns": columns}}


def _column(column, rows, parts, numpy, pandas):
    kind = column["type"]
    valid = column.get("valid")
    if valid is not None:
        valid = numpy.frombuffer(parts[valid], dtype=bool, count=rows)
        valid = None if valid.all() else valid
    layout = _NUMBERS.get(kind)
    if layout is not None:
        return _numbers(numpy.frombuffer(parts[column["data"]], dtype=layout, count=rows), valid, numpy, pandas)
    if kind == "timestamp":
        return _moments(parts[column["data"]], "<i8", _MICROSECONDS, rows, valid, column.get("tz"), numpy, pandas)
    if kind == "date":
        return _moments(parts[column["data"]], "<i4", "datetime64[D]", rows, valid, None, numpy, pandas)
    if kind == "text":
        return _texts(column, rows, parts, valid, numpy)
    if kind == "bytes":
        cells = _slices(bytes(parts[column["data"]]), parts[column["ends"]], rows, numpy)
    elif kind == "json":
        cells = column["values"]
    else:
        raise ValueError("unknown type of a column: " + str(kind))
    return _objects(cells, rows, valid, numpy)


def _numbers(values, valid, numpy, pandas):
    if valid is None:
        return values
    if values.dtype.kind == "f":
        return numpy.where(valid, values, numpy.nan).astype(values.dtype, copy=False)
    make = pandas.arrays.BooleanArray if values.dtype.kind == "b" else pandas.arrays.IntegerArray
    return make(values.copy(), ~valid)


def _moments(data, layout, unit, rows, valid, zone, numpy, pandas):
    values = numpy.frombuffer(data, dtype=layout, count=rows).astype("i8").view(unit)
    if unit != _MICROSECONDS:
        # pandas has no days; seconds hold every date that Python has.
        values = values.astype("datetime64[s]")
    if valid is not None:
        values[~valid] = numpy.datetime64("NaT")
    return values if zone is None else pandas.DatetimeIndex(values).tz_localize(zone)


def _texts(column, rows, parts, valid, numpy):
    if "codes" in column:
        # Code -1 is the last one, which is the absent value.
        values = _objects([*column["values"], None], len(column["values"]) + 1, None, numpy)
        cells = values.take(numpy.frombuffer(parts[column["codes"]], dtype="<i4", count=rows))
        return cells if valid is None else numpy.where(valid, cells, None)
    data = parts[column["data"]]
    if "separator" in column:
        cells = str(data, "utf-8").split(column["separator"]) if rows else []
    elif (shown := str(data, "utf-8")).isascii():
        cells = _slices(shown, parts[column["ends"]], rows, numpy)
    else:
        cells = [cell.decode("utf-8") for cell in _slices(bytes(data), parts[column["ends"]], rows, numpy)]
    # pandas looks at an array of texts in a third of the time that it takes for a list.
    return _objects(cells, rows, valid, numpy)


def _slices(data, ends, rows, numpy):
    ends = numpy.frombuffer(ends, dtype="<u4", count=rows).tolist()
    return [data[start:end] for start, end in _pairwise([0, *ends])]


def _objects(cells, rows, valid, numpy):
    if len(cells) != rows:
        raise ValueError("a column has " + str(len(cells)) + " cells in a table of " + str(rows) + " rows")
    # Assigning a list at once would take cells that are lists for another dimension.
    made = numpy.fromiter(cells, dtype=object, count=rows)
    return made if valid is None else numpy.where(valid, made, None)


def _packed(series, parts, plain):
    numpy = _import("numpy")
    pandas = _import("pandas")
    kind = series.dtype
    if isinstance(kind, pandas.DatetimeTZDtype):
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return {**_packed(series, parts, plain), "tz": "UTC"}
    if isinstance(kind, pandas.CategoricalDtype):
        return _packed(series.astype(kind.categories.dtype), parts, plain)
    letter = kind.kind if isinstance(kind, numpy.dtype) else None
    if letter == "M":
        values, missing = _microseconds(series.to_numpy(), numpy)
        return _data("timestamp", values.view("i8"), missing, parts, numpy)
    if letter is not None and letter in "iufb":
        values = series.to_numpy()
        if values.dtype.itemsize < 4 and letter == "f":
            values = values.astype("f4")
        return _data(values.dtype.name, values, None, parts, numpy)
    missing = series.isna().to_numpy()
    if getattr(kind, "kind", None) is not None and kind.kind in "iufb" and hasattr(kind, "numpy_dtype"):
        values = series.to_numpy(dtype=kind.numpy_dtype, na_value=0)
        return _data(kind.numpy_dtype.name, values, missing, parts, numpy)
    return _mixed(series.tolist(), missing, parts, plain, numpy)


def _microseconds(exact, numpy):
    """Times in microseconds, and which are missing."""
    missing = numpy.isnat(exact)
    try:
        values = exact.astype(_MICROSECONDS)
        if ((values.astype(exact.dtype) == exact) | missing).all():
            return values, missing
    except OverflowError:
        pass
    raise ValueError("a column has times in nanoseconds, or beyond the years that microseconds reach, which tools do not take; use .dt.floor('us')")


def _data(kind, values, missing, parts, numpy):
    column = {"type": kind, "data": len(parts)}
    values = numpy.ascontiguousarray(values)
    values = values.astype(values.dtype.newbyteorder("<"), copy=False)
    parts.append(values.view(numpy.uint8).data)
    return _with_valid(column, missing, parts)


def _mixed(cells, missing, parts, plain, numpy):
    gaps = missing.any()
    if gaps:
        cells = [None if gone else cell for cell, gone in zip(cells, missing.tolist())]
    kinds = set(map(type, cells)) - {type(None)}
    if kinds == {str}:
        texts = [cell or "" for cell in cells] if gaps else cells
        joined = "\0".join(texts)
        column = {"type": "text", "data": len(parts)}
        if joined.count("\0") == len(texts) - 1:
            column["separator"] = "\0"
            parts.append(joined.encode("utf-8"))
            return _with_valid(column, missing, parts)
        pieces = [cell.encode("utf-8") for cell in texts]
    elif kinds == {bytes}:
        column = {"type": "bytes", "data": len(parts)}
        pieces = [cell or b"" for cell in cells]
    else:
        return {"type": "json", "values": [plain(cell) for cell in cells]}
    parts.append(b"".join(pieces))
    column["ends"] = len(parts)
    parts.append(numpy.array(list(_accumulate(map(len, pieces))), dtype="<u4").tobytes())
    return _with_valid(column, missing, parts)


def _with_valid(column, missing, parts):
    if missing is not None and missing.any():
        column["valid"] = len(parts)
        parts.append((~missing).tobytes())
    return column
