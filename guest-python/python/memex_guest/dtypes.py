"""Columns of pandas' own dtypes, and its scalars, that go from session to session.

What a reader is given as a column, an index or labels is checked here.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import re
import sys
from datetime import timezone
from zoneinfo import ZoneInfo

from memex_guest import arrays, kinds, labels, values
from memex_guest.values import NotData, checked

NUMBERS = "biufcmM"
_MASKED = {
    **{sign + "nt" + bits: "IntegerArray" for sign in ("I", "UI") for bits in ("8", "16", "32", "64")},
    "Float32": "FloatingArray",
    "Float64": "FloatingArray",
    "boolean": "BooleanArray",
}
_CLOSED = ("left", "right", "both", "neither")
_STORAGES = ("python", "pyarrow")
# Frequencies as pandas writes them: a number, letters, and the month or day of an anchor.
is_frequency = re.compile(r"-?[0-9]{0,6}[A-Za-z]{1,4}(-[A-Z]{3})?").fullmatch

_FREQUENCY_STEPS = dict.fromkeys("D B C h min s ms us ns W ME MS BME BMS YE YS bh".split(), 2)

# Bytes of a cell of pandas' own columns, at most, and of labels.
_CELL = 16
# An index may be a range, which states a size that nothing pays for.
RANGE_MAX = 1 << 20

_mro_of = type.__dict__["__mro__"].__get__


def library():
    """The module pandas, where it is loaded."""
    found = sys.modules.get("pandas")
    if found is None:
        raise ValueError("pandas is not loaded here; import it and ask again")
    return found


def label(reader, item):
    """The value of an item as a label or a name: errors of pandas show these."""
    return reader.key(reader.item(item), own=False)


def _find_writer(kind):
    known = sys.modules.get("pandas")
    if known is None:
        return None
    for name, write in _WRITERS.items():
        if getattr(known, name) is kind:
            return write
    if kind is type(known.NaT):
        return lambda _packer, _value, _where: ["nat"]
    if kind is type(known.NA):
        return lambda _packer, _value, _where: ["na"]
    return _write_column if known.api.extensions.ExtensionArray in _mro_of(kind) else None


def column_of(found):
    """A column: an array of one dimension, of numbers, times or objects, or one of pandas' own."""
    if type(found) is arrays.numpy().ndarray:
        if found.ndim == 1 and found.dtype.kind in NUMBERS + "O":
            return found
    # Asking `isinstance` could run a property of a user's class.
    elif library().api.extensions.ExtensionArray in _mro_of(type(found)):
        return found
    raise ValueError("a column of a table is expected")


def array_of(reader, item):
    """The column that an item is."""
    found = column_of(reader.item(item))
    reader.copy(size_of(found))
    return found


def size_of(column):
    """Bytes that a column takes, each time that it is used."""
    return column.nbytes if type(column) is arrays.numpy().ndarray else _CELL * len(column)


def is_objects(found):
    """Whether a column is an array of objects."""
    return type(found) is arrays.numpy().ndarray and found.dtype.kind == "O"


