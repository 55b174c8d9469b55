"""Tables, series, indexes and scalars of pandas that go from session to session, by their columns.

Each is put together by a public constructor of pandas from arrays, texts and numbers
that were read and checked before it.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import re
import sys
from datetime import timezone
from importlib import import_module as _import
from zoneinfo import ZoneInfo

from memex_guest import arrays, kinds, values
from memex_guest.values import NotData, Step, checked

_INDEXES = (
    "Index", "RangeIndex", "MultiIndex", "DatetimeIndex", "TimedeltaIndex", "PeriodIndex", "IntervalIndex", "CategoricalIndex"
)
_NUMBERS = "biufcmM"
_MASKED = {
    **{sign + "nt" + bits: "IntegerArray" for sign in ("I", "UI") for bits in ("8", "16", "32", "64")},
    "Float32": "FloatingArray",
    "Float64": "FloatingArray",
    "boolean": "BooleanArray",
}
_CLOSED = ("left", "right", "both", "neither")
_STORAGES = ("python", "pyarrow")
# Frequencies as pandas writes them: a number, letters, and the month or day of an anchor.
_frequency = re.compile(r"-?[0-9]{0,6}[A-Za-z]{1,4}(-[A-Z]{3})?").fullmatch


# An index may be a range, which states a size that nothing pays for.
RANGE_MAX = 1 << 20

_mro_of = type.__dict__["__mro__"].__get__


def _pandas():
    return sys.modules.get("pandas") or _import("pandas")


def _find_writer(kind):
    library = sys.modules.get("pandas")
    if library is None:
        return None
    for names, write in _WRITERS:
        if any(getattr(library, name, None) is kind for name in names):
            return write
    if kind is type(library.NaT):
        return lambda _packer, _value, _where: ["nat"]
    if kind is type(library.NA):
        return lambda _packer, _value, _where: ["na"]
    if library.api.extensions.ExtensionArray in _mro_of(kind):
        return _write_column
    return None


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
    pandas = _pandas()
    index, names = _index_of(reader, index), _index_of(reader, names)
    if sum(len(checked(numbers, list)) for numbers, _item in checked(blocks, list)) != len(names):
        raise ValueError("a table has other columns than names")
    made = dict.fromkeys(range(len(names)))
    whole = None
    for numbers, item in blocks:
        found = reader.item(item)
        columns = [found]
        if type(found) is arrays.numpy().ndarray and found.ndim == 2 and found.dtype.kind in _NUMBERS:
            whole = found.T if numbers == list(made) else None
            columns = found
        if len(columns) != len(numbers):
            raise ValueError("a table has other columns than names")
        for number, column in zip(numbers, columns):
            column = _column(column)
            if made[checked(number, int)] is not None or len(column) != len(index):
                raise ValueError("a column of a table is not where it belongs, or has another length")
            made[number] = pandas.Series(column, index, dtype=object, copy=False) if _is_objects(column) else column
    if whole is not None:
        # All of one kind: the array is the table.
        frame = pandas.DataFrame(whole, index, names, copy=False)
    else:
        frame = pandas.DataFrame(made, index)
        frame.columns = names
    return _with_attributes(reader, frame, attributes)


def _write_series(packer, series, where):
    index = packer.item(series.index, (where, Step(".index")))
    name = _name(packer, series.name, (where, Step(".name")))
    return ["series", _written(packer, series, where), index, name, _attributes(packer, series, where)]


def _read_series(reader, found, index, name, attributes):
    found, index = _array_of(reader, found), _index_of(reader, index)
    if len(found) != len(index):
        raise ValueError("a series has another length than its index")
    kind = object if _is_objects(found) else None
    series = _pandas().Series(found, index, dtype=kind, name=reader.key(reader.item(name)), copy=False)
    return _with_attributes(reader, series, attributes)


def _written(packer, series, where):
    """The item of the array in a series or an index."""
    if isinstance(series.dtype, arrays.numpy().dtype):
        return packer.item(series.to_numpy(), where)
    return packer.item(series.array, where)


def _is_number(kind):
    return isinstance(kind, arrays.numpy().dtype) and kind.kind in _NUMBERS


def _is_objects(found):
    return type(found) is arrays.numpy().ndarray and found.dtype.kind == "O"


def _array_of(reader, item):
    return _column(reader.item(item))


def _column(found):
    """A column: an array of one dimension, of numbers, times or objects, or one of pandas' own."""
    if type(found) is arrays.numpy().ndarray:
        if found.ndim == 1 and found.dtype.kind in _NUMBERS + "O":
            return found
    # Asking `isinstance` could run a property of a user's class.
    elif _pandas().api.extensions.ExtensionArray in _mro_of(type(found)):
        return found
    raise ValueError("a column of a table is expected")


