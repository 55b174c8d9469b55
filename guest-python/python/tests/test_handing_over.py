"""What a spawned agent hands in, what its parent takes of it, and the shared board."""

import hashlib
import json
import struct
import time
import unittest

import harness
from harness import frame_of

from memex_guest import agents, answers, channel, fitting, forms, values

PIECE = struct.Struct("<Q")


def submitted(**given):
    """The parts of a call that hands in an answer, and the digest that the host makes of it."""
    harness.calls.clear()
    try:
        answers.submit("submit", given, None)
    except answers.Submitted:
        pass
    frame = harness.calls.pop()
    _first, pieces = channel.split(frame)
    hashed = hashlib.sha256()
    for piece in pieces[:-1]:
        hashed.update(PIECE.pack(len(piece)))
        hashed.update(piece)
    head = json.loads(bytes(pieces[0]))
    return head, [bytes(part) for part in pieces[1:]], hashed.hexdigest()


def taken(value, objects, digest, wanted, wrapped=True, checked=True):
    handle = agents.AgentHandle("a", "task", wanted, wrapped, checked)
    handle._ended = {"state": "submitted", "detail": "", "value": json.dumps(value), "objects": objects, "call": digest}
    return handle.result()


class HandingIn(unittest.TestCase):
    def test_an_answer_goes_as_json_and_as_typed_data(self):
        head, parts, _digest = submitted(value={1: (2, 3)})
        self.assertEqual(head, {"do": "submit", "arguments": {"value": {"1": [2, 3]}}})
        self.assertEqual(values.unpacked(parts[-1]), {"value": {1: (2, 3)}})

    def test_what_has_no_json_is_named_there(self):
        head, parts, _digest = submitted(value=float("nan"))
        self.assertEqual(head["arguments"], {"value": "nan"})
        self.assertEqual(repr(values.unpacked(parts[-1])), "{'value': nan}")

    def test_what_is_no_data_is_refused_with_its_place_and_a_remedy(self):
        with self.assertRaises(TypeError) as raised:
            submitted(value={"rows": [1, print]})
        self.assertEqual(
            str(raised.exception),
            "submit['value']['rows'][1]: a value of type builtin_function_or_method cannot be handed over; " + values.REMEDY,
        )

    def test_a_large_object_goes_once_where_any_is_admitted(self):
        def function(value: "Any") -> None:
            """What the schema of any object becomes."""

        large = b"x" * (5 << 20)
        for wanted, parts_wanted in ((function, 1), (None, 2)):
            harness.calls.clear()
            with self.assertRaises(answers.Submitted):
                answers.submit("submit", {"value": large}, wanted)
            _op, _head, parts = channel.parse(harness.calls.pop())
            self.assertEqual(len(parts), parts_wanted)
            self.assertEqual(values.unpacked(parts[-1]), {"value": large})

    def test_long_texts_are_a_part(self):
        head, parts, _digest = submitted(value="x" * 300_000)
        self.assertEqual((head["arguments"], head["text"]), ({"value": {"$text": 300_000}}, 0))
        self.assertEqual(len(parts), 2)


CLASSES = """
import enum, dataclasses, typing
ran = []
@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5
class Color(enum.Enum):
    RED = 'red'
class Level(enum.IntEnum):
    LOW = 1
class Pair(typing.NamedTuple):
    left: int
    right: str
class Sly:
    def keys(self):
        ran.append('keys')
        return []
    def __getitem__(self, key): ran.append('item')
    def __fspath__(self):
        ran.append('fspath')
        return 'x'
    def model_dump(self): ran.append('dump')
    def __hash__(self):
        ran.append('hash')
        return 1
    def __getattribute__(self, name):
        ran.append(name)
        return object.__getattribute__(self, name)
@dataclasses.dataclass
class Read:
    x: int
    def __getattribute__(self, name):
        ran.append(name)
        return object.__getattribute__(self, name)
@dataclasses.dataclass
class Other:
    x: int
    y: float = 0.5
@dataclasses.dataclass
class Derived(Point):
    pass
class Paint(enum.Enum):
    RED = 'red'
class Report:
    pass
class Imposter:
    pass
@dataclasses.dataclass
class Found:
    point: Point
    any: object
    counts: dict
    made: int = dataclasses.field(init=False, default=3)
class Row(typing.TypedDict):
    at: Point
    color: Color
"""


