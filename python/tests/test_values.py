"""Values that cross between this process and a session, in both directions."""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import math
import uuid
import zoneinfo

import numpy as np
import pandas as pd
import pydantic
import pytest

import memex


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    tags: list[str]


class Model(pydantic.BaseModel):
    day: datetime.date
    point: Point


PLAIN = [
    None, True, 0, -1, 2**63, 2**200, -(2**64), 0.5, 1e300, float("inf"), 1j, "", "é\U0001f600", "a\0b", b"", b"\0\xff",
    [], [1, [2, [3]]], (), (1, "a"), {}, {"a": 1}, {1: "a", (2, 3): None, None: 4}, {1, 2}, frozenset({"a"}),
    datetime.date(2024, 2, 29), datetime.datetime(2024, 1, 2, 3, 4, 5, 6), datetime.timedelta(days=1, seconds=2),
    datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc), datetime.time(1, 2),
    datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Zurich")),
    decimal.Decimal("1.10"), fractions.Fraction(1, 3), uuid.UUID(int=5), range(1, 9, 2),
    collections.OrderedDict(a=1), collections.Counter("aab"), collections.deque([1, 2]),
]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_data_crosses_as_it_is(session, value):
    session.set("x", value)
    result = session.run("x")
    for found in (result.value, session.get("x")):
        assert found == value and type(found) is type(value)
    assert session.run("type(x).__name__").value == type(value).__name__


def test_floats_that_are_no_numbers(session):
    session.set("x", [math.nan, -0.0])
    found = session.run("x").value
    assert math.isnan(found[0]) and math.copysign(1, found[1]) == -1


ARRAYS = [
    np.arange(12, dtype="int64").reshape(3, 4), np.arange(12, dtype="float32").reshape(3, 4).T, np.array([], dtype="u1"),
    np.array([True, False]), np.array(["a", "bcd"]), np.array(["2024-01-01", "NaT"], dtype="datetime64[ns]"),
    np.array([1 + 2j]), np.float32(1.5), np.int8(-3), np.array(5),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_arrays_keep_dtype_and_shape(session, array):
    session.set("x", array)
    found = session.run("x").value
    assert found.dtype == array.dtype and found.shape == array.shape
    np.testing.assert_array_equal(found, array)
    assert session.run("str(x.dtype), x.shape").value == (str(array.dtype), array.shape)


FRAMES = [
    pd.DataFrame({"a": [1, 2], "b": [0.5, None], "c": ["x", None]}),
    pd.DataFrame({"t": pd.to_datetime(["2024-01-01", None]), "k": pd.Categorical(["u", "v"])}, index=["p", "q"]),
    pd.DataFrame(), pd.DataFrame(np.arange(6.0).reshape(2, 3)), pd.Series([1, 2, 3], name="s"),
]


@pytest.mark.parametrize("frame", FRAMES, ids=range(len(FRAMES)))
def test_tables_cross_with_index_and_types(session, frame):
    session.set("x", frame)
    found = session.run("x").value
    check = pd.testing.assert_frame_equal if isinstance(frame, pd.DataFrame) else pd.testing.assert_series_equal
    check(found, frame, check_freq=False)


def test_objects_of_classes_go_in_as_their_fields(session):
    session.set("x", [Colour.RED, Point(1, ["a"]), Model(day=datetime.date(2024, 1, 2), point=Point(2, []))])
    expected = ["red", {"x": 1, "tags": ["a"]}, {"day": datetime.date(2024, 1, 2), "point": {"x": 2, "tags": []}}]
    assert session.run("x").value == expected


def test_objects_of_the_sandbox_come_out_as_their_fields(session):
    session.run("from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: list")
    assert session.run("[P(1, [P(2, [])])]").value == [{"x": 1, "y": [{"x": 2, "y": []}]}]
    session.run("from typing import NamedTuple\nclass N(NamedTuple):\n    a: int")
    assert session.run("N(3)").value == (3,)
    session.run("@dataclass\nclass Q:\n    x: int\n    tags: list")
    assert session.run("[Q(1, ['a'])]").value_as(list[Point]) == [Point(1, ["a"])]


def test_values_as_types_name_the_place_that_does_not_fit(session):
    good = session.run("{'day': '2024-01-02', 'point': {'x': 1, 'tags': []}}")
    assert good.value_as(Model) == Model(day=datetime.date(2024, 1, 2), point=Point(1, []))
    with pytest.raises(memex.ValueNotData, match=r"point\.x"):
        session.run("{'day': '2024-01-02', 'point': {'x': 'no', 'tags': []}}").value_as(Model)
    with pytest.raises(memex.GuestError):
        session.run("1/0").value_as(int)


CYCLE: list = []
CYCLE.append(CYCLE)
DEEP: list = []
for _ in range(200):
    DEEP = [DEEP]


@pytest.mark.parametrize("value", [CYCLE, DEEP, object(), lambda: 1, open, type, {"a": [object()]}], ids=lambda v: type(v).__name__)
def test_what_is_no_data_is_refused_and_changes_nothing(session, value):
    session.run("x = 'before'")
    with pytest.raises(memex.ValueNotData):
        session.set("x", value)
    assert session.run("x").value == "before"


@pytest.mark.parametrize(
    "code, message",
    [
        ("l = []\nl.append(l)\nl", "contains itself"), ("print", "builtin"), ("object()", "object"), ("(i for i in [])", "generator"),
        ("x = []\nfor _ in range(500): x = [x]\nx", "nested"),
    ],
)
def test_values_of_the_sandbox_that_are_no_data_say_why(session, code, message):
    result = session.run(code)
    assert result.ok and result.value is None and message in result.value_error


def test_names_that_are_none_are_refused(session):
    for name in ("", "1a", "a b", "a.b", "x = 1\nimport os"):
        with pytest.raises(memex.ValueNotData, match="name"):
            session.set(name, 1)
    with pytest.raises(memex.ValueNotData, match="NameError"):
        session.get("nowhere")


def test_values_beyond_the_limit_are_refused_with_its_name():
    with memex.Sandbox(limits=memex.Limits(call_bytes="64KiB")) as box, box.session() as session:
        session.set("x", b"x" * 60_000)
        assert len(session.run("x").value) == 60_000
        with pytest.raises(memex.ValueNotData, match="host_call_bytes"):
            session.set("x", b"x" * 70_000)
        assert "host_call_bytes" in session.run("x * 2").value_error
        assert session.run("len(x)").value == 60_000


def test_a_session_cannot_choose_what_is_made_here(session):
    """Whatever a dispatcher that was changed says, nothing but data is read."""
    forged = [
        b"[[[\"object\", \"os.system\", [\"x\"], [\"id\"]]], [0]]",
        b"[[[\"member\", \"Colour\", \"RED\"]], [0]]",
        b"[[[\"call\", \"os.system\", \"id\"]], [0]]",
        b"not json", b"[[[\"list\", [[0]]]], [0]]", b"{}",
    ]
    code = (
        "from memex_guest import exchange, channel\n"
        "def forged(payload):\n"
        "    return channel.framed(1, '', [WRITTEN])\n"
        "exchange.answer = forged\n0"
    )
    outcomes = []
    for written in forged:
        with session.fork(1)[0] as fork:
            fork.set("WRITTEN", written)
            result = fork.run(code)
            outcomes.append((result.value, result.value_error))
    # The attack ran: the first is read as what it is, fields of an object.
    assert outcomes[0] == ({"x": "id"}, None)
    assert all(value is None and error for value, error in outcomes[1:]), outcomes
