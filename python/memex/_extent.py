"""How far a value reaches for whoever walks it, or converts its numbers.

A value of a few bytes can hold the same part in many places, state a length that nothing
pays for, or be a number whose digits take minutes: each crosses as it is, and is
dangerous only to a program that walks or converts it. So that is measured first, with a
memory of what was measured, and without a step for what is only stated.
"""

from __future__ import annotations

import collections
import collections.abc
import decimal
import math
import sys
import types
from typing import Any

# Elements of a value that is walked as if nothing in it were shared.
ELEMENTS_MAX = 20_000_000
# Digits of a number that is converted, which takes quadratic time, or as many as its
# exponent says.
DIGITS_MAX = 4300
_BITS_MAX = int(DIGITS_MAX * math.log2(10))
# How deep containers may lie in each other.
_DEPTH_MAX = 100

_TEXTS = (str, bytes, bytearray, memoryview)
# What is not looked at: integers are, for their digits.
_SCALARS = frozenset((str, float, bool, type(None), bytes))
_PLAIN = _SCALARS | {int}
_SEQUENCES = (list, tuple, set, frozenset, collections.deque)
# The kinds of numpy's dtypes whose elements hold nothing else.
_FLAT = frozenset("iufcbmMSUV")


class Extent:
    """What was measured of a value."""

    __slots__ = ("elements", "has_long_numbers", "_known")

    def __init__(self, value: Any) -> None:
        #: Elements for whoever walks it without a memory of what was walked; may be infinite.
        self.elements: float = 0
        #: Whether there is a number of more than `DIGITS_MAX` digits.
        self.has_long_numbers = False
        # Elements of what was measured, by identity, with what was taken out of it: so
        # long as that is kept, nothing else takes its identity.
        self._known: dict[int, tuple[float, Any]] = {}
        self.elements = self._of(value, 0)

    @property
    def is_walkable(self) -> bool:
        """Whether it can be walked in bounded time."""
        return self.elements <= ELEMENTS_MAX

    def _of(self, value: Any, depth: int) -> float:
        kind = type(value)
        if kind in _SCALARS or depth > _DEPTH_MAX:
            return 1
        if kind is int or kind is decimal.Decimal:
            self.has_long_numbers = self.has_long_numbers or _is_long(value)
            return 1
        key = id(value)
        if key not in self._known:
            # One that contains itself ends here.
            self._known[key] = (0, value)
            inner = _held(value)
            count = inner if isinstance(inner, (int, float)) else self._sum(inner, depth)
            self._known[key] = (1 + count, (value, inner))
        return self._known[key][0]

    def _sum(self, inner: Any, depth: int) -> float:
        if isinstance(inner, _Repeated):
            return sum(count * max((self._of(one, depth + 1) for one in held), default=1) for count, held in inner)
        kinds = set(map(type, inner))
        if not kinds <= _PLAIN:
            return sum(self._of(one, depth + 1) for one in inner)
        if int in kinds and not self.has_long_numbers:
            self.has_long_numbers = any(map(_is_long, (one for one in inner if type(one) is int)))
        return len(inner)


class _Repeated(list):
    """How often labels occur, and which these are."""


def _is_long(number: Any) -> bool:
    if type(number) is int:
        return number.bit_length() > _BITS_MAX
    if not number.is_finite():
        return False
    exponent = number.as_tuple().exponent
    return abs(number.adjusted()) > DIGITS_MAX or abs(exponent) > 2 * DIGITS_MAX


def _held(value: Any) -> Any:
    """What may hold more in a container, an array or a table; or only the number of its elements."""
    if isinstance(value, _TEXTS):
        return 0
    if isinstance(value, dict):
        return [*dict.keys(value), *dict.values(value)]
    if isinstance(value, _SEQUENCES):
        return list(value)
    if isinstance(value, slice):
        return [value.start, value.stop, value.step]
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is not None:
        return [getattr(value, name, None) for name in fields]
    if isinstance(value, types.SimpleNamespace):
        return list(vars(value).values())
    if _is_model(value):
        return [*vars(value).values(), *(value.__pydantic_extra__ or {}).values()]
    if isinstance(value, collections.abc.Mapping):
        return [*value.keys(), *value.values()]
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return value.ravel().tolist() if value.dtype.hasobject else value.size
    if numpy is not None and isinstance(value, numpy.generic):
        return 0
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return _of_table(value, pandas)
    if pandas is not None and isinstance(value, (pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray)):
        return _of_column(value, pandas)
    return _length(value) if hasattr(type(value), "__iter__") else 0


def _is_model(value: Any) -> bool:
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(value, pydantic.BaseModel)


def _length(value: Any) -> float:
    """How long something says that it is, which may be more than a length can be."""
    try:
        return len(value)
    except OverflowError:
        return math.inf
    except Exception:
        # It says nothing of it.
        return 0


def _of_table(table: Any, pandas: Any) -> list[Any]:
    held = [table.columns]
    columns = [table.iloc[:, at] for at in range(len(table.columns))]
    held.extend(one for one in columns if not _is_flat(one, pandas))
    # Rows are paid for by columns, if there are any.
    if not columns or not _is_flat(table.index, pandas):
        held.append(table.index)
    return held


def _of_column(column: Any, pandas: Any) -> Any:
    if _is_flat(column, pandas):
        return _length(column)
    if isinstance(column, pandas.MultiIndex):
        return _Repeated((len(column), _labels(level, pandas)) for level in column.levels)
    if isinstance(column.dtype, pandas.CategoricalDtype):
        return _Repeated([(len(column), _labels(column.dtype.categories, pandas))])
    return column.tolist()


def _labels(index: Any, pandas: Any) -> list[Any]:
    return [] if _is_flat(index, pandas) else index.tolist()


def _is_flat(column: Any, pandas: Any) -> bool:
    """Whether nothing in a column, or an index, holds more than itself."""
    if isinstance(column, (pandas.RangeIndex, pandas.IntervalIndex)):
        return True
    if isinstance(column, pandas.MultiIndex):
        return False
    kind = column.dtype
    return not isinstance(kind, pandas.CategoricalDtype) and getattr(kind, "kind", "O") in _FLAT or isinstance(
        kind, (pandas.StringDtype, pandas.PeriodDtype, pandas.IntervalDtype)
    )
