"""Arrow's interprocess format: streams and files of columns, read and written without copies of the columns.

```text
stream:  (ff ff ff ff │ length i32 │ description, FlatBuffers │ buffers)*  schema, dictionaries, batches
file:    "ARROW1\\0\\0" │ stream │ footer │ length i32 │ "ARROW1"
```
Only little-endian data whose buffers are not compressed are read; the host makes them of others.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from _struct import pack as _pack

from memex_guest import flat

MAGIC = b"ARROW1"
_VERSION = 4
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_CONTINUATION = 0xFFFFFFFF
_UNITS = ("s", "ms", "us", "ns")
_FLOATS = (16, 32, 64)
_PLAIN = {1: "null", 4: "binary", 5: "utf8", 6: "bool", 12: "list", 13: "struct", 17: "map", 19: "large_binary", 20: "large_utf8", 21: "large_list", 23: "binary_view", 24: "utf8_view"}
_PLAIN_NUMBERS = {name: number for number, name in _PLAIN.items()}
# How many buffers a column has of its own, the one that says what is there included.
_BUFFERS = {"null": 0, "list": 2, "large_list": 2, "map": 2, "struct": 1, "fixed_list": 1, "utf8": 3, "binary": 3, "large_utf8": 3, "large_binary": 3}
_DEPTH_MAX = 32


class ArrowError(ValueError):
    """A file is damaged, or holds what cannot be read here."""


class Compressed(Exception):
    """The buffers are compressed."""


class Field:
    """A column's name and type: a tuple of its kind and of what belongs to that.

    A column with a dictionary has the type of the dictionary's values; `index` is the type of its own.
    """

    def __init__(self, name, kind, children=(), index=None, is_ordered=False, nullable=True, number=0):
        self.name, self.type, self.children, self.nullable = name, kind, list(children), nullable
        self.index, self.is_ordered, self.number = index, is_ordered, number


class Column:
    """The buffers of a field: what is there (a bit for each row, or None), then the field's own."""

    def __init__(self, field, length, nulls, buffers, children=(), dictionary=None):
        self.field, self.length, self.nulls = field, length, nulls
        self.buffers, self.children, self.dictionary = buffers, list(children), dictionary


def read(data):
    """The fields, the metadata and the batches, each a list of columns.

    Raises `ArrowError`, and `Compressed` for buffers that have to be decompressed first.
    """
    try:
        return _read(memoryview(data))
    except flat.Damaged as error:
        raise ArrowError("the file is damaged: " + str(error)) from None


def _read(data):
    at = 8 if data[:6] == MAGIC else 0
    fields, metadata, batches, dictionaries = None, {}, [], {}
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        at += 4
        if length == _CONTINUATION:
            length = int.from_bytes(data[at : at + 4], "little")
            at += 4
        if length == 0:
            break
        if at + length > len(data):
            raise ArrowError("the file is cut off")
        message = flat.root(data[at : at + length])
        at += length
        size = message.number(3, "q")
        if not 0 <= size <= len(data) - at:
            raise ArrowError("the file is cut off")
        body, at = data[at : at + size], at + size
        kind, head = message.number(1, "B"), message.table(2)
        if head is None:
            raise ArrowError("the file is damaged: a description is empty")
        if kind == _SCHEMA:
            fields, metadata = _schema(head)
        elif kind == _DICTIONARY and fields is not None:
            _take_dictionary(head, body, fields, dictionaries)
        elif kind == _BATCH and fields is not None:
            batches.append(_columns(head, body, fields, dictionaries))
    if fields is None:
        raise ArrowError("the file has no schema")
    return fields, metadata, batches


def _schema(head):
    if head.number(0, "h"):
        raise ArrowError("the file is big-endian")
    metadata = {pair.text(0) or "": pair.text(1) or "" for pair in head.tables(2)}
    return [_field(field, 0) for field in head.tables(1)], metadata


