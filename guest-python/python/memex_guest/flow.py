"""Which calls of client tools a block awaits itself, at once or by way of variables and collections."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import ast as _ast

from memex_guest.reaching import Reaching

# Functions of asyncio whose arguments are awaitables.
_TAKERS = frozenset(("gather", "create_task", "ensure_future", "wait_for", "wait", "as_completed", "shield", "run", "Task"))
# Those whose names are asyncio's own wherever they stand, and methods of loops and task groups.
_BARE_TAKERS = frozenset(("gather", "create_task", "ensure_future", "wait_for", "as_completed", "shield"))
_METHOD_TAKERS = frozenset(("create_task", "ensure_future", "run_until_complete"))
# Methods that put their argument into the collection they belong to.
_ADDERS = frozenset(("append", "add", "insert", "appendleft", "extend", "setdefault", "put_nowait"))
# Methods that give the members of their collection.
_MEMBERS = frozenset(("values", "items", "copy", "pop", "popleft", "get"))
# Builtins that take their argument to its end, so that a list serves them as a generator does.
CONSUMERS = frozenset(("list", "tuple", "set", "frozenset", "sorted", "sum", "min", "max", "dict"))
_PASSES_MAX = 8

_Call = _ast.Call
_Name = _ast.Name
_Await = _ast.Await
_Attribute = _ast.Attribute
_Subscript = _ast.Subscript
_Constant = _ast.Constant
_Starred = _ast.Starred
_Load = _ast.Load
_FUNCTIONS = (_ast.FunctionDef, _ast.AsyncFunctionDef)
_COMPREHENSIONS = (_ast.ListComp, _ast.SetComp, _ast.GeneratorExp)
_DISPLAYS = (_ast.List, _ast.Tuple, _ast.Set)
_fields = _ast.iter_child_nodes
_walk = _ast.walk


class Flow:
    """Finds the calls whose results the block awaits itself, at once or later.

        jobs = []
        for city in cities:
            jobs.append(weather(city))      kept: `jobs` goes into `gather`
        await asyncio.gather(*jobs)

    What an `await` reads may come from some assignments of the variable and not from
    others (see `reaching`): only those stay awaitables. A result that is read as no
    awaitable can be, by `x["id"]` or `x + 1`, is a value, whatever else reads it.
    Attributes are told apart by name, for the whole block.
    """

    def __init__(self, tree, calls):
        self.tree = tree
        self.calls = calls
        # The nodes (by identity) that stay awaitables: calls, and functions handed to `map`.
        self.kept = set()
        # Attributes and functions whose value, members or results are awaitables.
        self.names = set()
        self.reaching = Reaching(tree)
        # Assignments whose value or members are awaitables, and those of which one member is.
        self.bound = set()
        self.members = {}
        # Assignments, and names of attributes, whose value is read as no awaitable can be.
        self.values = set()
        for node in _walk(tree):
            for one in _operands(node):
                if type(one) is _Name:
                    self.values |= self.reaching.of(one)
                elif type(one) is _Attribute:
                    self.values.add("." + one.attr)

    def follow(self):
        """Repeats until nothing new is found."""
        for _ in range(_PASSES_MAX):
            before = self._found()
            for node in _walk(self.tree):
                self._look(node)
            if self._found() == before:
                return

    def _found(self):
        return len(self.kept), len(self.names), len(self.bound), sum(map(len, self.members.values()))

    def _look(self, node):
        kind = type(node)
        if kind is _Await:
            value = node.value
            if type(value) is not _Call or _last_name(value.func) not in _MEMBERS or self.calls.is_call(value):
                self._keep(value)
        elif kind is _Call:
            name = _last_name(node.func)
            if _takes(node.func) and not self.calls.is_tool(node.func):
                for argument in node.args:
                    self._keep(argument)
                for keyword in node.keywords:
                    self._keep(keyword.value)
            elif name in _ADDERS and type(node.func) is _Attribute and self._is_named(node.func.value):
                for argument in node.args:
                    self._keep(argument)
        elif kind is _ast.Assign:
            for target in node.targets:
                self._assign(target, node.value)
        elif kind in (_ast.AnnAssign, _ast.AugAssign, _ast.NamedExpr):
            if node.value is not None:
                self._assign(node.target, node.value)
        elif kind in (_ast.For, _ast.AsyncFor, _ast.comprehension):
            self._iterate(node.target, node.iter)
        elif kind in _FUNCTIONS and kind is not _ast.AsyncFunctionDef and node.name in self.names:
            for inner in _own(node):
                if type(inner) is _ast.Return and inner.value is not None:
                    self._keep(inner.value)

    def _assign(self, target, value):
        if type(target) in (_ast.Tuple, _ast.List) and type(value) in (_ast.Tuple, _ast.List):
            if len(target.elts) == len(value.elts) and _Starred not in map(type, target.elts):
                for one, own in zip(target.elts, value.elts):
                    self._assign(one, own)
                return
        if self.calls.is_call(value) and self._is_value(target):
            return
        if self._is_target(target):
            self._keep(value)
        elif type(target) is _Name:
            for key in self.members.get(id(target), ()):
                self._keep_member(value, key)

    def _is_value(self, target):
        if type(target) is _Attribute:
            return "." + target.attr in self.values
        return type(target) is _Name and id(target) in self.values

    def _keep_member(self, value, key):
        """Notes that one member of a collection will be awaited."""
        kind = type(value)
        if kind is _ast.Dict:
            for name, one in zip(value.keys, value.values):
                if type(name) is not _Constant or name.value == key:
                    self._keep(one)
        elif kind in (_ast.List, _ast.Tuple) and type(key) is int and _Starred not in map(type, value.elts):
            if -len(value.elts) <= key < len(value.elts):
                self._keep(value.elts[key])
        else:
            self._keep(value)

    def _iterate(self, target, iterable):
        """`for target in iterable`, where what the target names tells which part is awaited."""
        if not self._is_target(target):
            return
        if type(target) is _ast.Tuple and type(iterable) is _Call:
            name = _last_name(iterable.func)
            if name == "zip" and len(target.elts) == len(iterable.args):
                for one, own in zip(target.elts, iterable.args):
                    self._iterate(one, own)
                return
            if name in ("enumerate", "items") and len(target.elts) == 2:
                # The first is a number or a key.
                if not self._is_target(target.elts[1]):
                    return
                if name == "enumerate" and iterable.args:
                    self._iterate(target.elts[1], iterable.args[0])
                    return
        self._keep(iterable)

    def _is_target(self, target):
        if type(target) in (_ast.Tuple, _ast.List):
            return any(self._is_target(one) for one in target.elts)
        return self._is_named(target)

    def _is_named(self, node):
        """Whether an expression is a variable that holds awaitables, or a place in one."""
        key = ...
        while type(node) in (_Subscript, _Starred):
            key = _key(node)
            node = node.value
        if type(node) is _Attribute:
            return "." + node.attr in self.names
        if type(node) is not _Name:
            return False
        if type(node.ctx) is not _Load:
            return id(node) in self.bound
        found = self.reaching.of(node)
        # A key that is not known may be any.
        return not self.bound.isdisjoint(found) or any(
            key is ... or key in self.members[one] for one in found if one in self.members
        )

    def _keep(self, node):
        """Notes that the value of an expression, or its members, will be awaited."""
        kind = type(node)
        if kind is _Call:
            if self.calls.is_call(node):
                self.kept.add(id(node))
                return
            name = _last_name(node.func)
            if type(node.func) is _Name:
                if name == "map" and node.args and self.calls.is_tool(node.args[0]):
                    self.kept.add(id(node.args[0]))
                elif name == "filter":
                    for argument in node.args[1:]:
                        self._keep(argument)
                elif name in CONSUMERS or name in ("zip", "reversed"):
                    for argument in node.args:
                        self._keep(argument)
                elif name == "map":
                    # Its results are awaited, and what it is given is not.
                    self.names.update(one.id for one in node.args[:1] if type(one) is _Name)
                else:
                    self.names.add(node.func.id)
            elif name in _MEMBERS and type(node.func) is _Attribute:
                self._keep(node.func.value)
        elif kind is _Name:
            self.bound |= self.reaching.of(node)
        elif kind is _Subscript and type(node.value) is _Name and _key(node) is not ...:
            for one in self.reaching.of(node.value):
                self.members.setdefault(one, set()).add(_key(node))
        elif kind is _Attribute:
            self.names.add("." + node.attr)
        elif kind is _Starred or kind is _Subscript or kind is _ast.NamedExpr:
            self._keep(node.value)
        elif kind in _DISPLAYS:
            for one in node.elts:
                self._keep(one)
        elif kind is _ast.Dict:
            for one in node.values:
                self._keep(one)
        elif kind in _COMPREHENSIONS:
            self._keep(node.elt)
        elif kind is _ast.DictComp:
            self._keep(node.value)
        elif kind is _ast.IfExp:
            self._keep(node.body)
            self._keep(node.orelse)
        elif kind is _ast.BoolOp:
            for one in node.values:
                self._keep(one)
        elif kind is _ast.BinOp:
            self._keep(node.left)
            self._keep(node.right)
        elif kind is _ast.Lambda:
            self._keep(node.body)


def _operands(node):
    """The parts of an expression that are no awaitables, or it raises."""
    kind = type(node)
    if kind is _Subscript or kind is _Attribute:
        return (node.value,)
    if kind is _ast.BinOp:
        return node.left, node.right
    if kind is _ast.UnaryOp:
        return () if type(node.op) is _ast.Not else (node.operand,)
    if kind is _ast.Compare:
        is_identity = all(type(one) in (_ast.Is, _ast.IsNot) for one in node.ops)
        return () if is_identity else (node.left, *node.comparators)
    if kind is _Call:
        return (node.func,)
    return (node.target,) if kind is _ast.AugAssign else ()


def _key(node):
    """The key of a subscript, as far as the text says it."""
    if type(node) is not _Subscript:
        return ...
    inner = node.slice
    if type(inner) is _ast.UnaryOp and type(inner.op) is _ast.USub and type(inner.operand) is _Constant:
        return -inner.operand.value if type(inner.operand.value) is int else ...
    return inner.value if type(inner) is _Constant and type(inner.value) in (str, int) else ...


def _takes(function):
    """Whether a function of asyncio takes awaitables."""
    if type(function) is _Name:
        return function.id in _BARE_TAKERS
    if type(function) is not _Attribute:
        return False
    if type(function.value) is _Name and function.value.id in ("asyncio", "aio"):
        return function.attr in _TAKERS
    return function.attr in _METHOD_TAKERS


def _last_name(function):
    if type(function) is _Name:
        return function.id
    return function.attr if type(function) is _Attribute else None


def _own(function):
    """The nodes of a function without those of functions in it."""
    waiting = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if type(node) not in _FUNCTIONS and type(node) is not _ast.Lambda and type(node) is not _ast.ClassDef:
            waiting.extend(_fields(node))
