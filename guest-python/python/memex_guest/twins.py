"""The coroutine twin of a plain function: where the function would wait, its twin awaits.

    def worker():                       async def worker():
        while True:                         while True:
            item = tasks.get()                  await breathe()
            with lock:                          item = await call(tasks.get)
                done.append(item)               async with entered(lock):
                                                    await call(done.append, item)

A twin is made of a function of a turn, or of a file whose text is at hand; it shares
the function's globals, defaults and closure. Generators have async generators for twins,
which stand for them in `for` loops and as context managers (see `generators`). Lambdas
with company on their line and functions without text have none: they wait where they stand.

No coroutine can raise `StopIteration`: a twin returns a `Stopped` instead, and where it
is awaited that is raised again.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import ast as _ast
import builtins as _builtins
import linecache as _linecache
from functools import partial as _partial
from sys import exc_info as _exc_info
from types import CodeType as _Code, FunctionType as _Function, MethodType as _Method, ModuleType as _Module

from memex_guest import rewriting, sources, traces

# How threads wait for each other: methods and functions of these names may.
WAITING = frozenset(
    "acquire wait wait_for join get put sleep result exception shutdown run start map submit acquire_lock".split()
)
_TWINS_MAX = 500
_TEXT_MAX = 1_000_000
# Characters of the texts whose trees are kept.
_TREES_MAX = 600_000
GENERATOR = rewriting.GENERATOR
_ASYNC = rewriting.COROUTINE | rewriting.ASYNC_GENERATOR

# What waits in its own way: plain functions and the coroutine functions in their place.
steps = {}
# What is entered in its own way: types and functions that give the lock of one of them.
locks = {}
# Types of context managers, and functions that give another one in the place of each.
managers = {}
# Codes of functions and those of their twins; None where there can be none.
_codes = {}
# Functions that do not wait, as far as was seen since a thread last began: what the names
# in them mean can change.
_plain = set()
# Files and turns that functions were looked for in, the oldest first.
_trees = {}


class Stopped:
    """The `StopIteration` that a function raised."""

    __slots__ = ("error",)

    def __init__(self, error):
        self.error = error


def stopped():
    """The `Stopped` of the exception that is being handled."""
    return Stopped(_exc_info()[1])


def checked(value):
    """What a twin returned; raises the `StopIteration` that it met."""
    if type(value) is Stopped:
        raise value.error
    return value


async def call(function, /, *args, **kwargs):
    """Calls a function, awaiting where it would wait; the result is to be `checked`."""
    other = twin(function)
    if other is not None:
        return await other(*args, **kwargs)
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        return Stopped(error)


class entered:  # noqa: N801 - stands where a lock stood
    """`with` in a strand."""

    __slots__ = ("manager", "lock")

    def __init__(self, manager):
        replace = managers.get(type(manager))
        self.manager = manager if replace is None else replace(manager)
        find = locks.get(type(manager))
        self.lock = None if find is None else find(manager)

    async def __aenter__(self):
        lock = self.lock
        if lock is not None:
            return await steps[type(lock).acquire](lock)
        _special(self.manager, "__exit__")
        return checked(await call(_special(self.manager, "__enter__")))

    async def __aexit__(self, *error):
        if self.lock is not None:
            self.lock.release()
            return None
        return checked(await call(_special(self.manager, "__exit__"), *error))


def _special(value, name):
    """A method of a value's class, as `with` finds it."""
    kind = type(value)
    for base in kind.__mro__:
        if name in base.__dict__:
            found = base.__dict__[name]
            bind = getattr(type(found), "__get__", None)
            return found if bind is None else bind(found, value, kind)
    raise TypeError("'" + kind.__name__ + "' object does not support the context manager protocol")


def twin(function):
    """The coroutine function to call in the place of a function, or None."""
    kind = type(function)
    if kind is _Function:
        found = steps.get(function)
        return found if found is not None else _of_function(function, None)
    if kind is _Method:
        inner = function.__func__
        if type(inner) is not _Function:
            return None
        found = steps.get(inner)
        if found is None:
            found = _of_function(inner, type(function.__self__))
        return None if found is None else _partial(found, function.__self__)
    if kind is _partial:
        found = twin(function.func)
        return None if found is None else _partial(found, *function.args, **function.keywords)
    own = kind.__dict__.get("__call__") if hasattr(kind, "__dict__") else None
    return twin(_Method(own, function)) if type(own) is _Function else None


def generating(function):
    """The async generator function in the place of a generator function, or None."""
    if type(function) is _Method and type(function.__func__) is _Function:
        found = _of_function(function.__func__, type(function.__self__), GENERATOR)
        return None if found is None else _partial(found, function.__self__)
    return _of_function(function, None, GENERATOR) if type(function) is _Function else None


def look_again():
    """What did not wait may, since names mean something else by now."""
    _plain.clear()


def waits(function):
    """Whether a function that has no twin could wait, as far as its names tell."""
    kind = type(function)
    if kind is _Method:
        return waits(function.__func__)
    if kind is _partial:
        return waits(function.func)
    return kind is _Function and _names_waiting(function.__code__)


def is_library(function):
    """Whether a function stands in the library or in a package of the image."""
    inner = getattr(function, "__func__", function)
    return type(inner) is _Function and inner.__code__.co_filename.startswith(traces.LIBRARY)


def forget():
    """Drops what has been made of functions."""
    _codes.clear()
    _plain.clear()
    _trees.clear()


def _names_waiting(code):
    if not WAITING.isdisjoint(code.co_names):
        return True
    return any(type(one) is _Code and _names_waiting(one) for one in code.co_consts)


