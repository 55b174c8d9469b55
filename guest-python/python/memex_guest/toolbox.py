"""The session's tools by name: bound when a block first mentions them, or found by `tools`."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import asyncio
import builtins as _builtins
import opcode as _opcode
from types import CodeType as _Code

from memex_guest import awaits, channel, definitions, records, streams, text

NAMES_MAX = 256
# Code that mentions one of these may name a tool in a text.
_WHOLE = frozenset(("eval", "exec", "globals", "locals", "vars"))
LIST_MAX = 1000
DEPTH_MAX = 50

# What `tools` itself has.
_OWN = frozenset(("search", "describe", "list"))
NO_TOOLS = "this session has no tools"

_common = _builtins.__dict__
# Instructions that read variables of a scope, and where the number of the name begins.
_LOADS = ((_opcode.opmap["LOAD_NAME"], 0), (_opcode.opmap["LOAD_GLOBAL"], 1))
_STORE_NAME = _opcode.opmap["STORE_NAME"]
_EXTENDED_ARG = _opcode.opmap["EXTENDED_ARG"]


def mentions_tools(code, scope, depth=0):
    """Whether a block can mean a tool: it has a name that nothing else has, or names `tools`.

    Blocks that do not are most turns; they pay for this look alone.
    """
    for name in code.co_names:
        if name not in scope and name not in _common or name == "tools" or name in _WHOLE:
            return True
    for constant in code.co_consts:
        if type(constant) is _Code and (depth > DEPTH_MAX or mentions_tools(constant, scope, depth + 1)):
            return True
    return False


def bind(code, scope):
    """Puts the tools that a block mentions, and that nothing else is called, into the scope."""
    wanted = []
    _collect(code, scope, {}, wanted, 0)
    if not _all_bound and _mentions_whole(code, 0):
        _bind_all(scope)
    wanted = [name for name in wanted if name not in scope]
    if not wanted:
        return
    put(scope, wanted)


def put(scope, names):
    """Puts those of the names that are tools or their classes into the scope."""
    _put(scope, _resolved(names[:NAMES_MAX]), names)


def _put(scope, found, wanted):
    """Puts functions into the scope, and the classes that stand beside them and are wanted."""
    for identifier, function in found.items():
        if identifier in wanted:
            scope.setdefault(identifier, function)
    for name in wanted:
        if name in scope:
            continue
        for function in found.values():
            kind = definitions.class_of(function.spec["name"], name)
            if kind is not None:
                scope[name] = kind
                break


_all_bound = False


def _bind_all(scope):
    """Puts the first tools of the session into the scope, for code that names them in a text."""
    global _all_bound
    # A session without tools is asked once as well.
    _all_bound = True
    try:
        names = [name for name in identifiers()[:NAMES_MAX] if name not in scope and name not in _common]
    except Exception as error:
        streams.note("the tools cannot be listed: " + text.summary(error, 300))
        return
    if names:
        found = _resolved(names)
        _put(scope, found, names)
        for function in found.values():
            for name, kind in definitions.classes_of(function.spec["name"]):
                scope.setdefault(name, kind)


def forget():
    """As if no block had run; for the end of warming up."""
    global _all_bound
    _all_bound = False


def _mentions_whole(code, depth):
    if not _WHOLE.isdisjoint(code.co_names):
        return True
    if depth <= DEPTH_MAX:
        for constant in code.co_consts:
            if type(constant) is _Code and _mentions_whole(constant, depth + 1):
                return True
    return False


def awaited(code, scope):
    """What the tools that a block mentions mean for `awaits`: a function of its tree, or None.

    Tools are known from here on, since `bind` has looked for the names of the block.
    """
    clients = definitions.clients
    if not clients and not mentions(code, "tools"):
        return None
    names = set()
    _all_names(code, names, 0)
    by_member = "tools" in names and scope.get("tools", tools) is tools
    held = {name for name in names if definitions.is_client(scope.get(name))}
    if not held and not by_member and "asyncio" not in names:
        return None

    def of(tree):
        members = sorted(awaits.mentioned(tree) - _OWN)[:NAMES_MAX] if by_member else ()
        members = {name for name in members if definitions.is_client(function(name))}
        shadowed = frozenset(name for name in names if name in scope)
        return (held, members, shadowed, scope.get("asyncio", asyncio) is asyncio) if clients else None

    return of


def mentions(code, name, depth=0):
    """Whether a block, or a function in it, has a name."""
    if name in code.co_names:
        return True
    if depth <= DEPTH_MAX:
        for constant in code.co_consts:
            if type(constant) is _Code and mentions(constant, name, depth + 1):
                return True
    return False


def _all_names(code, found, depth):
    found.update(code.co_names)
    if depth <= DEPTH_MAX:
        for constant in code.co_consts:
            if type(constant) is _Code:
                _all_names(constant, found, depth + 1)


def _collect(code, scope, above, wanted, depth):
    """Names that are read as variables and not set before; attributes share the table of names."""
    names = code.co_names
    ops = code.co_code
    kinds = ops[::2]
    stored = None
    for kind, shift in _LOADS:
        at = kinds.find(kind)
        while at >= 0:
            name = names[_number(ops, kinds, at) >> shift]
            if name not in scope and name not in _common and name not in above and name not in wanted:
                stored = _stores(names, ops, kinds) if stored is None else stored
                if stored.get(name, at) >= at and name[:2] != "__":
                    wanted.append(name)
            at = kinds.find(kind, at + 1)
    if depth > DEPTH_MAX:
        return
    for constant in code.co_consts:
        if type(constant) is _Code:
            if depth == 0:
                # A function runs after the block has set its names, for the most part.
                above = stored = _stores(names, ops, kinds) if stored is None else stored
            _collect(constant, scope, above, wanted, depth + 1)


def _stores(names, ops, kinds):
    """Where each name is set first."""
    found = {}
    at = kinds.find(_STORE_NAME)
    while at >= 0:
        found.setdefault(names[_number(ops, kinds, at)], at)
        at = kinds.find(_STORE_NAME, at + 1)
    return found


def _number(ops, kinds, at):
    """The argument of an instruction, with those that extend it."""
    number = ops[2 * at + 1]
    shift = 8
    while at and kinds[at - 1] == _EXTENDED_ARG and shift <= 24:
        at -= 1
        number |= ops[2 * at + 1] << shift
        shift += 8
    return number


def function(name):
    """The function of a tool by its identifier or its name, or None."""
    for identifier, made in _resolved([name]).items():
        if name in (identifier, made.spec["name"]):
            return made
    return None


def _class(name):
    """A class that a tool's stub shows, or None."""
    for made in _resolved([name]).values():
        return definitions.class_of(made.spec["name"], name)
    return None


