"""The coroutine twin of a plain function: where the function would wait, its twin awaits.

    def worker():                       async def worker():
        while True:                         while True:
            item = tasks.get()                  await breathe()
            with lock:                          item = await call(tasks.get)
                done.append(item)               async with entered(lock):
                                                    await call(done.append, item)

A twin is made of a function of a turn, or of a file whose text is at hand; it shares
the function's globals, defaults and closure. Generators, lambdas with company on their
line, and functions without text have none: they wait where they stand.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import __future__
import ast as _ast
import builtins as _builtins
import copy as _copy
import linecache as _linecache
from functools import partial as _partial
from types import CodeType as _Code, FunctionType as _Function, MethodType as _Method, ModuleType as _Module

from memex_guest import sources, traces

# The names under which twins find the functions below among the builtins.
CALL = "__memex_call__"
TWIN = "__memex_twin_of__"
ENTERED = "__memex_entered__"
BREATHE = "__memex_breathe__"

# How threads wait for each other: methods and functions of these names may.
WAITING = frozenset(
    "acquire wait wait_for join get put sleep result exception shutdown run start map submit acquire_lock".split()
)
# Functions whose meaning depends on the frame that calls them.
_OF_THE_FRAME = frozenset(("super", "locals", "vars", "dir", "globals", "eval", "exec"))
_TWINS_MAX = 500
_TEXT_MAX = 1_000_000
_WRAPPER = "__memex_twin__"
# Variables of a twin: what is called, and its own twin.
_CALLED = "__memex_called__"
_TWIN = "__memex_found__"
_COROUTINE = 0x80
# Generators and coroutines of each kind.
_OTHER_KINDS = 0x20 | 0x80 | 0x200

_OWN_SCOPE = (_ast.FunctionDef, _ast.AsyncFunctionDef, _ast.ClassDef, _ast.Lambda, _ast.GeneratorExp)

# What waits in its own way: plain functions and the coroutine functions in their place.
steps = {}
# What is entered in its own way: types and functions that give the lock of one of them.
locks = {}
# Codes of functions and those of their twins; None where there can be none.
_codes = {}
# Functions that do not wait, as far as was seen since a thread last began: what the names
# in them mean can change.
_plain = set()
# Files: their texts, their trees, and the codes that they come to.
_trees = {}
_ANNOTATIONS = __future__.annotations.compiler_flag


async def call(function, /, *args, **kwargs):
    """Calls a function, awaiting where it would wait."""
    other = twin(function)
    if other is None:
        return function(*args, **kwargs)
    return await other(*args, **kwargs)


class entered:  # noqa: N801 - stands where a lock stood
    """`with` in a strand."""

    __slots__ = ("manager", "lock")

    def __init__(self, manager):
        self.manager = manager
        find = locks.get(type(manager))
        self.lock = None if find is None else find(manager)

    async def __aenter__(self):
        lock = self.lock
        if lock is not None:
            return await steps[type(lock).acquire](lock)
        _special(self.manager, "__exit__")
        return await call(_special(self.manager, "__enter__"))

    async def __aexit__(self, *error):
        if self.lock is not None:
            self.lock.release()
            return None
        return await call(_special(self.manager, "__exit__"), *error)


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


def _of_function(function, owner):
    code = function.__code__
    if code.co_flags & _OTHER_KINDS or id(function.__globals__) in traces.own_scopes:
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
            _codes[code] = _compiled(node, mangling, code)
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
    if kept is None or kept[0] != text:
        _trees.clear()
        tree = compile(text, name, "exec", _ast.PyCF_ONLY_AST, True)
        codes = set(_all_codes(compile(text, name, "exec", 0, True))) if is_file else None
        kept = _trees[name] = (text, tree, codes)
    if kept[2] is not None and code not in kept[2]:
        # The file was changed since it was imported.
        return None
    candidates = []
    waiting = [(kept[1], None)]
    while waiting:
        node, inside = waiting.pop()
        kind = type(node)
        if kind is _ast.Lambda:
            if code.co_name == "<lambda>" and node.lineno == code.co_firstlineno:
                candidates.append((node, inside))
        elif kind is _ast.FunctionDef and node.name == code.co_name:
            first = node.decorator_list[0] if node.decorator_list else node
            if first.lineno == code.co_firstlineno:
                candidates.append((node, inside))
        below = node.name if kind is _ast.ClassDef else inside
        waiting.extend((one, below) for one in _ast.iter_child_nodes(node))
    return candidates[0] if len(candidates) == 1 else None


def _all_codes(code):
    yield code
    for one in code.co_consts:
        if type(one) is _Code:
            yield from _all_codes(one)


def _own(node):
    """The nodes that run when the function runs, without functions and classes inside."""
    waiting = list(node.body) if type(node) is _ast.FunctionDef else [node.body]
    while waiting:
        one = waiting.pop()
        yield one
        if not isinstance(one, _OWN_SCOPE):
            waiting.extend(_ast.iter_child_nodes(one))


def _may_wait(node, function, owner, seen, is_outermost):
    """Whether a function can wait, itself or in functions of the user's that it calls."""
    first = node.args.args[0].arg if node.args.args else None
    for one in _own(node):
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
        inner = None if called.__code__.co_flags & _OTHER_KINDS else _found(called.__code__)
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


