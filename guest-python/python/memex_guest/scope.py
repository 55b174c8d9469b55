"""Questions of a prompt about the scope: completions, names, and whether a block goes on."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import ast
import codeop
import keyword
import types
import warnings
from json import JSONDecoder, JSONEncoder

from memex_guest import definitions, inventory, preview, tables, text, toolbox, turn

MATCHES_MAX = 1000
NAMES_MAX = 1000
PREVIEW_CHARACTERS = 120

_decode = JSONDecoder().decode
_encode = JSONEncoder(ensure_ascii=True).encode
_compile = codeop.CommandCompiler()
_compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_mro = type.__dict__["__mro__"].__get__
_class_dict = type.__dict__["__dict__"].__get__


def answer(payload):
    """Answers one JSON request with JSON bytes."""
    request = _decode(payload.decode("utf-8"))
    op = request.get("op")
    if op == "complete":
        reply = _completions(str(request.get("text", "")), request.get("cursor"))
    elif op == "names":
        reply = {"names": _names()}
    elif op == "describe":
        reply = {"lines": inventory.lines(turn.scope)}
    elif op == "incomplete":
        reply = {"state": _state(str(request.get("text", "")))}
    else:
        raise ValueError("unknown op: use complete, names, describe or incomplete")
    return _encode(reply).encode("ascii")


def failure(error):
    """The reply to a request that cannot be answered, as JSON bytes."""
    reply = {"error": {"type": text.type_name(type(error)), "message": text.safe_str(error, 1000)}}
    return _encode(reply).encode("ascii")


def _completions(source, cursor):
    """What may follow up to the cursor, counted in characters."""
    if type(cursor) is int and 0 <= cursor <= len(source):
        source = source[:cursor]
    start = len(source)
    while start and (source[start - 1].isalnum() or source[start - 1] in "_."):
        start -= 1
    *path, last = source[start:].split(".")
    if path:
        known = _attributes(path)
    else:
        known = [*turn.scope, *turn.scope["__builtins__"].__dict__, *keyword.kwlist, *_tools()]
    hidden = last.startswith("_")
    matches = sorted(
        {
            name
            for name in known
            if type(name) is str
            and len(name) <= text.NAME_MAX
            and name.startswith(last)
            and (hidden or not name.startswith("_"))
        }
    )
    return {"matches": [text.scrubbed(name) for name in matches[:MATCHES_MAX]], "start": len(source) - len(last)}


def _tools():
    try:
        return toolbox.identifiers()
    except Exception:
        return ()


def _attributes(path):
    """The attribute names at the end of a dotted path, or none if user code would have to run."""
    scope = turn.scope
    if path[0] in scope:
        value = scope[path[0]]
    elif path[0] == "tools":
        value = toolbox.tools
    elif path[0] in __builtins__:
        value = __builtins__[path[0]]
    else:
        return ()
    for name in path[1:]:
        found, value = _static(value, name)
        if not found:
            return ()
    try:
        return dir(value)
    except Exception:
        return ()


def _static(value, name):
    """An attribute as stored, without properties, descriptors or `__getattr__`."""
    own = _own_dict(value)
    if own is not None and name in own:
        return True, own[name]
    for base in _mro(value if isinstance(value, type) else type(value)):
        found = _class_dict(base).get(name)
        if found is None:
            continue
        if isinstance(found, types.MemberDescriptorType):
            try:
                return True, found.__get__(value)
            except AttributeError:
                return False, None
        return not isinstance(found, property), found
    return False, None


def _own_dict(value):
    if isinstance(value, type):
        return _class_dict(value)
    try:
        return object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None


def _names():
    found = []
    for name, value in list(turn.scope.items()):
        if type(name) is not str or name.startswith("_") or definitions.is_function(value):
            continue
        if len(found) == NAMES_MAX:
            break
        entry = {"name": text.scrubbed(text.cut(name, text.NAME_MAX)), "type": text.scrubbed(text.type_path(type(value)))}
        try:
            shape = tables.shape(value)
            if shape is not None:
                entry["shape"] = shape
            elif isinstance(value, (str, bytes, bytearray, list, tuple, dict, set, frozenset)):
                entry["len"] = len(value)
            entry["preview"] = text.scrubbed(_short(value))
        except Exception as error:
            entry["preview"] = "<preview failed: " + text.type_name(type(error)) + ">"
        found.append(entry)
    return found


def _short(value):
    if isinstance(value, types.ModuleType):
        return "module " + text.plain(value.__name__)
    if isinstance(value, types.FunctionType):
        return "function " + value.__qualname__
    if isinstance(value, type):
        return "class " + text.type_path(value)
    return preview.brief(value, PREVIEW_CHARACTERS)


def _state(source):
    """`incomplete` if more lines must follow, `invalid` if none can help, else `complete`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = _compile(source, "<prompt>", "exec")
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return "invalid"
    if code is None:
        return "incomplete"
    # A block at a prompt ends with an empty line, as in Python's own.
    last = source[source.rstrip("\n").rfind("\n") + 1 :]
    if last[:1] in (" ", "\t") and last.strip() and not source.endswith("\n"):
        return "incomplete"
    return "complete"
