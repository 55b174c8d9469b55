"""Values of few bytes that are far larger, or take far longer, for a program that walks or converts them."""

import collections
import dataclasses
import time
import types
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pydantic
import pytest

import memex
from memex import _conversion, _tools, _values
from memex._errors import ValueNotData
from memex._extent import DIGITS_MAX, Extent

# Its elements are 10 ** 9 for whoever walks it; it has a few dozen.
SHARED: list = [0] * 10
for _ in range(8):
    SHARED = [SHARED] * 10
# Labels are tuples, which share as well; no more of them than pandas can hash in a moment.
DEEP: tuple = (1,)
for _ in range(24):
    DEEP = (DEEP, DEEP)
# Numbers that all have the same hash.
PRIME = 2**61 - 1
ALIKE = [number * PRIME for number in range(1, 100_001)]


class Ids(pydantic.BaseModel):
    ids: set[int] = set()
    # Names that a schema has for itself.
    type: dict[int, str] = {}
    metadata: frozenset[int] = frozenset()


@dataclasses.dataclass
class Held:
    data: Any


@pytest.fixture(autouse=True)
def soon():
    # Of this process: others may have the machine for a while.
    began = time.process_time()
    yield
    assert time.process_time() - began < 5


def labels(cells):
    made = np.empty(len(cells), dtype=object)
    made[:] = cells
    return made


@pytest.mark.parametrize("kind", [list[int], tuple[int, ...], set[int], frozenset[int], collections.deque[int]], ids=str)
@pytest.mark.parametrize("value", [range(10**18), range(10**30), pd.RangeIndex(10**18), {"a": range(10**9)}], ids=repr)
def test_lengths_that_nothing_pays_for_are_not_walked(kind, value):
    with pytest.raises(ValueNotData, match="states a length"):
        _conversion.validated(dict[str, kind] if isinstance(value, dict) else kind, value)
    assert _conversion.validated(kind, range(10)) == _conversion.adapter(kind).validate_python(list(range(10)))
    assert list(_conversion.validated(kind, pd.RangeIndex(10))) == list(range(10))


@pytest.mark.parametrize(
    "value",
    [Decimal("1E+999999999"), Decimal("-1E-999999999"), Decimal(10) ** (DIGITS_MAX + 2), 1 << 4_000_000, [1, [2, {"a": (1 << 4_000_000,)}]], {Decimal("1E+9999"): 1}],
    ids=lambda value: type(value).__name__,
)
def test_numbers_that_take_minutes_are_not_converted(value):
    for kind in (int, Decimal, list[int], Any):
        with pytest.raises(ValueNotData, match="more than 4300 digits"):
            _conversion.validated(kind, value)


def test_powers_of_a_fraction_are_bounded():
    class Part(pydantic.BaseModel):
        of: Fraction

    for text in ("1e999999999", "1E-9_999_999", "1" * 5000):
        for kind, value in ((Fraction, text), (Part, {"of": text})):
            with pytest.raises(ValueNotData, match="fraction"):
                _conversion.validated(kind, value)
    assert _conversion.validated(Part, {"of": "1.5"}).of == Fraction(3, 2)


def test_numbers_of_a_usual_length_are_converted():
    assert _conversion.validated(int, Decimal(5)) == 5 and _conversion.validated(int, Decimal("1E+3")) == 1000
    assert _conversion.validated(Decimal, 10**4000) == 10**4000
    assert _conversion.validated(float, Decimal("Infinity")) == float("inf")


TEXTS = [str(number) for number in ALIKE]
TABLES = [
    (set[int], ALIKE), (set, ALIKE), (frozenset[int], TEXTS), (set[int | None], TEXTS), (list[set[int]], [ALIKE]), (set[int] | str, ALIKE),
    (dict[int, int], dict.fromkeys(TEXTS, 1)), (collections.Counter[int], dict.fromkeys(TEXTS, 1)), (collections.OrderedDict[int, int], dict.fromkeys(TEXTS, 1)),
    (collections.defaultdict[int, int], dict.fromkeys(TEXTS, 1)), (Ids, {"ids": ALIKE}), (list[Ids], [{"type": dict.fromkeys(TEXTS, "a")}]), (Ids, {"metadata": TEXTS}),
]  # fmt: skip


@pytest.mark.parametrize("kind, value", TABLES, ids=lambda one: str(one)[:40])
def test_keys_are_looked_at_before_pydantic_makes_a_table_of_them(kind, value):
    with pytest.raises(ValueNotData, match="too many of its keys"):
        _conversion.validated(kind, value)

    # The same form, with other numbers.
    def harmless(one):
        if isinstance(one, dict):
            return {harmless(key): harmless(inner) for key, inner in one.items()}
        if isinstance(one, list):
            return [harmless(inner) for inner in one]
        number = int(one) // PRIME if str(one).isdigit() else one
        return str(number) if isinstance(one, str) else number

    assert _conversion.validated(kind, harmless(value)) == _conversion.adapter(kind).validate_python(harmless(value))