def _field(table, depth):
    if depth > _DEPTH_MAX:
        raise ArrowError("the columns are nested more than " + str(_DEPTH_MAX) + " levels deep")
    name, code, head = table.text(0) or "", table.number(2, "B"), table.table(3)
    if head is None:
        raise ArrowError("the file is damaged: a column has no type")
    coded = table.table(4)
    field = Field(name, _type(code, head, name), [_field(child, depth + 1) for child in table.tables(5)])
    if coded is not None:
        index = coded.table(1)
        field.index = ("int", index.number(0, "i"), bool(index.number(1, "?"))) if index is not None else ("int", 32, True)
        field.number, field.is_ordered = coded.number(0, "q"), bool(coded.number(2, "?"))
    wanted = {"list": 1, "large_list": 1, "map": 1, "fixed_list": 1}.get(field.type[0])
    if wanted is not None and len(field.children) != wanted:
        raise ArrowError("the file is damaged: a list has no items")
    return field


def _type(code, head, name):
    if code in _PLAIN:
        return (_PLAIN[code],)
    if code == 2:
        return "int", head.number(0, "i"), bool(head.number(1, "?"))
    if code == 3:
        return "float", _FLOATS[min(max(head.number(0, "h"), 0), 2)]
    if code == 7:
        return "decimal", head.number(0, "i"), head.number(1, "i"), head.number(2, "i", 128)
    if code == 8:
        return "date", "ms" if head.number(0, "h", 1) else "D"
    if code == 9:
        return "time", _unit(head.number(0, "h", 1)), head.number(1, "i", 32)
    if code == 10:
        return "timestamp", _unit(head.number(0, "h")), head.text(1)
    if code == 15:
        return "fixed", head.number(0, "i")
    if code == 16:
        return "fixed_list", head.number(0, "i")
    if code == 18:
        return "duration", _unit(head.number(0, "h", 1))
    raise ArrowError("the column " + repr(name) + " is of a type that has no equivalent in pandas here")


def _unit(number):
    return _UNITS[min(max(number, 0), 3)]


def _take_dictionary(head, body, fields, dictionaries):
    number, batch = head.number(0, "q"), head.table(1)
    field = _coded_as(fields, number)
    if batch is None or field is None:
        raise ArrowError("the file is damaged: a dictionary belongs to no column")
    plain = Field(field.name, field.type, field.children)
    (column,) = _columns(batch, body, [plain], dictionaries)
    before = dictionaries.get(number, []) if head.number(2, "?") else []
    dictionaries[number] = [*before, column]


def _coded_as(fields, number):
    for field in fields:
        if field.index is not None and field.number == number:
            return field
        found = _coded_as(field.children, number)
        if found is not None:
            return found
    return None


def _columns(batch, body, fields, dictionaries):
    if batch.table(3) is not None:
        raise Compressed
    # The third says how many buffers each column of views has.
    numbers = tuple(iter(batch.structs(*place)) for place in ((1, "qq"), (2, "qq"), (4, "q")))
    columns = [_column(field, numbers, body, dictionaries) for field in fields]
    if any(column.length != batch.number(0, "q") for column in columns):
        raise ArrowError("the file is damaged: columns are not equally long")
    return columns


def _column(field, numbers, body, dictionaries):
    nodes, buffers, views = numbers
    length, nulls = next(nodes, (-1, 0))
    if length < 0:
        raise ArrowError("the file is damaged: columns are missing")
    count = _BUFFERS.get(field.type[0], 2) if field.index is None else 2
    if field.index is None and field.type[0].endswith("_view"):
        count += min(max(next(views, (0,))[0], 0), len(body))
    own = []
    for _ in range(count):
        start, size = next(buffers, (-1, 0))
        if start < 0 or size < 0 or start + size > len(body):
            raise ArrowError("the file is damaged: a buffer lies outside")
        own.append(body[start : start + size])
    if own and not (nulls and own[0]):
        own[0] = None
    if field.index is not None:
        return Column(field, length, nulls, own, dictionary=dictionaries.get(field.number, []))
    children = [_column(child, numbers, body, dictionaries) for child in field.children]
    return Column(field, length, nulls, own, children)


