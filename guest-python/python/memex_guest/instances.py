"""Objects of the session's own classes that go from session to session, by their fields.

A class is found by its name in the scope of who reads, and only if a class statement of
`__main__` made it. Its object is made by `object.__new__` and its fields are put where
they are kept: no constructor, setter, property or hook of the class is called.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import enum
import sys
from abc import ABC, ABCMeta
from dataclasses import _FIELD
from functools import cached_property
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Generic, Protocol

from memex_guest import text, turn, values
from memex_guest.values import NotData, Step, checked

# The attributes of `type` itself: a metaclass may define them as anything.
_dict_of = type.__dict__["__dict__"].__get__
_mro_of = type.__dict__["__mro__"].__get__
_name_of = type.__dict__["__name__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__
_module_of = type.__dict__["__module__"].__get__
_bare = object.__new__
_bare_tuple = tuple.__new__

_METACLASSES = (type, ABCMeta, type(Protocol), enum.EnumMeta)
# What classes may derive from beside each other: nothing that keeps anything in an object.
_MARKERS = (object, ABC, Generic, Protocol)
_ENUMS = (*_MARKERS, *(found for found in vars(enum).values() if isinstance(found, enum.EnumMeta)), int, str, float, bytes)
# Class statements leave it; `type(…)` does not.
_STATEMENT = "__firstlineno__" if sys.version_info >= (3, 13) else None
# What a class reads its fields by; hash and equality of a dataclass would call it.
_READS = ("__getattribute__", "__getattr__", "__class__")
_DESCRIBES = ("__get__", "__set__", "__delete__")
# What subscripting a generic class notes in its objects.
_SKIPPED = frozenset(("__orig_class__",))
# What looking for the place of a field takes.
_FIELD_STEPS = 12
_TOP_LEVEL = "define the class by a class statement at the top level of a block"


def class_named(name):
    """The class of the scope that a class statement of `__main__` made under this name."""
    found = turn.scope.get(checked(name, str))
    # The scope may hold anything, and anything may claim anything of itself.
    if not _is_own(found) or _name_of(found) != name or _qualname_of(found) != name:
        raise ValueError("it is of the class " + text.safe_repr(name, 80) + ", which is no class of this scope; " + _TOP_LEVEL)
    return found


def _is_own(kind):
    """Whether something is a class of `__main__`, with a metaclass that adds no code of a user's."""
    if not any(type(kind) is one for one in _METACLASSES):
        return False
    module = _module_of(kind)
    return type(module) is str and module == "__main__"


def _layout(kind):
    """How objects of a class are kept: `enum`, `tuple` or `fields`, or None with the reason against it."""
    lines = _mro_of(kind)
    own = [one for one in lines if _is_own(one)]
    others = [one for one in lines if one not in own]
    if type(kind) is enum.EnumMeta:
        return ("enum", "") if all(one in _ENUMS for one in others) else (None, "its members are kept by a class of a library")
    if any("__del__" in _dict_of(one) for one in own):
        return None, "its class defines __del__"
    if tuple in others and all(one in (*_MARKERS, tuple) for one in others):
        fields = [_dict_of(one)["_fields"] for one in own if "_fields" in _dict_of(one)]
        return ("tuple", "") if fields else (None, "it derives from tuple")
    for one in others:
        if one not in _MARKERS:
            return None, "its class derives from " + text.type_path(one)
    if _STATEMENT is not None and not all(_STATEMENT in _dict_of(one) for one in own):
        return None, "no class statement made its class"
    return "fields", ""


def layout_of(kind):
    """How objects of a class of ours are kept, or None for other classes."""
    return _layout(kind)[0] if _is_own(kind) else None


def _find_writer(kind):
    return _write if _is_own(kind) else None


