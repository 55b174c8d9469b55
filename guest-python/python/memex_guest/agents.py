"""The guest's side of an agent: handing in an answer, spawning agents, sharing values.

    submit(…) ──► host checks and keeps ──► Submitted ends the block
    spawn_agent(…) ──► the host forks this session ──► a handle, at once
    shared[key] ◄──► a board that the host keeps
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys
from io import BytesIO as _BytesIO, StringIO as _StringIO
from json import JSONDecoder
from time import monotonic as _monotonic
from types import FunctionType as _Function, ModuleType as _Module

from memex_guest import (
    answers,
    calls,
    channel,
    columns,
    definitions,
    fitting,
    forks,
    inventory,
    preview,
    recorded,
    records,
    schemas,
    text,
    toolbox,
    turn,
    values,
)

AGENT = answers.AGENT
# One wait of the host; longer ones are several.
WAIT_MS = 10_000
TEXT_MAX = answers.TEXT_MAX
_OWN = frozenset(("submit", "spawn_agent", "map_agents", "llm"))
# The modules that models are told of, by the names that they write.
_MODULES = (
    ("asyncio", "asyncio"),
    ("datetime", "datetime"),
    ("json", "json"),
    ("np", "numpy"),
    ("pd", "pandas"),
    ("re", "re"),
)

_decode = JSONDecoder().decode

# Bindings for the next fork: it begins with a copy of them.
_handover = {}


class AgentError(RuntimeError):
    """A spawned agent did not come to a result."""

    __module__ = "tools"


def _spawn(_tool, given, _function):
    given = {name: value for name, value in given.items() if value is not ... and value is not None}
    return _start(given, {})


def _map(_tool, given, _function):
    given = {name: value for name, value in given.items() if value is not ... and value is not None}
    items = list(given.pop("items"))
    if not items:
        return []
    task = given.pop("task")
    budget = dict(given.pop("budget", None) or {})
    budget.setdefault("part_of", len(items))
    handles = []
    try:
        for item in items:
            shown = item if isinstance(item, str) else text.safe_repr(item, TEXT_MAX)
            told = dict(given, task=task.replace("{item}", shown[:TEXT_MAX]), budget=budget)
            handles.append(_start(told, {"item": item}))
    except BaseException:
        for handle in handles:
            handle.cancel()
        raise
    return [_settled(handle) for handle in handles]


def _ask(tool, given, function):
    given, wanted = _asked_for(given)
    value = calls.call(tool, given, function)
    return value if wanted is None else _typed(wanted, value)


def _ask_aio(tool, given, function):
    given, wanted = _asked_for(given)
    asked = calls.awaitable(tool, given, function)
    return asked if wanted is None else _later(asked, wanted)


def _asked_for(given):
    """The arguments of a question for the host, and the type that the answer is to have."""
    wanted = given.get("output")
    if wanted is None or wanted is ...:
        return given, None
    return dict(given, output=schemas.schema_of(wanted)), wanted


async def _later(asked, wanted):
    return _typed(wanted, await asked)


def _typed(wanted, answer):
    value = _decode(answer)
    return _recorded(fitting.fitted(wanted, value, value))


def _recorded(value):
    return records.Record(value) if type(value) is dict else value


def _settled(handle):
    try:
        return handle.result()
    except (AgentError, ValueError) as error:
        return error


def _start(given, bindings):
    wanted = given.pop("output", None)
    head = {"task": str(given.pop("task"))}
    wrapped = False
    checked = False
    if wanted is not None:
        schema = head["output"] = schemas.schema_of(wanted)
        checked = not schemas.admits_anything(schema)
        wrapped = not (schema.get("type") == "object" and isinstance(schema.get("properties"), dict))
    share = given.pop("share", None)
    if share is not None:
        share = [share] if isinstance(share, str) else list(share)
        missing = [name for name in share if name not in turn.scope]
        if missing:
            raise NameError("share: there is no name " + ", ".join(map(repr, missing)))
        head["share"] = share
    tools = given.pop("tools", None)
    if tools is not None:
        head["tools"] = [tool.spec["name"] if definitions.is_function(tool) else str(tool) for tool in tools]
    head.update(given)
    _handover.clear()
    _handover.update(bindings)
    try:
        answer, _parts = forks.ask(head)
    finally:
        _handover.clear()
    return AgentHandle(answer["agent"], head["task"], wanted, wrapped, checked)


def begin_run(taken=()):
    """Makes the scope of an agent: modules that its code needs, and values shown as to a reader.

    `taken` are names that tools have: a module under one of them would hide the tool.
    """
    scope = turn.scope
    for name, module in _MODULES:
        if name in taken:
            continue
        # numpy and pandas where the image has them: importing them takes as long as many turns.
        found = sys.modules.get(module) if name in ("np", "pd") else __import__(module)
        if found is not None:
            scope.setdefault(name, found)
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        for option, value in (("width", 250), ("max_columns", 40), ("max_colwidth", 200)):
            pandas.set_option("display." + option, value)
    preview.for_readers = True


def begin_child(share):
    """Makes the scope of a fork that of a spawned agent: with these names, or all."""
    names = _decode(share)
    scope = turn.scope
    for name, value in list(scope.items()):
        is_own = definitions.is_function(value) and value.spec["name"] in _OWN
        is_kept = value is shared or isinstance(value, _Module)
        is_left_out = names is not None and name not in names and name[:2] != "__" and not is_kept
        if is_own or is_left_out:
            del scope[name]
    # Functions of the parent's call them, which no block of the child may mention.
    called = _called_by_functions(scope)
    if called:
        toolbox.put(scope, called)
    scope.update(_handover)
    inventory.handed = frozenset((*(names or ()), *_handover))
    _handover.clear()


def _called_by_functions(scope):
    """Those of the harness's own functions that functions and methods of the scope mention."""
    called = set()
    for value in list(scope.values()):
        members = vars(value).values() if isinstance(value, type) else (value,)
        for member in members:
            if isinstance(member, _Function):
                called.update(name for name in _OWN if toolbox.mentions(member.__code__, name))
    return sorted(called)