def _resolved(names):
    """The functions of those names that are tools."""
    status, head, _parts = channel.ask(channel.TOOLBOX, {"ask": "resolve", "names": names})
    found = {}
    if status != 0 or type(head) is not dict:
        return found
    for tool in head.get("tools", ()):
        try:
            found[str(tool["identifier"])] = definitions.function_of(tool)
        except Exception as error:
            streams.note("the tool " + str(tool.get("name")) + " cannot be offered: " + text.summary(error, 300))
    return found


class ToolSummary(records.Record):
    """One tool among others: its name, identifier and summary, and its signature if asked for."""


class Listing(list):
    """Tools that were found; shows one on a line."""

    def __init__(self, tools, empty, total=None):
        list.__init__(self, tools)
        self.empty = empty
        self.total = len(self) if total is None else total

    def __repr__(self):
        if not self:
            return self.empty
        lines = [_line(tool) for tool in self]
        if self.total > len(self):
            lines.append("… " + str(len(self)) + " of " + str(self.total) + " tools; list(offset, limit) shows others")
        return "\n".join(lines)


class Stub(str):
    """The description of a tool; shows itself without quotes."""

    __slots__ = ()

    def __repr__(self):
        return str.__str__(self)


class Toolbox:
    """The tools of this session: `tools.list()`, `tools.search("…")`, `tools.describe("name")`.

    A tool is a function under its own name, and here as `tools.name` and `tools["name"]`.
    """

    __slots__ = ()

    def search(self, text, limit=10):
        """The tools that fit some words best."""
        found = _asked({"ask": "search", "text": str(text), "limit": int(limit)})
        if found is None:
            return Listing((), NO_TOOLS)
        return Listing(_summaries(found), "no tool fits; tools.list() names all")

    def describe(self, name):
        """The full description of a tool, with its parameters, its result and their types."""
        name = name.spec["name"] if definitions.is_function(name) else str(name)
        found = _asked({"ask": "describe", "name": name})
        if found is None:
            raise KeyError(NO_TOOLS)
        return Stub(found["stub"])

    def list(self, offset=0, limit=100):
        """The tools in the order of their names."""
        found = _asked({"ask": "list", "offset": int(offset), "limit": min(int(limit), LIST_MAX)})
        if found is None:
            return Listing((), NO_TOOLS)
        total = int(found.get("total", 0))
        return Listing(_summaries(found), NO_TOOLS if not total else "no more tools", total)

    def __getitem__(self, name):
        found = function(str(name))
        if found is None:
            # The host knows names that are close.
            self.describe(name)
            raise KeyError("there is no tool named " + repr(name))
        return found

    def __getattr__(self, name):
        found = None if name[:1] == "_" else function(name)
        if found is None and name[:1].isupper():
            found = _class(name)
        if found is None:
            raise AttributeError("there is no tool named " + repr(name) + "; tools.search(…) and tools.list() find tools")
        return found

    def __contains__(self, name):
        return function(str(name)) is not None

    def __iter__(self):
        return iter(identifiers())

    def __len__(self):
        found = _asked({"ask": "list", "offset": 0, "limit": 1})
        return 0 if found is None else int(found.get("total", 0))

    def __bool__(self):
        return len(self) > 0

    def __dir__(self):
        return sorted({"list", "search", "describe", *identifiers()})

    def __repr__(self):
        return repr(self.list(limit=30))

    def __reduce__(self):
        return _the_toolbox, ()


def identifiers():
    """The names of the session's tools in Python."""
    found = _asked({"ask": "list", "offset": 0, "limit": LIST_MAX})
    return [] if found is None else [str(tool["identifier"]) for tool in found["tools"]]


def class_of(tool, name):
    """A class of a tool's definition, which the host is asked for if need be; or None."""
    found = definitions.class_of(tool, name)
    if found is None and tool and function(tool) is not None:
        found = definitions.class_of(tool, name)
    return found


def install():
    """Makes `tools` a name that every block has."""
    _builtins.tools = tools
    records.find_class = class_of
    records.install()


def _asked(question):
    """The answer to a question about the toolbox, or None in a session without tools."""
    status, head, _parts = channel.ask(channel.TOOLBOX, question)
    if status == 0:
        return head
    if type(head) is dict and head.get("type") == "PermissionError":
        return None
    raise channel.failure(head)


def _summaries(found):
    return [records.build(ToolSummary, tool) for tool in found["tools"]]


def _line(tool):
    shown = str(tool.get("identifier") or tool.get("name")) + str(tool.get("signature") or "")
    summary = str(tool.get("summary") or "")
    return shown + "  # " + summary if summary else shown


def _the_toolbox():
    return tools


tools = Toolbox()
