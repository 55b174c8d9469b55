"""What a value that another session made is as JSON, without running code of its classes.

`arguments` asks objects for their attributes, as whoever wrote them wants it. An object
that was read has fields of somebody else's choice: its form is taken from where they are
kept, and what has none is `Unlike` anything that was checked.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys

from memex_guest import arrays, dtypes, hashing, instances, records, values

# A call's JSON has 1 MiB: no value with more elements was ever in one. What a value shares
# is counted each time, since it would be written each time.
ELEMENTS_MAX = 1 << 20
# Characters, bytes, and cells of tables.
CONTENTS_MAX = 1 << 26
KEY_BITS_MAX = 1024
# What writing a table costs at least, in elements.
_TABLE = 1000
_COLUMN = 100
# What a cell takes that is made an object of a library, beside one that is kept.
_CELL = 64

_mro_of = type.__dict__["__mro__"].__get__
_MAPPINGS = frozenset(("dict", "OrderedDict", "defaultdict", "Counter"))


class Unlike(ValueError):
    """A value that no checked answer is like."""


class _Left:
    """What may still be written."""

    __slots__ = ("contents", "elements")

    def __init__(self):
        self.elements = ELEMENTS_MAX
        self.contents = CONTENTS_MAX

    def charge(self, elements, contents=0):
        self.elements -= elements
        self.contents -= contents
        if self.elements < 0 or self.contents < 0:
            raise Unlike("it has more than a call")

    def charge_scalar(self, value, kind):
        self.charge(1, len(value) if kind is str else value.bit_length() if kind is int else 0)


def form_of(value):
    """The value with dictionaries, lists and values in the place of objects of the session's classes."""
    return _form(value, _Left(), 0)


def _form(value, left, depth):
    kind = type(value)
    if kind in values.SCALARS:
        left.charge_scalar(value, kind)
        return value
    left.charge(1)
    if depth > 2 * values.DEPTH_MAX:
        raise Unlike("it is deeper than a call")
    if kind is list or kind is tuple:
        return [_form(one, left, depth + 1) for one in value]
    if kind in values.writers and kind.__name__ in _MAPPINGS or records.Record in _mro_of(kind):
        return _keyed(dict.items(value), left, depth + 1)
    layout = instances.layout_of(kind)
    if layout == "enum":
        return _form(instances.fields_of(value, kind)["_value_"], left, depth + 1)
    if layout == "tuple":
        return [_form(one, left, depth + 1) for one in tuple.__iter__(value)]
    if layout == "fields":
        # Only dataclasses have a form; other objects are no argument of a call.
        if not instances.declared_of(kind):
            raise Unlike("it is an object without declared fields")
        fields = instances.fields_of(value, kind)
        return {
            name: _form(fields[name] if name in fields else instances.default_of(kind, name), left, depth + 1)
            for name in instances.declared_of(kind)
        }
    return _library(value, kind, left, depth)


def _keyed(pairs, left, depth):
    """A dictionary by the texts of its keys, as JSON has them: each is there once."""
    names, contents = [], []
    for key, value in pairs:
        kind = type(key)
        # Other keys have texts that say less than they are, or that two keys may share.
        if kind is not str and (kind is not int or key.bit_length() > KEY_BITS_MAX):
            raise Unlike("it has keys that no call has")
        left.charge_scalar(key, kind)
        names.append(str(key))
        contents.append(value)
    # Texts of numbers collide in another way than the numbers.
    hashing.check_keys(names)
    found = {name: _form(value, left, depth) for name, value in zip(names, contents)}
    if len(found) != len(names):
        raise Unlike("it has two keys of one text")
    return found


def _library(value, kind, left, depth):
    """A value of a library, if no object of the session's classes is in it."""
    if kind is bytes or kind is bytearray:
        left.charge(0, len(value))
    elif kind is set or kind is frozenset:
        _scalars(value, left)
    elif kind not in values.hashable and not arrays.is_scalar(kind) and not dtypes.is_scalar(kind):
        numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
        if numpy is not None and kind is numpy.ndarray:
            left.charge(value.size)
            if value.dtype.hasobject:
                _scalars(value.ravel().tolist(), left)
        elif pandas is None:
            raise Unlike("it holds what no call has")
        elif kind is pandas.DataFrame:
            left.charge(_TABLE + _COLUMN * value.shape[1], value.size)
            for number in range(value.shape[1]):
                _column(value.iloc[:, number], left)
            _column(value.columns, left)
            _labels(value, left, depth)
        elif kind is pandas.Series:
            left.charge(len(value))
            _column(value, left)
            _labels(value, left, depth)
            _scalars((value.name,), left)
        elif pandas.Index in _mro_of(kind):
            left.charge(len(value))
            _column(value, left)
            _scalars(value.names, left)
        else:
            raise Unlike("it holds what no call has")
    return value


def _labels(value, left, depth):
    """Looks at what has no place in the JSON of a table: nothing hides in it."""
    left.charge(0, len(value.index))
    _column(value.index, left)
    _scalars(value.index.names, left)
    _form(dict(value.attrs), left, depth + 1)


def _column(column, left):
    """Looks at the cells of a column that may be objects."""
    if not isinstance(column.dtype, arrays.numpy().dtype) or column.dtype.hasobject:
        is_kept = column.dtype == object or type(column.dtype).__name__ == "StringDtype"
        left.charge(0, len(column) * (1 if is_kept else _CELL))
        _scalars(column.tolist(), left)


def _scalars(found, left):
    for one in found:
        kind = type(one)
        if kind is tuple:
            left.charge(len(one))
            _scalars(one, left)
        elif kind is str or kind is bytes:
            left.charge(0, len(one))
        elif kind not in values.hashable and not arrays.is_scalar(kind):
            inner = dtypes.key_parts(kind, one)
            if inner is None:
                raise Unlike("it holds what no call has")
            _scalars(inner, left)