def _compiled(node, mangling, code):
    twin_node = _copy.deepcopy(node)
    body = twin_node.body
    if type(twin_node) is _ast.Lambda:
        body = [_ast.copy_location(_ast.Return(body), body)]
        place = twin_node.body
    else:
        place = twin_node
    stored = {one.id for one in _own(node) if type(one) is _ast.Name and type(one.ctx) is not _ast.Load}
    stored.update(_parameters(node.args))
    rewriter = _Rewriter(stored)
    body = [rewriter.visit(one) for one in body]
    arguments = twin_node.args
    arguments.defaults = [_ast.Constant(None) for _ in arguments.defaults]
    arguments.kw_defaults = [None if one is None else _ast.Constant(None) for one in arguments.kw_defaults]
    for one in _all_parameters(arguments):
        one.annotation = None
    inner = _ast.copy_location(_ast.AsyncFunctionDef(_WRAPPER, arguments, body, [], None, None), place)
    if hasattr(inner, "type_params"):
        inner.type_params = []
    # In a class of the same name, private names mean what they mean in the original.
    if mangling is not None:
        inner = _ast.ClassDef(mangling, [], [], [inner], [])
        if hasattr(inner, "type_params"):
            inner.type_params = []
    free = [_ast.arg(name) for name in code.co_freevars]
    outer = _ast.FunctionDef("outer", _ast.arguments([], free, None, [], [], None, []), [inner], [], None, None)
    if hasattr(outer, "type_params"):
        outer.type_params = []
    tree = _ast.fix_missing_locations(_ast.Module([outer], []))
    made = _inside(compile(tree, code.co_filename, "exec", code.co_flags & _ANNOTATIONS, True))
    if made is None or not made.co_flags & _COROUTINE or not set(made.co_freevars) <= set(code.co_freevars):
        return None
    return made.replace(co_name=code.co_name, co_qualname=code.co_qualname) if hasattr(code, "co_qualname") else made


def _inside(code):
    for one in code.co_consts:
        if type(one) is _Code:
            if one.co_name == _WRAPPER:
                return one
            found = _inside(one)
            if found is not None:
                return found
    return None


def _all_parameters(arguments):
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    found += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return found


def _parameters(arguments):
    return [one.arg for one in _all_parameters(arguments)]


class _Rewriter(_ast.NodeTransformer):
    """Awaits what may wait. `stored` are the function's own variables."""

    def __init__(self, stored):
        self.stored = stored
        # Where a variable cannot be bound.
        self.is_iterable = False

    def visit(self, node):
        return node if isinstance(node, _OWN_SCOPE) else super().visit(node)

    def visit_comprehension(self, node):  # noqa: N802 - the name that `ast` calls
        outer, self.is_iterable = self.is_iterable, True
        node.iter = self.visit(node.iter)
        self.is_iterable = outer
        node.target = self.visit(node.target)
        node.ifs = [self.visit(one) for one in node.ifs]
        return node

    def visit_Call(self, node):  # noqa: N802 - the name that `ast` calls
        self.generic_visit(node)
        target = node.func
        if type(target) is _ast.Name:
            if target.id in _OF_THE_FRAME or target.id not in self.stored and target.id in _builtins.__dict__:
                return node
        elif type(target) is _ast.Attribute and type(target.value) is _ast.Constant:
            return node
        if self.is_iterable or any(map(_has_call, (*node.args, *node.keywords))):
            # The arguments would stand twice below, and theirs four times.
            called = _ast.Call(_ast.Name(CALL, _ast.Load()), [target, *node.args], node.keywords)
            return _placed(_ast.Await(_placed(called, node)), node)
        # The function itself is called where it has no twin: code that looks at the frame
        # that calls it finds the user's. What is called is loaded before the arguments are.
        found = _bound(_TWIN, _ast.Call(_ast.Name(TWIN, _ast.Load()), [_bound(_CALLED, target)], []))
        has_twin = _ast.Compare(found, [_ast.IsNot()], [_ast.Constant(None)])
        awaited = _ast.Await(_ast.Call(_ast.Name(_TWIN, _ast.Load()), node.args, node.keywords))
        plain = _ast.Call(_ast.Name(_CALLED, _ast.Load()), _copy.deepcopy(node.args), _copy.deepcopy(node.keywords))
        return _all_placed(_ast.IfExp(has_twin, awaited, plain), node)

    def visit_With(self, node):  # noqa: N802
        self.generic_visit(node)
        for item in node.items:
            name = _ast.Name(ENTERED, _ast.Load())
            item.context_expr = _placed(_ast.Call(name, [item.context_expr], []), item.context_expr)
        return _placed(_ast.AsyncWith(node.items, node.body, None), node)

    def visit_While(self, node):  # noqa: N802
        self.generic_visit(node)
        breath = _ast.Call(_ast.Name(BREATHE, _ast.Load()), [], [])
        node.body.insert(0, _placed(_ast.Expr(_ast.Await(breath)), node.test))
        return node


def _has_call(node):
    return any(type(one) in (_ast.Call, _ast.Await) for one in _ast.walk(node))


def _bound(name, value):
    return _ast.NamedExpr(_ast.Name(name, _ast.Store()), value)


def _all_placed(node, place):
    """Gives the place to every node that has none yet."""
    for one in _ast.walk(node):
        if not hasattr(one, "lineno") and "lineno" in one._attributes:
            _ast.copy_location(one, place)
    return node


def _placed(node, place):
    _ast.copy_location(node, place)
    return _ast.fix_missing_locations(node)