def index_of(reader, item):
    """The index that an item is."""
    found = reader.item(item)
    if library().Index not in _mro_of(type(found)):
        raise ValueError("an index is expected")
    # A range is as short as it is written.
    reader.copy(len(found) * (1 if type(found) is library().RangeIndex else _CELL // 2))
    return found


def labels_of(reader, item, codes):
    """The index that some codes refer to, whose labels are there once."""
    found = index_of(reader, item)
    if type(found) is library().RangeIndex:
        if len(found) > max(RANGE_MAX, len(codes)):
            raise ValueError("a range of labels is longer than what refers to it")
        reader.copy(_CELL // 2 * len(found))
    else:
        labels.check(reader, found)
    return found


def integers(reader, item):
    """The array of integers that an item is."""
    found = reader.item(item)
    if type(found) is not arrays.numpy().ndarray or found.ndim != 1 or found.dtype.kind != "i" or not found.dtype.isnative:
        raise ValueError("an array of integers is expected")
    reader.copy(found.nbytes)
    # A copy: the array may be a part of the value, too, where codes could be changed after they were checked.
    return found.copy()


def frequency_of(found):
    """A frequency in the form that pandas writes."""
    if not is_frequency(checked(found, str)):
        raise ValueError("there is no such frequency")
    return found


def frequency_steps(frequency):
    """What pandas takes for one time of a frequency."""
    letters = frequency.lstrip("-0123456789").partition("-")[0]
    # Those with a calendar of their own are made by code of Python.
    return _FREQUENCY_STEPS.get(letters, 200 if letters[0] in "Cc" else 30)


def _write_column(packer, column, where):
    pandas = library()
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
    if isinstance(kind, pandas.PeriodDtype) and is_frequency(str(kind)[7:-1]):
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
        if zone not in reader.zones:
            reader.charge(kinds.ZONE_STEPS)
            kinds.zone_named(zone)
            reader.zones.add(zone)
        return zone
    return checked(zone, timezone, ZoneInfo)


def _read_category(reader, codes, categories, ordered):
    codes = integers(reader, codes)
    categories = labels_of(reader, categories, codes)
    return library().Categorical.from_codes(codes, categories=categories, ordered=checked(ordered, bool))


def _read_zoned(reader, moments, zone):
    moments = array_of(reader, moments)
    if getattr(moments.dtype, "kind", "") != "M":
        raise ValueError("an array of times is expected")
    return library().DatetimeIndex(moments).tz_localize("UTC").tz_convert(_zone_of(reader, zone)).array


def _read_string(reader, storage, is_na, cells):
    cells = reader.items(cells)
    if storage not in _STORAGES or set(map(type, cells)) - {str, type(None)}:
        raise ValueError("a column of texts holds something else")
    # A text can be named many times, and pyarrow has a copy of each.
    reader.copy(sum(map(len, filter(None, cells))))
    pandas = library()
    kept = {} if checked(is_na, bool) else {"na_value": float("nan")}
    try:
        kind = pandas.StringDtype(storage, **kept)
    except ImportError:
        kind = pandas.StringDtype("python", **kept)
    return pandas.array(arrays.objects((len(cells),), cells), dtype=kind)


def _read_periods(reader, ordinals, frequency):
    ordinals = integers(reader, ordinals)
    return library().PeriodIndex.from_ordinals(ordinals, freq=frequency_of(frequency)).array


def _read_intervals(reader, left, right, closed):
    if closed not in _CLOSED:
        raise ValueError("intervals are closed in another way")
    left, right = index_of(reader, left), index_of(reader, right)
    # Intervals of flags or complex numbers are made, and cannot be used.
    if type(left) not in _ends() or type(left) is not type(right) or getattr(left.dtype, "kind", "") not in ("i", "u", "f", "m", "M"):
        raise ValueError("the ends of intervals are numbers or times")
    return library().arrays.IntervalArray.from_arrays(left, right, closed)


def _ends():
    pandas = library()
    return pandas.Index, pandas.DatetimeIndex, pandas.TimedeltaIndex


def _read_masked(reader, name, data, mask):
    data, mask = array_of(reader, data), array_of(reader, mask)
    wanted = checked(name, str).lower().replace("boolean", "bool")
    if not all(type(one) is arrays.numpy().ndarray and one.dtype.isnative for one in (data, mask)):
        raise ValueError("a column of " + name + " holds something else")
    if mask.dtype.name != "bool" or len(mask) != len(data) or data.dtype.name != wanted:
        raise ValueError("a column of " + name + " holds something else")
    return getattr(library().arrays, _MASKED[name])(data, mask)


def _write_timestamp(packer, value, where):
    zone = None if value.tz is None else _zone(packer, value.tz, where)
    plain = value if zone is None else value.tz_convert("UTC").tz_localize(None)
    return ["timestamp", packer.item(plain.to_datetime64(), where), zone]


def _read_timestamp(reader, moment, zone):
    made = library().Timestamp(checked(reader.item(moment), arrays.numpy().datetime64))
    return made if zone is None else made.tz_localize("UTC").tz_convert(_zone_of(reader, zone))


def _read_timedelta(reader, found):
    return library().Timedelta(checked(reader.item(found), arrays.numpy().timedelta64))


def _write_period(packer, value, where):
    if not is_frequency(value.freqstr):
        raise NotData(values.path(where) + ": a Period of such a frequency cannot be handed over; hand over its start")
    return ["one period", packer.item(value.ordinal, where), value.freqstr]


def _read_period(_reader, ordinal, frequency):
    return library().Period(ordinal=checked(ordinal, int), freq=frequency_of(frequency))


def _write_interval(packer, value, where):
    return ["one interval", packer.item(value.left, where), packer.item(value.right, where), value.closed]


def _read_interval(reader, left, right, closed):
    pandas = library()
    ends = reader.item(left), reader.item(right)
    exact = int, float, pandas.Timestamp, pandas.Timedelta
    # Comparing the ends must not run code of a user's class.
    if closed not in _CLOSED or not all(type(end) in exact or arrays.numpy().number in _mro_of(type(end)) for end in ends):
        raise ValueError("the ends of an interval are numbers or times")
    return pandas.Interval(*ends, closed)


def is_scalar(kind):
    """Whether a type is one of pandas' scalars that holds no others."""
    known = sys.modules.get("pandas")
    return known is not None and kind in (known.Timestamp, known.Timedelta, known.Period, type(known.NaT), type(known.NA))


def key_parts(kind, value):
    """What a scalar of pandas holds, or None for other values."""
    if is_scalar(kind):
        return ()
    known = sys.modules.get("pandas")
    return (value.left, value.right) if known is not None and kind is known.Interval else None


_WRITERS = {
    "Timestamp": _write_timestamp,
    "Timedelta": lambda packer, value, where: ["one timedelta", packer.item(value.to_timedelta64(), where)],
    "Period": _write_period,
    "Interval": _write_interval,
}
values.finders.append(_find_writer)
values.hashable_finders.append(key_parts)
values.readers.update(
    {
        "category": _read_category,
        "zoned": _read_zoned,
        "string": _read_string,
        "periods": _read_periods,
        "intervals": _read_intervals,
        "masked": _read_masked,
        "plain column": array_of,
        "timestamp": _read_timestamp,
        "one timedelta": _read_timedelta,
        "one period": _read_period,
        "one interval": _read_interval,
        "nat": lambda _reader: library().NaT,
        "na": lambda _reader: library().NA,
    }
)
