"""Every field of every recorded form, forged: a clear error or a value, in bounded time and memory."""

import json
import struct
import time
import tracemalloc
import unittest
import warnings

import harness
import test_forged_values
from test_forged_values import HAS_NUMPY, HAS_PANDAS, forged

from memex_guest import arrays, columns, costs, forms, frames, hashing, values

if HAS_NUMPY:
    import numpy as np
if HAS_PANDAS:
    import pandas as pd

# Bytes that reading a small message may take at most: what `values` admits, and pandas' own copies.
MEMORY_MAX = 4 * values.COPIES_MIN
SECONDS_MAX = 60

EIGHT = struct.pack("<2q", 0, 1)
PLAIN = {
    "int": (["int", "ff"],),
    "bytes": (["bytes", [0]], b"x" * 300),
    "bytearray": (["bytearray", "y"],),
    "list": (["list", [1, "x"]],),
    "list of numbers": (["list", "q", 0], EIGHT),
    "tuple": (["tuple", [1, 2.5]],),
    "set": (["set", [1, "x"]],),
    "frozenset": (["frozenset", [1]],),
    "dict": (["dict", ["a", 2], [1, None]],),
    "complex": (["complex", 1.0, 2.0],),
    "date": (["date", 2024, 2, 29],),
    "datetime": (["datetime", None, 2024, 2, 29, 1, 2, 3, 4, 0],),
    "time": (["time", None, 1, 2, 3, 4, 1],),
    "timedelta": (["timedelta", 1, 2, 3],),
    "offset": (["timedelta", 0, 3600, 0], ["offset", [0], "X"]),
    "zone": (["zone", "UTC"],),
    "decimal": (["decimal", "1.5"],),
    "fraction": (["int", "f" * 300], ["fraction", [0], 7]),
    "uuid": (["uuid", "0" * 32],),
    "path": (["path", "PosixPath", "a/b"],),
    "range": (["range", 0, 5, 2],),
    "slice": (["slice", 0, None, 2],),
    "ordered": (["ordered", ["b", "a"], [1, 2]],),
    "counter": (["counter", ["b", "a"], [1, 2]],),
    "defaultdict": (["defaultdict", "list", ["b"], [2]],),
    "deque": (["deque", 3, [1, 2]],),
    "namespace": (["namespace", ["a"], [1]],),
    "member": (["member", "Choice", "A"],),
    "named": (["named", "Pair", [1, "x"]],),
    "object": (["object", "Point", ["x", "y"], [1, 2.5]],),
    "record": (["record", "", "Record", ["title"], ["x"]],),
    "choice": (["choice", "tool", "Kind", "A", "a"],),
}
OF_NUMPY = {
    "array": (["array", "<i8", [2], False, 0], EIGHT),
    "array of two axes": (["array", "<f4", [2, 2], True, 0], EIGHT),
    "array of structures": (["array", [8, [["a", 0, "<i4"], ["b", 4, ["<i2", [2]]]], "fields"], [2], False, 0], EIGHT),
    "array of texts": (["array", "<U2", [2], False, 0], b"a\0\0\0" * 4),
    "array of times": (["array", "<M8[5s]", [2], False, 0], EIGHT),
    "objects": (["list", [1]], ["objects", [2], [[0], "x"]]),
    "scalar": (["scalar", "<i4", "01000000"],),
    "numpy text": (["numpy text", "x", "U"],),
}
_NUMBERS = ["array", "<i8", [2], False, 0]
_TIMES = ["array", "<M8[ns]", [2], False, 0]
_RANGE = ["range index", 0, 2, 1, None]
OF_PANDAS = {
    "frame": (_NUMBERS, _RANGE, ["list", [1]], ["dict", ["a"], [[2]]], ["frame", [1], [1], [[[0], [0]], [[1], [0]]], [3]], EIGHT),
    "frame of one block": (["array", "<i8", [1, 2], False, 0], _RANGE, ["range index", 0, 1, 1, None], ["frame", [1], [2], [[[0], [0]]], None], EIGHT),
    "frame of objects": (["objects", [2], ["a", "b"]], _RANGE, ["range index", 0, 1, 1, None], ["frame", [1], [2], [[[0], [0]]], None]),
    "series": (_NUMBERS, _RANGE, ["series", [0], [1], "name", None], EIGHT),
    "index": (_TIMES, ["index", [0], "name", "D"], struct.pack("<2q", 0, 86_400 * 10**9)),
    "index of objects": (["objects", [2], ["a", 1]], ["index", [0], None, None]),
    "range index": (["range index", 0, 6, 2, "n"],),
    "multi index": (["objects", [2], ["a", "b"]], ["index", [0], None, None], _NUMBERS, ["multi index", [[1], [1]], [[2], [2]], ["x", "y"]], EIGHT),
    "category": (_NUMBERS, ["objects", [2], ["a", "b"]], ["index", [1], None, None], ["category", [0], [2], False], EIGHT),
    "zoned": (_TIMES, ["zoned", [0], "UTC"], EIGHT),
    "string": (["string", "python", True, ["x", None]],),
    "periods": (_NUMBERS, ["periods", [0], "D"], EIGHT),
    "intervals": (["array", "<i8", [2], False, 0], ["index", [0], None, None], ["intervals", [1], [1], "left"], EIGHT),
    "masked": (_NUMBERS, ["array", "|b1", [2], False, 1], ["masked", "Int64", [0], [1]], EIGHT, b"\0\1"),
    "plain column": (_NUMBERS, ["plain column", [0]], EIGHT),
    "timestamp": (["scalar", "<M8[ns]", "00" * 8], ["timestamp", [0], "UTC"]),
    "one timedelta": (["scalar", "<m8[ns]", "00" * 8], ["one timedelta", [0]]),
    "one period": (["one period", 5, "D"],),
    "one interval": (["one interval", 1, 2, "left"],),
    "nat": (["nat"],),
    "na": (["na"],),
}
# What stands in the place of a field: wrong types, negative and huge numbers, other texts.
OTHERS = (
    None, True, False, -1, 0, 1, 3, 2**31 - 1, 2**31, 2**62, 2**63, -(2**63) - 1, 10**300, 1.5, float("nan"), float("inf"), "", "x", "x" * 5000,
    "a" * 100_000, "<M8[0s]", "<m8[99999Y]", "<U99999999", "|S999999999", ["<i4", [2**28]], [2**30, [["a", 0, "<i4"]], "fields"], "0" * 16, "-ff",
    "<M8", "<m8", "UTC", "Europe/Zurich", "99999D", "left", "list", "Trap", "__class__", [], [[]], [[0]], [0, 0], [0], [-1], [2**40], [2**20], [1 << 16, 1 << 16],
)  # fmt: skip


