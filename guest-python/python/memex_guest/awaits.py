"""Plain calls of client tools as awaits, where the code around them can await.

A client tool is run by the other side of the API, which may take hours. A plain call
holds its frame on the stack, and a session with frames on the stack can be neither
saved nor moved. So a block that mentions client tools is compiled from a changed tree:

    temperature = weather("Paris")["temp"]      ->  (await weather.aio("Paris"))["temp"]
    jobs = [weather(city) for city in cities]   ->  [weather.aio(city) for city in cities]
    rows = await asyncio.gather(*jobs)              (`jobs` is awaited later)
    asyncio.run(main())                         ->  await main()

Code can await at the top level of a block and in `async def`, comprehensions there
included. It cannot in `def`, `lambda`, class bodies, and generators: calls there stay
as they are, and hold their frames.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import ast as _ast

from memex_guest.flow import CONSUMERS, Flow

_Call = _ast.Call
_Name = _ast.Name
_Await = _ast.Await
_Attribute = _ast.Attribute
_Subscript = _ast.Subscript
_Constant = _ast.Constant
_Load = _ast.Load
_FUNCTIONS = (_ast.FunctionDef, _ast.AsyncFunctionDef)
_COMPREHENSIONS = (_ast.ListComp, _ast.SetComp, _ast.GeneratorExp)
# Since 3.12; evaluated when it is asked for.
_TypeAlias = getattr(_ast, "TypeAlias", None)
_walk = _ast.walk


def mentioned(tree):
    """The names of tools that `tools.name` and `tools["name"]` mention."""
    found = {_member(node) for node in _walk(tree)}
    found.discard(None)
    return found


def rewrite(tree, names, members, shadowed, has_asyncio):
    """Makes plain calls of client tools awaits.

    `names` are the variables that hold client tools, `members` the names under which
    `tools` has them, `shadowed` builtins that the scope has replaced, and `has_asyncio`
    whether `asyncio` is the module where the scope has that name. Says whether there
    was anything to change.

    Raises `RecursionError` for trees that are nested too deeply.
    """
    stored = _stored(tree)
    calls = _Calls(names - stored, members if "tools" not in stored else frozenset())
    imported = _imported(tree, "asyncio")
    has_asyncio = (has_asyncio or bool(imported)) and "asyncio" not in stored - imported
    if not any(calls.is_tool(node) or has_asyncio and _is_run(node) for node in _walk(tree)):
        return False
    flow = Flow(tree, calls)
    flow.follow()
    rewriter = _Rewriter(calls, flow.kept, CONSUMERS - stored - shadowed, has_asyncio)
    for statement in tree.body:
        rewriter.visit(statement, True)
    _ast.fix_missing_locations(tree)
    return True


def _member(node):
    """The name of the tool that `tools.name` or `tools["name"]` is, or None."""
    if type(node) is _Attribute:
        base, name = node.value, node.attr
    elif type(node) is _Subscript and type(node.slice) is _Constant:
        base, name = node.value, node.slice.value
    else:
        return None
    if type(base) is _Name and base.id == "tools" and type(name) is str:
        return name
    return None


def _stored(tree):
    """Every name that the block binds anywhere: such a name may hold something else when it is called."""
    found = set()
    for node in _walk(tree):
        kind = type(node)
        if kind is _Name and type(node.ctx) is not _Load:
            found.add(node.id)
        elif kind in _FUNCTIONS or kind is _ast.ClassDef:
            found.add(node.name)
        elif kind is _ast.arg:
            found.add(node.arg)
        elif kind is _ast.alias:
            found.add((node.asname or node.name).partition(".")[0])
        elif kind is _ast.ExceptHandler or kind is _ast.MatchAs or kind is _ast.MatchStar:
            found.add(node.name)
        elif kind is _ast.MatchMapping:
            found.add(node.rest)
    return found


def _imported(tree, module):
    """The name of the module, if all that binds it is `import` of the module itself."""
    bound = set()
    for node in _walk(tree):
        if type(node) is _ast.Import:
            for alias in node.names:
                if alias.name == module and alias.asname in (None, module):
                    bound.add(module)
        elif type(node) is _Name and node.id == module and type(node.ctx) is not _Load:
            return set()
    return bound


class _Calls:
    """Which expressions are client tools, and calls of them."""

    def __init__(self, names, members):
        self.names = names
        self.members = members

    def is_tool(self, node):
        """Whether an expression is the function of a client tool."""
        if type(node) is _Name:
            return node.id in self.names
        name = _member(node)
        return name is not None and name in self.members

    def is_call(self, node):
        """Whether an expression is a plain call of a client tool."""
        return type(node) is _Call and self.is_tool(node.func)

    def has_call(self, node):
        """Whether there is a plain call of a client tool in an expression."""
        return any(self.is_call(inner) for inner in _walk(node))


def _is_run(node):
    """Whether an expression is `asyncio.run(coroutine())`."""
    if type(node) is not _Call or len(node.args) != 1 or node.keywords or type(node.args[0]) is not _Call:
        return False
    function = node.func
    return (
        type(function) is _Attribute
        and function.attr == "run"
        and type(function.value) is _Name
        and function.value.id == "asyncio"
    )


class _Rewriter:
    """Changes the tree in place. `can` says whether the code at hand can await."""

    def __init__(self, calls, kept, consumers, has_asyncio):
        self.calls = calls
        self.kept = kept
        self.consumers = consumers
        self.has_asyncio = has_asyncio

    def visit(self, node, can):
        """The expression or statement to put in the place of a node."""
        kind = type(node)
        if kind is _Call:
            return self._call(node, can)
        if kind is _Await:
            node.value = self.visit(node.value, can)
            return node
        if id(node) in self.kept:
            # A function that `map` calls.
            return _aio(node)
        if kind in _FUNCTIONS:
            return self._function(node, can)
        if kind is _ast.ClassDef:
            return self._class(node, can)
        if kind is _ast.Lambda:
            self.visit(node.args, can)
            node.body = self.visit(node.body, False)
            return node
        if kind in _COMPREHENSIONS or kind is _ast.DictComp:
            return self._comprehension(node, can and kind is not _ast.GeneratorExp, can)
        if kind is _TypeAlias:
            return node
        return self._children(node, can)

    def _children(self, node, can):
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                value[:] = [self.visit(one, can) if isinstance(one, _ast.AST) else one for one in value]
            elif isinstance(value, _ast.AST) and name not in ("annotation", "ctx"):
                setattr(node, name, self.visit(value, can))
        return node

    def _call(self, node, can):
        if can and self.has_asyncio and _is_run(node):
            inner = self.visit(node.args[0], can)
            return _at(_Await(inner), node)
        if can and self._consumes(node.func):
            node.args[:] = [self._as_list(one) for one in node.args]
        is_call = self.calls.is_call(node)
        is_kept = id(node) in self.kept
        self._children(node, can)
        if not is_call or not (can or is_kept):
            return node
        node.func = _aio(node.func)
        return node if is_kept else _at(_Await(node), node)

    def _consumes(self, function):
        """Whether a function takes an iterable to its end before it returns."""
        if type(function) is _Name:
            return function.id in self.consumers
        return type(function) is _Attribute and function.attr == "join"

    def _as_list(self, node):
        """A generator that calls client tools, as the list that it would become."""
        if type(node) is not _ast.GeneratorExp:
            return node
        first = node.generators[0]
        inner = [node.elt, *first.ifs, *node.generators[1:]]
        if not any(self.calls.has_call(one) for one in inner):
            return node
        return _at(_ast.ListComp(node.elt, node.generators), node)

    def _comprehension(self, node, inner, can):
        first = True
        for generator in node.generators:
            # The first iterable is evaluated outside.
            generator.iter = self.visit(generator.iter, can if first else inner)
            generator.target = self.visit(generator.target, inner)
            generator.ifs[:] = [self.visit(one, inner) for one in generator.ifs]
            first = False
        for name in ("elt", "key", "value"):
            value = getattr(node, name, None)
            if value is not None:
                setattr(node, name, self.visit(value, inner))
        return node

    def _function(self, node, can):
        node.decorator_list[:] = [self.visit(one, can) for one in node.decorator_list]
        self.visit(node.args, can)
        inner = type(node) is _ast.AsyncFunctionDef
        node.body[:] = [self.visit(one, inner) for one in node.body]
        return node

    def _class(self, node, can):
        node.decorator_list[:] = [self.visit(one, can) for one in node.decorator_list]
        # The bases of a generic class are evaluated in a scope of their own.
        outer = can and not getattr(node, "type_params", ())
        node.bases[:] = [self.visit(one, outer) for one in node.bases]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value, outer)
        node.body[:] = [self.visit(one, False) for one in node.body]
        return node


def _aio(function):
    return _at(_Attribute(function, "aio", _Load()), function)


def _at(node, place):
    return _ast.copy_location(node, place)
