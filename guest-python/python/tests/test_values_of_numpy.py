"""Arrays and tables come back as they were: dtypes, shapes, indexes and names."""

import time
import unittest

import harness

from memex_guest import agents, values  # noqa: F401

if harness.has("numpy"):
    import numpy as np
if harness.has("pandas"):
    import pandas as pd


def there_and_back(value):
    return values.unpacked(values.packed(value, "it"))


@unittest.skipUnless(harness.has("numpy"), "numpy is not installed")
class Arrays(unittest.TestCase):
    def test_arrays_come_back_as_they_were(self):
        plain = np.arange(24).reshape(2, 3, 4)
        structure = np.dtype([("b", "<i4"), ("a", "f8", (2, 2)), ("s", "U3"), ("in", [("t", "M8[D]"), ("ok", "?")])], align=True)
        structured = np.zeros(3, structure)
        structured["a"] = 1.5
        structured["s"] = "äö"
        structured["in"]["ok"] = [True, False, True]
        for value in (
            plain, plain.T, plain[:, ::2], plain[::-1], np.array(5.5), np.array([]), np.zeros((0, 3)), np.zeros((2, 0), "i1"),
            *[np.array([0, 1, 1], kind) for kind in "? b B h H i I l L q Q e f d F D >i4 >f8 >c8".split()],
            np.array(["a", "", "äöü😀"]), np.array(["a", "b"], ">U5"), np.array([b"x", b"yy\0z"]), np.array(["2024-01-01", "NaT"], "M8[s]"),
            np.array([1, 2], "m8[25ms]"), np.array([1, 2], "m8[Y]"), np.array([np.nan, np.inf, -0.0]), structured, structured[["s", "b"]],
            structured[::2], np.array(structured[0]), np.array([[1, "x"], [None, [2]]], dtype=object), np.array([], dtype=object),
        ):
            with self.subTest(str(value.dtype) + str(value.shape)):
                found = there_and_back(value)
                self.assertIs(type(found), np.ndarray)
                self.assertEqual((found.dtype, found.shape), (value.dtype, value.shape))
                self.assertTrue(found.flags.writeable)
                if value.dtype.hasobject or value.dtype.names:
                    self.assertEqual(repr(found.tolist()), repr(value.tolist()))
                else:
                    self.assertEqual(found.tobytes(), value.tobytes())
                    self.assertTrue(found.flags.f_contiguous or not value.flags.f_contiguous)

    def test_scalars_come_back_as_they_were(self):
        for value in (
            np.int64(-3), np.uint8(3), np.float32(0.1), np.float64("nan"), np.complex64(1 + 2j), np.bool_(True), np.str_("ä"), np.str_(""),
            np.bytes_(b"a\xff"), np.datetime64("2024-01-01T00:00:01.5"), np.datetime64("NaT"), np.timedelta64(3, "h"), np.float16(0.5),
        ):
            with self.subTest(repr(value)):
                found = there_and_back(value)
                self.assertIs(type(found), type(value))
                self.assertEqual(repr(found), repr(value))
        self.assertEqual(there_and_back({np.int64(1): np.float32(2)}), {1: 2.0})
        self.assertEqual(there_and_back(np.array((1, 2.5), "i4,f8")[()]).tolist(), (1, 2.5))

    def test_an_array_that_is_shared_stays_shared(self):
        value = np.arange(3)
        found = there_and_back([value, value])
        self.assertIs(found[0], found[1])

    def test_what_has_no_place_in_the_list_is_refused_with_a_remedy(self):
        for value, said in (
            (np.zeros(2, [("a", object)]), ".astype(…)"),
            (np.zeros(2, "V3"), ".astype(…)"),
            (np.ma.array([1], mask=[1]), "numpy.ma.MaskedArray"),
            (np.dtype("i4"), "a value of type"),
            (np.array([[1]]).view(np.recarray), "recarray"),
            (np.array([print], dtype=object), "it[0]: "),
        ):
            with self.subTest(said), self.assertRaises(TypeError) as raised:
                values.packed(value, "it")
            self.assertIn(said, str(raised.exception))


