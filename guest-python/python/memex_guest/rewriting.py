"""The text of a twin: a function's tree, with what may wait awaited (see `twins`)."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import __future__
import ast as _ast
import builtins as _builtins
import copy as _copy
from types import CodeType as _Code

# The names under which twins find the functions below among the builtins.
CALL = "__memex_call__"
TWIN = "__memex_twin_of__"
ENTERED = "__memex_entered__"
BREATHE = "__memex_breathe__"
EACH = "__memex_each__"
CHECKED = "__memex_checked__"
STOP = "__memex_stop__"
STOPPED = "__memex_stopped__"

_WRAPPER = "__memex_twin__"
# Variables of a twin: what is called, its own twin, and a value that is handed on.
_CALLED = "__memex_called__"
_TWIN = "__memex_found__"
_ITEM = "__memex_item__"
# Functions whose meaning depends on the frame that calls them.
_OF_THE_FRAME = frozenset(("super", "locals", "vars", "dir", "globals", "eval", "exec"))
# Flags of code.
GENERATOR = 0x20
COROUTINE = 0x80
ASYNC_GENERATOR = 0x200
_ANNOTATIONS = __future__.annotations.compiler_flag

OWN_SCOPE = (_ast.FunctionDef, _ast.AsyncFunctionDef, _ast.ClassDef, _ast.Lambda, _ast.GeneratorExp)


def own(node):
    """The nodes that run when the function runs, without functions and classes inside."""
    waiting = list(node.body) if type(node) is _ast.FunctionDef else [node.body]
    while waiting:
        one = waiting.pop()
        yield one
        if not isinstance(one, OWN_SCOPE):
            waiting.extend(_ast.iter_child_nodes(one))


def compiled(node, mangling, code, generates):
    """The code of a twin of the function that a tree and a code are of, or None.

    `generates` says of a call in it whether that gives a generator which waits.
    """
    kind = ASYNC_GENERATOR if code.co_flags & GENERATOR else COROUTINE
    if kind == ASYNC_GENERATOR and any(type(one) is _ast.Return and one.value is not None for one in own(node)):
        return None
    twin_node = _copy.deepcopy(node)
    body = twin_node.body
    if type(twin_node) is _ast.Lambda:
        body = [_ast.copy_location(_ast.Return(body), body)]
        place = twin_node.body
    else:
        place = twin_node
    stored = {one.id for one in own(node) if type(one) is _ast.Name and type(one.ctx) is not _ast.Load}
    stored.update(_parameters(node.args))
    rewriter = _Rewriter(stored, generates)
    body = [rewriter.visit(one) for one in body]
    if kind == COROUTINE:
        handler = _ast.ExceptHandler(_ast.Name(STOP, _ast.Load()), None, [])
        handler.body.append(_ast.Return(_ast.Call(_ast.Name(STOPPED, _ast.Load()), [], [])))
        body = [_all_placed(_ast.Try(body, [handler], [], []), place)]
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
    if made is None or not made.co_flags & kind or not set(made.co_freevars) <= set(code.co_freevars):
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
    """Awaits what may wait. `stored` are the function's own variables, and `generates` says
    of a call whether it gives a generator that waits.
    """

    def __init__(self, stored, generates):
        self.stored = stored
        self.generates = generates
        # Where a variable cannot be bound.
        self.is_iterable = False

    def visit(self, node):
        return node if isinstance(node, OWN_SCOPE) else super().visit(node)

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
            return _all_placed(_checking(_ast.Await(called)), node)
        # The function itself is called where it has no twin: code that looks at the frame
        # that calls it finds the user's. What is called is loaded before the arguments are.
        found = _bound(_TWIN, _ast.Call(_ast.Name(TWIN, _ast.Load()), [_bound(_CALLED, target)], []))
        has_twin = _ast.Compare(found, [_ast.IsNot()], [_ast.Constant(None)])
        awaited = _ast.Await(_ast.Call(_ast.Name(_TWIN, _ast.Load()), node.args, node.keywords))
        awaited = _checking(awaited)
        plain = _ast.Call(_ast.Name(_CALLED, _ast.Load()), _copy.deepcopy(node.args), _copy.deepcopy(node.keywords))
        return _all_placed(_ast.IfExp(has_twin, awaited, plain), node)

    def visit_With(self, node):  # noqa: N802
        self.generic_visit(node)
        for item in node.items:
            name = _ast.Name(ENTERED, _ast.Load())
            item.context_expr = _placed(_ast.Call(name, [item.context_expr], []), item.context_expr)
        return _placed(_ast.AsyncWith(node.items, node.body, None), node)

    def visit_For(self, node):  # noqa: N802
        if not self.generates(node.iter):
            return self.generic_visit(node)
        each = self._each(node.iter)
        self.generic_visit(node)
        return _all_placed(_ast.AsyncFor(node.target, each, node.body, node.orelse, None), node)

    def visit_Expr(self, node):  # noqa: N802
        if type(node.value) is not _ast.YieldFrom:
            return self.generic_visit(node)
        # Async generators have no `yield from`; one whose result is not used is a loop.
        source = node.value.value
        is_waiting = self.generates(source)
        source = self._each(source) if is_waiting else self.visit(source)
        item = _ast.Name(_ITEM, _ast.Store())
        body = [_ast.Expr(_ast.Yield(_ast.Name(_ITEM, _ast.Load())))]
        loop = _ast.AsyncFor if is_waiting else _ast.For
        return _all_placed(loop(item, source, body, [], None), node)

    def _each(self, call):
        arguments = [self.visit(one) for one in call.args]
        keywords = [self.visit(one) for one in call.keywords]
        function = self.visit(call.func)
        return _all_placed(_ast.Call(_ast.Name(EACH, _ast.Load()), [function, *arguments], keywords), call)

    def visit_While(self, node):  # noqa: N802
        self.generic_visit(node)
        breath = _ast.Call(_ast.Name(BREATHE, _ast.Load()), [], [])
        node.body.insert(0, _placed(_ast.Expr(_ast.Await(breath)), node.test))
        return node


def _checking(node):
    return _ast.Call(_ast.Name(CHECKED, _ast.Load()), [node], [])


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