def _of_function(function, owner, kind=0):
    code = function.__code__
    if code.co_flags & (_ASYNC | GENERATOR) != kind or id(function.__globals__) in traces.own_scopes:
        return None
    key = (function, owner)
    if key in _plain:
        return None
    made = _made(function, code, owner)
    if made is None:
        if len(_plain) >= _TWINS_MAX:
            _plain.clear()
        _plain.add(key)
        return None
    cells = dict(zip(code.co_freevars, function.__closure__ or ()))
    try:
        closure = tuple(cells[name] for name in made.co_freevars)
    except KeyError:
        return None
    other = _Function(made, function.__globals__, function.__name__, function.__defaults__, closure)
    other.__kwdefaults__ = function.__kwdefaults__
    return other


def _made(function, code, owner):
    """The code of a function's twin, or None."""
    try:
        found = _found(code)
        if found is None:
            return None
        node, mangling = found
        if not _may_wait(node, function, owner, set(), True):
            return None
        if code not in _codes:
            if len(_codes) >= _TWINS_MAX:
                _codes.clear()
            _codes[code] = rewriting.compiled(node, mangling, code, lambda one: _generates(one, function, owner))
        return _codes[code]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _found(code):
    """The tree of a function and the class in whose body it stands."""
    name = code.co_filename
    text = sources.text_of(name)
    is_file = text is None
    if is_file:
        if name.startswith(traces.LIBRARY):
            return None
        text = "".join(_linecache.getlines(name))
    if not text or len(text) > _TEXT_MAX:
        return None
    kept = _trees.get(name)
    if kept is None or kept.text != text:
        kept = _trees[name] = _File(name, text, is_file)
        while len(_trees) > 1 and sum(len(one.text) for one in _trees.values()) > _TREES_MAX:
            del _trees[next(iter(_trees))]
    if kept.codes is not None and code not in kept.codes:
        # The file was changed since it was imported.
        return None
    found = kept.functions.get((code.co_name, code.co_firstlineno), ())
    return found[0] if len(found) == 1 else None


class _File:
    """The functions of a file or a turn, by name and first line: their trees, and the class of each."""

    __slots__ = ("text", "functions", "codes")

    def __init__(self, name, text, is_file):
        self.text = text
        self.functions = {}
        self.codes = set(_all_codes(compile(text, name, "exec", 0, True))) if is_file else None
        waiting = [(compile(text, name, "exec", _ast.PyCF_ONLY_AST, True), None)]
        while waiting:
            node, inside = waiting.pop()
            kind = type(node)
            if kind is _ast.Lambda:
                self.functions.setdefault(("<lambda>", node.lineno), []).append((node, inside))
            elif kind is _ast.FunctionDef:
                first = node.decorator_list[0] if node.decorator_list else node
                self.functions.setdefault((node.name, first.lineno), []).append((node, inside))
            below = node.name if kind is _ast.ClassDef else inside
            waiting.extend((one, below) for one in _ast.iter_child_nodes(node))


def _all_codes(code):
    yield code
    for one in code.co_consts:
        if type(one) is _Code:
            yield from _all_codes(one)


def _may_wait(node, function, owner, seen, is_outermost):
    """Whether a function can wait, itself or in functions of the user's that it calls."""
    first = node.args.args[0].arg if node.args.args else None
    for one in rewriting.own(node):
        kind = type(one)
        if kind is _ast.With or kind is _ast.While and is_outermost:
            return True
        if kind is not _ast.Call:
            continue
        target = one.func
        if type(target) is _ast.Attribute:
            if target.attr in WAITING and type(target.value) is not _ast.Constant:
                return True
            base = target.value
            if type(base) is _ast.Constant:
                continue
            if type(base) is not _ast.Name:
                return True
            if base.id == first and owner is not None:
                called = getattr(owner, target.attr, None)
            else:
                value = _value(function, base.id)
                if value is None:
                    return True
                called = getattr(value if type(value) is _Module else type(value), target.attr, None)
            if called is None:
                # An attribute of the object itself may hold anything.
                return True
        elif type(target) is _ast.Name:
            called = _value(function, target.id)
            if called is None and target.id not in _builtins.__dict__:
                # A parameter or a local variable may be anything.
                return True
        else:
            return True
        if type(called) is _Method:
            called = called.__func__
        if type(called) is not _Function or called in seen:
            continue
        if called in steps:
            return True
        seen.add(called)
        inner = None if called.__code__.co_flags & _ASYNC else _found(called.__code__)
        if inner is not None and _may_wait(inner[0], called, owner, seen, False):
            return True
    return False


def _value(function, name):
    """What a name means in a function, or None for what is not known before it runs."""
    code = function.__code__
    if name in code.co_freevars:
        try:
            return function.__closure__[code.co_freevars.index(name)].cell_contents
        except ValueError:
            return None
    if name in code.co_varnames or name in code.co_cellvars:
        return None
    return function.__globals__.get(name)


def _generates(call, function, owner):
    """Whether a call in a function gives a generator that can wait."""
    if type(call) is not _ast.Call:
        return False
    target = call.func
    called = None
    if type(target) is _ast.Name:
        called = _value(function, target.id)
    elif type(target) is _ast.Attribute and type(target.value) is _ast.Name:
        code = function.__code__
        if owner is not None and code.co_argcount and target.value.id == code.co_varnames[0]:
            called = getattr(owner, target.attr, None)
        else:
            value = _value(function, target.value.id)
            if value is not None:
                called = getattr(value if type(value) is _Module else type(value), target.attr, None)
    if type(called) is not _Function or called.__code__.co_flags & (_ASYNC | GENERATOR) != GENERATOR:
        return False
    inner = _found(called.__code__)
    return inner is not None and _may_wait(inner[0], called, owner, {called}, True)