def _waiting(agent, wait_ms, cancel):
    # The host knows this function as a tool; results come as they are.
    calls.converters.setdefault(_waiting, None)
    return {"agent": agent, "wait_ms": wait_ms, "cancel": cancel}


class AgentHandle:
    """A spawned agent: `await handle`, `handle.result()`, `handle.done()`, `handle.cancel()`."""

    __module__ = "tools"

    def __init__(self, agent, task, wanted, wrapped, checked):
        self.id = agent
        self.task = task
        self._wanted = wanted
        self._wrapped = wrapped
        self._checked = checked
        self._ended = None
        self._value = ()

    def __repr__(self):
        state = "running" if self._ended is None else self._ended["state"]
        return "<agent " + self.id + ", " + state + ": " + repr(self.task[:80]) + ">"

    def _look(self, wait_ms, cancel=False):
        if self._ended is None:
            found = calls.call("agent_wait", _waiting(self.id, wait_ms, cancel), _waiting)
            if found["state"] != "running":
                self._ended = found
        return self._ended

    def done(self):
        """Whether it has ended, well or not."""
        return self._look(0) is not None

    def cancel(self):
        """Stops it; asking for its result raises then."""
        self._look(0, True)

    def progress(self):
        """One word: `running`, or how it ended."""
        ended = self._look(0)
        return "running" if ended is None else ended["state"]

    def result(self, timeout=None):
        """What it submitted or answered; waits for it, for so many seconds at most.

        Raises `AgentError` if it came to nothing, and `TimeoutError`.
        """
        until = None if timeout is None else _monotonic() + timeout
        while True:
            left = WAIT_MS if until is None else max(0, min(WAIT_MS, int((until - _monotonic()) * 1000)))
            if self._look(left) is not None:
                return self._taken()
            if until is not None and _monotonic() >= until:
                raise TimeoutError("the agent " + self.id + " still runs")

    def __await__(self):
        return self._awaited().__await__()

    async def _awaited(self):
        while self._ended is None:
            found = await calls.awaitable("agent_wait", _waiting(self.id, WAIT_MS, False), _waiting)
            if found["state"] != "running":
                self._ended = found
        return self._taken()

    def _taken(self):
        ended = self._ended
        if ended["state"] not in ("submitted", "answered"):
            raise AgentError("the agent " + self.id + " came to no result: " + ended["detail"])
        if not self._value:
            self._value = (self._made(ended),)
            # The object takes the place of its packed form.
            ended.pop("objects", None)
        return self._value[0]

    def _made(self, ended):
        value = _decode(ended["value"])
        if self._wanted is None:
            return value
        given = value
        objects = ended.get("objects")
        if objects is not None:
            fields = values.unpacked(objects)
            if type(fields) is not dict:
                raise ValueError("what was handed over is not taken: it is no answer")
            # An agent could hand in one thing, which the host checks, and hand over another.
            if not self._checked or answers.is_of_call(fields, ended.get("call")):
                given = fields.get("value") if self._wrapped else fields
        is_record = type(value) is dict and not self._wrapped
        value = fitting.fitted(self._wanted, value, given)
        return _recorded(value) if is_record else value


