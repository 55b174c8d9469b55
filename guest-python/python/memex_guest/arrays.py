"""Arrays and scalars of numpy that go from session to session, by dtype and bytes.

A dtype is built from a description that is checked first; none that holds objects can be
described, so bytes are never taken for addresses. numpy is only used where it is loaded.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import re
import sys
from math import prod as _prod

from memex_guest import values
from memex_guest.values import NotData, checked

FIELDS_MAX = 1000
DIMENSIONS_MAX = 32
NESTING_MAX = 8
SIZE_MAX = (1 << 31) - 1
# The axes of an empty array, and the dtype of one, state sizes that nothing pays for.
EMPTY_MAX = 1 << 20
EMPTY_ITEM_MAX = 1 << 16
# Booleans, integers, floats, complex numbers, times, and texts of a fixed size.
_simple = re.compile(
    r"\|b1|\|[iu]1|[<>][iu][248]|[<>]f[248]|[<>]c(8|16)"
    r"|[<>][mM]8(\[([1-9][0-9]{0,4})?(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?"
    r"|\|S[1-9][0-9]{0,8}|[<>]U[1-9][0-9]{0,7}"
).fullmatch
_TEXT_MAX = 0x10FFFF


def numpy():
    """The module numpy, where it is loaded: what is read causes no import."""
    found = sys.modules.get("numpy")
    if found is None:
        raise ValueError("numpy is not loaded here; import it and ask again")
    return found


def described(kind, where):
    """The description of a dtype. Raises `TypeError` for one that is not in the list."""
    found = _described(kind, 0)
    if found is None:
        raise NotData(
            values.path(where) + ": an array of dtype " + str(kind)[:80] + " cannot be handed over; "
            "convert it by .astype(…) to a type of numbers, times or texts, or by .tolist()"
        )
    return found


def _described(kind, nesting):
    if nesting > NESTING_MAX or kind.hasobject:
        return None
    if kind.subdtype is not None:
        base, shape = kind.subdtype
        inner = _described(base, nesting + 1)
        return None if inner is None else [inner, list(shape)]
    if kind.names is None:
        return kind.str if _simple(kind.str) and kind.isbuiltin in (0, 1) else None
    fields = []
    for name in kind.names:
        inner = _described(kind.fields[name][0], nesting + 1)
        if inner is None:
            return None
        fields.append([name, kind.fields[name][1], inner])
    return {} if len(fields) > FIELDS_MAX else [kind.itemsize, fields, "fields"]


def dtype_of(found, nesting=0):
    """The dtype of a description, if it is in the list."""
    if type(found) is str:
        if not _simple(found):
            raise ValueError("the dtype " + found[:80] + " is not in the list")
        return numpy().dtype(found)
    if nesting > NESTING_MAX or type(found) is not list or len(found) not in (2, 3):
        raise ValueError("the dtype is not in the list")
    if len(found) == 2:
        inner = dtype_of(found[0], nesting + 1)
        shape = _shape_of(found[1])
        if not inner.itemsize * _prod(shape) or inner.itemsize * _prod(shape) > SIZE_MAX:
            raise ValueError("the dtype is not in the list")
        return numpy().dtype((inner, shape))
    size, fields, _tag = found
    return _structure(size, fields, nesting)


def _structure(size, fields, nesting):
    if not 0 < len(checked(fields, list)) <= FIELDS_MAX:
        raise ValueError("a dtype has too many fields")
    names, offsets, kinds = [], [], []
    end = 0
    for name, offset, inner in sorted(fields, key=_offset):
        kind = dtype_of(inner, nesting + 1)
        # Fields that lie in each other could each be what the other must not be.
        if offset < end:
            raise ValueError("the fields of a dtype overlap")
        end = offset + kind.itemsize
        names.append(checked(name, str))
        offsets.append(offset)
        kinds.append(kind)
    if not end <= checked(size, int) <= SIZE_MAX:
        raise ValueError("the fields of a dtype are longer than it is")
    made = numpy().dtype({"names": names, "formats": kinds, "offsets": offsets, "itemsize": size})
    order = [checked(field[0], str) for field in fields]
    return made if order == names else made[order]


def _offset(field):
    _name, offset, _inner = field
    if not 0 <= checked(offset, int) <= SIZE_MAX:
        raise ValueError("a field of a dtype is out of place")
    return offset


def _shape_of(found):
    if type(found) is not list or len(found) > DIMENSIONS_MAX:
        raise ValueError("an array has too many dimensions")
    size = 1
    for length in found:
        if type(length) is not int or not 0 <= length <= SIZE_MAX:
            raise ValueError("the shape of an array is out of range")
        size *= length or 1
    if size > (EMPTY_MAX if 0 in found else SIZE_MAX):
        raise ValueError("the shape of an array is out of range")
    return tuple(found)


def taken(data, kind, shape):
    """The array of a dtype and a shape in some bytes, which it is the length of."""
    # What an array of arrays is, its shape says; numpy makes room for an item of an empty one.
    is_odd = kind.hasobject or kind.subdtype is not None or not kind.itemsize
    if is_odd or len(data) != kind.itemsize * _prod(shape) or not data and kind.itemsize > EMPTY_ITEM_MAX:
        raise ValueError("an array of shape " + str(shape) + " and dtype " + str(kind)[:80] + " has " + str(len(data)) + " bytes")
    # A copy, which can be written to.
    made = numpy().frombuffer(data, dtype=kind).reshape(shape).copy()
    _check(made)
    return made


def _check(array):
    """Raises for contents that numpy takes for granted: flags are 0 or 1, texts are Unicode, times have a unit."""
    kind = array.dtype
    if kind.names is not None:
        for name in kind.names:
            _check(array[name])
    elif kind.kind == "b" and array.size:
        if array.view("u1").max() > 1:
            raise ValueError("an array of booleans holds something else")
    elif kind.kind == "M" and numpy().datetime_data(kind)[0] == "generic":
        # Libraries ask what it is a number of; there is one such time, which is none.
        if not numpy().isnat(array).all():
            raise ValueError("an array of times without a unit holds something else")
    elif kind.kind == "U" and array.size:
        flat = numpy().ascontiguousarray(array)
        if flat.view(flat.dtype.str[0] + "u4").max() > _TEXT_MAX:
            raise ValueError("an array of texts holds something else")


def contents(array):
    """The bytes of an array in the order of its axes, without a copy where there need be none."""
    flat = numpy().ascontiguousarray(array)
    return flat.reshape(-1).view("u1").data if flat.size else b""


def _write_array(packer, value, where):
    if value.dtype.kind == "O":
        return ["objects", list(value.shape), packer.items(value.ravel().tolist(), where)]
    kind = described(value.dtype, where)
    if not value.size and value.dtype.itemsize > EMPTY_ITEM_MAX:
        raise NotData(values.path(where) + ": an empty array of items of " + str(value.dtype.itemsize) + " bytes cannot be handed over")
    # The axes of a transposed array are turned round, its bytes are not.
    turned = value.flags.f_contiguous and not value.flags.c_contiguous
    return ["array", kind, list(value.shape), turned, packer.part(contents(value.T if turned else value))]


def _read_array(reader, kind, shape, turned, part):
    shape = _shape_of(shape)
    data = reader.part(part)
    if checked(turned, bool):
        return taken(data, dtype_of(kind), shape[::-1]).T
    return taken(data, dtype_of(kind), shape)


def objects(shape, cells):
    """An array of objects that were made already."""
    if len(cells) != _prod(shape):
        raise ValueError("an array of objects has " + str(len(cells)) + " cells")
    made = numpy().fromiter(cells, dtype=object, count=len(cells))
    return made if len(shape) == 1 else made.reshape(shape)


def _read_objects(reader, shape, cells):
    return objects(_shape_of(shape), reader.items(cells))


def _write_scalar(_packer, value, where):
    if value.dtype.kind in "US":
        # An empty one has a dtype without a size.
        return ["numpy text", value.item() if value.dtype.kind == "U" else str(value.item(), "latin-1"), value.dtype.kind]
    return ["scalar", described(value.dtype, where), value.tobytes().hex()]


def _read_scalar(_reader, kind, digits):
    return taken(bytes.fromhex(checked(digits, str)), dtype_of(kind), (1,))[0]


def _read_text(_reader, found, kind):
    found = checked(found, str)
    return numpy().str_(found) if kind == "U" else numpy().bytes_(found.encode("latin-1"))


def _find_writer(kind):
    library = sys.modules.get("numpy")
    if library is None:
        return None
    if kind is library.ndarray:
        return _write_array
    return _write_scalar if _is_scalar(library, kind) else None


def is_scalar(kind):
    """Whether a type is one of numpy's scalars."""
    library = sys.modules.get("numpy")
    return library is not None and _is_scalar(library, kind)


def _is_scalar(library, kind):
    return library.generic in type.__dict__["__mro__"].__get__(kind) and library.sctypeDict.get(kind.__name__) is kind


def _key_parts(kind, value):
    library = sys.modules.get("numpy")
    if library is None or not _is_scalar(library, kind):
        return None
    return None if kind is library.void else ()


values.finders.append(_find_writer)
values.hashable_finders.append(_key_parts)
values.readers.update(
    {"array": _read_array, "objects": _read_objects, "scalar": _read_scalar, "numpy text": _read_text}
)
