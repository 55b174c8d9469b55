"""Which assignments a variable's value may come from, where it is read.

    x = f(1)          the first `x` is what line 2 reads,
    y = x["id"]
    x = slow(y)       the second what line 4 reads
    await x

Statements are followed in their order; where ways part, both are followed and joined.
What is read in a function and bound outside of it may come from any assignment there.
An assignment is known by the identity of the node that it binds.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import ast as _ast

_Name = _ast.Name
_Load = _ast.Load
_Del = _ast.Del
_FUNCTIONS = (_ast.FunctionDef, _ast.AsyncFunctionDef)
_COMPREHENSIONS = (_ast.ListComp, _ast.SetComp, _ast.GeneratorExp, _ast.DictComp)
_LOOPS = (_ast.For, _ast.AsyncFor, _ast.While)
_TRIES = (_ast.Try, *([_ast.TryStar] if hasattr(_ast, "TryStar") else []))
_children = _ast.iter_child_nodes
_NOTHING = frozenset()


class Reaching:
    """The assignments that reach each variable of a tree: `of(node)`."""

    def __init__(self, tree):
        self._reached = {}
        # What is read, with its scope, since functions may bind names of the scopes around them.
        self._read = []
        self._waiting = []
        module = _Scope(None, None)
        self._statements(tree.body, module, {})
        while self._waiting:
            self._function(*self._waiting.pop())
        for node, scope, name in self._read:
            if name in scope.escaped:
                self._reached[node] |= scope.escaped[name]

    def of(self, node):
        """The assignments that a variable may have its value from."""
        return self._reached.get(id(node), _NOTHING)

    def _function(self, node, parent):
        arguments = node.args
        bound = {argument.arg: {id(argument)} for argument in _ast.walk(arguments) if type(argument) is _ast.arg}
        body = [node.body] if type(node) is _ast.Lambda else node.body
        outer = {name for one in _own(body) if type(one) in (_ast.Global, _ast.Nonlocal) for name in one.names}
        local = {name for name, _bound in _bindings(body)} - outer | bound.keys()
        scope = _Scope(parent, local)
        for name, found in bound.items():
            scope.all.setdefault(name, set()).update(found)
        if type(node) is _ast.Lambda:
            self._visit(node.body, scope, bound)
        else:
            self._statements(body, scope, bound)

    def _statements(self, body, scope, state):
        for node in body:
            self._statement(node, scope, state)

    def _statement(self, node, scope, state):
        kind = type(node)
        if kind is _ast.If:
            self._visit(node.test, scope, state)
            self._ways((node.body, node.orelse), scope, state)
        elif kind in _LOOPS:
            self._loop(node, scope, state)
        elif kind in _TRIES:
            self._try(node, scope, state)
        elif kind is _ast.Match:
            self._visit(node.subject, scope, state)
            self._ways([[case] for case in node.cases] + [[]], scope, state)
        elif kind in _FUNCTIONS:
            for one in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
                self._visit(one, scope, state)
            self._bind(node.name, node, scope, state)
            self._waiting.append((node, scope.outer))
        elif kind is _ast.ClassDef:
            for one in (*node.decorator_list, *node.bases, *[keyword.value for keyword in node.keywords]):
                self._visit(one, scope, state)
            inner = _Scope(scope, {name for name, _bound in _bindings(node.body)})
            # Functions in a class do not see its names.
            inner.outer = scope.outer
            self._statements(node.body, inner, dict(state))
            self._bind(node.name, node, scope, state)
        elif kind is _ast.Assign:
            self._visit(node.value, scope, state)
            for target in node.targets:
                self._visit(target, scope, state)
        elif kind is _ast.AnnAssign:
            if node.value is not None:
                self._visit(node.value, scope, state)
                self._visit(node.target, scope, state)
        elif kind is _ast.AugAssign:
            self._visit(node.value, scope, state)
            if type(node.target) is _Name:
                # It reads the name too, and what it was stays part of it.
                before = state.get(node.target.id, _NOTHING)
                self._read_name(node.target, scope, state)
                self._bind(node.target.id, node.target, scope, state)
                state[node.target.id] = state.get(node.target.id, _NOTHING) | before
            else:
                self._visit(node.target, scope, state)
        elif kind is _ast.Import or kind is _ast.ImportFrom:
            for alias in node.names:
                self._bind((alias.asname or alias.name).partition(".")[0], alias, scope, state)
        else:
            self._visit_all(node, scope, state)

    def _ways(self, bodies, scope, state):
        """Statements of which one list is run."""
        before = dict(state)
        ends = []
        for body in bodies:
            one = dict(before)
            self._statements(body, scope, one)
            ends.append(one)
        for name in {name for body in bodies for name, _bound in _bindings(body)}:
            state[name] = _NOTHING.union(*[one.get(name, _NOTHING) for one in ends])

    def _loop(self, node, scope, state):
        body = [*node.body, *([node.test] if type(node) is _ast.While else [])]
        if type(node) is not _ast.While:
            self._visit(node.iter, scope, state)
        self._join(_bindings(body), state)
        one = dict(state)
        self._visit(node.test if type(node) is _ast.While else node.target, scope, one)
        self._statements(node.body, scope, one)
        self._join([(name, bound) for name, found in one.items() for bound in found - state.get(name, _NOTHING)], state)
        self._statements(node.orelse, scope, state)

    def _try(self, node, scope, state):
        # It may end anywhere in its body.
        before = dict(state)
        self._join(_bindings(node.body), before)
        self._statements([*node.body, *node.orelse], scope, state)
        for handler in node.handlers:
            one = dict(before)
            if handler.type is not None:
                self._visit(handler.type, scope, one)
            if handler.name is not None:
                self._bind(handler.name, handler, scope, one)
            self._statements(handler.body, scope, one)
            self._join([(name, bound) for name, found in one.items() for bound in found], state)
        self._statements(node.finalbody, scope, state)

    def _join(self, bindings, state):
        for name, bound in bindings:
            state[name] = state.get(name, _NOTHING) | {bound}

    def _visit_all(self, node, scope, state):
        for one in _children(node):
            self._visit(one, scope, state)

    def _visit(self, node, scope, state):
        kind = type(node)
        if kind is _Name:
            if type(node.ctx) is _Load:
                self._read_name(node, scope, state)
            elif type(node.ctx) is _Del:
                state[node.id] = _NOTHING
            else:
                self._bind(node.id, node, scope, state)
        elif kind is _ast.NamedExpr:
            self._visit(node.value, scope, state)
            self._visit(node.target, scope, state)
        elif kind in _COMPREHENSIONS:
            self._comprehension(node, scope, state)
        elif kind is _ast.Lambda:
            for one in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                self._visit(one, scope, state)
            self._waiting.append((node, scope.outer))
        elif kind is _ast.BoolOp or kind is _ast.IfExp:
            self._perhaps(node, scope, state)
        elif isinstance(node, _ast.stmt):
            self._statement(node, scope, state)
        else:
            name = _captured(node)
            self._visit_all(node, scope, state)
            if name is not None:
                self._bind(name, node, scope, state)

    def _perhaps(self, node, scope, state):
        """Operands that may be left out: what they bind replaces nothing."""
        if not any(type(one) is _ast.NamedExpr for one in _ast.walk(node)):
            self._visit_all(node, scope, state)
            return
        before = dict(state)
        self._visit_all(node, scope, state)
        for name, found in before.items():
            state[name] = state.get(name, _NOTHING) | found

    def _comprehension(self, node, scope, state):
        hidden = {}
        for generator in node.generators:
            self._visit(generator.iter, scope, state)
            for name, _bound in _bindings([generator.target]):
                hidden.setdefault(name, state.get(name))
                state.setdefault(name, _NOTHING)
            self._visit(generator.target, scope, state)
            for one in generator.ifs:
                self._visit(one, scope, state)
        for name in ("elt", "key", "value"):
            if getattr(node, name, None) is not None:
                self._visit(getattr(node, name), scope, state)
        for name, found in hidden.items():
            if found is None:
                del state[name]
            else:
                state[name] = found

    def _read_name(self, node, scope, state):
        name = node.id
        if name in state or scope.names is None or name in scope.names:
            found = state.get(name, _NOTHING)
        else:
            scope = scope.holder_of(name)
            found = _NOTHING if scope is None else scope.all.get(name, _NOTHING)
        self._reached[id(node)] = self._reached.get(id(node), _NOTHING) | found
        if scope is not None:
            self._read.append((id(node), scope, name))

    def _bind(self, name, node, scope, state):
        if scope.names is None or name in scope.names:
            state[name] = frozenset((id(node),))
            scope.all.setdefault(name, set()).add(id(node))
            return
        if name in state:
            # A target of a comprehension.
            state[name] = frozenset((id(node),))
            return
        holder = scope.holder_of(name)
        if holder is None:
            state[name] = frozenset((id(node),))
        else:
            holder.escaped.setdefault(name, set()).add(id(node))
            holder.all.setdefault(name, set()).add(id(node))


class _Scope:
    """The block (without `names`, which may all be its own), a function or a class."""

    __slots__ = ("all", "escaped", "names", "outer", "parent")

    def __init__(self, parent, names):
        self.parent = parent
        self.names = names
        # What functions in it find names in.
        self.outer = self
        # All assignments by name, and those in functions that declare the name of this scope.
        self.all = {}
        self.escaped = {}

    def holder_of(self, name):
        """The scope around this one that has a name."""
        scope = self.parent
        while scope is not None and scope.names is not None and name not in scope.names:
            scope = scope.parent
        return scope


def _captured(node):
    kind = type(node)
    if kind is _ast.MatchAs or kind is _ast.MatchStar:
        return node.name
    return node.rest if kind is _ast.MatchMapping else None


def _own(nodes):
    """Nodes without those of functions, classes and comprehensions in them."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        kind = type(node)
        if kind in _COMPREHENSIONS:
            # What `:=` binds in there belongs to the scope around it.
            waiting.extend(one for one in _ast.walk(node) if type(one) is _ast.NamedExpr)
        elif kind not in _FUNCTIONS and kind is not _ast.Lambda and kind is not _ast.ClassDef:
            waiting.extend(_children(node))


def _bindings(nodes):
    """The names that nodes bind in their own scope, each with the node that is bound."""
    found = []
    for node in _own(nodes):
        kind = type(node)
        if kind is _Name and type(node.ctx) is not _Load:
            found.append((node.id, id(node)))
        elif kind in _FUNCTIONS or kind is _ast.ClassDef:
            found.append((node.name, id(node)))
        elif kind is _ast.alias:
            found.append(((node.asname or node.name).partition(".")[0], id(node)))
        elif kind is _ast.ExceptHandler and node.name is not None:
            found.append((node.name, id(node)))
        elif _captured(node) is not None:
            found.append((_captured(node), id(node)))
    return found
