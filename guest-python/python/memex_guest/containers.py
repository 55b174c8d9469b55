"""The values of Python itself that go from session to session: numbers, bytes, lists, sets, dictionaries."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from memex_guest import values
from memex_guest.values import INLINE, SCALARS, Step, checked, refuse_key

# Longer bytes are parts.
_INLINE_BYTES = 256


def _writes_list(tag):
    return lambda packer, value, where: [tag, packer.items(value, where)]


def _write_set(tag):
    def write(packer, value, where):
        found = list(value)
        for one in found:
            refuse_key(one, (where, Step("{…}")))
        return [tag, packer.items(found, where)]

    return write


def _write_dict(packer, value, where):
    return ["dict", *pairs(packer, value, where)]


def pairs(packer, value, where):
    """The forms of the keys and the values of a dictionary."""
    keys = list(dict.keys(value))
    if not set(map(type, keys)) <= SCALARS:
        for key in keys:
            refuse_key(key, where)
    written = packer.items(keys, (where, Step(" key ")))
    found = list(dict.values(value))
    if set(map(type, found)) <= INLINE:
        return written, found
    item = packer.item
    return written, [item(one, (where, key)) for key, one in zip(keys, found)]


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
    return lambda reader, found: make(reader.items(found))


def _reads_set(make):
    def read(reader, found):
        given = reader.keys(found)
        made = make(given)
        if len(made) != len(given):
            raise ValueError("a set holds the same value twice")
        return made

    return read


def mapping(reader, keys, found):
    """The dictionary of some keys and values."""
    keys = reader.keys(keys)
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
        # A copy: the parsed list is the node's own.
        "list": _reads_list(list),
        "tuple": _reads_list(tuple),
        "set": _reads_set(set),
        "frozenset": _reads_set(frozenset),
        "dict": mapping,
    }
)
