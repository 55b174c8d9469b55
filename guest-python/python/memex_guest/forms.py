"""What a value that another session made is as JSON, without running code of its classes.

`arguments` asks objects for their attributes, as whoever wrote them wants it. An object
that was read has fields of somebody else's choice: its form is taken from where they are
kept, and what has none is `Unlike` anything that was checked.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys

from memex_guest import arrays, dtypes, instances, records, values

# A call's JSON has 1 MiB: no value with more elements was ever in one.
ELEMENTS_MAX = 1 << 20

_mro_of = type.__dict__["__mro__"].__get__
_MAPPINGS = frozenset(("dict", "OrderedDict", "defaultdict", "Counter"))


class Unlike(ValueError):
    """A value that no checked answer is like."""


def form_of(value):
    """The value with dictionaries, lists and values in the place of objects of the session's classes."""
    return _form(value, [ELEMENTS_MAX], 0)


def _form(value, left, depth):
    left[0] -= 1
    if left[0] < 0 or depth > 2 * values.DEPTH_MAX:
        raise Unlike("it has more elements than a call")
    kind = type(value)
    if kind in values.SCALARS:
        return value
    if kind is list or kind is tuple:
        return [_form(one, left, depth + 1) for one in value]
    if kind in values.writers and kind.__name__ in _MAPPINGS or records.Record in _mro_of(kind):
        return {_key(key): _form(one, left, depth + 1) for key, one in dict.items(value)}
    layout = instances.layout_of(kind)
    if layout == "enum":
        return _form(instances.fields_of(value, kind)["_value_"], left, depth + 1)
    if layout == "tuple":
        return [_form(one, left, depth + 1) for one in tuple.__iter__(value)]
    if layout == "fields":
        fields = instances.fields_of(value, kind)
        return {name: _form(fields[name], left, depth + 1) for name in instances.declared_of(kind)}
    return _library(value, kind, left)


def _key(key):
    kind = type(key)
    if instances.layout_of(kind) == "enum":
        key = instances.fields_of(key, kind)["_value_"]
    if type(key) not in values.SCALARS:
        raise Unlike("it has keys that no call has")
    return key


def _library(value, kind, left):
    """A value of a library, if no object of the session's classes is in it."""
    if kind is set or kind is frozenset:
        _scalars(value, left)
    elif kind is not bytes and kind not in values.hashable and kind is not bytearray:
        numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
        if numpy is not None and kind is numpy.ndarray:
            if value.dtype.hasobject:
                _scalars(value.ravel().tolist(), left)
        elif pandas is not None and (kind is pandas.DataFrame or kind is pandas.Series or pandas.Index in _mro_of(kind)):
            _labelled(value, pandas, left)
        elif not arrays.is_scalar(kind) and not dtypes.is_scalar(kind):
            raise Unlike("it holds what no call has")
    return value


def _labelled(value, pandas, left):
    columns = [value]
    if type(value) is pandas.DataFrame:
        columns = [value.iloc[:, number] for number in range(value.shape[1])] + [value.columns]
    if pandas.Index not in _mro_of(type(value)):
        columns.append(value.index)
    for column in columns:
        if column.dtype == object or not isinstance(column.dtype, arrays.numpy().dtype):
            _scalars(column.tolist(), left)


def _scalars(found, left):
    for one in found:
        left[0] -= 1
        if left[0] < 0:
            raise Unlike("it has more elements than a call")
        kind = type(one)
        if kind is tuple:
            _scalars(one, left)
        elif kind not in values.hashable and not arrays.is_scalar(kind) and not dtypes.is_scalar(kind):
            raise Unlike("it holds what no call has")
