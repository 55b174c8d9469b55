"""Tables on their way into a session: the numbers, times and names in them are those that come out."""

import enum

import numpy as np
import pandas as pd
import pytest

from memex import ValueNotData, _guest, _values

LARGE = 2**53 + 1


def crossed(value):
    """What a session gets."""
    return _values.unpacked(_values.packed(value, "x"))


def arrow_tables():
    arrow = pytest.importorskip("pyarrow")
    columns = {
        "a": arrow.array([LARGE, None], arrow.int64()), "b": arrow.array([2**64 - 1, None], arrow.uint64()), "c": arrow.array([[LARGE, None], None]),
        "d": arrow.array([1, 2], arrow.int8()), "e": arrow.array([{"x": LARGE}, {"x": None}]), "f": arrow.array(["a", None]),
    }  # fmt: skip
    table = arrow.table(columns)
    return table, table.to_batches()[0]


@pytest.mark.parametrize("at", [0, 1])
def test_integers_of_arrow_stay_integers(at):
    frame = crossed(arrow_tables()[at])
    assert frame["a"].tolist() == [LARGE, pd.NA] and frame["b"].tolist() == [2**64 - 1, pd.NA]
    assert (str(frame["a"].dtype), str(frame["b"].dtype), str(frame["d"].dtype)) == ("Int64", "UInt64", "int8")
    assert frame["c"].tolist() == [[LARGE, None], None] and frame["e"].tolist() == [{"x": LARGE}, {"x": None}]
    assert frame["f"].tolist()[0] == "a" and frame["d"].tolist() == [1, 2]


def test_integers_of_polars_stay_integers():
    polars = pytest.importorskip("polars")
    table = polars.DataFrame({"a": [LARGE, None], "b": [[LARGE, None], None], "c": [1, 2]}, schema_overrides={"c": polars.Int16})
    frame = crossed(table)
    assert frame["a"].tolist() == [LARGE, pd.NA] and frame["b"].tolist() == [[LARGE, None], None]
    assert (str(frame["a"].dtype), str(frame["c"].dtype)) == ("Int64", "int16")
    series = crossed(table["a"])
    assert series.tolist() == [LARGE, pd.NA] and series.name == "a"
    assert crossed(table["c"]).tolist() == [1, 2]


class Colour(enum.Enum):
    RED = "red"


def test_keys_that_become_equal_are_refused():
    with pytest.raises(ValueNotData, match="two keys"):
        crossed({Colour.RED: 1, "red": 2})
    assert crossed({Colour.RED: 1, "blue": 2}) == {"red": 1, "blue": 2}


def encoded(frame):
    return _guest.module("arguments").plain(frame, [], "tool: x", 0)


@pytest.mark.parametrize(
    "times",
    [
        np.array(["2024-01-01T00:00:00.000000001"], "M8[ns]"), pd.to_datetime(["2024-01-01T00:00:00.000000001Z", None], format="ISO8601").as_unit("ns"),
        np.array(["300000-01-01"], "M8[s]"),
    ],
    ids=["ns", "zoned", "far"],
)  # fmt: skip
def test_times_that_microseconds_do_not_hold_are_refused(times):
    with pytest.raises(ValueError, match="nanoseconds"):
        encoded(pd.DataFrame({"t": times}))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_other_times_cross(unit):
    frame = pd.DataFrame({"t": np.array(["2024-01-01", "NaT", "1600-02-03"] if unit != "ns" else ["2024-01-01", "NaT"], f"M8[{unit}]")})
    parts: list = []
    table = _guest.module("arguments").plain(frame, parts, "tool: x", 0)["$table"]
    found = _values.table(table, [bytes(part) for part in parts])
    assert [str(one) for one in found["t"]] == [str(one) for one in frame["t"]]


def test_columns_that_are_called_the_same_are_refused():
    for columns in ([1, "1"], [("a", "b"), "a.b"], [1, True]):
        frame = pd.DataFrame([[1, 2]])
        frame.columns = pd.Index(columns, dtype=object, tupleize_cols=False)
        if [str(one) for one in columns] == ["1", "True"]:
            assert [one["name"] for one in encoded(frame)["$table"]["columns"]] == ["1", "True"]
            continue
        with pytest.raises(ValueError, match="both called"):
            encoded(frame)
    # The same name twice is what a query can give.
    frame = pd.DataFrame([[1, 2]], columns=["id", "id"])
    assert [one["name"] for one in encoded(frame)["$table"]["columns"]] == ["id", "id"]
    with pytest.raises(ValueError, match="two of its keys"):
        encoded({"a": b"", 1: 2, "1": 3})
    assert encoded({1: 2, "2": 3}) == {"1": 2, "2": 3}
