"""Previews of arrays and tables: shape, types, head and tail, whatever their size."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys
from contextlib import nullcontext

from memex_guest import text

COLUMNS_MAX = 40
ROWS_MAX = 60
# Columns that are shown of a table unless the session's own option asks for more of them.
COLUMNS_SHOWN = 20


def shown(value, limit):
    """The preview of a numpy or pandas object, or None when it is neither."""
    module = type(value).__module__
    if type(module) is str and module.startswith("numpy"):
        return _array(value, limit)
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return None
    if isinstance(value, pandas.DataFrame):
        return _frame(value, limit)
    if isinstance(value, pandas.Series):
        return _series(value, limit)
    return None


def shape(value):
    """The shape of an array or a table as a list of ints, or None."""
    numpy = sys.modules.get("numpy")
    pandas = sys.modules.get("pandas")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return [int(size) for size in value.shape]
    if pandas is not None and isinstance(value, (pandas.DataFrame, pandas.Series)):
        return [int(size) for size in value.shape]
    return None


def _array(value, limit):
    numpy = sys.modules["numpy"]
    if not isinstance(value, numpy.ndarray):
        return None
    if value.size <= 1000:
        body = text.safe_repr(value, limit)
    else:
        # The options of the turn may ask for every element; a preview never does.
        with numpy.printoptions(threshold=1000, edgeitems=3):
            body = text.safe_repr(value, limit)
    if value.ndim == 1 and value.size <= 20 or "shape=" in body[-200:] and "dtype=" in body[-200:]:
        return body
    return body + "\n(shape " + str(value.shape) + ", dtype " + str(value.dtype) + ")"


def _frame(value, limit):
    rows, columns = value.shape
    body = _bounded(value, limit, rows, columns)
    names = []
    for name, kind in zip(value.columns[:COLUMNS_MAX], value.dtypes.iloc[:COLUMNS_MAX]):
        names.append(text.cut(text.safe_str(name, 80), 80) + " " + text.safe_str(kind, 80))
    if columns > COLUMNS_MAX:
        names.append("… " + str(columns - COLUMNS_MAX) + " more columns")
    kinds = ", ".join(names)
    return body + "\n(shape (" + str(rows) + ", " + str(columns) + "); dtypes: " + kinds + ")"


def _series(value, limit):
    # A Series names its dtype by itself, and its length when it is cut.
    return _bounded(value, limit, len(value), 1)


def bounded(value):
    """A context in which a table shows a part of itself, whatever the options of the turn."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(value, (pandas.DataFrame, pandas.Series)):
        return _Nothing
    return _options(pandas) if value.size > ROWS_MAX else _Nothing


def _bounded(value, limit, rows, columns):
    if rows <= ROWS_MAX and columns <= COLUMNS_SHOWN:
        return text.safe_repr(value, limit)
    with _options(sys.modules["pandas"]):
        return text.safe_repr(value, limit)


def _options(pandas):
    asked = pandas.get_option("display.max_columns") or 0
    columns = min(max(COLUMNS_SHOWN, asked), COLUMNS_MAX)
    settings = ("display.max_rows", ROWS_MAX, "display.min_rows", 10, "display.max_columns", columns)
    return pandas.option_context(*settings)


_Nothing = nullcontext()
