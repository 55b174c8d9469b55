"""From the JSON of a tool's result to the types that its signature names.

An annotation is compiled once to a function, or to None when the JSON value is what
it asks for, so that plain results are not looked at. A value that does not fit its
type is left as it is: a tool's result is never lost to a wrong description of it.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import types
from base64 import b64decode as _b64decode
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal, Union, get_args as _arguments, get_origin as _origin
from uuid import UUID

from memex_guest import columns, records

_MISFITS = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)
_Enum = records.Enum
_Record = records.Record
_build = records.build
_PLAIN = frozenset((str, int, float, bool, type(None), None, dict, list, tuple, Any, object))
_FROM_TEXT = {
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    time: time.fromisoformat,
    UUID: UUID,
}
_TEXT_TYPES = frozenset((*_FROM_TEXT, Decimal, bytes))


class Texts:
    """The long texts of a result: UTF-8, one after the other, in the order in which they are asked for."""

    __slots__ = ("at", "data")

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, size):
        """The next one."""
        start = self.at
        self.at = start + size
        return str(self.data[start : self.at], "utf-8")


def filled(value, parts, texts=None):
    """A value with bytes, DataFrames and long texts in the place of what stands for them."""
    kind = type(value)
    if kind is list:
        return [filled(item, parts, texts) for item in value]
    if kind is not dict:
        return value
    if len(value) == 1:
        if "$part" in value:
            return bytes(parts[value["$part"]])
        if "$table" in value:
            return columns.decoded(value["$table"], parts)
        if texts is not None and "$text" in value:
            return texts.take(value["$text"])
    return {key: filled(item, parts, texts) for key, item in value.items()}


class Types:
    """Compiles the annotations of one tool, whose names `scope` holds."""

    def __init__(self, scope):
        self.scope = scope
        self.records = {}

    def converter(self, annotation):
        """The function that converts a value to the annotated type, or None for none."""
        try:
            return self._compiled(annotation)
        except Exception:
            return None

    def _compiled(self, annotation):
        annotation = self._resolved(annotation)
        if isinstance(annotation, types.GenericAlias) or _origin(annotation) is not None:
            return self._generic(_origin(annotation), _arguments(annotation))
        if annotation in _PLAIN or not isinstance(annotation, type):
            return None
        parse = _FROM_TEXT.get(annotation)
        if parse is not None:
            return _from_text(parse)
        if annotation is Decimal:
            return _decimal
        if annotation is bytes:
            return _binary
        if issubclass(annotation, _Enum):
            return _member(annotation)
        if issubclass(annotation, _Record):
            return self._record(annotation)
        if annotation.__name__ == "DataFrame":
            return columns.of_objects
        return None

    def _resolved(self, annotation):
        while isinstance(annotation, str):
            annotation = eval(annotation, self.scope)
        return annotation

    def _generic(self, origin, arguments):
        if origin is Literal:
            return None
        if origin is Union or origin is types.UnionType:
            return self._union([self._resolved(argument) for argument in arguments])
        if origin is list or origin is tuple and arguments[1:] == (...,):
            return _sequence(origin, self._compiled(arguments[0]))
        if origin is tuple:
            return _tuple([self._compiled(argument) for argument in arguments])
        if origin is dict:
            return _mapping(self._compiled(arguments[1]))
        return None

    def _record(self, kind):
        found = self.records.get(kind)
        if found is None:
            # The class may be part of its own fields.
            cell = self.records[kind] = _RecordConverter(kind)
            cell.fields = self._fields(kind)
            found = cell
        return found.convert

    def _fields(self, kind):
        keys = records.keys_of(kind)
        converted = []
        for name, annotation in kind.__annotations__.items():
            convert = self._compiled(annotation)
            if convert is not None:
                converted.append((keys[name], convert))
        return tuple(converted)

    def _union(self, members):
        """Chooses by the kind of the JSON value, and among objects by their fields."""
        of_text = []
        of_list = None
        of_number = None
        of_objects = []
        of_mapping = None
        for member in members:
            if str in members and member in (bytes, Decimal):
                # Any text could be meant by these, too.
                continue
            convert = self._compiled(member)
            if convert is None:
                continue
            origin = _origin(member) or member
            if origin in (list, tuple):
                of_list = of_list or convert
            elif origin is dict:
                of_mapping = of_mapping or convert
            elif not isinstance(origin, type):
                continue
            elif issubclass(origin, _Record):
                of_objects.append((self._signature(origin), convert))
            elif origin.__name__ == "DataFrame":
                of_list = of_list or convert
                of_mapping = of_mapping or convert
            else:
                of_text.append(convert)
                if issubclass(origin, _Enum) or origin is Decimal and not {int, float} & set(members):
                    of_number = of_number or convert
        return _chooser(tuple(of_text), of_list, of_number, tuple(of_objects), of_mapping)

    def _signature(self, kind):
        """What a JSON object must have to be of a record class: required keys, constants, all keys."""
        keys = records.keys_of(kind)
        required = {key for key in keys.values() if not records.is_optional(kind, key)}
        constants = {}
        for name, annotation in kind.__annotations__.items():
            annotation = self._resolved(annotation)
            if _origin(annotation) is Literal:
                constants[keys[name]] = _arguments(annotation)
        return required, constants, set(keys.values())


class _RecordConverter:
    __slots__ = ("kind", "fields")

    def __init__(self, kind):
        self.kind = kind
        self.fields = ()

    def convert(self, value):
        if type(value) is not dict:
            return value
        made = _build(self.kind, value)
        for key, convert in self.fields:
            if key in value:
                made[key] = convert(value[key])
        return made


def _chooser(of_text, of_list, of_number, of_objects, of_mapping):
    def convert(value):
        kind = type(value)
        if kind is str:
            for one in of_text:
                made = one(value)
                if made is not value:
                    return made
        elif kind is list:
            return value if of_list is None else of_list(value)
        elif kind is dict:
            one = _best(of_objects, value) or of_mapping
            return value if one is None else one(value)
        elif of_number is not None and kind is not bool and value is not None:
            return of_number(value)
        return value

    return convert


def _best(candidates, value):
    """The converter of the record class that fits an object best, or None."""
    found = None
    most = -1
    for (required, constants, keys), convert in candidates:
        if not required <= value.keys():
            continue
        if any(key in value and value[key] not in allowed for key, allowed in constants.items()):
            continue
        score = len(keys & value.keys())
        if score > most:
            found, most = convert, score
    return found


def _from_text(parse):
    def convert(value):
        if type(value) is not str:
            return value
        try:
            return parse(value)
        except ValueError:
            return value

    return convert


def _decimal(value):
    if type(value) not in (str, int, float):
        return value
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return value


def _binary(value):
    if type(value) is not str:
        return value
    try:
        return _b64decode(value, validate=True)
    except ValueError:
        return value


def _member(kind):
    members = {member._value_: member for member in kind}

    def convert(value):
        try:
            return members.get(value, value)
        except TypeError:
            return value

    return convert


def _sequence(make, one):
    if one is None:
        return None if make is list else (lambda value: tuple(value) if type(value) is list else value)

    def convert(value):
        if type(value) is not list:
            return value
        return make([one(item) for item in value])

    return convert


def _tuple(converters):
    def convert(value):
        if type(value) is not list or len(value) != len(converters):
            return value
        return tuple([item if one is None else one(item) for one, item in zip(converters, value)])

    return convert


def _mapping(one):
    if one is None:
        return None

    def convert(value):
        if type(value) is not dict:
            return value
        return {key: one(item) for key, item in value.items()}

    return convert


def converted(value, convert):
    """A value converted, or the value itself when that fails."""
    try:
        return convert(value)
    except _MISFITS:
        return value