def _index_of(reader, item):
    found = reader.item(item)
    if _pandas().Index not in _mro_of(type(found)):
        raise ValueError("an index is expected")
    return found


def _labels_of(reader, item, codes):
    """The index that some codes refer to."""
    found = _index_of(reader, item)
    if len(found) > max(RANGE_MAX, len(codes)) and type(found) is _pandas().RangeIndex:
        raise ValueError("a range of labels is longer than what refers to it")
    return found


def _name(packer, name, where):
    values.refuse_key(name, where)
    return packer.item(name, where)


def _attributes(packer, value, where):
    return packer.item(dict(value.attrs), (where, Step(".attrs"))) if value.attrs else None


def _with_attributes(reader, made, item):
    if item is not None:
        made.attrs = checked(reader.item(item), dict)
    return made


def _write_index(packer, index, where):
    pandas = _pandas()
    if type(index) is pandas.RangeIndex:
        return ["range index", index.start, index.stop, index.step, _name(packer, index.name, where)]
    if type(index) is pandas.MultiIndex:
        levels = [packer.item(level, where) for level in index.levels]
        codes = [packer.item(arrays.numpy().asarray(code), where) for code in index.codes]
        return ["multi index", levels, codes, [_name(packer, name, where) for name in index.names]]
    if index.dtype == object:
        for cell in index:
            values.refuse_key(cell, where)
    frequency = getattr(index, "freqstr", None) if isinstance(index, (pandas.DatetimeIndex, pandas.TimedeltaIndex)) else None
    if frequency is not None and not _frequency(frequency):
        frequency = None
    return ["index", _written(packer, index, where), _name(packer, index.name, where), frequency]


def _read_index(reader, found, name, frequency):
    found = _array_of(reader, found)
    name = reader.key(reader.item(name))
    if _is_objects(found):
        reader.hashed(found.tolist())
        return _pandas().Index(found, dtype=object, name=name, tupleize_cols=False, copy=False)
    made = _pandas().Index(found, name=name, copy=False)
    if frequency is not None:
        if type(made) not in (_pandas().DatetimeIndex, _pandas().TimedeltaIndex):
            raise ValueError("an index of times is expected")
        made.freq = _frequency_of(frequency)
    return made


def _frequency_of(found):
    if not _frequency(checked(found, str)):
        raise ValueError("there is no such frequency")
    return found


def _read_range_index(reader, start, stop, step, name):
    bounds = range(*[checked(bound, int) for bound in (start, stop, step)])
    if max(map(int.bit_length, (bounds.start, bounds.stop, bounds.step))) > 63:
        raise ValueError("a range of labels is out of range")
    return _pandas().RangeIndex(bounds, name=reader.key(reader.item(name)))


def _read_multi_index(reader, levels, codes, names):
    codes = [_integers(reader, code) for code in checked(codes, list)]
    levels = [_labels_of(reader, level, code) for level, code in zip(checked(levels, list), codes, strict=True)]
    names = [reader.key(name) for name in reader.items(names)]
    if len(levels) != len(names):
        raise ValueError("an index has levels without names")
    return _pandas().MultiIndex(levels=levels, codes=codes, names=names, verify_integrity=True)


def _integers(reader, item):
    found = reader.item(item)
    if type(found) is not arrays.numpy().ndarray or found.ndim != 1 or found.dtype.kind != "i" or not found.dtype.isnative:
        raise ValueError("an array of integers is expected")
    return found


