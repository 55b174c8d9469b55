"""DataFrames as streams of Arrow, with what pandas notes beside the columns: its index, its types, its attributes."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import binascii
import json
from importlib import import_module as _import
from itertools import count as _count

from memex_guest import arrow, cells, channel, columnar

_LEVEL = "__index_level_"
_ATTRIBUTES = "PANDAS_ATTRS"
# Categories by their columns: Parquet keeps those that occur, in the order in which they do.
_CATEGORIES = "memex.categories"
# What pandas calls the types that have one name here.
_LOGICAL = {
    "null": "empty", "utf8": "unicode", "large_utf8": "unicode", "binary": "bytes", "large_binary": "bytes", "fixed": "bytes",
    "bool": "bool", "date": "date", "time": "time", "decimal": "decimal", "duration": "timedelta", "struct": "object",
}


def frame(data, wanted=None, dtype_backend=None):
    """The DataFrame of a stream or file. `wanted` names columns, in their order."""
    pandas = _import("pandas")
    fields, metadata, batches = _read(data)
    notes = _notes(metadata)
    types = {column.get("field_name") or column.get("name"): column.get("numpy_type") for column in notes.get("columns", ())}
    parts = [[batch[number] for batch in batches] or [_empty(field)] for number, field in enumerate(fields)]
    rows = sum(batch[0].length for batch in batches if batch) if fields else _stated_rows(notes)
    index_names = [name for name in notes.get("index_columns", ()) if isinstance(name, str)]
    names = [field.name for field in fields]
    made = {}
    for name, field, columns in zip(names, fields, parts):
        if wanted is None or name in index_names or name in wanted:
            made.setdefault(name, []).append(cells.series(columns, _backed(field, dtype_backend) or types.get(name)))
    _restore_categories(metadata, made)
    index = _index(pandas, notes, index_names, made, rows)
    shown = [name for name in (names if wanted is None else wanted) if name not in index_names]
    missing = [name for name in shown if name not in made]
    if missing:
        raise ValueError("No match for FieldRef.Name(" + str(missing[0]) + ") in " + ", ".join(names))
    counts, columns = {}, []
    for name in shown:
        columns.append(made[name][counts.get(name, 0) % len(made[name])])
        counts[name] = counts.get(name, 0) + 1
    result = pandas.DataFrame(dict(enumerate(columns)), index=pandas.RangeIndex(rows), copy=False)
    result.columns = _labels(pandas, notes, shown)
    if index is not None:
        result.index = index
    if _ATTRIBUTES in metadata:
        result.attrs = json.loads(metadata[_ATTRIBUTES])
    return result


def _restore_categories(metadata, made):
    """Gives categories the order that they had, and brings those back that do not occur."""
    pandas = _import("pandas")
    for name, text in _object(metadata.get(_CATEGORIES)).items():
        _, _, batches = arrow.read(binascii.a2b_base64(text))
        categories = pandas.Index(cells.series([batches[0][0]]))
        for number, values in enumerate(made.get(name, ())):
            if not isinstance(values, pandas.Categorical):
                values = pandas.Categorical(values)
            if values.categories.isin(categories).all():
                made[name][number] = values.set_categories(categories)


def _object(text):
    """A JSON object, empty where there is none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _read(data):
    try:
        return arrow.read(data)
    except arrow.Compressed:
        _, (plain,) = channel.compute({"name": "arrow.plain"}, (data,))
        return arrow.read(plain)


def _notes(metadata):
    return _object(metadata.get("pandas"))


def _stated_rows(notes):
    for column in notes.get("index_columns", ()):
        if isinstance(column, dict) and column.get("kind") == "range":
            return len(range(column["start"], column["stop"], column["step"]))
    return 0


def _empty(field):
    """A column without rows."""
    plain = arrow.Field(field.name, field.type, field.children)
    dictionary = None if field.index is None else [_empty(plain)]
    return arrow.Column(field, 0, 0, [None, b"", b""], [_empty(child) for child in field.children], dictionary)


def _backed(field, dtype_backend):
    """The type of pandas' own that can say that something is missing."""
    if dtype_backend != "numpy_nullable" or field.index is not None:
        return None
    kind, *rest = field.type
    if kind == "int":
        return ("Int" if rest[1] else "UInt") + str(rest[0])
    if kind == "float" and rest[0] > 16:
        return "Float" + str(rest[0])
    return {"bool": "boolean", "utf8": "string", "large_utf8": "string", "utf8_view": "string"}.get(kind)


def _index(pandas, notes, names, made, rows):
    """The index that the notes describe; None for the usual one."""
    described = notes.get("index_columns", ())
    titles = {column.get("field_name") or column.get("name"): column.get("name") for column in notes.get("columns", ())}
    levels = []
    for column in described:
        if isinstance(column, dict):
            made_of = range(column["start"], column["stop"], column["step"])
            if len(made_of) == rows:
                levels.append(pandas.RangeIndex(made_of, name=column.get("name")))
        elif column in made:
            title = titles.get(column, column)
            levels.append(pandas.Index(made[column][0], name=None if title is None or str(title).startswith(_LEVEL) else title))
    if not levels:
        return None
    return levels[0] if len(levels) == 1 else pandas.MultiIndex.from_arrays(levels, names=[level.name for level in levels])