class OfClasses(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = set(harness.scope)
        made = harness.run(CLASSES + ("import pandas\nframe = pandas.DataFrame({'a': [1, 2], 'b': ['x', None]})" if harness.has("pandas") else ""))
        assert made.status == "ok", made.traceback

    @classmethod
    def tearDownClass(cls):
        for name in set(harness.scope) - cls.before:
            del harness.scope[name]

    def test_objects_of_classes_are_known_again_by_their_form(self):
        for source, shown, wanted in (
            ("[Point(1), Point(2, 3.0)]", [{"x": 1, "y": 0.5}, {"x": 2, "y": 3.0}], "list[Point]"),
            ("Color.RED", "red", "Color"),
            ("[{1, 2}, (Color.RED,), b'x' * 10]", [[1, 2], ["red"], "<10 bytes>"], "list"),
            ("[Color.RED, {'t': frame}]" if harness.has("pandas") else "[Color.RED]", ["red", {"t": []}], "list"),
            ("[Color.RED, {5: Other(1)}]", ["red", {"5": {"x": 1, "y": 0.5}}], "list"),
            ("{'a': Point(1)}", {"a": {"x": 1, "y": 0.5}}, "dict[str, Point]"),
            ("{5: 2.5}", {"5": 2.5}, "dict[int, float]"),
            ("2 ** 100", 2.0**100, "int"),
            ("(Point(1), 5)", [{"x": 1, "y": 0.5}, 5], "tuple[Point, int]"),
            ("Pair(1, 'x')", [1, "x"], "Pair"),
            ("Found(Point(1), Other(2), {1: (2,)})", {"point": {"x": 1, "y": 0.5}, "any": {"x": 2, "y": 0.5}, "counts": {"1": [2]}, "made": 3}, "Found"),
            ("{'at': Point(1), 'color': Color.RED}", {"at": {"x": 1, "y": 0.5}, "color": "red"}, "Row"),
            ("[Point(1), None]", [{"x": 1, "y": 0.5}, None], "list[Point | None]"),
            ("Other(1)", {"x": 1, "y": 0.5}, "Point | Other"),
            ("[1, Color.RED]", [1, "red"], "{'type': 'array'}"),
        ):
            with self.subTest(source):
                value = eval(source, harness.scope)
                _head, parts, digest = submitted(value=value)
                found = taken(shown, parts[-1], digest, eval(wanted, harness.scope))
                self.assertIs(type(found), type(value))
                self.assertEqual(repr(found), repr(value))

    def test_objects_of_other_classes_of_one_form_are_not(self):
        # What has the form that was checked, and is of another class, is made anew of the JSON.
        for source, shown, wanted, expected in (
            ("[Other(1), Point(2)]", [{"x": 1, "y": 0.5}, {"x": 2, "y": 0.5}], "list[Point]", "[Point(1), Point(2)]"),
            ("Derived(1)", {"x": 1, "y": 0.5}, "Point", "Point(1)"),
            ("Other(1)", {"x": 1, "y": 0.5}, "Point | None", "Point(1)"),
            ("Derived(1)", {"x": 1, "y": 0.5}, "Point | Other", "Point(1)"),
            ("Paint.RED", "red", "Color", "Color.RED"),
            ("[Paint.RED]", ["red"], "list[str]", "['red']"),
            ("Color.RED", "red", "typing.Literal['red']", "'red'"),
            ("Level.LOW", 1, "int", "1"),
            ("{'a': Level.LOW}", {"a": 1}, "dict[str, int]", "{'a': 1}"),
            ("Pair(1, 'x')", [1, "x"], "list", "[1, 'x']"),
            ("Pair(1, 'x')", [1, "x"], "tuple[int, str]", "(1, 'x')"),
            ("[(1, 2)]", [[1, 2]], "list[list[int]]", "[[1, 2]]"),
            ("{Color.RED: 1}", {"red": 1}, "dict[str, int]", "{'red': 1}"),
            ("{Color.RED: 1}", {"red": 1}, "dict[Color, int]", "{Color.RED: 1}"),
            ("{5: 1}", {"5": 1}, "dict[str, int]", "{'5': 1}"),
            ("{True: 1}", {"true": 1}, "dict[str, int]", "{'true': 1}"),
            ("Other(1)", {"x": 1, "y": 0.5}, "{'type': 'object', 'properties': {'x': {'type': 'integer'}}}", "{'x': 1, 'y': 0.5}"),
            ("Point(Level.LOW)", {"x": 1, "y": 0.5}, "Point", "Point(1)"),
            ("Found(Other(1), Other(2), {})", {"point": {"x": 1, "y": 0.5}, "any": {"x": 2, "y": 0.5}, "counts": {}, "made": 3}, "Found", "Found(Point(1), Other(2), {})"),
            ("{'at': Other(1), 'color': Paint.RED}", {"at": {"x": 1, "y": 0.5}, "color": "red"}, "Row", "{'at': Point(1), 'color': Color.RED}"),
        ):
            with self.subTest(source, wanted=wanted):
                _head, parts, digest = submitted(value=eval(source, harness.scope))
                if "{Color" not in source and "{True" not in source:
                    # The attack ran: the digest does not tell them apart.
                    self.assertTrue(answers.is_of_call(values.unpacked(parts[-1]), digest))
                found = taken(shown, parts[-1], digest, eval(wanted, harness.scope))
                self.assertEqual(repr(found), repr(eval(expected, harness.scope)))

    def test_two_keys_of_one_text_are_no_answer(self):
        # The host reads one of them and checks that.
        for forged in ({1: "evil", "1": 5}, {"1": "evil", 1: 5}, {"a": {1: "evil", "1": 5}}):
            with self.subTest(forged):
                _head, parts, digest = submitted(value=forged)
                self.assertFalse(answers.is_of_call(values.unpacked(parts[-1]), digest))
                self.assertEqual(taken({"1": 5}, parts[-1], digest, dict[str, int]), {"1": 5})

    def test_an_object_where_one_of_a_class_of_the_session_is_asked_for_is_of_it(self):
        for source, expected in (("Report()", "Report"), ("Imposter()", "str"), ("Other(1)", "str")):
            with self.subTest(source):
                objects = values.packed({"value": eval(source, harness.scope)}, "it")
                found = taken("shown", objects, "", harness.scope["Report"], checked=False)
                self.assertEqual(type(found).__name__, expected)

    def test_an_object_where_one_of_a_library_is_asked_for_is_of_it(self):
        import pathlib
        import uuid

        path, number = pathlib.PosixPath("a/b"), uuid.UUID(int=5)
        cases = [
            (pathlib.PurePath, path, path), (pathlib.PosixPath, path, path), (uuid.UUID, number, number), (bytes, b"x", b"x"),
            (pathlib.PurePath, number, "shown"), (uuid.UUID, {"int": 5}, "shown"), (uuid.UUID, "5", "shown"), (bytes, bytearray(b"x"), "shown"),
            (pathlib.PurePath, harness.scope["Imposter"](), "shown"), (uuid.UUID, [1, 2], "shown"),
            (uuid.UUID | None, number, number), (uuid.UUID | int, path, "shown"), (list[uuid.UUID], [number], [number]),
        ]
        if harness.has("pandas"):
            import numpy
            import pandas

            frame = harness.scope["frame"]
            cases += [
                (pandas.DataFrame, frame, frame), (pandas.DataFrame, {"a": [1]}, "shown"), (pandas.DataFrame, frame["a"], "shown"),
                (pandas.Index, frame.index, frame.index), (pandas.DataFrame, harness.scope["Sly"](), "shown"), (numpy.ndarray, frame, "shown"),
            ]
        harness.scope["ran"].clear()
        for wanted, given, expected in cases:
            with self.subTest(wanted=wanted, given=type(given).__name__):
                if type(expected) is list:
                    self.assertEqual(fitting.fitted(wanted, ["shown"], given), expected)
                else:
                    self.assertIs(fitting.fitted(wanted, "shown", given), expected)
        self.assertEqual(harness.scope["ran"], [])

    def test_members_of_an_enum_are_found_without_code_of_its_class(self):
        made = harness.run("class Asked(enum.Enum):\n    A = 1\n    @classmethod\n    def _missing_(kind, value): ran.append(value)\n")
        self.assertEqual(made.status, "ok", made.traceback)
        asked = harness.scope["Asked"]
        harness.scope["ran"].clear()
        self.assertIs(fitting.fitted(asked, 1, 1), asked.A)
        for value in (2, "x", [1], None):
            self.assertEqual(fitting.fitted(asked, value, value), value)
        self.assertEqual(fitting.fitted(dict[asked, int], {"x": 1}, {"x": 1}), {"x": 1})
        self.assertEqual(harness.scope["ran"], [])

    def test_unions_of_classes_that_refer_to_each_other_are_tried_once_for_each_value(self):
        made = harness.run(
            "from datetime import date\nimport dataclasses, enum\n"
            "@dataclasses.dataclass\nclass One:\n    x: 'One | Two | date'\n"
            "@dataclasses.dataclass\nclass Two:\n    x: 'list[One] | list[Two] | One | Two'\n    y: int\n"
            "Many = enum.Enum('Many', {'M' + str(n): n for n in range(3000)})\n"
        )
        self.assertEqual(made.status, "ok", made.traceback)
        one, two, many = (harness.scope[name] for name in ("One", "Two", "Many"))
        tried = []
        whole = fitting._fitted

        def counting(*given):
            tried.append(given)
            return whole(*given)

        fitting._fitted = counting
        try:
            for leaf in (5, "2024-02-30"):
                value = {"x": leaf}
                for level in range(17):
                    value = {"x": [value] if level % 2 else value}
                tried.clear()
                self.assertEqual(fitting.fitted(one | two, value, value), value)
                self.assertLess(len(tried), 2000)
            # The control: the same classes of values that fit.
            value = {"x": {"x": [{"x": {"x": "2024-02-29"}, "y": 1}], "y": 2}}
            self.assertEqual(
                repr(fitting.fitted(one | two, value, value)), "One(x=Two(x=[Two(x=One(x=datetime.date(2024, 2, 29)), y=1)], y=2))"
            )
        finally:
            fitting._fitted = whole
        began = time.perf_counter()
        self.assertEqual(fitting.fitted(list[many], list(range(3000)), None)[-1], many.M2999)
        self.assertLess(time.perf_counter() - began, 5)

    @unittest.skipUnless(harness.has("pandas"), "pandas is not installed")
    def test_nothing_hides_beside_the_columns_of_a_table(self):
        import pandas

        point = harness.scope["Point"](1)
        plain = pandas.DataFrame({"a": [1, 2]}, index=["x", "y"])
        plain.attrs["from"] = ["here", 1]
        long = pandas.DataFrame({"a": range(forms.ELEMENTS_MAX + 5)})
        for table in (plain, long):
            self.assertIs(forms.form_of({"t": table})["t"], table)
        spans = pandas.interval_range(0, 2)
        for table in (pandas.DataFrame({"a": [1, 2]}, spans), pandas.Series([1, 2], spans)):
            self.assertIs(forms.form_of({"t": table})["t"], table)
        for hidden in (pandas.Index([point, 1], dtype=object), pandas.Index([(point,), (1,)], dtype=object, tupleize_cols=False)):
            for table in (pandas.DataFrame({"a": [1, 2]}, hidden), pandas.Series([1, 2], hidden)):
                with self.assertRaises(forms.Unlike):
                    forms.form_of({"t": table})
        for table in (pandas.DataFrame({"a": [1, 2]}), pandas.Series([1, 2])):
            table.attrs["from"] = harness.scope["Imposter"]()
            with self.assertRaises(forms.Unlike):
                forms.form_of({"t": table})
        named = pandas.Series([1, 2])
        named.index.name = point.__class__
        with self.assertRaises(forms.Unlike):
            forms.form_of({"t": named})

    def test_json_alone_becomes_a_value_of_the_type(self):
        for wanted, value, expected in (
            ("list[Point]", [{"x": 1, "y": 2.0}], "[Point(1, 2.0)]"),
            ("list[Point]", [{"x": 1}, {"z": 1}], "[Point(1), {'z': 1}]"),
            ("dict[Color, int]", {"red": 1, "blue": 2}, "{Color.RED: 1, 'blue': 2}"),
            ("dict[int, str]", {"1": "a", "01": "b"}, "{1: 'a', '01': 'b'}"),
            ("set[int]", [1, 2], "{1, 2}"),
            ("Color | int", "red", "Color.RED"),
            ("int | Color", 5, "5"),
            ("int", 5.0, "5"),
            ("int", "5", "'5'"),
            ("tuple", [1], "(1,)"),
            ("Found", {"point": {"x": 1}, "any": 2, "counts": {}, "made": 9}, "Found(Point(1), 2, {})"),
            ("typing.Any", {"a": 1}, "{'a': 1}"),
        ):
            with self.subTest(wanted, value=value):
                found = fitting.fitted(eval(wanted, harness.scope), value, value)
                self.assertEqual(repr(found), repr(eval(expected, harness.scope)))

    def test_a_union_that_nothing_fits_is_tried_once_at_each_level(self):
        levels, tried = 10, []
        wanted, value, fits = int, "no number", 5
        for _ in range(levels):
            wanted, value, fits = list[wanted] | None, [value], [fits]
        whole = fitting._fitted

        def counting(*given):
            tried.append(given)
            return whole(*given)

        fitting._fitted = counting
        try:
            self.assertEqual(fitting.fitted(wanted, fits, fits), fits)
            self.assertLess(len(tried), 3 * levels)
            tried.clear()
            # What does not fit stays as it is, at the innermost level.
            self.assertEqual(fitting.fitted(wanted, value, value), value)
        finally:
            fitting._fitted = whole
        # At each level all that is below it has to fit first: the square, and not a power.
        self.assertGreater(len(tried), levels)
        self.assertLess(len(tried), 3 * levels**2)

    def test_looking_whether_an_object_was_checked_runs_no_code_of_its_class(self):
        sly, read = (object.__new__(harness.scope[name]) for name in ("Sly", "Read"))
        object.__setattr__(read, "x", 1)
        layers = [1]
        for _ in range(80):
            layers = [layers, layers]
        tuples = (1,)
        for _ in range(80):
            tuples = (tuples, tuples)
        long = ["x" * (1 << 20)]
        several = [[long] * 1000, [[b"x" * (1 << 20)]] * 1000 + [long] * 100, sly, [sly], {"a": (sly,)}, read, layers, tuples]
        if harness.has("numpy"):
            import numpy

            several.append(numpy.fromiter([tuples, sly], dtype=object, count=2))
            several.append([numpy.zeros(100_000)] * 100_000)
        if harness.has("pandas"):
            import pandas

            several.append([pandas.DataFrame({"a": [1] * 10})] * 100_000)
            several.append(pandas.DataFrame({"a": pandas.Series([sly, tuples], dtype=object)}))
        for value in several:
            objects = values.packed({"value": value}, "it")
            harness.scope["ran"].clear()
            if type(value) is not type(read):
                # It has fields, which are its form; the others have none.
                with self.assertRaises(forms.Unlike):
                    forms.form_of(values.unpacked(objects))
            self.assertEqual(taken([1], objects, "0" * 64, set[int]), {1})
            self.assertEqual(harness.scope["ran"], [])


class Taking(unittest.TestCase):
    def test_objects_that_were_checked_are_taken(self):
        for value, shown, wanted in (
            (42, 42, int),
            ({1, 2}, [1, 2], set[int]),
            ({1: 2.5}, {"1": 2.5}, dict[int, float]),
            ([b"raw", (1, 2)], ["<3 bytes>", [1, 2]], list),
        ):
            with self.subTest(value):
                _head, parts, digest = submitted(value=value)
                self.assertEqual(taken(shown, parts[-1], digest, wanted), value)

    def test_other_objects_than_were_checked_are_not(self):
        _head, _parts, digest = submitted(value=42)
        for forged in ("no number", 43, [42], b"42", None, {"value": 42}):
            with self.subTest(forged):
                objects = values.packed({"value": forged}, "it")
                self.assertEqual(taken(42, objects, digest, int), 42)
                self.assertEqual(taken(42, objects, None, int), 42)
                # Where any object is admitted, the object is the answer.
                self.assertEqual(taken(42, objects, digest, object, checked=False), forged)
        self.assertEqual(taken({"n": 1}, values.packed({"n": "x"}, "it"), digest, {"type": "object"}, wrapped=False), {"n": 1})

    def test_objects_that_are_no_answer_are_refused(self):
        for objects in (b"", b"junk", values.packed([1], "it"), b"\x80\x05K\x01."):
            with self.subTest(objects[:9]), self.assertRaisesRegex(ValueError, "what was handed over is not taken: "):
                taken(42, objects, "", object, checked=False)


class Board(unittest.TestCase):
    def test_values_cross_as_typed_data(self):
        harness.calls.clear()
        agents.shared["k"] = {1: {2}}
        _op, head, parts = channel.parse(harness.calls.pop())
        self.assertEqual(head, {"do": "set", "key": "k", "version": None})
        harness.replies.append(frame_of(0, {"version": 3}, parts))
        self.assertEqual(agents.shared["k"], {1: {2}})
        for junk in (b"", b"\x80\x05K\x01.", parts[0][:-1]):
            harness.replies.append(frame_of(0, {"version": 3}, [junk]))
            with self.assertRaisesRegex(ValueError, "what was handed over is not taken: "):
                agents.shared["k"]
        with self.assertRaisesRegex(TypeError, r"shared\['k'\]\[0\]: a value of type builtin_function_or_method"):
            agents.shared["k"] = [print]
        harness.calls.clear()


if __name__ == "__main__":
    unittest.main()