def _write_column(packer, column, where):
    pandas = _pandas()
    kind = column.dtype
    if isinstance(kind, pandas.CategoricalDtype):
        return ["category", packer.item(column.codes, where), packer.item(column.categories, where), bool(column.ordered)]
    if isinstance(kind, pandas.DatetimeTZDtype):
        moments = pandas.DatetimeIndex(column).tz_convert("UTC").tz_localize(None).to_numpy()
        return ["zoned", packer.item(moments, where), _zone(packer, kind.tz, where)]
    if isinstance(kind, pandas.StringDtype):
        cells = column.to_numpy(dtype=object, na_value=None).tolist()
        return ["string", kind.storage, kind.na_value is pandas.NA, packer.items(cells, where)]
    # `period[…]`; its frequency has another name among offsets.
    if isinstance(kind, pandas.PeriodDtype) and _frequency(str(kind)[7:-1]):
        return ["periods", packer.item(column.asi8, where), str(kind)[7:-1]]
    if isinstance(kind, pandas.IntervalDtype):
        ends = [pandas.Index(end.to_numpy()) if type(end) is pandas.RangeIndex else end for end in (column.left, column.right)]
        return ["intervals", *[packer.item(end, where) for end in ends], column.closed]
    if kind.name in _MASKED and type(column) is getattr(pandas.arrays, _MASKED[kind.name]):
        data = column.to_numpy(dtype=kind.numpy_dtype, na_value=kind.numpy_dtype.type(0))
        return ["masked", kind.name, packer.item(data, where), packer.item(column.isna(), where)]
    # Arrays of times without a zone have a dtype of numpy; others wrap an array of it.
    if isinstance(kind, arrays.numpy().dtype) or type(column).__name__ == "NumpyExtensionArray":
        return ["plain column", packer.item(column.to_numpy(), where)]
    raise NotData(
        values.path(where) + ": a column of dtype " + str(kind)[:80] + " cannot be handed over; convert it by .astype(…)"
    )


def _zone(packer, zone, where):
    if type(zone) in (timezone, ZoneInfo):
        return packer.item(zone, where)
    name = str(zone)
    if not kinds.is_zone_name(name):
        raise NotData(values.path(where) + ": a time zone without a name cannot be handed over; use .dt.tz_convert(…)")
    return name


def _zone_of(reader, item):
    zone = reader.item(item)
    if type(zone) is str:
        if not kinds.is_zone_name(zone) or zone.startswith("dateutil"):
            raise ValueError("there is no time zone of such a name")
        return zone
    return checked(zone, timezone, ZoneInfo)


def _read_category(reader, codes, categories, ordered):
    codes = _integers(reader, codes)
    categories = _labels_of(reader, categories, codes)
    return _pandas().Categorical.from_codes(codes, categories=categories, ordered=checked(ordered, bool))


def _read_zoned(reader, moments, zone):
    moments = _array_of(reader, moments)
    if getattr(moments.dtype, "kind", "") != "M":
        raise ValueError("an array of times is expected")
    return _pandas().DatetimeIndex(moments).tz_localize("UTC").tz_convert(_zone_of(reader, zone)).array


def _read_string(reader, storage, is_na, cells):
    cells = reader.items(cells)
    if storage not in _STORAGES or set(map(type, cells)) - {str, type(None)}:
        raise ValueError("a column of texts holds something else")
    pandas = _pandas()
    kept = {} if checked(is_na, bool) else {"na_value": float("nan")}
    try:
        kind = pandas.StringDtype(storage, **kept)
    except ImportError:
        kind = pandas.StringDtype("python", **kept)
    return pandas.array(arrays.objects((len(cells),), cells), dtype=kind)


def _read_periods(reader, ordinals, frequency):
    ordinals = _integers(reader, ordinals)
    return _pandas().PeriodIndex.from_ordinals(ordinals, freq=_frequency_of(frequency)).array


