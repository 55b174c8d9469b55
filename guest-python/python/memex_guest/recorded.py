"""Records and enums of tools that go from session to session.

A record is a dictionary whose class is looked for among the tools that the reader has
used; where it is not known, the fields are there all the same.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from memex_guest import containers, definitions, instances, records, values
from memex_guest.values import checked

_mro_of = type.__dict__["__mro__"].__get__
_name_of = type.__dict__["__name__"].__get__
_bare_dict = dict.__new__

# Record classes that belong to no tool, by name.
own_records = {"Record": records.Record}


def _find_writer(kind):
    """The writer for records and enums of tools, and for lists of records."""
    if kind is records.Listed:
        return lambda packer, value, where: ["list", packer.items(list.__iter__(value), where)]
    if records.Record in _mro_of(kind):
        return _write_record
    return _write_tool_member if kind in _package_enums() else None


def _package_enums():
    return [kind for kind in records._tools if records.Enum in _mro_of(kind)]


def _write_record(packer, value, where):
    kind = type(value)
    return ["record", records._tools.get(kind, ""), _name_of(kind), *containers.pairs(packer, value, where)]


def _read_record(reader, tool, name, keys, found):
    kind = own_records.get(checked(name, str)) if tool == "" else definitions.class_of(checked(tool, str), checked(name, str))
    # Where its tool is not known, a record still has its fields.
    if kind is None or records.Record not in _mro_of(kind):
        kind = records.Record
    made = _bare_dict(kind)
    dict.update(made, containers.mapping(reader, keys, found))
    return made


def _write_tool_member(packer, value, where):
    kind = type(value)
    return ["choice", records._tools[kind], _name_of(kind), instances.member_name(kind, value, where), packer.item(value._value_, where)]


def _read_tool_member(reader, tool, name, member, value):
    kind = definitions.class_of(checked(tool, str), checked(name, str))
    if kind is None or records.Enum not in _mro_of(kind):
        return reader.item(value)
    return instances.member_of(kind, member)


def _key_parts(kind, _value):
    return () if kind in _package_enums() else None


values.finders.append(_find_writer)
values.own_hashable_finders.append(_key_parts)
values.readers.update({"record": _read_record, "choice": _read_tool_member})
