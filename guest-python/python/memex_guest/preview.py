"""Bounded previews of values.

Effort is bounded as well as size: a list of ten million elements costs no more
than its head and tail, and an integer is never written in more digits than shown.
Objects with a `__repr__` of their own are asked for it, whatever that costs them.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from collections import Counter, OrderedDict, defaultdict, deque
from itertools import islice as _islice
from math import log10 as _log10

from memex_guest import records, tables, text

DEFAULT_BYTES = 64 * 1024
ITEMS_MAX = 1000
HEAD_ITEMS = 100
TAIL_ITEMS = 20
DEPTH_MAX = 12
RECORD_CHARACTERS = 10_000
INT_BITS_MAX = 14_000
# From so many records on, what is the same in all of them is said once.
CONSTANT_FROM = 3
CONSTANT_CHARACTERS = 80
_CONSTANT = frozenset((str, bool, int))
SCALARS = frozenset((int, float, bool, complex, type(None)))

limit_bytes = DEFAULT_BYTES

# Whether values are shown as to a reader: texts of several lines as they are, and
# lists of records one on a line.
for_readers = False


def preview(value):
    """The text that stands for a value, at most about `limit_bytes` long."""
    kind = type(value)
    if for_readers:
        if kind is str and "\n" in value and not value.isspace():
            return text.cut(value, limit_bytes // 4)
        if (kind is list or kind is records.Listed) and value and _are_records(value):
            return _listed(value)
    if kind is bool or kind is float:
        return repr(value)
    if kind is int and -INT_BITS_MAX < value.bit_length() < INT_BITS_MAX:
        return repr(value)
    if kind is str and len(value) * 4 < limit_bytes:
        return repr(value)
    shown = _top(value)
    # Characters are bounded above; a text of wide ones can still be longer in bytes.
    if len(shown) * 4 > limit_bytes:
        size = len(shown.encode("utf-8", "backslashreplace"))
        if size > limit_bytes:
            return text.cut(shown, limit_bytes * len(shown) // size)
    return shown


def _are_records(value):
    return len(value) <= ITEMS_MAX and all(isinstance(item, records.Record) for item in value)


def _listed(value):
    """Records on a line each, without the name of their class, and with what all share said once."""
    shown = _Preview(limit_bytes // 4)
    same = _constants(value)
    lines = []
    for item in value:
        if shown.budget <= 0:
            lines.append("… " + str(len(value) - len(lines)) + " more")
            break
        rest = {key: field for key, field in dict.items(item) if key not in same} if same else item
        line = shown.tool_record(records.build(type(item), rest), 0)
        lines.append(line[len(text.type_name(type(item))) :])
    head = text.type_name(type(value[0])) + " × " + str(len(value))
    if same:
        head += ", each with " + ", ".join(str(key) + "=" + repr(field) for key, field in same.items())
    return head + ":\n" + "\n".join(lines)


def _constants(value):
    """The fields that are the same short constant in all of several records, unless all are."""
    if len(value) < CONSTANT_FROM:
        return {}
    same = {
        key: field
        for key, field in dict.items(value[0])
        if type(key) is str and type(field) in _CONSTANT and len(repr(field)) <= CONSTANT_CHARACTERS
    }
    for item in value:
        if dict.__len__(item) != dict.__len__(value[0]):
            return {}
        for key in list(same):
            field = dict.get(item, key, ...)
            if type(field) is not type(same[key]) or field != same[key]:
                del same[key]
        if not same:
            return {}
    return same if len(same) < dict.__len__(value[0]) else {}


def brief(value, limit):
    """A preview on one line for a list of names."""
    try:
        shape = tables.shape(value)
        if shape is not None:
            return type(value).__name__ + " " + str(tuple(shape))
        shown = _Preview(limit).any(value, 0)
    except Exception as error:
        shown = "<preview failed: " + text.summary(error, 80) + ">"
    shown = shown.replace("\n", " ")
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _top(value):
    try:
        shown = tables.shown(value, limit_bytes)
        if shown is not None:
            return shown
    except Exception as error:
        return "<preview failed: " + text.summary(error, 200) + ">"
    try:
        return _Preview(limit_bytes).any(value, 0)
    except Exception as error:
        return "<preview failed: " + text.summary(error, 200) + ">"


class _Preview:
    """One rendering, with a budget of characters that all its parts share."""

    __slots__ = ("budget", "open", "by_repr")

    def __init__(self, budget):
        self.budget = budget
        self.open = set()
        self.by_repr = {
            int.__repr__: _int,
            str.__repr__: self.string,
            bytes.__repr__: self.string,
            bytearray.__repr__: self.string,
            list.__repr__: self.sequence,
            tuple.__repr__: self.sequence,
            deque.__repr__: self.sequence,
            set.__repr__: self.members,
            frozenset.__repr__: self.members,
            dict.__repr__: self.mapping,
            OrderedDict.__repr__: self.mapping,
            defaultdict.__repr__: self.mapping,
            Counter.__repr__: self.mapping,
            records.Record.__repr__: self.tool_record,
        }

    def any(self, value, depth):
        kind = type(value)
        if kind in SCALARS and kind is not int:
            return repr(value)
        # Subclasses that keep the builtin's `__repr__` look like the builtin.
        shape = self.by_repr.get(kind.__repr__)
        if shape is None:
            shape = _record_of(kind)
            if shape is None:
                shown = self.table(value) or text.safe_repr(value, max(self.budget, 200))
                self.budget -= len(shown)
                return shown
            return self.record(value, shape, depth)
        if shape is _int:
            return _int(value)
        if shape == self.string:
            return self.string(value)
        if depth >= DEPTH_MAX or id(value) in self.open:
            return text.type_name(kind) + "(…)"
        self.open.add(id(value))
        try:
            return shape(value, depth)
        finally:
            self.open.discard(id(value))

    def table(self, value):
        try:
            return tables.shown(value, max(self.budget, 200))
        except Exception:
            return None

    def string(self, value):
        size = len(value)
        room = max(self.budget, 80)
        if size <= room:
            shown = repr(value)
        else:
            unit = " characters" if isinstance(value, str) else " bytes"
            tail = room // 4
            head = room - tail
            shown = repr(value[:head]) + " … " + repr(value[size - tail :])
            shown += " (" + text.type_name(type(value)) + ", " + str(size) + unit + ")"
        self.budget -= len(shown)
        return shown

    def sequence(self, value, depth):
        kind = list if type(value) is records.Listed else type(value)
        size = len(value)
        if kind is list or kind is tuple:
            # The usual list of plain numbers is quickest in C.
            if size <= ITEMS_MAX and size * 8 < self.budget and SCALARS.issuperset(map(type, value)):
                try:
                    shown = repr(value)
                except ValueError:
                    shown = ""
                if shown:
                    self.budget -= len(shown)
                    return shown
        body = self.items(value, size, lambda item: self.any(item, depth + 1))
        if isinstance(value, tuple):
            return "(" + body + (",)" if size == 1 else ")") + self.size(kind, size)
        if kind is list:
            return "[" + body + "]" + self.size(kind, size)
        return text.type_name(kind) + "([" + body + "])" + self.size(kind, size)

    def members(self, value, depth):
        kind = type(value)
        size = len(value)
        if not size:
            return text.type_name(kind) + "()"
        body = "{" + self.items(value, size, lambda item: self.any(item, depth + 1)) + "}"
        shown = body if kind is set else text.type_name(kind) + "(" + body + ")"
        return shown + self.size(kind, size)

    def mapping(self, value, depth):
        kind = type(value)
        size = len(value)

        def pair(key):
            try:
                found = dict.__getitem__(value, key)
            except Exception as error:
                return self.any(key, depth + 1) + ": <lookup failed: " + text.summary(error, 80) + ">"
            return self.any(key, depth + 1) + ": " + self.any(found, depth + 1)

        body = "{" + self.items(value, size, pair) + "}"
        if kind is defaultdict:
            body = "defaultdict(" + text.safe_repr(value.default_factory, 200) + ", " + body + ")"
        elif kind is not dict:
            body = text.type_name(kind) + "(" + body + ")"
        return body + self.size(kind, size)

    def record(self, value, fields, depth):
        shown = []
        for name in fields:
            try:
                field = object.__getattribute__(value, name)
            except Exception:
                continue
            shown.append(name + "=" + self.any(field, depth + 1))
            if self.budget <= 0:
                shown.append("…")
                break
        return text.type_name(type(value)) + "(" + ", ".join(shown) + ")"

    def tool_record(self, value, depth):
        # An instance reads its fields as attributes, and a method may be one of them.
        pairs = list(_islice(dict.items(value), ITEMS_MAX))
        shown = []
        for name, field in pairs:
            if self.budget <= 0:
                shown.append("…")
                break
            name = text.plain(name) if isinstance(name, str) else text.safe_repr(name, 80)
            self.budget -= len(name) + 3
            shown.append((name if name.isidentifier() else repr(name)) + "=" + self.any(field, depth + 1))
        more = dict.__len__(value) - len(pairs)
        if more > 0:
            shown.append("… " + str(more) + " more fields")
        return text.type_name(type(value)) + "(" + ", ".join(shown) + ")"

    def items(self, value, size, one):
        """The elements, or the head and tail of many, until the budget is used up."""
        if size <= ITEMS_MAX:
            head, tail = list(_islice(value, size)), ()
        else:
            head, tail = list(_islice(value, HEAD_ITEMS)), ()
            if not isinstance(value, (set, frozenset)):
                tail = list(_islice(reversed(value), TAIL_ITEMS))[::-1]
        shown = []
        for item in head:
            if self.budget <= 0:
                shown.append("…")
                return ", ".join(shown)
            piece = one(item)
            self.budget -= 2
            if type(item) in SCALARS:
                self.budget -= len(piece)
            shown.append(piece)
        if size > ITEMS_MAX:
            shown.append("…")
            for item in tail:
                shown.append(one(item) if self.budget > 0 else "…")
        return ", ".join(shown)

    def size(self, kind, size):
        if size <= ITEMS_MAX and self.budget > 0:
            return ""
        return " (" + text.type_name(kind) + ", " + str(size) + " items)"


def _record_shown(value):
    return _Preview(RECORD_CHARACTERS).any(value, 0)


records.shown = _record_shown


def _int(value):
    bits = value.bit_length()
    if bits < INT_BITS_MAX:
        return int.__repr__(value)
    # Writing all digits is quadratic; the leading ones come from the top bits.
    top = abs(value) >> (bits - 53)
    exponent = (bits - 53) * _log10(2) + _log10(top)
    whole = int(exponent)
    sign = "-" if value < 0 else ""
    leading = str(round(10 ** (exponent - whole), 6))
    return sign + leading + "e+" + str(whole) + " (int, about; " + str(bits) + " bits)"


def _record_of(kind):
    """The field names of a named tuple or a dataclass with a generated `__repr__`, or None."""
    made = kind.__dict__.get("__repr__")
    if made is None:
        return None
    fields = kind.__dict__.get("_fields")
    if type(fields) is tuple and tuple in kind.__mro__:
        return fields if getattr(made, "__module__", None) == "collections" or _is_generated(made) else None
    fields = kind.__dict__.get("__dataclass_fields__")
    if type(fields) is dict and hasattr(made, "__wrapped__"):
        return [name for name, field in fields.items() if getattr(field, "repr", False)]
    return None


def _is_generated(function):
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename.endswith("collections/__init__.py")
