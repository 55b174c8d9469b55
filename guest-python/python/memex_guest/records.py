"""The classes of tools' results: records with attribute and item access, and enums.

A record is a dictionary of the JSON object it came from, so it goes wherever a
dictionary goes (`json.dumps`, `pd.DataFrame([…])`, `**record`), and each declared
field is an attribute as well. What the host sent beyond the declared fields is kept.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import enum
from copy import deepcopy as _deepcopy
from json import JSONEncoder
from operator import itemgetter as _itemgetter

_new = dict.__new__
_update = dict.update
_item = dict.__getitem__
_LISTED = frozenset(("items", "keys", "values"))
_plain_methods = {name: getattr(dict, name) for name in _LISTED}

# The tool that a class belongs to, by class.
_tools = {}
# Fields by class: name of the attribute to the key of the JSON object.
_fields = {}
# What absent optional fields are read as, by class and key.
_defaults = {}

# Finds the class of a tool's result again, for pickles; `definitions` sets it.
find_class = None
# Writes a record in bounded size; `preview` sets it.
shown = repr


class MissingField(AttributeError, KeyError):
    """A field that a record has not got."""

    __module__ = "tools"
    __str__ = BaseException.__str__


class field:
    """Marks a field whose JSON name is no identifier, with its default if it is optional."""

    def __init__(self, name, *default):
        self.name = name
        self.default = default


class _RecordType(type):
    def __new__(meta, name, bases, namespace, **options):
        # All of a record is in the dictionary.
        namespace.setdefault("__slots__", ())
        return type.__new__(meta, name, bases, namespace, **options)


class Record(dict, metaclass=_RecordType):
    """A JSON object of a tool's result: `record.name`, `record["name"]`, and all of `dict`."""

    def __init__(self, *objects, **values):
        for given in objects:
            _update(self, given)
        keys = _fields.get(type(self), {})
        for name, value in values.items():
            self[keys.get(name, name)] = value

    def __missing__(self, key):
        found = _defaults.get(type(self), {})
        if key in found:
            default = found[key]
            # What a class states once must not be shared by what all its records append to it.
            return default.copy() if type(default) in (list, dict) else default
        known = ", ".join(map(str, self))
        raise MissingField(type(self).__name__ + " has no field " + repr(key) + "; it has: " + known)

    def __getattr__(self, name):
        if name[:2] == "__" and name[-2:] == "__":
            # Protocols are no fields: numpy takes what `__array_interface__` names for memory.
            raise AttributeError(name)
        return self[_fields.get(type(self), {}).get(name, name)]

    def __setattr__(self, name, value):
        self[_fields.get(type(self), {}).get(name, name)] = value

    def __delattr__(self, name):
        del self[_fields.get(type(self), {}).get(name, name)]

    def __dir__(self):
        return [*object.__dir__(self), *_fields.get(type(self), ()), *(name for name in self if type(name) is str)]

    def __repr__(self):
        return shown(self)

    def __reduce__(self):
        return _restored, (*_origin(type(self)), dict(self))

    def __reduce_ex__(self, _protocol):
        return self.__reduce__()

    def __copy__(self):
        return build(type(self), self)

    def __deepcopy__(self, memo):
        made = memo[id(self)] = _new(type(self))
        _update(made, {key: _deepcopy(_item(self, key), memo) for key in dict.keys(self)})
        return made

    def copy(self):
        """A shallow copy, of the same class."""
        return build(type(self), self)

    def _asdict(self):
        """A plain dictionary of the record, as named tuples have it."""
        return dict(self)

    def _repr_pretty_(self, printer, cycle):
        printer.text(shown(self))


class Listed(list):
    """The value of a field named as a method of `dict` is: a list that can be called as well.

    `record.items` is the field, as its class declares; `record.items()` goes on working
    for code that takes the record for a dictionary, the JSON encoder among it. A field
    that is absent or null is an empty one for the same reason.
    """

    def __init__(self, values, owner, name):
        list.__init__(self, values)
        self._call = (owner, name)

    def __call__(self):
        owner, name = self._call
        return _plain_methods[name](owner)

    def __reduce_ex__(self, _protocol):
        return list, (list(self),)


class Enum(enum.Enum):
    """An enumeration of a tool. A member equals its JSON value and is written like it."""

    def __eq__(self, other):
        return self is other or self._value_ == other

    def __hash__(self):
        return hash(self._value_)

    def __str__(self):
        return str(self._value_)

    def __format__(self, specification):
        return format(self._value_, specification)

    def __reduce_ex__(self, _protocol):
        return _restored, (*_origin(type(self)), self._value_)


def install():
    """Lets the JSON encoder write enums as their values."""
    plain = JSONEncoder.default

    def default(self, value):
        return value._value_ if isinstance(value, Enum) else plain(self, value)

    default.__doc__ = plain.__doc__
    JSONEncoder.default = default


def adopt(kind, tool):
    """Remembers the tool that a class belongs to."""
    _tools[kind] = tool


def declare(kind, annotations):
    """Gives a record class the attributes of its declared fields."""
    keys = _fields[kind] = {}
    defaults = _defaults[kind] = {}
    own = type.__dict__["__dict__"].__get__(kind)
    for name in annotations:
        key = name
        if name in own:
            value = own[name]
            if type(value) is field:
                key = value.name
                if value.default:
                    defaults[key] = value.default[0]
            else:
                defaults[key] = value
        keys[name] = key
        setattr(kind, name, property(_listed(name, key) if name in _LISTED else _itemgetter(key)))


def forget():
    """Drops what is kept of the classes that were declared."""
    for kept in (_tools, _fields, _defaults):
        kept.clear()


def build(kind, found):
    """A record of a class from a dictionary."""
    made = _new(kind)
    _update(made, found)
    return made


def keys_of(kind):
    """The keys of a record class's fields, by attribute name."""
    return _fields[kind]


def is_optional(kind, key):
    """Whether a record class has a default for a key."""
    return key in _defaults[kind]


def _listed(name, key):
    def get(self):
        value = self[key] if key in self or key in _defaults[type(self)] else None
        if value is None:
            return Listed((), self, name)
        if type(value) is list:
            value = Listed(value, self, name)
            if key in self:
                self[key] = value
        return value

    return get


def _origin(kind):
    return _tools.get(kind, ""), kind.__name__


def _restored(tool, name, value):
    kind = find_class(tool, name) if find_class is not None else None
    if kind is None:
        return build(Record, value) if isinstance(value, dict) else value
    return build(kind, value) if issubclass(kind, Record) else kind(value)
