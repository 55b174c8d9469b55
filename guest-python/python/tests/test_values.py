"""What goes from session to session comes back as it was, or is refused with its place."""

import collections
import datetime
import decimal
import fractions
import math
import pathlib
import sys
import unittest
import uuid
import zoneinfo

import harness

from memex_guest import agents, values  # noqa: F401

CLASSES = """
import abc, dataclasses, enum, functools, typing
T = typing.TypeVar('T')

@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0

@dataclasses.dataclass(frozen=True)
class Frozen:
    name: str
    at: tuple = ()

@dataclasses.dataclass(slots=True)
class Slotted:
    x: int
    next: 'Slotted | None' = None

class Plain:
    limit = 3
    def __init__(self, a):
        self.a = a
        self.__private = [a]
    def private(self):
        return self.__private
    def __eq__(self, other):
        return type(other) is Plain and vars(self) == vars(other)

class Slots:
    __slots__ = ('a', '__b', 'unset')
    def __init__(self):
        self.a, self.__b = 1, 2
    def b(self):
        return self.__b

class Box(typing.Generic[T]):
    def __init__(self, held):
        self.held = held

class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...

class Square(Shape):
    def __init__(self, side):
        self.side = side
    def area(self):
        return self.side ** 2

class Circle:
    def __init__(self, r):
        self.r = r
    @functools.cached_property
    def area(self):
        return 3 * self.r ** 2

class Color(enum.Enum):
    RED = 'red'
    BLUE = 'blue'

class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2

class Right(enum.Flag):
    READ = 1
    WRITE = 2

class Pair(typing.NamedTuple):
    left: int
    right: str = ''

class Named(typing.NamedTuple('Named', [('n', int)])):
    __slots__ = ()
    def twice(self):
        return self.n * 2
"""

UTC = datetime.timezone.utc
ZURICH = zoneinfo.ZoneInfo("Europe/Zurich") if harness.has("tzdata") or pathlib.Path("/usr/share/zoneinfo/Europe/Zurich").exists() else UTC


def there_and_back(value):
    return values.unpacked(values.packed(value, "it"))


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = set(harness.scope)
        made = harness.run(CLASSES)
        assert made.status == "ok", made.traceback

    @classmethod
    def tearDownClass(cls):
        for name in set(harness.scope) - cls.before:
            del harness.scope[name]

    def evaluated(self, source):
        return eval(source, harness.scope)

    def assertSame(self, value):
        found = there_and_back(value)
        self.assertIs(type(found), type(value))
        self.assertEqual(repr(found), repr(value))
        return found

    def assertRefused(self, value, *said):
        with self.assertRaises((TypeError, ValueError)) as raised:
            values.packed(value, "it")
        for one in said:
            self.assertIn(one, str(raised.exception))