def test_arguments_results_and_answers_are_looked_at_too():
    def search(ids: set[int], by: Ids | None = None) -> int:
        return len(ids)

    def echo(ids: list[str]) -> set[int]:
        return ids

    for arguments in ({"ids": TEXTS}, {"ids": [], "by": {"ids": TEXTS}}):
        with pytest.raises(TypeError, match="too many of its keys"):
            _tools.Tool(search).read(arguments)
    with pytest.raises(TypeError, match="too many of its keys"):
        _tools.Tool(echo).write(TEXTS)
    assert _tools.Tool(search).read({"ids": ["1", 2]}) == ([], {"ids": {1, 2}})
    assert _tools.Tool(echo).write(["1"]) == ([1], [])


def test_what_is_guarded_says_the_same_of_what_does_not_fit():
    strict = pydantic.ConfigDict(strict=True)

    class Strict(pydantic.BaseModel):
        model_config = strict
        ids: set[int]

    for kind, value in (
        (set[int], 5), (set[int], "ab"), (set[int], [1, "x"]), (frozenset[int], {"a": 1}), (dict[int, int], {"x": 1}), (dict[int, int], [1]),
        (Ids, {"ids": [None]}), (Ids, {"type": {"a": "b"}}), (Strict, {"ids": [1]}), (Strict, {"ids": {"1"}}), (Strict, {"ids": {1}}),
    ):  # fmt: skip
        told = []
        for made in (_conversion.adapter(kind), _conversion.reader(kind)):
            try:
                told.append(made.validate_python(value))
            except pydantic.ValidationError as error:
                told.append(_conversion.problems(error))
        assert told[0] == told[1], (kind, value)


def holders(shared, label):
    array = labels([shared])
    categories = pd.CategoricalDtype(pd.Index(labels([label]), tupleize_cols=False))
    return [
        collections.Counter(a=shared), collections.OrderedDict(a=shared), collections.defaultdict(list, a=shared), collections.deque([shared]),
        types.SimpleNamespace(a=shared), slice(None, shared), Held(shared), array, pd.Series(array), pd.DataFrame({"a": array}), {"a": (array,)},
        pd.Index(labels([label]), tupleize_cols=False), pd.Series(pd.Categorical.from_codes([0], dtype=categories)),
        pd.MultiIndex(levels=[pd.Index(labels([label]), tupleize_cols=False)] * 2, codes=[[0], [0]]), pd.DataFrame({"a": [1]}, index=pd.Index(labels([label]), tupleize_cols=False)),
    ]  # fmt: skip


@pytest.mark.parametrize("at", range(15))
def test_what_is_shared_is_counted_in_whatever_holds_it(at):
    assert not Extent(holders(SHARED, DEEP)[at]).is_walkable
    few = Extent(holders([1, 2], (1, 2))[at])
    assert few.is_walkable and few.elements < 30
    with pytest.raises(ValueNotData, match="refer to each other so often"):
        _conversion.validated(pydantic.JsonValue, holders(SHARED, DEEP)[at])


def test_whoever_walks_a_value_measures_it_first():
    for value in (collections.Counter(a=SHARED), Held(SHARED), {"a": SHARED}, [pd.Series(labels([SHARED]))]):
        with pytest.raises(ValueError, match="refer to each other so often"):
            _values.json_like(value, "tool: result")
    assert _values.json_like(Held([1]), "tool: result") == ({"data": [1]}, [])

    class Model(pydantic.BaseModel):
        data: Any

    with pytest.raises(ValueNotData, match="refer to each other so often"):
        _values.packed(Model(data=SHARED), "x")
    assert _values.unpacked(_values.packed(Model(data=[1]), "x")) == {"data": [1]}

    def give() -> list[Any]:
        return SHARED

    with pytest.raises(ValueError, match="refer to each other so often"):
        _tools.Tool(give).write(SHARED)


def test_large_values_that_are_what_they_seem_are_walked():
    frame = pd.DataFrame({"a": np.zeros(30_000_000, dtype="i1")})
    assert Extent(frame).is_walkable and not Extent(pd.DataFrame(index=range(30_000_000))).is_walkable
    assert Extent(list(range(1_000_000))).elements == 1_000_001
    assert Extent(np.zeros(1000)).elements == 1001


def test_values_without_the_manners_of_their_class_do_not_fit():
    import datetime

    with pytest.raises(ValueNotData, match="the value is not date"):
        _conversion.validated(datetime.date, pd.NaT)
    assert _conversion.validated(datetime.date, pd.Timestamp("2024-01-02")) == datetime.date(2024, 1, 2)


def test_a_session_hands_over_values_that_cannot_be_walked(session):
    result = session.run("x = [0] * 10\nfor _ in range(8): x = [x] * 10\nx")
    with pytest.raises(memex.ValueNotData, match="refer to each other so often"):
        result.value_as(list)
    assert result.value[0] is result.value[1]
    result = session.run("range(10 ** 18)")
    with pytest.raises(memex.ValueNotData, match="states a length"):
        result.value_as(list[int])
    assert result.value == range(10**18)
