"""Functions of tools, made from the Python text that the host writes of their schemas.

The text is executed in a scope of its own, which stays alive with the function: its
frames are ours and never show in a traceback.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import __future__
import inspect
import linecache
import sys
from datetime import date, datetime, time
from decimal import Decimal
from types import FunctionType
from typing import Any, Literal
from uuid import UUID

from memex_guest import calls, columns, records, results, traces

MODULE = "tools"

_STRINGS = __future__.annotations.compiler_flag
# Since then annotations are evaluated when they are asked for.
_is_lazy = sys.version_info >= (3, 14)
_mark = getattr(inspect, "markcoroutinefunction", None)
_names = {
    "__name__": MODULE,
    # Another dictionary than ours: whoever has a function has its globals.
    "__builtins__": dict(__builtins__),
    "Record": records.Record,
    "field": records.field,
    "Enum": records.Enum,
    "Literal": Literal,
    "Any": Any,
    "date": date,
    "datetime": datetime,
    "time": time,
    "Decimal": Decimal,
    "UUID": UUID,
    "_call": calls.call,
}

# The scopes of the definitions that were made, by tool, with their texts.
_known = {}
# The functions of client tools, which the other side of the API runs.
clients = set()
# All of them: the identity of one that was freed could become that of a user's scope.
_scopes = []


class DataFrame:
    """Stands for `pandas.DataFrame` where there is no pandas."""


def function_of(tool):
    """The function of a tool as the host describes it: a name, an identifier and a text.

    The same description gives the same function again. Raises what the text raises.
    """
    name, identifier, source = str(tool["name"]), str(tool["identifier"]), str(tool["source"])
    known = _known.get(name)
    if known is not None and known[0] == source:
        function = known[1][identifier]
        _note_client(function, tool)
        return function
    filename = "<tool " + name + ">"
    scope = _executed(source, filename, 0 if _is_lazy else _STRINGS)
    function = scope[identifier]
    try:
        annotations = _annotations(function, scope)
    except Exception:
        if not _is_lazy:
            raise
        # One that cannot be evaluated must not take the others with it.
        scope = _executed(source, filename, _STRINGS)
        function = scope[identifier]
        annotations = _annotations(function, scope)
    calls.converters[function] = results.Types(scope).converter(annotations.get("return"))
    function.aio = _awaited(function, scope)
    function.stub = source.rpartition("    return _call(")[0] + "    ..."
    function.spec = {"name": name, "identifier": identifier, "description": function.__doc__ or "", "source": source}
    _note_client(function, tool)
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    _known[name] = source, scope
    return function


def is_client(value):
    """Whether a value is the function of a tool that the other side of the API runs."""
    return is_function(value) and value in clients


def _note_client(function, tool):
    if tool.get("client") is True:
        clients.add(function)
    else:
        clients.discard(function)


def is_function(value):
    """Whether a value is the function of a tool."""
    return type(value) is FunctionType and value in calls.converters


def class_of(tool, name):
    """A class that the definition of a tool has made, or None."""
    known = _known.get(tool)
    found = None if known is None else known[1].get(name)
    return found if isinstance(found, type) else None


def classes_of(tool):
    """The records and enums that the definition of a tool has made, by name."""
    known = _known.get(tool)
    kinds = (records.Record, records.Enum)
    found = () if known is None else known[1].items()
    return [(name, kind) for name, kind in found if isinstance(kind, type) and kind.__module__ == MODULE and issubclass(kind, kinds)]


def forget():
    """Drops all definitions, as if there had been none; for the end of warming up."""
    for name in _known:
        linecache.cache.pop("<tool " + name + ">", None)
    for scope in _scopes:
        traces.own_scopes.discard(id(scope))
        scope.clear()
    _scopes.clear()
    _known.clear()
    clients.clear()
    calls.forget()
    records.forget()


def _executed(source, filename, flags):
    scope = dict(_names)
    if "DataFrame" in source:
        scope["DataFrame"] = columns.frame_class() or DataFrame
    exec(compile(source, filename, "exec", flags, True), scope)
    _hide(scope)
    return scope


def _hide(scope):
    """Keeps the frames of a scope out of tracebacks."""
    _scopes.append(scope)
    traces.own_scopes.add(id(scope))


def _annotations(function, scope):
    """Those of the function; and gives the record classes beside it their fields."""
    annotations = function.__annotations__
    tool = function.__code__.co_filename[len("<tool ") : -1]
    for found in list(scope.values()):
        if isinstance(found, type) and found.__module__ == MODULE and issubclass(found, (records.Record, records.Enum)):
            records.adopt(found, tool)
            if issubclass(found, records.Record):
                records.declare(found, getattr(found, "__annotations__", {}))
    return annotations


def _awaited(function, scope):
    """The same function with the other way to call."""
    beside = dict(scope)
    beside["_call"] = scope.get("_await", calls.awaitable)
    made = FunctionType(function.__code__, beside, function.__name__, function.__defaults__)
    made.__kwdefaults__ = function.__kwdefaults__
    made.__annotations__ = function.__annotations__
    made.__doc__ = function.__doc__
    made.__qualname__ = function.__name__ + ".aio"
    made.__module__ = MODULE
    _hide(beside)
    return _mark(made) if _mark is not None else made
