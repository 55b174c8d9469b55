"""What a node of each kind costs its reader beyond a list, whatever is in it.

A deque makes room for 64 elements, and pandas checks an index of two labels for as long
as Python reads a hundred numbers. So each node is paid for by its kind, of what the
length of the message allows (see `values`). What grows with a node's contents is charged
where it is read.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

# Bytes and steps by kind, as measured with CPython 3.11 and pandas 3 on a processor of
# 64 bits, which a guest's objects take half of; a step is about 0.2 microseconds.
_COSTS = {
    "int": (0, 0),
    "bytes": (0, 0),
    "bytearray": (0, 0),
    "list": (0, 0),
    "tuple": (0, 0),
    "set": (200, 2),
    "frozenset": (200, 2),
    "dict": (160, 4),
    "complex": (0, 0),
    "date": (0, 0),
    "datetime": (0, 2),
    "time": (0, 2),
    "timedelta": (0, 2),
    "offset": (0, 2),
    "zone": (0, 0),
    "decimal": (100, 4),
    "fraction": (200, 20),
    "uuid": (0, 12),
    "path": (160, 15),
    "range": (0, 2),
    "slice": (0, 0),
    "ordered": (360, 12),
    "counter": (200, 16),
    "defaultdict": (160, 16),
    "deque": (760, 2),
    "namespace": (220, 20),
    "member": (0, 30),
    "named": (0, 30),
    "object": (160, 60),
    "record": (200, 8),
    "choice": (0, 8),
    "array": (200, 20),
    "objects": (120, 16),
    "scalar": (0, 10),
    "numpy text": (100, 0),
    "frame": (1200, 120),
    "series": (1000, 70),
    "index": (600, 90),
    "range index": (240, 16),
    "multi index": (1200, 120),
    "category": (300, 70),
    "zoned": (1100, 120),
    "string": (360, 50),
    "periods": (1300, 100),
    "intervals": (550, 220),
    "masked": (100, 40),
    "plain column": (0, 10),
    "timestamp": (120, 20),
    "one timedelta": (180, 12),
    "one period": (120, 20),
    "one interval": (120, 8),
    "nat": (0, 0),
    "na": (0, 0),
}
# Kinds that are not measured.
_OTHERS = (1000, 100)


def of(kind):
    """Bytes and steps of a node of a kind."""
    return _COSTS.get(kind, _OTHERS)
