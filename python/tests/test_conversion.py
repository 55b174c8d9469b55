"""What becomes of values that a session chose, in this process, by the types that a program names."""

import math
import time
import tracemalloc
from typing import Annotated

import numpy as np
import pandas as pd
import pydantic
import pytest

from memex import _conversion, _guest, _values
from memex._errors import ValueNotData

SHARED: list = [1]
for _ in range(60):
    # 2 ** 60 elements for whoever walks it without a memory.
    SHARED = [SHARED, SHARED]


def taken(value, kind=np.ndarray):
    return _conversion.adapter(kind).validate_python(value)


@pytest.mark.parametrize(
    "value, dtype, shape",
    [
        ([1, 2], "int64", (2,)), ([[1, 2.5], [3, 4]], "float64", (2, 2)), ([True, False], "bool", (2,)), ([], "float64", (0,)),
        ([[], []], "float64", (2, 0)), (5, "int64", ()), ([2**63], "uint64", (1,)), ([1j, 2], "complex128", (2,)), (((1, 2), (3, 4)), "int64", (2, 2)),
        ([np.float32(1), np.float32(2)], "float32", (2,)), ([2**53, -(2**60), 0.5], "float64", (3,)), ([2**63 - 1, True], "int64", (2,)), (np.array(["a"]), "<U1", (1,)), (np.int8(3), "int8", ()),
    ],
    ids=repr,
)
def test_numbers_become_arrays(value, dtype, shape):
    found = taken(value)
    assert (found.dtype, found.shape) == (np.dtype(dtype), shape)
    assert found.tolist() == np.asarray(value).tolist()


def test_none_is_the_float_that_is_no_number():
    found = taken([[1, None], [2, 3]])
    assert found.dtype == "float64" and math.isnan(found[0, 1]) and found[1].tolist() == [2, 3]


@pytest.mark.parametrize(
    "value, said",
    [
        (["a", "b"], "values of type str"), ("abc", "values of type str"), ({"a": 1}, "values of type dict"), ([[1], ["a"]], "values of type str"),
        ([1, [2]], "values of type list"), ([[1], [1, 2]], "one length"), ([2**70], "64 bits"), ([2**63, -1], "64 bits"), ([b"x"], "values of type bytes"),
        ([2**53 + 1, None], "holds integers exactly"), ([2**53 + 1, 0.5], "holds integers exactly"), ([10**400, None], "holds integers exactly"),
        ([10**400, 0.5], "holds integers exactly"), ([np.int64(2**53 + 1), 1j], "holds integers exactly"), ([2**63, -1, True], "64 bits"),
        ([object()], "values of type object"), (eval("[" * 40 + "]" * 40), "at most 32 axes"),
    ],
    ids=lambda one: repr(one)[:20],
)
def test_other_arrays_are_refused_with_a_remedy(value, said):
    with pytest.raises(pydantic.ValidationError, match=said) as raised:
        taken(value)
    assert "annotate the parameter with `list[" in str(raised.value)
    with pytest.raises(pydantic.ValidationError, match=said):
        taken({"rows": value}, dict[str, Annotated[np.ndarray, "of numbers"]])


def test_texts_of_different_lengths_take_no_room_of_the_longest():
    # 1 MB of JSON, whose array would have 1.2 GB.
    texts = ["x" * 500_000] + [""] * 600
    tracemalloc.start()
    try:
        with pytest.raises(pydantic.ValidationError, match="values of type str"):
            taken(texts)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_value_that_shares_its_parts_is_walked_in_bounded_time():
    began = time.perf_counter()
    with pytest.raises(ValueNotData, match="refer to each other so often"):
        _conversion.validated(pydantic.JsonValue, SHARED)
    with pytest.raises(ValueError, match="refer to each other so often"):
        _values.json_like(SHARED, "tool: result")
    array = np.empty(1, dtype=object)
    array[0] = SHARED
    for held in (array, pd.Series(array), pd.DataFrame({"a": array}), {"a": (array,)}):
        with pytest.raises(ValueError, match="refer to each other so often"):
            _values.json_like(held, "tool: result")
    # The control: what is shared stays shared on its way into a session.
    found = _values.unpacked(_values.packed(SHARED, "it"))
    assert found[0] is found[1] and found[0][0] is found[0][1]
    few = [[1, 2], [1, 2]]
    few[1] = few[0]
    assert _conversion.validated(list[list[int]], few) == [[1, 2], [1, 2]]
    assert _values.json_like(few, "tool: result") == ([[1, 2], [1, 2]], [])
    assert time.perf_counter() - began < 30


def test_many_values_that_do_not_fit_are_counted():
    tracemalloc.start()
    try:
        with pytest.raises(ValueNotData, match="350000 values in it do not fit"):
            _conversion.validated(list[int], ["a"] * 350_000)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    with pytest.raises(ValueNotData, match=r"\[0\]: .*; and 2 more"):
        _conversion.validated(list[int], ["a"] * 7)


def test_objects_of_a_session_have_each_field_once():
    def forged(fields):
        return _guest.module("channel").framed(1, "", [b'[[["object","P",[' + fields + b'],[1,2]]],[0]]'])

    assert _values.unpacked(forged(b'"x","y"')) == {"x": 1, "y": 2}
    for fields, said in ((b'"x","x"', "same key twice"), (b'"x",5', "another type"), (b'"x","__array_interface__"', "not handed over")):
        with pytest.raises(ValueNotData, match=said):
            _values.unpacked(forged(fields))
