"""Tables of Arrow and Polars as those of pandas, with the numbers that they hold.

By themselves, both make floats of integers of which some are missing, also of those in
lists, and no float holds all integers of 64 bits.
"""

from __future__ import annotations

from typing import Any


def of_arrow(table: Any, arrow: Any) -> Any:
    """The DataFrame of a table or a batch."""
    types = arrow.types
    frame = table.to_pandas()
    for at, column in enumerate(table.columns):
        if types.is_integer(column.type) and column.null_count:
            frame.isetitem(at, _integers(column.to_pylist(), str(column.type)))
        elif types.is_nested(column.type):
            frame.isetitem(at, _objects(column.to_pylist()))
    return frame


def of_polars(value: Any) -> Any:
    """The DataFrame or Series of one of Polars."""
    made = value.to_pandas()
    if not hasattr(value, "get_columns"):
        cells = _exact(value)
        return made if cells is None else _renamed(cells, made)
    for at, column in enumerate(value.get_columns()):
        cells = _exact(column)
        if cells is not None:
            made.isetitem(at, cells)
    return made


def _exact(column: Any) -> Any:
    """The cells of a column that pandas would have as floats; `None` for one that it has as it is."""
    if column.dtype.is_integer() and column.null_count():
        return _integers(column.to_list(), str(column.dtype))
    return _objects(column.to_list()) if column.dtype.is_nested() else None


def _renamed(cells: Any, series: Any) -> Any:
    import pandas  # type: ignore[import-untyped]

    return pandas.Series(cells, index=series.index, name=series.name)


def _integers(cells: list[Any], kind: str) -> Any:
    import numpy
    import pandas  # type: ignore[import-untyped]

    # `uint8` and `UInt8` are called `UInt8` by pandas.
    dtype = kind.replace("uint", "UInt").replace("int", "Int")
    numbers = numpy.array([0 if cell is None else cell for cell in cells], dtype=dtype.lower())
    return pandas.arrays.IntegerArray(numbers, numpy.array([cell is None for cell in cells], dtype=bool))


def _objects(cells: list[Any]) -> Any:
    import numpy

    made = numpy.empty(len(cells), dtype=object)
    made[:] = cells
    return made