def _labels(pandas, notes, names):
    """The labels of the columns, which are no texts if they were none."""
    described = notes.get("column_indexes") or [{}]
    labels = pandas.Index(names, name=described[0].get("name")) if names else pandas.Index([], name=described[0].get("name"))
    kind = described[0].get("numpy_type")
    if kind and described[0].get("pandas_type") in ("int64", "float64", "datetime", "bool"):
        try:
            return labels.astype(kind)
        except (TypeError, ValueError):
            return labels
    return labels


def packed(frame, index=None, for_parquet=False):
    """A DataFrame as a stream, with its index as columns as far as it has to be (`index`: None), always or never."""
    pandas = _import("pandas")
    if not frame.columns.is_unique:
        raise ValueError("Duplicate column names found: " + str(list(frame.columns)))
    numbers = _count()
    columns, described, levels = [], [], []
    for name, series in frame.items():
        columns.append(columnar.column_of(str(name), series, numbers))
        described.append(_note(pandas, name, columns[-1], series.dtype))
    if index is None and isinstance(frame.index, pandas.RangeIndex):
        levels.append({"kind": "range", "name": frame.index.name, "start": frame.index.start, "stop": frame.index.stop, "step": frame.index.step})
    elif index is not False:
        taken = {str(name) for name in frame.columns}
        for number in range(frame.index.nlevels):
            values = frame.index.get_level_values(number)
            name = values.name
            field = str(name) if name is not None and str(name) not in taken else _LEVEL + str(number) + "__"
            column = columnar.column_of(field, values, numbers)
            columns.append(column)
            described.append({**_note(pandas, name, column, values.dtype), "field_name": field})
            levels.append(field)
    if for_parquet:
        columns = [_in_milliseconds(column) for column in columns]
    metadata = {"pandas": json.dumps(_all_notes(pandas, frame, levels, described, index is not False))}
    kept = {column.field.name: _alone(column.dictionary) for column in columns if for_parquet and column.dictionary is not None}
    if kept:
        metadata[_CATEGORIES] = json.dumps(kept)
    if frame.attrs:
        metadata[_ATTRIBUTES] = json.dumps(frame.attrs)
    return arrow.written([column.field for column in columns], metadata, columns, len(frame), not for_parquet)


def _alone(column):
    """A stream of one column, as text."""
    return binascii.b2a_base64(arrow.written([column.field], {}, [column], column.length, False), newline=False).decode("ascii")


def _all_notes(pandas, frame, levels, described, has_index):
    labels = frame.columns
    kind = labels.inferred_type
    logical = {"string": "unicode", "integer": "int64", "floating": "float64", "datetime64": "datetime", "empty": "empty"}.get(kind, kind)
    label = {"name": labels.name, "field_name": labels.name, "pandas_type": logical, "numpy_type": str(labels.dtype), "metadata": {"encoding": "UTF-8"} if logical == "unicode" else None}
    return {
        "index_columns": levels,
        "column_indexes": [label] if has_index else [],
        "columns": described,
        "attributes": frame.attrs,
        "creator": {"library": "memex", "version": "1"},
        "pandas_version": pandas.__version__,
    }


def _note(pandas, name, column, dtype):
    """What pandas notes of a column."""
    kind, *rest = column.field.type
    more = None
    if isinstance(dtype, pandas.CategoricalDtype):
        more = {"num_categories": len(dtype.categories), "ordered": bool(dtype.ordered)}
        logical, numpy_type = "categorical", "int" + str(column.field.index[1])
    else:
        numpy_type = str(dtype) if isinstance(dtype, pandas.api.extensions.ExtensionDtype) and not isinstance(dtype, pandas.StringDtype) else _numpy_name(pandas, dtype)
        logical = _LOGICAL.get(kind)
        if kind == "int":
            logical = ("int" if rest[1] else "uint") + str(rest[0])
        elif kind == "float":
            logical = "float" + str(rest[0])
        elif kind == "timestamp":
            logical = "datetimetz" if rest[1] else "datetime"
            more = {"timezone": rest[1]} if rest[1] else None
            numpy_type = "datetime64[" + rest[0] + "]"
        elif kind == "decimal":
            more = {"precision": rest[0], "scale": rest[1]}
        elif kind.endswith("list"):
            logical = "list[" + (_LOGICAL.get(column.children[0].field.type[0]) or "object") + "]"
    return {"name": None if name is None else str(name), "field_name": column.field.name, "pandas_type": logical, "numpy_type": numpy_type, "metadata": more}


def _numpy_name(pandas, dtype):
    if isinstance(dtype, pandas.StringDtype):
        return "str" if dtype.na_value is not pandas.NA else "string"
    return str(dtype)


def _in_milliseconds(column):
    """The same column; Parquet has no seconds."""
    if column.field.type[:2] != ("timestamp", "s"):
        return column
    numpy = _import("numpy")
    column.field.type = ("timestamp", "ms", column.field.type[2])
    column.buffers[1] = (numpy.frombuffer(column.buffers[1], dtype="<i8") * 1000).tobytes()
    return column
