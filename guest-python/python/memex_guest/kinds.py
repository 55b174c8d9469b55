"""Values of the standard library that go from session to session: dates, numbers, paths, collections."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import pathlib
import re
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from uuid import UUID
from zoneinfo import ZoneInfo

try:
    # Zones that a reader meets are looked for in here, whatever has become of the path.
    import tzdata.zoneinfo as _zones  # noqa: F401
except ImportError:
    _zones = None

from memex_guest import containers, values
from memex_guest.values import Step, checked, readers, writers

# The parts of a fraction are brought to lowest terms, in quadratic time.
FRACTION_BITS_MAX = 1 << 16
_FRACTION_BITS_PER_STEP = 1 << 8
ZONE_STEPS = 1000
# A zone's name is looked for among the bundled zones; these are the names that they have.
is_zone_name = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]{0,31}(/[A-Za-z0-9_+\-]{1,31}){0,3}").fullmatch
_PATHS = {name: getattr(pathlib, name) for name in ("PosixPath", "PurePosixPath", "PureWindowsPath")}
_FACTORIES = {kind.__name__: kind for kind in (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset)}


def _read_zone(reader, name):
    # Looked up among files, which costs more than reading does.
    reader.charge(ZONE_STEPS)
    return zone_named(name)


def zone_named(name):
    """The time zone of a name, if it is among those that are known."""
    if type(name) is str and is_zone_name(name):
        try:
            return ZoneInfo(name)
        except TimeoutError:
            # An interrupt, which is an `OSError` too.
            raise
        except OSError:
            # A folder of zones, or a name that no file has.
            pass
    raise ValueError("there is no time zone of such a name")


def _write_zone(_packer, value, where):
    if value.key is None or not is_zone_name(value.key):
        raise values.NotData(values.path(where) + ": a time zone without a name cannot be handed over; use one with a key")
    return ["zone", value.key]


def _write_offset(packer, value, where):
    # Seconds from UTC, and a name if it was given one.
    offset, *name = value.__getinitargs__()
    return ["offset", packer.item(offset, where), *name]


def _read_offset(reader, offset, *name):
    offset = checked(reader.item(offset), timedelta)
    if not name and not offset:
        return timezone.utc
    return timezone(offset, *[checked(one, str) for one in name[:1]])


def _zone_of(reader, item):
    return checked(reader.item(item), type(None), timezone, ZoneInfo)


def _write_datetime(packer, value, where):
    fields = value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, value.fold
    return ["datetime", packer.item(value.tzinfo, (where, Step(".tzinfo"))), *fields]


def _read_datetime(reader, zone, year, month, day, hour, minute, second, microsecond, fold):
    zone = _zone_of(reader, zone)
    return datetime(year, month, day, hour, minute, second, microsecond, zone, fold=fold)


def _write_time(packer, value, where):
    fields = value.hour, value.minute, value.second, value.microsecond, value.fold
    return ["time", packer.item(value.tzinfo, (where, Step(".tzinfo"))), *fields]


def _read_time(reader, zone, hour, minute, second, microsecond, fold):
    return time(hour, minute, second, microsecond, _zone_of(reader, zone), fold=fold)


def _write_fraction(packer, value, where):
    parts = value.numerator, value.denominator
    if max(part.bit_length() for part in parts) > FRACTION_BITS_MAX:
        raise ValueError(values.path(where) + ": a fraction of this size cannot be handed over; hand over its parts")
    return ["fraction", *[packer.item(part, where) for part in parts]]


def _read_fraction(reader, numerator, denominator):
    parts = [checked(reader.item(part), int) for part in (numerator, denominator)]
    bits = max(part.bit_length() for part in parts)
    if bits > FRACTION_BITS_MAX:
        raise ValueError("a fraction is too large")
    reader.charge((bits // _FRACTION_BITS_PER_STEP) ** 2)
    return Fraction(*parts)


def _write_path(_packer, value, _where):
    return ["path", type(value).__name__, str(value)]


def _read_path(_reader, name, found):
    return _PATHS[name](checked(found, str))


def _write_three(kind):
    def write(packer, value, where):
        return [kind, *packer.items((value.start, value.stop, value.step), where)]

    return write


def _read_range(reader, *bounds):
    bounds = [checked(reader.item(bound), int) for bound in bounds]
    # It keeps its length, which is as long a number as they are.
    reader.copy(sum(map(int.bit_length, bounds)) // 8)
    return range(*bounds)


def _read_slice(reader, start, stop, step):
    return slice(reader.item(start), reader.item(stop), reader.item(step))


def _writes_mapping(tag):
    return lambda packer, value, where: [tag, *containers.pairs(packer, value, where)]


def _write_defaultdict(packer, value, where):
    factory = value.default_factory
    name = None if factory is None else factory.__name__ if type(factory) is type else ""
    if name is not None and _FACTORIES.get(name) is not factory:
        raise values.NotData(
            values.path(where) + ": a defaultdict whose factory is no builtin type cannot be handed over; "
            "hand over dict(…) of it"
        )
    return ["defaultdict", name, *containers.pairs(packer, value, where)]


def _read_defaultdict(reader, name, keys, found):
    return defaultdict(None if name is None else _FACTORIES[name], containers.mapping(reader, keys, found))


def _read_counter(reader, keys, found):
    made = Counter()
    # The constructor would add up what any mapping claims to hold.
    dict.update(made, containers.mapping(reader, keys, found))
    return made


def _write_deque(packer, value, where):
    return ["deque", value.maxlen, packer.items(value, where)]


def _read_deque(reader, length, found):
    made = reader.items(found)
    if length is not None and (type(length) is not int or length < len(made)):
        raise ValueError("a deque is longer than it may be")
    return deque(made, length)


def _write_namespace(packer, value, where):
    return ["namespace", *containers.pairs(packer, vars(value), where)]


def _read_namespace(reader, names, found):
    made = containers.mapping(reader, names, found)
    if not all(type(name) is str and name[:2] != "__" for name in made):
        raise ValueError("the fields of a namespace have plain names")
    return SimpleNamespace(**made)


def _scalar(make, *kinds):
    """A reader that makes a value of exact types in their order."""

    def read(_reader, *given):
        return make(*[checked(one, kind) for one, kind in zip(given, kinds, strict=True)])

    return read


values.hashable.update((date, datetime, time, timedelta, timezone, Decimal, Fraction, UUID, range, *_PATHS.values()))
writers.update(
    {
        complex: lambda _packer, value, _where: ["complex", value.real, value.imag],
        date: lambda _packer, value, _where: ["date", value.year, value.month, value.day],
        datetime: _write_datetime,
        time: _write_time,
        timedelta: lambda _packer, value, _where: ["timedelta", value.days, value.seconds, value.microseconds],
        timezone: _write_offset,
        Decimal: lambda _packer, value, _where: ["decimal", Decimal.__str__(value)],
        Fraction: _write_fraction,
        ZoneInfo: _write_zone,
        UUID: lambda _packer, value, _where: ["uuid", value.hex],
        range: _write_three("range"),
        slice: _write_three("slice"),
        OrderedDict: _writes_mapping("ordered"),
        Counter: _writes_mapping("counter"),
        defaultdict: _write_defaultdict,
        deque: _write_deque,
        SimpleNamespace: _write_namespace,
        **dict.fromkeys(_PATHS.values(), _write_path),
    }
)
readers.update(
    {
        "complex": _scalar(complex, float, float),
        "date": _scalar(date, int, int, int),
        "datetime": _read_datetime,
        "time": _read_time,
        "timedelta": _scalar(timedelta, int, int, int),
        "offset": _read_offset,
        "zone": _read_zone,
        "decimal": _scalar(Decimal, str),
        "fraction": _read_fraction,
        "uuid": _scalar(UUID, str),
        "path": _read_path,
        "range": _read_range,
        "slice": _read_slice,
        "ordered": lambda reader, keys, found: OrderedDict(containers.mapping(reader, keys, found)),
        "counter": _read_counter,
        "defaultdict": _read_defaultdict,
        "deque": _read_deque,
        "namespace": _read_namespace,
    }
)