def _write(packer, value, where):
    kind = type(value)
    name = text.plain(_name_of(kind))
    if _qualname_of(kind) != name or turn.scope.get(name) is not kind:
        raise NotData(
            values.path(where) + ": an object of the class " + text.type_path(kind)
            + " cannot be handed over: the other side would not find the class; " + _TOP_LEVEL
        )
    layout, reason = _layout(kind)
    if layout == "enum":
        return ["member", name, member_name(kind, value, where)]
    if layout == "tuple":
        if _stored(value, kind):
            raise NotData(values.path(where) + ": a named tuple with attributes of its own cannot be handed over")
        return ["named", name, packer.items(tuple.__iter__(value), where)]
    if layout is None:
        raise NotData(
            values.path(where) + ": an object of the class " + name + " cannot be handed over: " + reason
            + "; hand over a dictionary, or an object of a class of fields alone, such as a dataclass"
        )
    fields = {}
    for field, content in fields_of(value, kind).items():
        _place, refusal = _place_of(kind, field)
        if refusal == _CACHED or field in _SKIPPED:
            continue
        if refusal:
            raise NotData(values.path((where, Step("." + str(field)))) + ": it cannot be handed over: " + refusal)
        fields[field] = content
    _check_declared(kind, fields, values.path(where) + ": ")
    return ["object", name, list(fields), [packer.item(one, (where, Step("." + field))) for field, one in fields.items()]]


def member_name(kind, member, where):
    """The name by which a member of an Enum is found again."""
    names = _dict_of(kind)["_member_map_"]
    name = member._name_
    if type(name) is not str or names.get(name) is not member:
        raise NotData(
            values.path(where) + ": a combination of members of " + text.type_path(kind)
            + " has no name and cannot be handed over; hand over its value"
        )
    return name


def _read_member(_reader, name, member):
    kind = class_named(name)
    if _layout(kind)[0] != "enum":
        raise ValueError("the class " + name + " is no Enum of this scope")
    return member_of(kind, member)


def member_of(kind, member):
    """The member of an Enum that has a name; nothing is looked up by value."""
    found = _dict_of(kind)["_member_map_"].get(checked(member, str))
    if type(found) is not kind:
        raise ValueError("the Enum " + _name_of(kind) + " has no member " + text.safe_repr(member, 80))
    return found


def _read_named(reader, name, found):
    kind = class_named(name)
    layout, _reason = _layout(kind)
    given = reader.items(found)
    if layout != "tuple" or len(given) != len(_names_of(kind)):
        raise ValueError("the class " + name + " is no named tuple of as many fields")
    return _bare_tuple(kind, given)


def _names_of(kind):
    for one in _mro_of(kind):
        if "_fields" in _dict_of(one):
            return checked(_dict_of(one)["_fields"], tuple)
    return ()


def _read_object(reader, name, fields, found):
    kind = class_named(name)
    layout, reason = _layout(kind)
    if layout != "fields":
        raise ValueError("objects of the class " + name + " are not taken: " + (reason or "it is no class of fields"))
    reader.charge(_FIELD_STEPS * len(checked(fields, list)))
    given = dict(zip(reader.hashed(fields), reader.items(found), strict=True))
    if len(given) != len(fields):
        raise ValueError("an object has a field twice")
    return filled(kind, given)


def filled(kind, given):
    """An object of a class of fields with these. Raises `ValueError` for what is no field of it."""
    name = _name_of(kind)
    places = []
    for field in given:
        place, refusal = _place_of(kind, field)
        if refusal:
            raise ValueError("the class " + name + " takes no field " + text.safe_repr(field, 80) + ": " + refusal)
        places.append(place)
    _check_declared(kind, given, "")
    made = _bare(kind)
    kept = _dict_place(kind)
    for place, (field, content) in zip(places, given.items()):
        if place is not None:
            place.__set__(made, content)
        elif kept is None:
            raise ValueError("the class " + name + " has no place for the field " + field)
        else:
            kept.__get__(made, kind)[field] = content
    return made


_CACHED = "it is a cached property, which is made anew"