class Data(Case):
    def test_values_of_python_come_back_as_they_were(self):
        odd = ["", "a", "é", "\0", "{\\u007b}", '"\\', "\ud800", "\ud83d\ude00", "😀", "\u2028"]
        numbers = [0, -1, 2**63, -(2**63), 10**400, 1 << 1023, 1 << 1024, True, False, None]
        floats = [0.0, -0.0, 1e-320, math.pi, 1e308, math.inf, -math.inf, math.nan, 0.1 + 0.2]
        for value in (
            *odd, *numbers, *floats, odd, numbers, floats, [numbers, odd], (), [], {}, set(), frozenset(), b"", bytearray(), (1,), ((),),
            [[1], [2.5, "x"], None], {"a": 1, "b": [1, {"c": ()}]}, {1: 2, None: 3, 2.5: 4, (1, "a"): 5, b"k": 6, True and "t": 7},
            {1, 2, 3}, frozenset({("a", 1)}), {frozenset({1}): {2}}, bytes(range(256)), bytes(range(256)) * 3, bytearray(b"x" * 1000),
            1 + 2j, complex(math.nan, -0.0), range(10), range(5, -5, -2), slice(1, None, 2), datetime.date(2024, 2, 29),
            datetime.datetime(2024, 2, 29, 12, 30, 15, 999, UTC), datetime.datetime(1, 1, 1, fold=1),
            datetime.datetime(2024, 10, 27, 2, 30, tzinfo=ZURICH, fold=1), datetime.time(23, 59, tzinfo=UTC), datetime.time(1, fold=1),
            datetime.timezone(datetime.timedelta(hours=5, minutes=30), "IST"), datetime.timezone(-datetime.timedelta(hours=3)),
            datetime.timedelta(-1, 5, 7), decimal.Decimal("1.10"), decimal.Decimal("NaN"), decimal.Decimal("-1E+50"),
            fractions.Fraction(-3, 7), fractions.Fraction(10**50, 3), uuid.UUID(int=7), pathlib.PurePosixPath("/a/b"),
            pathlib.Path("a") / "é", pathlib.PureWindowsPath("c:/x"), collections.OrderedDict(b=1, a=2), collections.Counter("hello"),
            collections.deque([1, [2]], 5), collections.deque(), collections.defaultdict(list, {"a": [1]}), collections.defaultdict(None),
            __import__("types").SimpleNamespace(a=1, b=[2]),
        ):
            with self.subTest(repr(value)[:60]):
                self.assertSame(value)

    def test_integers_of_any_size_are_exact(self):
        long = list(range(1000))
        for value in (-(10**5000), 1 << (1 << 20), [1, -(3**20_000)], long, tuple(long), [*long, 2**63], [*long, True], [*long, 2**5000]):
            self.assertEqual(there_and_back(value), value)

    def test_long_lists_of_numbers_are_exact(self):
        for value in ([0.1, -0.0, math.inf] * 500, tuple([2**63 - 1, -(2**63)] * 500)):
            self.assertSame(value)
        self.assertEqual(repr(there_and_back([math.nan] * 1000)), repr([math.nan] * 1000))

    def test_singletons_stay_what_they_are(self):
        self.assertIs(there_and_back(UTC), UTC)
        self.assertIs(there_and_back(self.evaluated("Color.RED")), self.evaluated("Color.RED"))
        self.assertIs(there_and_back(self.evaluated("Level.HIGH")), self.evaluated("Level.HIGH"))

    def test_shared_values_stay_shared_and_grow_nothing(self):
        inner = [1]
        found = there_and_back({"a": inner, "b": inner, "c": (inner, inner)})
        self.assertIs(found["a"], found["b"])
        self.assertIs(found["c"][1], found["a"])
        layers = "x"
        for _ in range(90):
            layers = [layers, layers]
        self.assertLess(len(values.packed(layers, "it")), 3000)
        made = there_and_back(layers)
        self.assertIs(made[0], made[1])

    def test_objects_of_the_sessions_classes_come_back_by_their_fields(self):
        for source in (
            "Point(1, 2.5)", "[Point(1), Point(2, 3.0)]", "Frozen('a', (1, 2))", "Slotted(1, Slotted(2))", "{Frozen('k'): 1}",
            "{Color.RED: 1, Level.LOW: 2, Pair(1, 'x'): 3}", "Pair(1)", "Named(4)", "{Pair(1, 'a')}", "Color.BLUE", "[Right.READ]",
        ):
            with self.subTest(source):
                found = self.assertSame(self.evaluated(source))
                self.assertEqual(found, self.evaluated(source))
        found = there_and_back(self.evaluated("Plain([1])"))
        self.assertEqual((found.a, found.private(), found.limit), ([1], [[1]], 3))
        found = there_and_back(self.evaluated("Slots()"))
        self.assertEqual((found.a, found.b(), hasattr(found, "unset")), (1, 2, False))
        self.assertEqual(there_and_back(self.evaluated("Box[int](3)")).held, 3)
        self.assertEqual(there_and_back(self.evaluated("Square(3)")).area(), 9)
        self.assertEqual(there_and_back(self.evaluated("Named(4)")).twice(), 8)
        circle = self.evaluated("Circle(2)")
        self.assertEqual((circle.area, there_and_back(circle).area), (12, 12))

    def test_no_method_of_a_class_is_called(self):
        harness.run(
            "calls = []\n"
            "def note(name):\n    def noted(self, *given, **named):\n        calls.append(name)\n        return object.__getattribute__(self, given[0]) if name == '__getattribute__' else None\n    return noted\n"
            "@dataclasses.dataclass\nclass Watched:\n    x: int\n    def __post_init__(self):\n        calls.append('__post_init__')\n"
            "for name in ('__setattr__', '__getattribute__', '__setstate__', '__reduce__', '__reduce_ex__', '__getstate__', '__eq__', '__bool__', '__len__', '__repr__', '__iter__', '__getnewargs__'):\n"
            "    setattr(Watched, name, note(name))\n"
            "Watched.__new__ = staticmethod(lambda kind, *given: calls.append('__new__') or object.__new__(kind))\n"
            "Watched.__init__ = note('__init__')\n"
            "watched = object.__new__(Watched)\nobject.__setattr__(watched, 'x', 1)\ncalls.clear()"
        )
        found = there_and_back([harness.scope["watched"]])
        self.assertEqual(harness.scope["calls"], [])
        self.assertEqual(object.__getattribute__(found[0], "__dict__"), {"x": 1})

    def test_records_of_tools_keep_their_classes_or_their_fields(self):
        from memex_guest import records

        class Hit(records.Record):
            """A record."""

        found = there_and_back(records.Record(title="x", n=[1]))
        self.assertEqual((type(found), found.title, found.n), (records.Record, "x", [1]))
        found = there_and_back(Hit(title="x"))
        self.assertEqual((type(found), found.title), (records.Record, "x"))
        step = there_and_back(agents.Step(kind="tool"))
        self.assertEqual((type(step), step.kind), (agents.Step, "tool"))