def written(fields, metadata, columns, length, is_file):
    """A stream or a file of one batch."""
    out = [MAGIC + b"\0\0"] if is_file else []
    schema = _schema_of(fields, metadata)
    _put(out, _SCHEMA, schema, [])
    blocks = ([], [])
    for column in _with_dictionaries(columns):
        values = column.dictionary
        nodes, buffers = _parts_of([values])
        head = {0: ("q", column.field.number), 1: _batch(values.length, nodes, buffers)}
        blocks[0].append((sum(map(len, out)), *_put(out, _DICTIONARY, head, buffers)))
    nodes, buffers = _parts_of(columns)
    blocks[1].append((sum(map(len, out)), *_put(out, _BATCH, _batch(length, nodes, buffers), buffers)))
    out.append(_pack("<II", _CONTINUATION, 0))
    if is_file:
        packed = [flat.Structs(len(each), b"".join(_pack("<qi4xq", *block) for block in each)) for each in blocks]
        footer = flat.written({0: ("h", _VERSION), 1: schema, 2: packed[0], 3: packed[1]})
        out += [footer, _pack("<i", len(footer)), MAGIC]
    return b"".join(out)


def _put(out, kind, head, buffers):
    """Adds a message; returns the lengths of its description and of its body."""
    size = sum(len(buffer) + -len(buffer) % 64 for buffer in buffers)
    message = flat.written({0: ("h", _VERSION), 1: ("B", kind), 2: head, 3: ("q", size)})
    out.append(_pack("<II", _CONTINUATION, len(message)) + message)
    for buffer in buffers:
        out.append(buffer)
        out.append(bytes(-len(buffer) % 64))
    return 8 + len(message), size


def _batch(length, nodes, buffers):
    places, at = [], 0
    for buffer in buffers:
        places.append(_pack("<qq", at, len(buffer)))
        at += len(buffer) + -len(buffer) % 64
    packed = [_pack("<qq", *node) for node in nodes]
    return {0: ("q", length), 1: flat.Structs(len(packed), b"".join(packed)), 2: flat.Structs(len(places), b"".join(places))}


def _parts_of(columns):
    nodes, buffers = [], []
    for column in columns:
        nodes.append((column.length, column.nulls))
        buffers.extend(b"" if buffer is None else buffer for buffer in column.buffers)
        if column.dictionary is None:
            more = _parts_of(column.children)
            nodes.extend(more[0])
            buffers.extend(more[1])
    return nodes, buffers


def _with_dictionaries(columns):
    for column in columns:
        if column.dictionary is not None:
            yield column
        yield from _with_dictionaries(column.children)


def _schema_of(fields, metadata):
    pairs = [{0: key, 1: value} for key, value in metadata.items()]
    return {0: ("h", 0), 1: [_field_of(field) for field in fields], 2: pairs or None}


def _field_of(field):
    code, head = _type_of(field.type)
    table = {0: field.name, 1: ("?", field.nullable), 2: ("B", code), 3: head, 5: [_field_of(child) for child in field.children]}
    if field.index is not None:
        _, index = _type_of(field.index)
        table[4] = {0: ("q", field.number), 1: index, 2: ("?", field.is_ordered)}
    return table


def _type_of(kind):
    name, *rest = kind
    if name in _PLAIN_NUMBERS:
        return _PLAIN_NUMBERS[name], {}
    if name == "int":
        return 2, {0: ("i", rest[0]), 1: ("?", rest[1])}
    if name == "float":
        return 3, {0: ("h", _FLOATS.index(rest[0]))}
    if name == "decimal":
        return 7, {0: ("i", rest[0]), 1: ("i", rest[1]), 2: ("i", rest[2])}
    if name == "date":
        return 8, {0: ("h", 0 if rest[0] == "D" else 1)}
    if name == "time":
        return 9, {0: ("h", _UNITS.index(rest[0])), 1: ("i", rest[1])}
    if name == "timestamp":
        return 10, {0: ("h", _UNITS.index(rest[0])), 1: rest[1]}
    if name == "fixed":
        return 15, {0: ("i", rest[0])}
    if name == "fixed_list":
        return 16, {0: ("i", rest[0])}
    return 18, {0: ("h", _UNITS.index(rest[0]))}