def _read_intervals(reader, left, right, closed):
    if closed not in _CLOSED:
        raise ValueError("intervals are closed in another way")
    left, right = _index_of(reader, left), _index_of(reader, right)
    if type(left) not in _ends() or type(left) is not type(right):
        raise ValueError("the ends of intervals are numbers or times")
    return _pandas().arrays.IntervalArray.from_arrays(left, right, closed)


def _ends():
    pandas = _pandas()
    return pandas.Index, pandas.DatetimeIndex, pandas.TimedeltaIndex


def _read_masked(reader, name, data, mask):
    data, mask = _array_of(reader, data), _array_of(reader, mask)
    wanted = checked(name, str).lower().replace("boolean", "bool")
    if not all(type(one) is arrays.numpy().ndarray and one.dtype.isnative for one in (data, mask)):
        raise ValueError("a column of " + name + " holds something else")
    if mask.dtype.name != "bool" or len(mask) != len(data) or data.dtype.name != wanted:
        raise ValueError("a column of " + name + " holds something else")
    return getattr(_pandas().arrays, _MASKED[name])(data, mask)


def _write_timestamp(packer, value, where):
    zone = None if value.tz is None else _zone(packer, value.tz, where)
    plain = value if zone is None else value.tz_convert("UTC").tz_localize(None)
    return ["timestamp", packer.item(plain.to_datetime64(), where), zone]


def _read_timestamp(reader, moment, zone):
    made = _pandas().Timestamp(checked(reader.item(moment), arrays.numpy().datetime64))
    return made if zone is None else made.tz_localize("UTC").tz_convert(_zone_of(reader, zone))


def _read_timedelta(reader, found):
    return _pandas().Timedelta(checked(reader.item(found), arrays.numpy().timedelta64))


def _write_period(packer, value, where):
    if not _frequency(value.freqstr):
        raise NotData(values.path(where) + ": a Period of such a frequency cannot be handed over; hand over its start")
    return ["one period", packer.item(value.ordinal, where), value.freqstr]


def _read_period(_reader, ordinal, frequency):
    return _pandas().Period(ordinal=checked(ordinal, int), freq=_frequency_of(frequency))


def _write_interval(packer, value, where):
    return ["one interval", packer.item(value.left, where), packer.item(value.right, where), value.closed]


def _read_interval(reader, left, right, closed):
    pandas = _pandas()
    ends = reader.item(left), reader.item(right)
    numbers = int, float, arrays.numpy().number, pandas.Timestamp, pandas.Timedelta
    if closed not in _CLOSED or not all(any(one in _mro_of(type(end)) for one in numbers) for end in ends):
        raise ValueError("the ends of an interval are numbers or times")
    return pandas.Interval(*ends, closed)


def _key_parts(kind, value):
    library = sys.modules.get("pandas")
    if library is None:
        return None
    if kind in (library.Timestamp, library.Timedelta, library.Period, type(library.NaT), type(library.NA)):
        return ()
    return (value.left, value.right) if kind is library.Interval else None


_WRITERS = (
    (("DataFrame",), _write_frame),
    (("Series",), _write_series),
    (_INDEXES, _write_index),
    (("Timestamp",), _write_timestamp),
    (("Timedelta",), lambda packer, value, where: ["one timedelta", packer.item(value.to_timedelta64(), where)]),
    (("Period",), _write_period),
    (("Interval",), _write_interval),
)
values.finders.append(_find_writer)
values.hashable_finders.append(_key_parts)
values.readers.update(
    {
        "frame": _read_frame,
        "series": _read_series,
        "index": _read_index,
        "range index": _read_range_index,
        "multi index": _read_multi_index,
        "category": _read_category,
        "zoned": _read_zoned,
        "string": _read_string,
        "periods": _read_periods,
        "intervals": _read_intervals,
        "masked": _read_masked,
        "plain column": _array_of,
        "timestamp": _read_timestamp,
        "one timedelta": _read_timedelta,
        "one period": _read_period,
        "one interval": _read_interval,
        "nat": lambda _reader: _pandas().NaT,
        "na": lambda _reader: _pandas().NA,
    }
)