def _place_of(kind, field):
    """The slot of a field, or None for one in the object's dictionary; and the reason against either."""
    if type(field) is not str or not field.isidentifier():
        return None, "it is no name"
    if field[:2] == "__" and field[-2:] == "__":
        return None, "names of this form are Python's own"
    for one in _mro_of(kind):
        known = _dict_of(one)
        if field not in known:
            continue
        found = known[field]
        if type(found) is MemberDescriptorType and found.__objclass__ is one and one is not object:
            return found, ""
        if type(found) is cached_property:
            return None, _CACHED
        if type(found) is FunctionType or any(name in _dict_of(base) for base in _mro_of(type(found)) for name in _DESCRIBES):
            return None, "the class has a method, a property or another descriptor of that name"
        return None, ""
    return None, ""


def _dict_place(kind):
    """The descriptor of the dictionary in an object of a class, or None."""
    for one in _mro_of(kind):
        found = _dict_of(one).get("__dict__")
        if type(found) is GetSetDescriptorType and found.__name__ == "__dict__" and found.__objclass__ in (one, object):
            return found
    return None


def _stored(value, kind):
    """The dictionary in an object, or an empty one."""
    place = _dict_place(kind)
    return {} if place is None else place.__get__(value, kind)


def fields_of(value, kind):
    """What an object keeps, by name; no code of its class is run."""
    found = {}
    for one in reversed(_mro_of(kind)):
        for name, place in _dict_of(one).items():
            if type(place) is MemberDescriptorType and place.__objclass__ is one:
                try:
                    found[name] = place.__get__(value, kind)
                except AttributeError:
                    # A slot that was never filled.
                    continue
    found.update(_stored(value, kind))
    return found


def default_of(kind, name):
    """What a class itself keeps under a name. Raises `KeyError` where that is nothing."""
    for one in _mro_of(kind):
        if name in _dict_of(one):
            return _dict_of(one)[name]
    raise KeyError(name)


def _check_declared(kind, given, place):
    """Raises unless an object of a dataclass has the fields that its class declares."""
    declared = declared_of(kind)
    if not declared and "__dataclass_fields__" not in _dict_of(kind):
        return
    for name in given:
        if name not in declared:
            raise ValueError(
                place + "the dataclass " + _name_of(kind) + " declares no field " + name
                + ", so that it cannot be handed over; declare it with field(init=False)"
            )
    for name, field in declared.items():
        if name not in given and field.init:
            raise ValueError(place + "the field " + name + " of the dataclass " + _name_of(kind) + " is missing")


def declared_of(kind):
    """The fields of a dataclass, less those of the class alone."""
    declared = _dict_of(kind).get("__dataclass_fields__", {})
    return {name: field for name, field in declared.items() if field._field_type is _FIELD}


def _key_parts(kind, value):
    """What is hashed and compared of an object of ours, or None where its class has code for that."""
    if not _is_own(kind):
        return None
    layout, _reason = _layout(kind)
    if layout is None or not all(_is_made(kind, name) for name in ("__hash__", "__eq__")):
        return None
    if any(name in _dict_of(one) for one in _mro_of(kind) if _is_own(one) for name in _READS):
        return None
    if layout == "tuple":
        return tuple(tuple.__iter__(value))
    if layout == "enum":
        return ()
    fields = fields_of(value, kind)
    # A field that is not there would be asked of the class, which may have a property.
    declared = [name for one in _mro_of(kind) for name in declared_of(one)]
    return tuple(fields.values()) if all(name in fields for name in declared) else None


def _is_made(kind, name):
    """Whether a method is the interpreter's, or one that a library makes of the fields."""
    for one in _mro_of(kind):
        if name in _dict_of(one):
            found = _dict_of(one)[name]
            break
    if found is None:
        return False
    if type(found) is not FunctionType:
        return any(found is _dict_of(base)[name] for base in (object, tuple, int, str, float, bytes))
    if found is enum.Enum.__hash__:
        return True
    # As `dataclasses` makes them; what somebody writes in a class is named after it.
    return "__dataclass_fields__" in _dict_of(one) and found.__code__.co_qualname == "__create_fn__.<locals>." + name


values.finders.append(_find_writer)
values.own_hashable_finders.append(_key_parts)
values.readers.update({"member": _read_member, "named": _read_named, "object": _read_object})
