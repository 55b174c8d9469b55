"""FlatBuffers, as far as Arrow's descriptions go: tables read where they lie, and written front to back."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from _struct import calcsize as _calcsize, error as _StructError, pack as _pack, pack_into as _pack_into, unpack_from as _unpack_from

# Tables and vectors inside one another; a description is no deeper.
_DEPTH_MAX = 64


class Damaged(ValueError):
    """An offset leads out of the buffer."""


class Table:
    """A table at a place of a buffer. Fields that are not there have their defaults."""

    def __init__(self, buffer, at):
        self._buffer, self._at = buffer, at
        self._vtable = at - _read(buffer, "<i", at)
        self._size = _read(buffer, "<H", self._vtable)

    def _place(self, field):
        entry = 4 + 2 * field
        if entry + 2 > self._size:
            return None
        offset = _read(self._buffer, "<H", self._vtable + entry)
        return self._at + offset if offset else None

    def number(self, field, form, default=0):
        """A number of this form."""
        place = self._place(field)
        return default if place is None else _read(self._buffer, "<" + form, place)

    def table(self, field):
        """A table, or None."""
        place = self._place(field)
        return None if place is None else Table(self._buffer, _follow(self._buffer, place))

    def text(self, field):
        """A text, or None."""
        place = self._place(field)
        if place is None:
            return None
        at = _follow(self._buffer, place)
        length = _read(self._buffer, "<I", at)
        return str(_part(self._buffer, at + 4, length), "utf-8")

    def tables(self, field):
        """The tables of a vector."""
        place = self._place(field)
        if place is None:
            return []
        at = _follow(self._buffer, place)
        length = _read(self._buffer, "<I", at)
        _part(self._buffer, at + 4, 4 * length)
        return [Table(self._buffer, _follow(self._buffer, at + 4 + 4 * number)) for number in range(length)]

    def structs(self, field, form):
        """The structs of a vector, each as the numbers of this form."""
        place = self._place(field)
        if place is None:
            return []
        at, size = _follow(self._buffer, place), _calcsize("<" + form)
        length = _read(self._buffer, "<I", at)
        _part(self._buffer, at + 4, size * length)
        return [_unpack_from("<" + form, self._buffer, at + 4 + size * number) for number in range(length)]


def root(buffer):
    """The table that a buffer holds."""
    return Table(buffer, _follow(buffer, 0))


def _read(buffer, form, at):
    try:
        if at < 0:
            raise Damaged("an offset is negative")
        return _unpack_from(form, buffer, at)[0]
    except _StructError:
        raise Damaged("an offset leads out of the description") from None


def _follow(buffer, at):
    return at + _read(buffer, "<I", at)


def _part(buffer, at, length):
    if at + length > len(buffer):
        raise Damaged("a length leads out of the description")
    return buffer[at : at + length]


class Structs:
    """A vector of structs that are packed already, and aligned to eight bytes."""

    def __init__(self, count, data):
        self.count, self.data = count, data


def written(fields):
    """A buffer with this table as its root.

    A table is a dict of what its fields hold, by their numbers: a pair of a form and a number, a text,
    a dict, a list of dicts, `Structs`, or None for a field that is not there.
    """
    out = bytearray(4)
    _pack_into("<I", out, 0, _table(out, fields, 0))
    return bytes(out) + bytes(-len(out) % 8)


def _table(out, fields, depth):
    """Writes a table and what it refers to; returns its place."""
    if depth > _DEPTH_MAX:
        raise ValueError("the columns are nested too deep")
    fields = {number: value for number, value in fields.items() if value is not None}
    count = max(fields, default=-1) + 1
    offsets, places, size = [0] * count, {}, 4
    for number, value in fields.items():
        form = value[0] if type(value) is tuple else "I"
        width = _calcsize("<" + form)
        size += -size % width
        offsets[number] = places[number] = size
        size += width
    out.extend(bytes(-(len(out) + 4 + 2 * count) % 8))
    vtable = len(out)
    out.extend(_pack("<HH" + "H" * count, 4 + 2 * count, size, *offsets))
    at = len(out)
    out.extend(_pack("<i", at - vtable) + bytes(size - 4))
    for number, value in fields.items():
        place = at + places[number]
        if type(value) is tuple:
            _pack_into("<" + value[0], out, place, value[1])
        else:
            _pack_into("<I", out, place, _object(out, value, depth + 1) - place)
    return at


def _object(out, value, depth):
    if type(value) is dict:
        return _table(out, value, depth)
    if type(value) is str:
        data = value.encode("utf-8")
        at = _vector(out, len(data), 4)
        out.extend(data + b"\0")
        return at
    if type(value) is Structs:
        at = _vector(out, value.count, 8)
        out.extend(value.data)
        return at
    at = _vector(out, len(value), 4)
    out.extend(bytes(4 * len(value)))
    for number, item in enumerate(value):
        place = at + 4 + 4 * number
        _pack_into("<I", out, place, _table(out, item, depth) - place)
    return at


def _vector(out, count, alignment):
    """Writes the length of a vector whose elements are aligned so."""
    out.extend(bytes(-(len(out) + 4) % alignment))
    at = len(out)
    out.extend(_pack("<I", count))
    return at
