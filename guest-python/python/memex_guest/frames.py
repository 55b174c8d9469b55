"""Tables, series and indexes of pandas that go from session to session, by their columns.

Each is put together by a public constructor of pandas from columns that were read and
checked before it.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys

from memex_guest import arrays, dtypes, text, values
from memex_guest.values import NotData, Step, checked

_INDEXES = frozenset(
    "Index RangeIndex MultiIndex DatetimeIndex TimedeltaIndex PeriodIndex IntervalIndex CategoricalIndex".split()
)
_library = dtypes.library
LEVELS_MAX = 64
# What copying an attribute costs.
_COPY_STEPS = 4
# What pandas takes to look at a frequency, at a column of a table, and at a level of an index.
_FREQUENCY_STEPS = 300
_COLUMN_STEPS = 60
_LEVEL_STEPS = 75
_COLUMN_BYTES = 500
# A column of objects is a series first.
_OBJECTS_STEPS = 170
_OBJECTS_BYTES = 2000
_LEVEL_BYTES = 800


def _find_writer(kind):
    library = sys.modules.get("pandas")
    if library is None:
        return None
    if kind is library.DataFrame:
        return _write_frame
    if kind is library.Series:
        return _write_series
    return _write_index if any(getattr(library, name) is kind for name in _INDEXES) else None


def _write_frame(packer, frame, where):
    blocks = []
    groups = {}
    for number, kind in enumerate(frame.dtypes):
        groups.setdefault(kind if _is_number(kind) else number, []).append(number)
    for kind, numbers in groups.items():
        if type(kind) is int:
            column = (where, frame.columns[kind])
            blocks.append([numbers, _written(packer, frame.iloc[:, kind], column)])
        else:
            blocks.append([numbers, packer.item(frame.iloc[:, numbers].to_numpy().T, where)])
    index = packer.item(frame.index, (where, Step(".index")))
    names = packer.item(frame.columns, (where, Step(".columns")))
    return ["frame", index, names, blocks, _attributes(packer, frame, where)]


def _read_frame(reader, index, names, blocks, attributes):
    pandas = _library()
    index, names = dtypes.index_of(reader, index), dtypes.index_of(reader, names)
    if sum(len(checked(numbers, list)) for numbers, _item in checked(blocks, list)) != len(names):
        raise ValueError("a table has other columns than names")
    if len(blocks) == 1 and blocks[0][0] == list(range(len(names))):
        whole = reader.item(blocks[0][1])
        if _is_block(whole) and whole.shape == (len(names), len(index)):
            # All of one kind: the array is the table.
            return _with_attributes(reader, pandas.DataFrame(whole.T, index, names, copy=False), attributes)
    made = dict.fromkeys(range(len(names)))
    for numbers, item in blocks:
        found = reader.item(item)
        columns = found if _is_block(found) else [found]
        if len(columns) != len(numbers):
            raise ValueError("a table has other columns than names")
        for number, column in zip(numbers, columns):
            column = dtypes.column_of(column)
            is_objects = dtypes.is_objects(column)
            reader.charge(_OBJECTS_STEPS if is_objects else _COLUMN_STEPS)
            reader.copy((_OBJECTS_BYTES if is_objects else _COLUMN_BYTES) + dtypes.size_of(column))
            if made[checked(number, int)] is not None or len(column) != len(index):
                raise ValueError("a column of a table is not where it belongs, or has another length")
            made[number] = pandas.Series(column, index, dtype=object, copy=False) if is_objects else column
    frame = pandas.DataFrame(made, index)
    frame.columns = names
    return _with_attributes(reader, frame, attributes)


def _is_block(found):
    """Whether a value is the columns of one kind, one after the other."""
    return type(found) is arrays.numpy().ndarray and found.ndim == 2 and found.dtype.kind in dtypes.NUMBERS


def _write_series(packer, series, where):
    index = packer.item(series.index, (where, Step(".index")))
    name = _name(packer, series.name, (where, Step(".name")))
    return ["series", _written(packer, series, where), index, name, _attributes(packer, series, where)]


def _read_series(reader, found, index, name, attributes):
    found, index = dtypes.array_of(reader, found), dtypes.index_of(reader, index)
    if len(found) != len(index):
        raise ValueError("a series has another length than its index")
    kind = object if dtypes.is_objects(found) else None
    series = _library().Series(found, index, dtype=kind, name=dtypes.label(reader, name), copy=False)
    return _with_attributes(reader, series, attributes)


def _written(packer, series, where):
    """The item of the array in a series or an index."""
    if isinstance(series.dtype, arrays.numpy().dtype):
        return packer.item(series.to_numpy(), where)
    return packer.item(series.array, where)


def _is_number(kind):
    return isinstance(kind, arrays.numpy().dtype) and kind.kind in dtypes.NUMBERS


def _name(packer, name, where):
    values.refuse_key(name, where, own=False)
    return packer.item(name, where)


def _attributes(packer, value, where):
    if not value.attrs:
        return None
    where = (where, Step(".attrs"))
    return packer.item(_plain_copy(dict(value.attrs), where, None), where)


def _with_attributes(reader, made, item):
    if item is not None:
        made.attrs = _plain_copy(checked(reader.item(item), dict), (None, "it"), reader)
    return made


def _plain_copy(value, where, reader, depth=0):
    """A copy of attributes, which pandas copies whenever it likes, by code of their classes.

    Tables share none of theirs, so each copy is paid for.
    """
    if reader is not None:
        reader.charge(_COPY_STEPS)
    kind = type(value)
    if depth > values.DEPTH_MAX:
        raise ValueError(values.path(where) + ": attributes of a table are nested too deeply")
    if kind is dict or kind is set or kind is frozenset:
        sides = values.Sides()
        for one in value:
            if reader is not None:
                # It collides no more than in the dictionary or set that it comes from.
                reader.key(one, False, sides)
            values.refuse_key(one, where, own=False)
    if kind is dict:
        return {key: _plain_copy(one, (where, key), reader, depth + 1) for key, one in value.items()}
    if kind is list or kind is tuple:
        return kind(_plain_copy(one, (where, at), reader, depth + 1) for at, one in enumerate(value))
    if kind is set or kind is frozenset:
        return kind(value)
    if kind is arrays.numpy().ndarray and not value.dtype.hasobject:
        if reader is not None:
            reader.copy(value.nbytes)
        return value.copy()
    if kind in values.hashable or arrays.is_scalar(kind) or dtypes.is_scalar(kind):
        return value
    raise NotData(
        values.path(where) + ": an attribute of a table that is a value of type " + text.type_path(kind)
        + " cannot be handed over; attributes are numbers, texts, dates, arrays, lists and dictionaries of these"
    )


def _write_index(packer, index, where):
    pandas = _library()
    if type(index) is pandas.RangeIndex:
        return ["range index", index.start, index.stop, index.step, _name(packer, index.name, where)]
    if type(index) is pandas.MultiIndex:
        if index.nlevels > LEVELS_MAX:
            raise NotData(values.path(where) + ": an index of more than " + str(LEVELS_MAX) + " levels cannot be handed over; use .reset_index()")
        levels = [packer.item(level, where) for level in index.levels]
        codes = [packer.item(arrays.numpy().asarray(code), where) for code in index.codes]
        return ["multi index", levels, codes, [_name(packer, name, where) for name in index.names]]
    if index.dtype == object:
        for cell in index:
            values.refuse_key(cell, where, own=False)
    frequency = getattr(index, "freqstr", None) if isinstance(index, (pandas.DatetimeIndex, pandas.TimedeltaIndex)) else None
    if frequency is not None and not dtypes.is_frequency(frequency):
        frequency = None
    return ["index", _written(packer, index, where), _name(packer, index.name, where), frequency]


def _read_index(reader, found, name, frequency):
    found = dtypes.array_of(reader, found)
    name = dtypes.label(reader, name)
    if dtypes.is_objects(found):
        # Nothing is looked up by them here, and they may be there several times.
        sides = values.Sides()
        for one in found.tolist():
            reader.key(one, False, sides)
        return _library().Index(found, dtype=object, name=name, tupleize_cols=False, copy=False)
    made = _library().Index(found, name=name, copy=False)
    if frequency is not None:
        if type(made) not in (_library().DatetimeIndex, _library().TimedeltaIndex):
            raise ValueError("an index of times is expected")
        # pandas makes the whole index anew and compares.
        each = dtypes.frequency_steps(dtypes.frequency_of(frequency))
        reader.charge(_FREQUENCY_STEPS + each * len(made))
        made.freq = frequency
    return made


def _read_range_index(reader, start, stop, step, name):
    bounds = range(*[checked(bound, int) for bound in (start, stop, step)])
    if max(map(int.bit_length, (bounds.start, bounds.stop, bounds.step))) > 63:
        raise ValueError("a range of labels is out of range")
    return _library().RangeIndex(bounds, name=dtypes.label(reader, name))


def _read_multi_index(reader, levels, codes, names):
    if len(checked(codes, list)) > LEVELS_MAX:
        raise ValueError("an index has more than " + str(LEVELS_MAX) + " levels")
    reader.charge(_LEVEL_STEPS * len(codes))
    reader.copy(_LEVEL_BYTES * len(codes))
    codes = [dtypes.integers(reader, code) for code in codes]
    levels = [dtypes.labels_of(reader, level, code) for level, code in zip(checked(levels, list), codes, strict=True)]
    names = [reader.key(name, own=False) for name in reader.items(names)]
    if len(levels) != len(names):
        raise ValueError("an index has levels without names")
    return _library().MultiIndex(levels=levels, codes=codes, names=names, verify_integrity=True)


values.finders.append(_find_writer)
values.readers.update(
    {
        "frame": _read_frame,
        "series": _read_series,
        "index": _read_index,
        "range index": _read_range_index,
        "multi index": _read_multi_index,
    }
)