class Refusals(Case):
    def test_what_is_more_than_data_is_refused_with_its_place_and_a_remedy(self):
        for value, place, kind in (
            (print, "it", "builtin_function_or_method"),
            ({"rows": [1, {"f": lambda: 0}]}, "it['rows'][1]['f']", "function"),
            ([sys], "it[0]", "module"),
            ((1, (2, open)), "it[1][1]", "a value of type"),
            ([int], "it[0]", "a value of type type"),
            ({"e": ValueError("x")}, "it['e']", "ValueError"),
            ([iter([])], "it[0]", "list_iterator"),
            ([memoryview(b"")], "it[0]", "memoryview"),
            ({1: object()}, "it[1]", "object"),
        ):
            with self.subTest(place):
                self.assertRefused(value, place + ": ", kind, values.REMEDY)

    def test_classes_that_the_other_side_would_not_find_are_refused(self):
        harness.run(
            "def local():\n    class Inner:\n        pass\n    return Inner()\n"
            "class Outer:\n    class Nested:\n        pass\n"
            "class Items(list):\n    pass\n"
            "class Words(str):\n    pass\n"
            "class Failed(Exception):\n    pass\n"
            "class Dying:\n    def __del__(self):\n        pass\n"
            "class Meta(type):\n    pass\n"
            "class Odd(metaclass=Meta):\n    pass\n"
            "class Getter(functools.partial):\n    pass\n"
            "class Hashed:\n    def __hash__(self):\n        return 1\n"
            "class Gone:\n    pass\ngone = Gone()\ndel Gone\n"
            "extra = Point(1)\nextra.more = 1\n"
            "shadow = Square(1)\nshadow.area = 3\n"
        )
        for source, *said in (
            ("[local()]", "it[0]", "local.<locals>.Inner", "at the top level of a block"),
            ("Outer.Nested()", "Outer.Nested", "at the top level of a block"),
            ("gone", "Gone", "would not find the class"),
            ("{'a': Items()}", "it['a']", "derives from list"),
            ("Words()", "derives from str"),
            ("Failed()", "derives from Exception"),
            ("Dying()", "defines __del__"),
            ("Odd()", "Odd"),
            ("Getter(print)", "derives from functools.partial"),
            ("{Hashed(): 1}", "it", "Hashed", "as keys"),
            ("{Plain: 1}", "it", "as keys"),
            ("extra", "declares no field more", "field(init=False)"),
            ("shadow", "it.area", "a method"),
            ("Right.READ | Right.WRITE", "hand over its value"),
            ("collections_factory()", "factory"),
        ):
            if source == "collections_factory()":
                value = collections.defaultdict(lambda: 0)
            else:
                value = self.evaluated(source)
            with self.subTest(source):
                self.assertRefused(value, *said)

    @unittest.skipUnless(sys.version_info >= (3, 13), "class statements leave no trace before")
    def test_a_class_that_no_statement_made_is_refused(self):
        harness.run("Made = type('Made', (), {})")
        self.assertRefused(self.evaluated("Made()"), "no class statement made its class")

    def test_what_contains_itself_or_is_too_deep_is_refused(self):
        loop = [1]
        loop.append({"back": loop})
        self.assertRefused(loop, "it[1]['back']: it contains itself")
        deep = []
        for _ in range(values.DEPTH_MAX - 1):
            deep = [deep]
        self.assertEqual(there_and_back(deep), deep)
        self.assertRefused([deep], "more than " + str(values.DEPTH_MAX) + " levels")
        # Also where the depth comes from what was written before.
        self.assertRefused([deep[0], [deep[0]], [[deep[0]]]], "more than")

    def test_the_reader_must_have_the_class(self):
        data = values.packed(self.evaluated("Point(1)"), "it")
        kept = harness.scope.pop("Point")
        try:
            with self.assertRaisesRegex(ValueError, "class 'Point', which is no class of this scope"):
                values.unpacked(data)
        finally:
            harness.scope["Point"] = kept
        self.assertEqual(values.unpacked(data), kept(1))


if __name__ == "__main__":
    unittest.main()
