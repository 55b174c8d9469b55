"""Values on their way between sessions: typed data, written as nodes and read by a list.

    value ──► nodes, one for each container, and binary parts ──► bytes
    bytes ──► nodes, in order ──► the reader of each node's kind ──► value

Whoever writes may be hostile, and a fork knows the addresses and the hash secret of
who reads. So a node refers only to nodes before it (nothing contains itself, and depth
is known as it grows), each binary part is taken once, the JSON has no objects, and a
kind is a name in `readers`: nothing is looked up in a module, and no class decides how
it is read.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys
from _json import encode_basestring as _quote, make_encoder as _make_encoder
from decimal import Decimal as _Decimal
from fractions import Fraction as _Fraction
from json import JSONDecoder

from memex_guest import arguments, channel, costs, hashing, text

# How deep containers may lie in each other, as in the arguments of tools.
DEPTH_MAX = arguments.DEPTH_MAX
# Binary parts of one value.
PARTS_MAX = 100_000
# Steps for each byte of JSON, and at least: elements of keys that are looked at, since
# hashing a tuple walks all of it each time, however often it is shared; keys that are
# compared, since they share a hash; and what nodes take beyond reading a list (`costs`).
STEPS_PER_BYTE = 4
STEPS_MIN = 100_000
# Bytes that are copied, made or looked through for each byte of the whole, and at least:
# a column can be named many times, a range of labels states its length, and an empty
# container has room.
COPIES_PER_BYTE = 16
COPIES_MIN = 16 << 20
# Bits and bytes of a key that are a step.
_BITS_PER_STEP = 1 << 10
_BYTES_PER_STEP = 1 << 6
# Comparing two keys of one hash by code of a library, or of `dataclasses`.
_STEPS_PER_COMPARISON = 8
# Digits of integers in JSON, which take quadratic time; the writer has 309 at most.
_DIGITS_MAX = 4300

FORMAT = 1
# Longer integers are written in hexadecimal, which is read in linear time.
_PLAIN_BITS = 1024

REMEDY = (
    "hand over data: numbers, text, bytes, dates, lists, dictionaries, sets, arrays, tables, "
    "and objects of classes that a block defines at its top level"
)
INLINE = frozenset((str, bool, float, type(None)))
SCALARS = frozenset((*INLINE, int))

# Functions that write a value of an exact type as a node: (packer, value, where).
writers = {}
# Functions that find a writer for other types: (type) to a writer or None.
finders = []
# Functions that read a node, by its kind: (reader, *arguments).
readers = {}
# Types whose hash and equality run no code of a user's class.
hashable = {str, int, float, bool, type(None), bytes, complex}
# Functions that find what is hashed of a value of another type, or None: (type, value).
hashable_finders = []
# The same for objects of the session's classes and tools, which `repr` would run code of.
own_hashable_finders = []


class NotData(TypeError):
    """A value that is more than data. Raised as a `TypeError` to whoever wanted to hand it over."""


def _refuse(_value):
    raise TypeError("a node holds more than JSON")


def _refuse_object(_pairs):
    raise ValueError("there is an object in it")


_encode = _make_encoder(None, _refuse, _quote, None, ":", ",", False, False, True)
_decode = JSONDecoder(object_pairs_hook=_refuse_object).decode


def packed(value, name):
    """The bytes of a value; `name` is what errors call it.

    Raises `TypeError` or `ValueError`, with the path to it, for what is more than data.
    """
    packer = Packer()
    try:
        root = packer.item(value, (None, name))
    except NotData as error:
        raise TypeError(str(error)) from None
    written = "".join(_encode([packer.nodes, root], 0))
    # Only texts contain braces: a reader that sees one knows that there is an object.
    written = written.replace("{", "\\u007b").encode("utf-8", "surrogatepass")
    return channel.framed(FORMAT, "", [written, *packer.parts])


def unpacked(data):
    """The value in some bytes. Raises `ValueError` for bytes that are no value of this scope."""
    try:
        first, pieces = channel.split(data, PARTS_MAX + 2)
        if first != FORMAT or len(pieces) < 2 or len(pieces[0]):
            raise ValueError("it has another form")
        return Reader(bytes(pieces[1]), pieces[2:]).read()
    except MISFITS as error:
        raise ValueError("what was handed over is not taken: " + text.summary(error, 300)) from None


# What reading a forged value raises. An interrupt is none of these.
MISFITS = (
    ValueError,
    TypeError,
    ImportError,
    LookupError,
    ArithmeticError,
    AttributeError,
    BufferError,
    # Libraries raise these where they trust who calls them.
    AssertionError,
    RuntimeError,
    SystemError,
    Warning,
)


class Packer:
    """Writes one value as nodes and parts."""

    def __init__(self):
        self.nodes = []
        self.parts = []
        # Where each container was written, by identity; None while it is being written.
        self._known = {}
        # What was written stays alive, so that no other value takes its identity.
        self._kept = []
        self._depths = []
        self._level = 0
        self._deepest = 0

    def item(self, value, where):
        """The form of a value within a node: a scalar itself, or a reference to its node."""
        kind = type(value)
        if kind in INLINE:
            return value
        if kind is int and value.bit_length() <= _PLAIN_BITS:
            return value
        key = id(value)
        if key in self._known:
            at = self._known[key]
            if at is None:
                raise ValueError(
                    path(where) + ": it contains itself, which cannot be handed over; "
                    "refer to the outer object by a name or a number"
                )
            self._deepest = max(self._deepest, self._depths[at])
            return [at]
        write = writers.get(kind) or _found_writer(kind)
        if write is None:
            raise NotData(path(where) + ": " + _described(kind) + " cannot be handed over; " + REMEDY)
        outer, self._deepest = self._deepest, 0
        self._level += 1
        if self._level > DEPTH_MAX:
            raise _too_deep(path(where))
        self._known[key] = None
        node = write(self, value, where)
        depth = self._deepest + 1
        if depth > DEPTH_MAX:
            raise _too_deep(path(where))
        self._level -= 1
        self._deepest = max(outer, depth)
        at = self._known[key] = len(self.nodes)
        self.nodes.append(node)
        self._depths.append(depth)
        self._kept.append(value)
        return [at]

    def items(self, values, where):
        """The forms of several values, whose places are told by number."""
        values = list(values)
        if is_plain(values):
            return values
        item = self.item
        return [item(value, (where, number)) for number, value in enumerate(values)]

    def part(self, data):
        """The number of a new binary part."""
        if len(self.parts) >= PARTS_MAX:
            raise ValueError("more than " + str(PARTS_MAX) + " binary values cannot be handed over at once; join them")
        self.parts.append(data)
        return len(self.parts) - 1


class Reader:
    """Reads nodes, one after the other, each from those before it."""

    def __init__(self, written, parts):
        if b"{" in written:
            _refuse_object(())
        self._written = written
        self._parts = parts
        self._made = []
        self._depths = []
        self._deepest = 0
        binary = sum(map(len, parts))
        self._steps = max(STEPS_MIN, STEPS_PER_BYTE * len(written) + binary // _BYTES_PER_STEP)
        self._copies = max(COPIES_MIN, COPIES_PER_BYTE * (len(written) + binary))
        # Time zones by name that were looked for.
        self.zones = set()

    def read(self):
        """The value. Raises what its readers raise."""
        nodes, root = _decoded(str(self._written, "utf-8", "surrogatepass"))
        if type(nodes) is not list:
            raise ValueError("it has no list of nodes")
        nodes.reverse()
        while nodes:
            self._deepest = 0
            # What was read is not kept.
            kind, *given = checked(nodes.pop(), list)
            if type(kind) is not str or kind not in readers:
                raise ValueError("there is no kind of value " + text.safe_repr(kind, 50))
            size, steps = costs.of(kind)
            self.copy(size)
            self.charge(steps)
            value = readers[kind](self, *given)
            if self._deepest >= DEPTH_MAX:
                raise _too_deep("it")
            self._made.append(value)
            self._depths.append(self._deepest + 1)
        return self.item(root)

    def item(self, found):
        """The value of an item: a scalar, or what a node before has become."""
        if type(found) is not list:
            return found
        (at,) = found
        if type(at) is not int or not 0 <= at < len(self._made):
            raise ValueError("it refers to a value that is not before it")
        self._deepest = max(self._deepest, self._depths[at])
        value = self._made[at]
        if type(value) is int:
            # Whatever is done with it takes time for all of its digits.
            self.charge(value.bit_length() // _BITS_PER_STEP)
        return value

    def items(self, found):
        """The values of a list of items."""
        if type(found) is not list:
            raise ValueError("a list is expected")
        if list not in set(map(type, found)):
            return found
        item = self.item
        return [item(one) for one in found]

    def keys(self, found, beside=hashing.DICT):
        """The values of a list of items that become keys, of a set or a dictionary."""
        return self.hashed(self.items(found), beside)

    def hashed(self, values, beside=hashing.DICT, own=True):
        """The same values, if they can be hashed and told apart in bounded time, by code of ours alone."""
        are_plain = set(map(type, values)) <= SCALARS
        if not are_plain:
            sides = Sides()
            for value in values:
                self.key(value, own, sides)
        if not are_plain or len(values) > hashing.ALIKE_MAX:
            # Hashes of numbers can be chosen; who knows the secret can choose those of texts.
            hashes = list(map(hash, values))
            self.charge(hashing.alike(hashes) * (1 if are_plain else _STEPS_PER_COMPARISON))
            hashing.check(hashes, beside)
        return values

    def key(self, value, own=True, sides=None):
        """A value that is hashed without running code of a user's class, in bounded time.

        With `own` unset it is no object of such a class either. `sides` is of the keys
        that it is compared with.
        """
        sides = sides or Sides()
        waiting = [value]
        while waiting:
            self.charge(1)
            one = waiting.pop()
            kind = type(one)
            if kind is tuple or kind is frozenset:
                self.charge(len(one))
                waiting.extend(one)
            elif kind in hashable:
                self.charge(_steps_of(one, kind))
            else:
                inner = _key_parts(kind, one, own, sides)
                if inner is None:
                    raise ValueError(_described(kind) + " cannot be a key of what is handed over")
                if sides.are_mixed():
                    raise ValueError("its keys hold " + _MIXED)
                waiting.extend(inner)
        return value

    def charge(self, steps):
        """Pays for work that the size of the value does not pay for."""
        self._steps -= steps
        if self._steps < 0:
            raise ValueError("reading it takes too long: its keys or numbers are too large, or its parts too many")

    def copy(self, size):
        """Pays for bytes that are copied or looked through, each time that they are."""
        self._copies -= size
        if self._copies < 0:
            raise ValueError(
                "reading it takes too much memory: it uses the same numbers, columns or labels too often, "
                "or has too many parts that are empty or small"
            )

    def part(self, number):
        """A binary part, which is taken once."""
        if type(number) is not int or not 0 <= number < len(self._parts):
            raise ValueError("it refers to a part that is not there")
        found = self._parts[number]
        if found is None:
            raise ValueError("it takes a part twice")
        self._parts[number] = None
        return found


def is_plain(values):
    """Whether values are scalars that JSON holds as they are."""
    kinds = set(map(type, values))
    if kinds <= INLINE:
        return True
    if not kinds <= SCALARS:
        return False
    numbers = values if kinds == {int} else [value for value in values if type(value) is int]
    return max(map(int.bit_length, numbers)) <= _PLAIN_BITS


def path(where):
    """The path to a value in words, as it would be written in Python."""
    steps = []
    while where[0] is not None:
        where, step = where
        if type(step) is Step:
            steps.append(step.shown)
        else:
            steps.append("[" + text.safe_repr(step, 80) + "]")
    steps.append(where[1])
    return "".join(reversed(steps))


class Step:
    """One step of a path that is no index."""

    __slots__ = ("shown",)

    def __init__(self, shown):
        self.shown = shown


def checked(value, *kinds):
    """A value of one of these exact types, or `ValueError`."""
    if type(value) not in kinds:
        raise ValueError("a value of another type is expected in its place")
    return value


def _too_deep(place):
    return ValueError(
        place + ": nested more than " + str(DEPTH_MAX) + " levels deep, which cannot be handed over; "
        "hand over a flatter value, such as a list with the numbers of what belongs together"
    )


_MIXED = "scalars of numpy or pandas beside objects of classes, which may be compared by code of the class"


class Sides:
    """What keys that are compared with each other are made of.

    A scalar of numpy that is compared with an object asks it for an array, by its
    class's code.
    """

    __slots__ = ("library", "own")

    def __init__(self):
        self.library = self.own = False

    def are_mixed(self):
        """Whether there are both scalars of a library and objects of classes."""
        return self.library and self.own


def _decoded(written):
    if 0 < sys.get_int_max_str_digits() <= _DIGITS_MAX:
        return _decode(written)
    # A turn may have lifted the limit, and so may the program that reads here, whose
    # other threads rely on that.
    return _decode_bounded(written)


def _bounded(digits):
    if len(digits) > _DIGITS_MAX:
        raise ValueError("a number has more than " + str(_DIGITS_MAX) + " digits")
    return int(digits)


_decode_bounded = JSONDecoder(object_pairs_hook=_refuse_object, parse_int=_bounded).decode


def _steps_of(value, kind):
    """What hashing and comparing a key costs beyond a step."""
    if kind is int:
        return value.bit_length() // _BITS_PER_STEP
    if kind is bytes or kind is str:
        return len(value) // _BYTES_PER_STEP
    if kind is range:
        return sum(bound.bit_length() for bound in (value.start, value.stop, value.step)) // _BITS_PER_STEP
    if kind is _Fraction:
        return (value.numerator.bit_length() + value.denominator.bit_length()) // _BITS_PER_STEP
    if kind is _Decimal:
        return _Decimal.__sizeof__(value) // _BYTES_PER_STEP
    return 0


def _found_writer(kind):
    for find in finders:
        write = find(kind)
        if write is not None:
            return write
    return None


def _key_parts(kind, value, own, sides):
    for find in hashable_finders:
        inner = find(kind, value)
        if inner is not None:
            sides.library = True
            return inner
    for find in own_hashable_finders if own else ():
        inner = find(kind, value)
        if inner is not None:
            sides.own = True
            return inner
    return None


def _described(kind):
    return "a value of type " + text.type_path(kind)


def refuse_key(key, where, own=True, sides=None):
    """Raises for a key that a reader would not take; `sides` is of the keys beside it."""
    sides = sides or Sides()
    waiting = [key]
    steps = 0
    while waiting:
        one = waiting.pop()
        steps += 1
        kind = type(one)
        if steps > STEPS_MIN:
            raise ValueError(path(where) + ": a key of this size cannot be handed over")
        if kind is tuple or kind is frozenset:
            waiting.extend(one)
        elif kind not in hashable:
            inner = _key_parts(kind, one, own, sides)
            if sides.are_mixed():
                raise NotData(path(where) + ": keys that hold " + _MIXED + ", cannot be handed over; use plain numbers and texts")
            if inner is None:
                raise NotData(
                    path(where) + ": a " + ("key" if own else "label") + " of type " + text.type_path(kind)
                    + " cannot be handed over; use text, numbers, dates, tuples"
                    + (", members of an Enum, named tuples or frozen dataclasses as keys" if own else " and the like as labels")
                )
            waiting.extend(inner)