class Shared:
    """Values that an agent and those it spawned all see: `shared["key"]`, as in a dictionary.

    `shared.update("key", function, default)` changes a value by itself, whoever else
    changes it at the same time.
    """

    __module__ = "tools"

    def __getitem__(self, key):
        return self._got(key)[0]

    def __setitem__(self, key, value):
        _asked({"do": "set", "key": str(key), "version": None}, [_for_board(key, value)])

    def __delitem__(self, key):
        _asked({"do": "delete", "key": str(key)})

    def __contains__(self, key):
        return str(key) in self.keys()

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.keys())

    def __repr__(self):
        return "<shared board: " + ", ".join(self.keys()) + ">"

    def keys(self):
        """The keys, in order."""
        return _asked({"do": "keys"})[0]["keys"]

    def get(self, key, default=None):
        """The value of a key, or the default."""
        try:
            return self[key]
        except KeyError:
            return default

    def update(self, key, function, default=None):
        """Sets a key to `function(value)` and returns that."""
        while True:
            try:
                value, version = self._got(key)
            except KeyError:
                value, version = default, 0
            value = function(value)
            head = {"do": "set", "key": str(key), "version": version}
            if _asked(head, [_for_board(key, value)])[0]["set"]:
                return value

    def _got(self, key):
        head, parts = _asked({"do": "get", "key": str(key)})
        return values.unpacked(parts[0]), head["version"]


def _for_board(key, value):
    return values.packed(value, "shared[" + text.safe_repr(str(key), 80) + "]")


shared = Shared()


def _asked(head, parts=()):
    return channel.call(AGENT, head, parts)


def load(name, kind):
    """The object of an input, of one of the kinds that the host names."""
    data = None
    size = 0
    while data is None or size < len(data):
        head, parts = _asked({"do": "input", "name": name, "offset": size})
        if data is None:
            data = bytearray(head["total"])
        piece = parts[0]
        data[size : size + len(piece)] = piece
        size += len(piece)
        if not piece:
            break
    return _loaded(data, kind)


def _loaded(data, kind):
    if kind == "table":
        _op, head, parts = channel.parse_views(data)
        return columns.decoded(head["$table"], parts)
    if kind == "csv" or kind == "tsv":
        import pandas

        return pandas.read_csv(_BytesIO(data), sep="," if kind == "csv" else "\t")
    found = data.decode("utf-8", "replace")
    if kind == "json":
        return _decode(found)
    if kind == "jsonl":
        return [_decode(line) for line in _StringIO(found) if line.strip()]
    if kind == "trajectories":
        return [_trajectory(one) for one in _decode(found)]
    return found


class Trajectory(records.Record):
    """The record of a run: `steps`, `status`, `answer`, `submission`, `totals`, `children`."""


class Step(records.Record):
    """One step: `kind`, `text`, `code`, `tool_calls`, `results`, `observation`, `usage`."""


class ToolCall(records.Record):
    """A call that a model made: `id`, `name`, `arguments`."""


class ToolResult(records.Record):
    """What a call returned: `call_id`, `name`, `content`, `value`, `is_error`."""


class Observation(records.Record):
    """What a block gave: `stdout`, `value`, `error`, `limits`, `names`."""


def _trajectory(found):
    found["steps"] = [_step(step) for step in found["steps"]]
    for child in found["children"]:
        if child["trajectory"] is not None:
            child["trajectory"] = _trajectory(child["trajectory"])
    for key in ("agent", "totals"):
        found[key] = records.Record(found[key])
    return Trajectory(found)


def _step(found):
    found["tool_calls"] = [ToolCall(call) for call in found["tool_calls"]]
    found["results"] = [ToolResult(result) for result in found["results"]]
    if found["observation"] is not None:
        found["observation"] = Observation(found["observation"])
    return Step(found)


recorded.own_records.update({kind.__name__: kind for kind in (Trajectory, Step, ToolCall, ToolResult, Observation)})
definitions._names.update(
    {"_submit": answers.submit, "_spawn": _spawn, "_map": _map, "_ask": _ask, "_ask_aio": _ask_aio}
)
