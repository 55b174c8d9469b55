"""Which names a block assigned or changed, told to the host by what it prints.

Lives in a module of its own, so that the scope of the blocks stays theirs. What it
says of a block is as true as the block allows: code can reach and change it.
"""

import json
import opcode
import pickle
import sys
import types

from memex_guest import calls, definitions, text

PICKLE_BYTES_MAX = 4 << 20
REPR_CHARACTERS_MAX = 64 << 10
# What a call can carry, nearly, and what a file may have: more is told here, in the
# words in which the memory tells it of what reaches it.
CALL_CHARACTERS_MAX = (1 << 20) - 256
FILE_BYTES_MAX = 1 << 20
# Texts up to this length are shown whole, and so many values of one block.
SHOWN_CHARACTERS_MAX = 400
SHOWN_VALUES_MAX = 20

_scope = sys.modules["__main__"].__dict__
_Code = types.CodeType
_STORE_NAME = opcode.opmap["STORE_NAME"]
_STORE_GLOBAL = opcode.opmap["STORE_GLOBAL"]
_EXTENDED_ARG = opcode.opmap["EXTENDED_ARG"]
_AWAIT = 0x2000  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
# These never change: the same object is the same value.
_CONSTANT = frozenset((int, float, complex, bool, str, bytes, type(None)))
_SHOWN = frozenset((int, float, bool, str, type(None)))

_before = dict(_scope)
_digests = {}


class _TooLong(Exception):
    pass


class _Sink:
    __slots__ = ("pieces", "size")

    def __init__(self):
        self.pieces = []
        self.size = 0

    def write(self, piece):
        self.size += len(piece)
        if self.size > PICKLE_BYTES_MAX:
            raise _TooLong
        self.pieces.append(bytes(piece))


class _Sender(pickle.Pickler):
    """Refuses what only this scope knows: its classes, functions and their instances."""

    def reducer_override(self, value):
        if isinstance(value, (type, types.FunctionType)) and value.__module__ == "__main__":
            raise pickle.PicklingError
        return NotImplemented


def _sent(value):
    """Whether the value could be sent to another process, and a digest of it if it is short."""
    if type(value) in _CONSTANT:
        return True, None
    sink = _Sink()
    try:
        _Sender(sink, 5).dump(value)
    except _TooLong:
        return True, None
    except Exception:
        return False, None
    return True, hash(b"".join(sink.pieces))


def _bounded(tool, given, function, encoded=calls._encoded, call_max=CALL_CHARACTERS_MAX, file_max=FILE_BYTES_MAX):
    written, parts = encoded(tool, given, function)
    if (parts or len(written) > call_max) and tool == "create_file":
        if len(given["content"].encode("utf-8", "surrogatepass")) > file_max:
            path = given["file_path"]
            raise Exception(f"Error creating file {path}: File {path} is too large to create")
    return written, parts


# With the guest's own globals: tracebacks leave out such frames.
calls._encoded = types.FunctionType(_bounded.__code__, vars(calls), "_encoded", _bounded.__defaults__)


def _stores(code, found, depth):
    """The names that code assigns in the scope, with the lines where it does so first."""
    names = code.co_names
    ops = code.co_code
    places = list(code.co_positions())
    high = 0
    for at in range(0, len(ops), 2):
        op = ops[at]
        number = ops[at + 1] | high
        if op == _EXTENDED_ARG:
            high = number << 8
            continue
        high = 0
        if op == _STORE_GLOBAL or (op == _STORE_NAME and depth == 0):
            line = places[at // 2][0] if at // 2 < len(places) else None
            # What a function assigns, it assigns when it is called.
            found.setdefault(names[number], line if depth == 0 else None)
    for constant in code.co_consts:
        if type(constant) is _Code and depth < 20:
            _stores(constant, found, depth + 1)


def _mentions(code, found, depth):
    found.update(code.co_names)
    for constant in code.co_consts:
        if type(constant) is _Code and depth < 20:
            _mentions(constant, found, depth + 1)


def _is_hidden(name):
    return type(name) is not str or name == "_" or name.startswith("__")


def _changes(source, last_line):
    """The names, in the order in which the block assigned them, and whether each is new."""
    stored = {}
    mentioned = set()
    try:
        code = compile(source, "<block>", "exec", _AWAIT, True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    else:
        _stores(code, stored, 0)
        _mentions(code, mentioned, 0)
    found = {}
    # What stands in a `finally` is compiled twice, and first where nothing was raised.
    in_order = sorted(stored.items(), key=lambda item: (item[1] is None, item[1] or 0))
    for name, line in in_order:
        ran = last_line is None if line is None else last_line is None or line <= last_line
        if ran and name in _scope and not _is_hidden(name):
            found[name] = name not in _before
    for name, value in list(_scope.items()):
        if name in found or _is_hidden(name):
            continue
        if name not in _before:
            if not definitions.is_function(value):
                found[name] = True
        elif _before[name] is not value:
            found[name] = False
        elif name in mentioned and type(value) not in _CONSTANT and name in _digests:
            if _sent(value)[1] != _digests[name]:
                found[name] = False
    return found


def _settle(found):
    global _before
    for name in found:
        digest = _sent(_scope[name])[1]
        if digest is None:
            _digests.pop(name, None)
        else:
            _digests[name] = digest
    _before = dict(_scope)


def values(source, last_line):
    """Prints the values of the names as one `dict`."""
    found = _changes(source, last_line)
    shown = {}
    for name in found:
        value = _scope[name]
        shown[name] = value if _sent(value)[0] else text.safe_repr(value, REPR_CHARACTERS_MAX)
    try:
        told = str(shown)
    except Exception:
        told = str({name: text.safe_repr(value, REPR_CHARACTERS_MAX) for name, value in shown.items()})
    _settle(found)
    sys.stdout.write(told)


def _shown(value):
    """A short value as it is written, so that what a tool answered is seen; a failure always."""
    if type(value) is str and len(value) > SHOWN_CHARACTERS_MAX:
        if not value.startswith("Error"):
            return None
        return repr(value[:SHOWN_CHARACTERS_MAX] + "...")
    if type(value) is int and value.bit_length() > SHOWN_CHARACTERS_MAX:
        return None
    return repr(value)


def names(source, last_line):
    """Prints what became of the names as JSON."""
    found = _changes(source, last_line)
    gone = [name for name in _before if name not in _scope and not _is_hidden(name)]
    told = []
    shown = []
    for name, is_new in found.items():
        value = _scope[name]
        if type(value) in _SHOWN and len(shown) < SHOWN_VALUES_MAX:
            line = _shown(value)
            if line is not None:
                shown.append(text.scrubbed(f"{name} = {line}"))
        entry = {"name": text.scrubbed(name), "change": "new" if is_new else "changed"}
        entry["type"] = text.scrubbed(text.type_path(type(value)))
        if isinstance(value, (str, bytes, list, tuple, dict, set, frozenset)):
            entry["shape"] = str(len(value))
        told.append(entry)
    told.extend({"name": text.scrubbed(name), "change": "deleted"} for name in gone)
    _settle(found)
    sys.stdout.write(json.dumps({"names": told, "values": shown}))
