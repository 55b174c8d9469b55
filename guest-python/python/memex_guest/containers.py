"""The values of Python itself that go from session to session: numbers, bytes, lists, sets, dictionaries."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from array import array as _array

from memex_guest import hashing, values
from memex_guest.values import SCALARS, Sides, Step, checked, is_plain, refuse_key

# Longer bytes are parts.
_INLINE_BYTES = 256
# Longer lists of numbers are parts of eight bytes each.
_INLINE_NUMBERS = 256
_CODES = {int: "q", float: "d"}
# A set of more has room for four times as many.
_SMALL_SET = 4
_SET_BYTES = 64


def _writes_list(tag):
    def write(packer, value, where):
        if len(value) > _INLINE_NUMBERS:
            kinds = set(map(type, value))
            if len(kinds) == 1 and kinds <= _CODES.keys():
                code = _CODES[kinds.pop()]
                try:
                    return [tag, code, packer.part(_array(code, value))]
                except OverflowError:
                    # Larger integers are written one by one.
                    pass
        return [tag, packer.items(value, where)]

    return write


def _write_set(tag):
    def write(packer, value, where):
        found = list(value)
        sides = Sides()
        for one in found:
            refuse_key(one, (where, Step("{…}")), sides=sides)
        return [tag, packer.items(found, where)]

    return write


def _write_dict(packer, value, where):
    return ["dict", *pairs(packer, value, where)]


def pairs(packer, value, where):
    """The forms of the keys and the values of a dictionary."""
    keys = list(dict.keys(value))
    if not is_plain(keys):
        sides = Sides()
        for key in keys:
            refuse_key(key, where, sides=sides)
        keys, names = packer.items(keys, (where, Step(" key "))), keys
    else:
        names = keys
    found = list(dict.values(value))
    if is_plain(found):
        return keys, found
    item = packer.item
    return keys, [item(one, (where, name)) for name, one in zip(names, found)]


def _write_int(_packer, value, _where):
    return ["int", format(value, "x")]


def _read_int(_reader, digits):
    if type(digits) is not str or digits.strip("0123456789abcdef-"):
        raise ValueError("an integer is not in hexadecimal")
    return int(digits, 16)


def _write_bytes(packer, value, _where):
    if len(value) <= _INLINE_BYTES:
        return [type(value).__name__, str(value, "latin-1")]
    return [type(value).__name__, [packer.part(value)]]


def _reads_bytes(make):
    def read(reader, data):
        if type(data) is str:
            return make(data, "latin-1")
        (number,) = checked(data, list)
        return make(reader.part(number))

    return read


def _reads_list(make):
    def read(reader, found, part=None):
        if part is None:
            # A copy: the parsed list is the node's own.
            return make(reader.items(found))
        if found not in ("q", "d"):
            raise ValueError("there are no numbers of this form")
        numbers = _array(found)
        numbers.frombytes(reader.part(part))
        return make(numbers)

    return read


def _reads_set(make):
    def read(reader, found):
        given = reader.keys(found, hashing.SET)
        if len(given) > _SMALL_SET:
            reader.copy(_SET_BYTES * len(given))
        made = make(given)
        if len(made) != len(given):
            raise ValueError("a set holds the same value twice")
        return made

    return read


def mapping(reader, keys, found):
    """The dictionary of some keys and values."""
    # The usual ones need no second look.
    if type(keys) is not list or len(keys) > hashing.ALIKE_MAX or not set(map(type, keys)) <= SCALARS:
        keys = reader.keys(keys)
    for key in keys:
        if type(key) is str and key[:7] == "__array":
            # Classes that answer attributes from a dictionary would hand it to numpy, which
            # reads memory where `__array_interface__` says.
            raise ValueError("the key " + repr(key) + " is not handed over")
    made = dict(zip(keys, reader.items(found), strict=True))
    if len(made) != len(keys):
        raise ValueError("a dictionary holds the same key twice")
    return made


values.writers.update(
    {
        int: _write_int,
        bytes: _write_bytes,
        bytearray: _write_bytes,
        list: _writes_list("list"),
        tuple: _writes_list("tuple"),
        set: _write_set("set"),
        frozenset: _write_set("frozenset"),
        dict: _write_dict,
    }
)
values.readers.update(
    {
        "int": _read_int,
        "bytes": _reads_bytes(bytes),
        "bytearray": _reads_bytes(bytearray),
        "list": _reads_list(list),
        "tuple": _reads_list(tuple),
        "set": _reads_set(set),
        "frozenset": _reads_set(frozenset),
        "dict": mapping,
    }
)