@unittest.skipUnless(harness.has("pandas"), "pandas is not installed")
class Tables(unittest.TestCase):
    def assertSameTable(self, value):
        found = there_and_back(value)
        self.assertIs(type(found), type(value))
        if type(value) is pd.DataFrame:
            pd.testing.assert_frame_equal(found, value)
        elif type(value) is pd.Series:
            pd.testing.assert_series_equal(found, value)
        else:
            pd.testing.assert_index_equal(found, value, exact=True)
        return found

    def test_tables_come_back_as_they_were(self):
        days = pd.date_range("2024-01-01", periods=3)
        columns = {
            "i": [1, 2, 3], "f": [1.5, np.nan, 3], "b": [True, False, True], "s": ["a", "ä", ""], "o": pd.Series([1, "x", [2]], dtype=object),
            "n": pd.Series([None, "x", 2.5], dtype=object), "t": days, "z": days.tz_localize("UTC"), "zz": days.tz_localize("Europe/Zurich"),
            "d": days - days[0], "I": pd.array([1, None, 3], "Int64"), "u": pd.array([1, None, 3], "UInt8"), "F": pd.array([1, None, 3], "Float32"),
            "B": pd.array([True, None, False], "boolean"), "S": pd.array(["x", None, "y"], "string"), "c": pd.Categorical(["x", None, "y"]),
            "co": pd.Categorical([2, 1, 2], categories=[3, 2, 1], ordered=True), "p": pd.period_range("2024-01", periods=3, freq="M"),
            "iv": pd.interval_range(0, 3), "i1": np.array([1, 2, 3], "i1"), "i2": np.array([4, 5, 6], "i1"), "by": [b"a", None, b"c"],
            "ns": days.as_unit("ns"), "tx": pd.Series(["a", None, "c"]),
        }
        table = pd.DataFrame(columns)
        self.assertSameTable(table)
        for name in table:
            with self.subTest(name):
                self.assertSameTable(table[[name]])
                self.assertSameTable(table[name])
                self.assertSameTable(pd.Series(columns[name], index=[3, 1, 2], name=("a", 1)))
        twice = pd.DataFrame([[1, 2.5, "x"]], columns=["a", "a", None])
        self.assertSameTable(twice)
        self.assertSameTable(pd.DataFrame(np.arange(6).reshape(2, 3), index=["x", "y"], columns=list("abc")))
        self.assertSameTable(pd.DataFrame(np.arange(6.0).reshape(2, 3, order="F")))
        self.assertSameTable(pd.DataFrame({"o": pd.Series([1, "x"], dtype=object), "n": [1, 2]}, index=["k", "k"]))
        self.assertSameTable(pd.DataFrame())
        self.assertSameTable(pd.DataFrame(index=[1, 2]))
        self.assertSameTable(pd.DataFrame(columns=["a", "b"]))
        self.assertSameTable(table.iloc[:0])
        self.assertSameTable(table.groupby(["b", "i"]).agg({"f": ["sum", "mean"]}))
        self.assertSameTable(pd.DataFrame({number: [number, 0.5] if number % 2 else [1, 2] for number in range(300)}))
        noted = pd.DataFrame({"a": [1]})
        noted.attrs["of"] = ["x"]
        self.assertEqual(there_and_back(noted).attrs, {"of": ["x"]})

    def test_indexes_come_back_as_they_were(self):
        days = pd.date_range("2024-01-01", periods=4, freq="MS", name="when")
        for value in (
            pd.RangeIndex(3, 30, 3, name="r"), pd.Index([1, 2], name="n"), pd.Index(["a", None, 3], dtype=object), pd.Index([(1, 2), (3,)], tupleize_cols=False),
            pd.Index(["a", "b"]), days, days.tz_localize("Europe/Zurich"), days - days[0], pd.timedelta_range("1h", periods=3, freq="2h"),
            pd.PeriodIndex(["2024Q1", "2024Q2"], freq="Q"), pd.CategoricalIndex(["a", "b"]), pd.IntervalIndex.from_breaks([1, 2, 5], closed="both"),
            pd.MultiIndex.from_product([[1, 2], ["a", "b"]], names=["x", None]), pd.MultiIndex.from_tuples([(1, days[0]), (2, pd.NaT)]),
            pd.Index([True, False]), pd.Index([1.5, np.nan]), pd.Index([], dtype=object), pd.Index(pd.array([1, None], "Int64")),
        ):
            with self.subTest(repr(value)[:60]):
                found = self.assertSameTable(value)
                self.assertEqual(found.names, value.names)
                self.assertEqual(getattr(found, "freq", None), getattr(value, "freq", None))

    def test_scalars_come_back_as_they_were(self):
        for value in (
            pd.Timestamp("2024-01-01T00:00:00.123456789"), pd.Timestamp("2024-07-27 02:30", tz="Europe/Zurich"), pd.Timestamp("2024-01-01", tz="UTC"),
            pd.Timestamp("2024-01-01").as_unit("s"), pd.Timedelta("1D 3ns"), pd.NaT, pd.NA, pd.Period("2024-03", "M"), pd.Interval(0, 1, "left"),
            pd.Interval(pd.Timestamp("2024"), pd.Timestamp("2025")),
        ):
            with self.subTest(repr(value)):
                found = there_and_back(value)
                self.assertIs(type(found), type(value))
                self.assertEqual(repr(found), repr(value))
        self.assertEqual(there_and_back({pd.Timestamp("2024"): 1}), {pd.Timestamp("2024"): 1})

    def test_a_column_that_cannot_be_handed_over_is_named(self):
        for value, said in (
            (pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), "it['a']: a column of dtype Sparse"),
            (pd.Series([1], index=pd.Index([Label()], dtype=object)), "it.index: a label of type "),
            (pd.DataFrame({"a": [1], "f": [print]}), "it['f'][0]: a value of type builtin_function_or_method"),
        ):
            with self.subTest(said), self.assertRaises(TypeError) as raised:
                values.packed(value, "it")
            self.assertIn(said, str(raised.exception))

    def test_large_tables_cost_about_what_copying_them_costs(self):
        import pickle

        table = pd.DataFrame(np.random.default_rng(1).random((200_000, 20)))
        took = {}
        for name, way in (("pickle", lambda: pickle.loads(pickle.dumps(table, 5))), ("typed", lambda: there_and_back(table))):
            took[name] = min(_seconds(way) for _ in range(3))
        # Walking 4 million cells would take a hundred times as long.
        self.assertLess(took["typed"], 10 * took["pickle"] + 0.1)


class Label:
    """Any object can be one."""


def _seconds(way):
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


if __name__ == "__main__":
    unittest.main()