def places(node, path=()):
    """The paths to every field of a node, inner ones too."""
    for at, field in enumerate(node):
        if path or at:
            yield (*path, at)
        if type(field) is list:
            yield from places(field, (*path, at))


def put(nodes, number, path, value):
    made = json.loads(json.dumps(nodes))
    at = made[number]
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return made


class Forms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        test_forged_values.Forged.setUpClass.__func__(cls)
        cls.forms = {**PLAIN, **(OF_NUMPY if HAS_NUMPY else {}), **(OF_PANDAS if HAS_PANDAS else {})}

    @classmethod
    def tearDownClass(cls):
        test_forged_values.Forged.tearDownClass.__func__(cls)

    @staticmethod
    def parted(form):
        return [one for one in form if type(one) is list], [one for one in form if type(one) is bytes]

    def test_every_kind_is_here_and_right(self):
        # The control of everything below.
        known = {node[0] for form in self.forms.values() for node in self.parted(form)[0]}
        if HAS_NUMPY and HAS_PANDAS:
            self.assertEqual(known, set(values.readers))
        for name, form in self.forms.items():
            with self.subTest(name):
                nodes, parts = self.parted(form)
                values.unpacked(forged(nodes, parts=parts))

    def test_every_field_of_every_form_is_refused_or_makes_a_value(self):
        taken = refused = 0
        for name, form in self.forms.items():
            nodes, parts = self.parted(form)
            for number, node in enumerate(nodes):
                for path in places(node):
                    refers = [[other] for other in range(len(nodes) + 1)]
                    field = node
                    for step in path:
                        field = field[step]
                    twice = [field * 2, field * 5000] if type(field) is list else [[field, field]]
                    for other in (*OTHERS, *refers, *twice):
                        with self.subTest(name, path=path, other=repr(other)[:60]):
                            if self.read(put(nodes, number, path, other), parts):
                                taken += 1
                            else:
                                refused += 1
            for other in (b"", b"x", bytes(7), bytes(16), b"\xff" * 16, bytes(1 << 16)):
                for at in range(len(parts)):
                    with self.subTest(name, part=other[:9]):
                        self.read(nodes, [*parts[:at], other, *parts[at + 1 :]])
        # A property of what is always refused would say nothing.
        self.assertGreater(taken, 100)
        self.assertGreater(refused, 1000)

    def read(self, nodes, parts):
        """Whether the bytes are a value; whatever they are, no code of a class has run."""
        data = forged(nodes, parts=parts)
        harness.scope["ran"].clear()
        tracemalloc.start()
        began = time.perf_counter()
        try:
            value = values.unpacked(data)
        except ValueError as error:
            self.assertIn("what was handed over is not taken: ", str(error))
            self.assertLess(len(str(error)), 1000)
            return False
        else:
            self.assertEqual(harness.scope["ran"], [])
            self.used(value)
            return True
        finally:
            took, (_now, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
            tracemalloc.stop()
            self.assertLess(took, SECONDS_MAX)
            self.assertLess(peak, MEMORY_MAX)

    @staticmethod
    def used(value):
        """What code does with such a value next: it is what it looks like, or raises."""
        makers = []
        if HAS_NUMPY and type(value) is not range:
            makers.append(np.asarray)
        if HAS_PANDAS and type(value) is not range:
            makers.append(pd.DataFrame)
        if HAS_PANDAS and type(value) is pd.RangeIndex and value.size > 1 << 20:
            # It is as long as it says; whoever asks for its labels pays.
            return
        for make in (*makers, repr, forms.form_of, lambda one: values.packed(one, "it")):
            try:
                make(value)
            except Exception:
                continue


class Bounds(unittest.TestCase):
    """What a message makes its reader do is bounded by its size."""

    setUpClass = classmethod(test_forged_values.Forged.setUpClass.__func__)
    tearDownClass = classmethod(test_forged_values.Forged.tearDownClass.__func__)

    def assertRefused(self, said, nodes, parts=()):
        data = forged(nodes, parts=parts)
        tracemalloc.start()
        began = time.perf_counter()
        try:
            with self.assertRaises(ValueError) as raised:
                values.unpacked(data)
            took, (_now, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertIn(said, str(raised.exception))
        self.assertLess(took, SECONDS_MAX)
        self.assertLess(peak, MEMORY_MAX + 32 * len(data))

    def test_a_large_number_is_paid_for_wherever_it_is_used(self):
        long = ["int", "f" * 1_000_000]
        self.assertEqual(len(values.unpacked(forged([long, ["set", [[0]]], ["list", [[1]] * 100]]))), 100)
        self.assertRefused("takes too long", [long, *[["set", [[0]]]] * 50_000])
        self.assertRefused("too much memory", [long, *[["range", 0, [0], 1]] * 50_000])
        self.assertRefused("takes too long", [long, ["tuple", [[0]]], *[["set", [[1]]]] * 50_000])
        self.assertRefused("takes too long", [["int", "f" * 16_000], ["int", "e" * 16_000], *[["fraction", [0], [1]]] * 20_000])
        self.assertRefused("takes too long", [["bytes", [0]], *[["set", [[0]]]] * 50_000], [b"x" * 10_000_000])
        self.assertRefused("takes too long", [["decimal", "1" * 1_000_000], *[["set", [[0]]]] * 50_000])

    def test_nodes_are_paid_for_by_their_kind(self):
        if HAS_NUMPY and HAS_PANDAS:
            self.assertEqual(set(costs._COSTS), set(values.readers))
        # Each has room for 64 elements, in 20 bytes of the message.
        self.assertEqual(len(values.unpacked(forged([*[["deque", None, []]] * 1000, ["list", [[at] for at in range(1000)]]]))), 1000)
        # A set makes room for four times as many as it has.
        for node in (["deque", None, []], ["ordered", [], []], ["set", list(range(5))], ["set", list(range(20))]):
            self.assertRefused("too many parts that are empty or small", [node] * 60_000)

    @unittest.skipUnless(HAS_PANDAS, "pandas is not installed")
    def test_parts_of_tables_are_paid_for_by_their_kind(self):
        times, numbers, index, names = ["array", "<M8[s]", [1], False, 0], ["array", "<i8", [1], False, 1], ["index", [1], None, None], ["range index", 0, 1, 1, None]
        base = [times, numbers, index, names]
        parts = [bytes(8), bytes(8)]
        for node in (
            ["zoned", [0], "UTC"], ["intervals", [2], [2], "left"], ["index", [0], None, "D"], ["periods", [1], "D"], ["series", [1], [3], None, None],
            ["frame", [3], [3], [[[0], [1]]], None], ["multi index", [[2]], [[1]], [None]], ["multi index", [[2]] * 64, [[1]] * 64, [None] * 64],
        ):
            with self.subTest(node[0]):
                values.unpacked(forged([*base, *[node] * 10], parts=parts))
                many = 17_500 if node[0] == "series" else 6000 if len(json.dumps(node)) < 100 else 300
                self.assertRefused("reading it takes too", [*base, *[node] * many], parts)
        # A table of empty columns, and one of objects, of 15 bytes in the message each.
        wide = ["range index", 0, 8000, 1, None]
        for column in (["array", "<i8", [0], False, 0], ["objects", [0], []]):
            rows = ["range index", 0, 0, 1, None]
            few = [column, rows, ["range index", 0, 100, 1, None], ["frame", [1], [2], [[[at], [0]] for at in range(100)], None]]
            self.assertEqual(values.unpacked(forged(few, parts=[b""])).shape, (0, 100))
            self.assertRefused("reading it takes too", [column, rows, wide, ["frame", [1], [2], [[[at], [0]] for at in range(8000)], None]], [b""])
        # Frequencies whose times are made by Python, each of them.
        for name, count, are_taken in (("CBMS", 300, True), ("CBMS", 3000, False), ("D", 3000, True), ("W-MON", 3000, True)):
            made = pd.date_range("1900-01-01", periods=count, freq=name, unit="s")
            packed = values.packed(made, "it")
            with self.subTest(name, count=count):
                if are_taken:
                    self.assertEqual(values.unpacked(packed).freqstr, name)
                else:
                    with self.assertRaisesRegex(ValueError, "takes too long"):
                        values.unpacked(packed)

    def test_an_object_has_each_field_once_and_pays_for_it(self):
        fields = ["f" + str(at) for at in range(1000)]
        made = values.unpacked(forged([["object", "Trap", fields, fields]]))
        self.assertEqual(len(made.__dict__), 1000)
        self.assertRefused("a field twice", [["object", "Trap", ["a", "a"], [1, 2]]])
        seen = []
        kept, hashing.check = hashing.check, lambda hashes, *more: seen.append(len(hashes))
        try:
            values.unpacked(forged([["object", "Trap", fields, fields]]))
        finally:
            hashing.check = kept
        self.assertEqual(seen, [1000])

    @unittest.skipUnless(HAS_PANDAS, "pandas is not installed")
    def test_codes_that_were_checked_cannot_be_changed_by_their_array(self):
        for kind in ("|i1", "<i2", "<i4", "<i8"):
            size = np.dtype(kind).itemsize
            base = [["array", kind, [2], False, 0], ["range index", 0, 2, 1, None]]
            for node in (["category", [0], [1], False], ["multi index", [[1]], [[0]], [None]]):
                array, made = values.unpacked(forged([*base, node, ["list", [[0], [2]]]], parts=[bytes(2 * size)]))
                array[:] = 100
                self.assertEqual(made.codes.tolist() if node[0] == "category" else made.codes[0].tolist(), [0, 0])

    @unittest.skipUnless(HAS_PANDAS, "pandas is not installed")
    def test_the_form_of_a_table_is_paid_for_by_its_columns_and_cells(self):
        wide, spans = pd.DataFrame(np.empty((0, 2000))), pd.interval_range(0, 20_000)
        for one in (wide, pd.Series(spans), spans):
            self.assertIs(forms.form_of([one])[0], one)
            began = time.perf_counter()
            with self.assertRaises(forms.Unlike):
                forms.form_of([one] * 60)
            self.assertLess(time.perf_counter() - began, SECONDS_MAX)

    @unittest.skipUnless(HAS_PANDAS, "pandas is not installed")
    def test_json_of_tools_makes_no_table_that_is_far_larger(self):
        for rows in ([{"a" + str(at): 1} for at in range(5000)], [[1] * 5000] + [[1]] * 5000, {str(at): {"a" + str(at): 1} for at in range(5000)}):
            self.assertIs(columns.of_objects(rows), rows)
        for rows, shape in (
            ([{"a": 1}, {"b": 2}], (2, 2)), ([[1, 2], [3]], (2, 2)), ({"a": [1, 2]}, (2, 1)), ({"a": {"x": 1}, "b": {"y": 2}}, (2, 2)), ([], (0, 0)),
            ([{"a" + str(at): 1} for at in range(500)], (500, 500)), ([{"a": 1, "b": 2}] * 5000, (5000, 2)), ({"a": list(range(5000))}, (5000, 1)),
        ):
            self.assertEqual(columns.of_objects(rows).shape, shape)

    def test_digits_are_bounded_though_a_turn_has_lifted_the_limit(self):
        import sys

        kept = sys.get_int_max_str_digits()
        sys.set_int_max_str_digits(0)
        # It is the whole process's: a program that reads has other threads.
        changed, sys.set_int_max_str_digits = sys.set_int_max_str_digits, None
        try:
            self.assertEqual(values.unpacked(forged([], -(10**300))), -(10**300))
            with self.assertRaises(ValueError):
                values.unpacked(b"".join((forged([], 1)[:5], struct.pack("<I", 400_006), b"[[],1" + b"0" * 400_000 + b"]")))
            self.assertEqual(sys.get_int_max_str_digits(), 0)
        finally:
            sys.set_int_max_str_digits = changed
            sys.set_int_max_str_digits(kept)

    @unittest.skipUnless(HAS_NUMPY, "numpy is not installed")
    def test_an_empty_array_makes_no_room_for_an_item(self):
        self.assertEqual(values.unpacked(forged([["array", "<U1000", [0], False, 0]], parts=[b""])).dtype.str, "<U1000")
        for kind in ("<U99999999", "|S999999999", ["<i8", [2**27]], [2**30, [["a", 0, "<i4"]], "fields"]):
            with self.subTest(kind):
                self.assertRefused("", [["array", kind, [0], False, 0]], [b""])
                self.assertRefused("", [["array", kind, [0, 5], False, 0]], [b""])
        with self.assertRaisesRegex(TypeError, "an empty array of items of 400000 bytes"):
            values.packed(np.empty(0, "<U100000"), "it")
        for kind in (["<i4", [2]], ["<i4", [1]], ["<i4", [2, 2]]):
            with self.subTest(kind):
                self.assertRefused("", [["array", kind, [1], False, 0]], [bytes(16)])

    @unittest.skipUnless(HAS_PANDAS, "pandas is not installed")
    def test_a_column_is_paid_for_each_time_it_is_named(self):
        rows = 1 << 18
        column, index, names = ["array", "<i8", [rows], False, 0], ["range index", 0, rows, 1, None], ["range index", 0, 20, 1, None]
        part = bytes(8 * rows)
        right = [column, index, names, ["frame", [1], [2], [[[at], [0]] for at in range(20)], None]]
        self.assertRefused("too much memory", [*right[:2], ["range index", 0, 2000, 1, None], ["frame", [1], [2], [[[at], [0]] for at in range(2000)], None]], [part])
        self.assertRefused("too much memory", [["array", "<i8", [1, rows], False, 0], index, ["range index", 0, 2000, 1, None], ["frame", [1], [2], [[[at], [0]] for at in range(2000)], None]], [part])
        few = [column, index, ["range index", 0, 5, 1, None], ["frame", [1], [2], [[[at], [0]] for at in range(5)], None]]
        self.assertEqual(values.unpacked(forged(few, parts=[part])).shape, (rows, 5))
        labels = ["range index", 0, dtypes_range_max(), 1, None]
        codes = ["array", "<i8", [1], False, 0]
        self.assertEqual(len(values.unpacked(forged([codes, labels, ["category", [0], [1], False]], parts=[bytes(8)]))), 1)
        self.assertRefused("too much memory", [codes, *[labels, ["category", [0], [1], False]] * 100], [bytes(8)])
        self.assertRefused("too much memory", [["range index", 0, 2**62, 1, None], ["range index", 0, 0, 1, None], ["frame", [0], [1], [], None]])

    @unittest.skipUnless(HAS_PANDAS, "pandas is not installed")
    def test_a_text_of_a_column_is_paid_for_each_time_it_is_named(self):
        long = ["choice", "no tool", "Kind", "A", "x" * 1_000_000]
        for storage in ("python", "pyarrow"):
            few = values.unpacked(forged([long, ["string", storage, True, [[0], [0], None]]]))
            self.assertEqual((len(few), len(few[1])), (3, 1_000_000))
            self.assertRefused("too much memory", [long, ["string", storage, True, [[0]] * 10_000]])

    @unittest.skipUnless(HAS_PANDAS, "pandas is not installed")
    def test_an_index_has_few_levels(self):
        codes, labels = ["array", "<i8", [2], False, 0], ["range index", 0, 2, 1, None]
        for levels in (1, frames.LEVELS_MAX, frames.LEVELS_MAX + 1):
            nodes = [codes, labels, ["multi index", [[1]] * levels, [[0]] * levels, [None] * levels]]
            if levels <= frames.LEVELS_MAX:
                self.assertEqual(values.unpacked(forged(nodes, parts=[EIGHT])).nlevels, levels)
            else:
                self.assertRefused("more than 64 levels", nodes, [EIGHT])
        wide = pd.MultiIndex.from_tuples([tuple(range(frames.LEVELS_MAX + 1))])
        with self.assertRaisesRegex(TypeError, "more than 64 levels"):
            values.packed(wide, "it")

    @unittest.skipUnless(HAS_PANDAS, "pandas is not installed")
    def test_attributes_of_tables_are_copies_of_plain_data(self):
        frame = pd.DataFrame({"a": [1]})
        inner = frame.attrs["of"] = {"list": [1, (2.5, "x")], "array": np.arange(3)}
        two = [frame, frame.copy(deep=False)]
        two[1].attrs = frame.attrs
        found = values.unpacked(values.packed(two, "it"))
        self.assertEqual(found[0].attrs["of"]["list"], inner["list"])
        found[0].attrs["of"]["list"].append(5)
        found[0].attrs["of"]["array"][0] = 9
        self.assertEqual((found[1].attrs["of"]["list"], found[1].attrs["of"]["array"][0]), (inner["list"], 0))
        made = [["range index", 0, 0, 1, None], ["list", [1]], ["dict", ["a"], [[1]]], ["frame", [0], [0], [], [2]], ["frame", [0], [0], [], [2]], ["list", [[3], [4]]]]
        one, other = values.unpacked(forged(made))
        self.assertIsNot(one.attrs["a"], other.attrs["a"])
        # Copying runs `__deepcopy__` of an object; each copy is paid for.
        trap = [["range index", 0, 0, 1, None], ["object", "Trap", ["a"], [1]], ["dict", ["x"], [[1]]], ["frame", [0], [0], [], [2]]]
        self.assertRefused("an attribute of a table that is a value of type", trap)
        key = [["range index", 0, 0, 1, None], ["object", "Key", ["a", "b"], [1, 2]], ["dict", [[1]], [1]], ["frame", [0], [0], [], [2]]]
        self.assertRefused("", key)
        many = [["range index", 0, 0, 1, None], ["list", list(range(10_000))], ["dict", ["x"], [[1]]], *[["frame", [0], [0], [], [2]]] * 5000]
        self.assertRefused("takes too long", many)
        layers = [["list", []], *[["list", [[at], [at]]] for at in range(60)]]
        self.assertRefused("takes too long", [*layers, ["dict", ["x"], [[60]]], ["range index", 0, 0, 1, None], ["frame", [62], [62], [], [61]]])
        frame.attrs["of"] = harness.scope["Point"](1, 2)
        with self.assertRaisesRegex(TypeError, r"it\.attrs\['of'\]: an attribute of a table that is a value of type Point"):
            values.packed(frame, "it")

    @unittest.skipUnless(HAS_NUMPY, "numpy is not installed")
    def test_keys_of_numpy_stand_beside_no_objects_of_classes(self):
        scalar, key = ["scalar", "<i8", "0100000000000000"], ["object", "Key", ["a", "b"], [1, 2]]
        ran = harness.scope["ran"]
        # The control: each by itself is a key.
        for nodes in ([scalar, ["set", [[0]]]], [key, ["set", [[0]]]], [scalar, ["dict", [[0], 5], [1, 2]]]):
            values.unpacked(forged(nodes))
        ran.clear()
        for nodes in (
            [scalar, key, ["set", [[0], [1]]]],
            [scalar, key, ["dict", [[0], [1]], [1, 2]]],
            [scalar, key, ["counter", [[1], [0]], [1, 2]]],
            [scalar, key, ["tuple", [[0]]], ["tuple", [[1]]], ["frozenset", [[2], [3]]]],
            [scalar, key, ["tuple", [[0], [1]]], ["set", [[2]]]],
            [scalar, ["object", "Key", ["a", "b"], [[0], 2]], ["set", [[1]]]],
            [scalar, ["member", "Choice", "A"], ["set", [[0], [1]]]],
        ):
            with self.subTest(json.dumps(nodes)):
                self.assertRefused("its keys hold scalars of numpy or pandas beside objects of classes", nodes)
        self.assertEqual(ran, [])
        point = harness.scope["Key"](1, 2)
        for value in ({np.int64(1): 1, point: 2}, {np.int64(1), point}, {(np.int64(1), point): 1}):
            with self.subTest(value), self.assertRaisesRegex(TypeError, "keys that hold scalars of numpy or pandas beside objects"):
                values.packed(value, "it")

    @unittest.skipUnless(HAS_NUMPY, "numpy is not installed")
    def test_times_have_units_that_are(self):
        for unit in ("<m8[s]", "<m8[1s]", "<M8[99999ns]", "<M8", "<m8"):
            self.assertTrue(arrays.dtype_of(unit))
        for unit in ("<m8[0s]", "<M8[00s]", "<m8[01s]", "<m8[000001s]", "<m8[100000s]", "<m8[]", "<m8[-1s]", "<m8[s/2]", "=m8[s]", "|m8[s]", "m8[s]"):
            with self.subTest(unit), self.assertRaises(ValueError):
                arrays.dtype_of(unit)


    @unittest.skipUnless(HAS_PANDAS, "pandas is not installed")
    def test_no_dtype_makes_a_reader_fail_in_another_way(self):
        units = ("", *(f"[{many}{unit}]" for many in ("", "99999") for unit in "Y M W D h m s ms us ns ps fs as".split()))
        simple = "|b1 |i1 |u1 |S3 <U2 >U2".split() + [order + kind for order in "<>" for kind in "i2 i4 i8 u2 u4 u8 f2 f4 f8 c8 c16".split()]
        index, names, codes = ["range index", 0, 2, 1, None], ["range index", 0, 1, 1, None], ["array", "<i8", [2], False, 1]
        taken = refused = 0
        for kind in (*simple, *("<" + letter + "8" + unit for letter in "mM" for unit in units), ">M8", ">M8[s]", ">m8", ">m8[s]"):
            size = np.dtype(kind).itemsize
            for fill in (b"\0", b"\xff", b"\1" + bytes(7), bytes(7) + b"\x80"):
                content = (fill * 2 * size)[: 2 * size]
                array, scalar = ["array", kind, [2], False, 0], ["scalar", kind, content[:size].hex()]
                for nodes in (
                    [array], [scalar], [scalar, ["set", [[0]]]], [scalar, ["timestamp", [0], None]], [scalar, ["timestamp", [0], "Europe/Zurich"]],
                    [scalar, ["one timedelta", [0]]], [scalar, ["one interval", [0], [0], "both"]], [array, ["plain column", [0]]],
                    [array, ["index", [0], None, None]], [array, ["index", [0], None, "D"]], [array, ["zoned", [0], "UTC"]], [array, ["periods", [0], "D"]],
                    [array, index, ["series", [0], [1], None, None]], [array, index, scalar, ["series", [0], [1], [2], None]],
                    [array, index, names, ["frame", [1], [2], [[[0], [0]]], None]], [array, ["index", [0], None, None], ["intervals", [1], [1], "both"]],
                    [array, ["index", [0], None, None], codes, ["category", [2], [1], False]], [array, index, ["category", [0], [1], False]],
                    [array, ["index", [0], None, None], codes, ["multi index", [[1]], [[2]], [None]]], [scalar, ["objects", [2], [[0], [0]]], ["index", [1], None, None]],
                ):
                    with self.subTest(kind, fill=fill, nodes=json.dumps(nodes)), warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        try:
                            values.unpacked(forged(nodes, parts=[content, EIGHT]))
                            taken += 1
                        except ValueError as error:
                            self.assertIn("what was handed over is not taken: ", str(error))
                            refused += 1
        self.assertGreater(taken, 1000)
        self.assertGreater(refused, 1000)
        # Such a time is not a time, and such intervals are none.
        self.assertEqual(str(values.unpacked(forged([["scalar", "<M8", (bytes(7) + b"\x80").hex()]]))), "NaT")
        self.assertRefused("without a unit", [["scalar", "<M8", "0100000000000000"]])
        self.assertRefused("without a unit", [["array", [8, [["a", 0, "<M8"]], "fields"], [2], False, 0]], [EIGHT])
        for kind in ("|b1", "<c8"):
            array = ["array", kind, [2], False, 0]
            self.assertRefused("numbers or times", [array, ["index", [0], None, None], ["intervals", [1], [1], "both"]], [bytes(2 * np.dtype(kind).itemsize)])


def dtypes_range_max():
    from memex_guest import dtypes

    return dtypes.RANGE_MAX


if __name__ == "__main__":
    unittest.main()
