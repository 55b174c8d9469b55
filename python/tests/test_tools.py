"""Tools that are functions of this program."""

import dataclasses
import datetime
import enum
import functools
import logging
import pickle
import threading
import time
from typing import Annotated, Any, Literal, Optional

import numpy as np
import pandas as pd
import pydantic
import pytest
from typing_extensions import TypedDict  # before 3.12 pydantic reads no other

import memex
from memex import _memex


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


class Hit(pydantic.BaseModel):
    title: str
    score: float = 0.5


@dataclasses.dataclass
class Span:
    start: int
    end: int


class Options(TypedDict):
    depth: int


class OwnError(Exception):
    pass


def made(function, **options):
    """A session with one tool."""
    return memex.Sandbox(tools=[memex.tool(function, **options) if options else function]).session()


def echo_int(x: int) -> int:
    return x


def echo_hit(x: Hit) -> Hit:
    assert isinstance(x, Hit)
    return x


def echo_hits(x: list[Hit]) -> list[Hit]:
    assert all(isinstance(one, Hit) for one in x)
    return x


def echo_span(x: Span) -> Span:
    assert isinstance(x, Span)
    return x


def echo_options(x: Options) -> Options:
    return x


def echo_level(x: Level) -> Level:
    assert isinstance(x, Level)
    return x


def echo_literal(x: Literal["a", "b"]) -> str:
    return x


def echo_optional(x: Optional[int] = None) -> Optional[int]:
    return x


def echo_date(x: datetime.date) -> datetime.date:
    assert type(x) is datetime.date
    return x


def echo_datetime(x: datetime.datetime) -> datetime.datetime:
    assert type(x) is datetime.datetime
    return x


def echo_bytes(x: bytes) -> bytes:
    assert type(x) is bytes
    return x


def echo_frame(x: pd.DataFrame) -> pd.DataFrame:
    assert isinstance(x, pd.DataFrame)
    return x


def echo_array(x: np.ndarray) -> np.ndarray:
    assert isinstance(x, np.ndarray)
    return x


def echo_any(x: Any):
    return x


CASES = [
    (echo_int, "echo_int(3)", 3),
    (echo_hit, "h = echo_hit({'title': 'a'})\nh.title, h.score, dict(h)", ("a", 0.5, {"title": "a", "score": 0.5})),
    (echo_hits, "[h.title for h in echo_hits([{'title': 'a'}, {'title': 'b', 'score': 1}])]", ["a", "b"]),
    (echo_span, "s = echo_span({'start': 1, 'end': 2})\ns.end", 2),
    (echo_options, "echo_options({'depth': 2})['depth']", 2),
    (echo_level, "echo_level('low')", "low"),
    (echo_literal, "echo_literal('a')", "a"),
    (echo_optional, "echo_optional(), echo_optional(None), echo_optional(1)", (None, None, 1)),
    (echo_date, "import datetime\necho_date(datetime.date(2024, 1, 2))", datetime.date(2024, 1, 2)),
    (echo_datetime, "import datetime\necho_datetime(datetime.datetime(2024, 1, 2, 3))", datetime.datetime(2024, 1, 2, 3)),
    (echo_bytes, "echo_bytes(b'\\0\\xff' * 1000)", b"\0\xff" * 1000),
    (echo_frame, "import pandas as pd\necho_frame(pd.DataFrame({'a': [1, 2], 'b': ['x', None]})).a.sum()", 3),
    (echo_array, "import numpy as np\necho_array(np.array([1.5, 2]))", [1.5, 2.0]),
    (echo_any, "echo_any({'a': [1, None, 'é']})", {"a": [1, None, "é"]}),
]


@pytest.mark.parametrize("function, code, expected", CASES, ids=lambda case: getattr(case, "__name__", None))
def test_annotations_are_the_contract_in_and_out(function, code, expected):
    with made(function) as session:
        result = session.run(code).raise_for_error()
        assert result.value_error is None
        assert result.value == expected


def search(query: str, limit: Annotated[int, pydantic.Field(ge=1)] = 10) -> list[str]:
    """Finds documents.

    Args:
        query: What to look for.
        limit: How many to return at most.

    Returns:
        The titles.
    """
    return [query] * limit


def test_the_docstring_and_the_annotations_make_the_stub():
    stub = memex.Sandbox(tools=[search]).stubs()["search"]
    assert "def search(query: str, limit: int = 10) -> list[str]" in stub
    for text in ("Finds documents", "What to look for", "How many to return", "The titles"):
        assert text in stub


NUMPY = "Adds.\n\nParameters\n----------\na : int\n    The first.\n"
SPHINX = "Adds.\n\n:param a: The first.\n"


@pytest.mark.parametrize("text", [NUMPY, SPHINX], ids=["numpy", "sphinx"])
def test_other_styles_of_docstrings(text):
    def add(a: int) -> int:
        return a

    add.__doc__ = text
    assert memex.tool(add).parameters["properties"]["a"]["description"] == "The first."


class Counter:
    def __init__(self):
        self.n = 0

    def bump(self, by: int = 1) -> int:
        """Counts."""
        self.n += by
        return self.n

    def __call__(self, by: int) -> int:
        return self.bump(by)

    @staticmethod
    def fixed(x: int) -> int:
        return x


def test_methods_partials_closures_and_objects_are_functions():
    counter, base = Counter(), 10

    def closure(x: int) -> int:
        return base + x

    def positional(a: int, /, copy: int = 2, *, _x: int = 3) -> int:
        return a + copy + _x

    tools = [
        counter.bump, closure, positional, Counter.fixed,
        memex.tool(functools.partial(search, limit=2), name="two"),
        memex.tool(counter, name="count"), memex.tool(lambda: 5, name="five"),
    ]
    with memex.Sandbox(tools=tools) as box, box.session() as session:
        code = "bump(), bump(by=2), closure(1), positional(1), positional(1, copy=1, _x=1), fixed(4), two('a'), count(1), five()"
        assert session.run(code).raise_for_error().value == (1, 3, 11, 6, 3, 4, ["a", "a"], 4, 5)
    assert counter.n == 4


def fail(kind: str) -> int:
    """Fails."""
    raise {"key": KeyError("k"), "own": OwnError("secret detail"), "zero": ZeroDivisionError("z"), "file": FileNotFoundError("f")}[kind]


@pytest.mark.parametrize(
    "kind, name, message", [("key", "KeyError", "'k'"), ("own", "RuntimeError", "OwnError: secret detail"), ("zero", "ZeroDivisionError", "z"), ("file", "FileNotFoundError", "f")]
)
def test_exceptions_cross_by_name_and_message(kind, name, message, caplog):
    with caplog.at_level(logging.INFO, "memex.tools"), made(fail) as session:
        error = session.run(f"fail({kind!r})").error
        assert (error.name, error.message) == (name, message)
        # The program's own frames stay here.
        assert "test_tools.py" not in error.traceback
        assert session.run("1").value == 1
    assert "test_tools.py" in caplog.text


def lie() -> int:
    """Promises an int."""
    return "no number"


def leak():
    return object()


def cycle():
    items: list = []
    items.append(items)
    return items


def huge():
    return 2**70


def nan() -> float:
    return float("nan")


def surrogate() -> str:
    return "\ud800"


@pytest.mark.parametrize("function", [lie, leak, cycle, huge, nan, surrogate])
def test_results_that_cannot_be_are_errors_in_the_sandbox(function):
    with made(function) as session:
        error = session.run(f"{function.__name__}()").error
        assert error is not None and error.name in ("TypeError", "ValueError", "OverflowError"), error
        assert session.run("1").value == 1


def test_wrong_arguments_name_the_parameter():
    with made(search) as session:
        for code, word in (("search(1, 2, 3)", ""), ("search(5)", "query"), ("search('a', limit='x')", "limit"), ("search('a', limit=0)", "limit"), ("search()", "query")):
            error = session.run(code).error
            assert error is not None and word in error.message, error


def test_what_no_tool_can_be_made_of_is_refused_with_a_remedy():
    def bare(x):
        return x

    def many(*args: int):
        return args

    def unresolved(x: "NoSuchType"):  # noqa: F821
        return x

    def odd(x: Counter):
        return x

    for given, word in (
        (bare, "annotation"), (many, "list"), (unresolved, "NoSuchType"), (lambda x: x, "name"), (3, "function"),
        (odd, "`x`"),
    ):
        with pytest.raises(memex.ToolError, match=word):
            memex.Sandbox(tools=[given]).session()
    with pytest.raises(memex.ToolError, match="twice|two tools"):
        memex.Sandbox(tools=[search, search]).session()
    with pytest.raises(memex.ToolError):
        memex.Sandbox(tools="search")
    with pytest.raises(memex.PolicyError, match="tools"):
        memex.Sandbox(tools=[search], policy="deny-all").session()
    with pytest.raises(memex.ToolError, match="called"):
        memex.tool(search, name="no name")


def test_a_tool_that_uses_its_own_session_is_told_that_it_is_busy():
    def again() -> str:
        try:
            return session.run("1").text
        except memex.SessionBusy as error:
            return str(error)

    with memex.Sandbox(tools=[again]) as box, box.session() as session:
        assert "one turn at a time" in session.run("again()").value


def test_a_tool_that_closes_its_own_session_does_not_wait_for_ever(monkeypatch):
    from memex import _session

    monkeypatch.setattr(_session.BaseSession._close, "__defaults__", (0.1,))

    def end() -> str:
        try:
            session.close()
        except memex.SessionBusy as error:
            return str(error)
        return "closed"

    with memex.Sandbox(tools=[end]) as box, box.session() as session:
        error = session.run("end()").error
        # The turn is ended, and the session lives.
        assert error is None or error.name
        assert session.run("1").value == 1


def test_a_tool_can_run_another_session(box):
    def other(code: str) -> str:
        return box.run(code).text

    with made(other) as session:
        assert session.run("other('6 * 7') + other('1 + 1')").value == "422"


def test_tools_run_in_the_thread_that_runs_the_turn():
    threads = []

    def where() -> None:
        threads.append(threading.get_ident())

    with made(where) as session:
        session.run("where()").raise_for_error()
        session.run("await where.aio()").raise_for_error()
    assert set(threads) == {threading.get_ident()}


def test_tools_on_threads_of_their_own():
    """As in versions of Python that measure their depth by addresses of the thread's stack."""
    threads = []

    def where() -> int:
        threads.append(threading.get_ident())
        return 1

    _memex.run_apart(True)
    try:
        with made(where) as session:
            assert session.run("where() + await where.aio()").value == 2
            assert session.run("1 + where()").value == 2
            assert [event.text for event in session.stream("print('a')") if isinstance(event, memex.Stdout)] == ["a\n"]
    finally:
        _memex.run_apart(False)
    assert len(threads) == 3 and threading.get_ident() not in threads


def test_a_turn_that_is_over_cancels_async_tools():
    import asyncio

    ended = threading.Event()

    async def hang() -> int:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()
        return 1

    with memex.Sandbox(tools=[hang], limits=memex.Limits(tool_time="200ms")) as box, box.session() as session:
        assert session.run("hang()").error.name == "TimeoutError"
        assert ended.wait(5)


def test_a_function_that_hangs_ends_its_call_and_not_the_session():
    import contextvars

    who = contextvars.ContextVar("who", default="nobody")
    release = threading.Event()

    @memex.tool(timeout=0.2)
    def hang() -> int:
        release.wait(30)
        return 1

    @memex.tool(timeout=30)
    def quick(n: int) -> str:
        if n < 0:
            raise ValueError("no")
        return f"{who.get()} {n}"

    with memex.Sandbox(tools=[hang, quick], limits=memex.Limits(time="60s", wall_time="60s")) as box, box.session() as session:
        began = time.perf_counter()
        error = session.run("kept = 1\nhang()").error
        assert (error.name, time.perf_counter() - began < 5) == ("TimeoutError", True)
        assert session.run("kept").value == 1
        # The control: one that returns in time, in the context of the caller.
        who.set("me")
        assert session.run("quick(1)").value == "me 1"
        assert session.run("quick(-1)").error.message == "no"
        # Those that go on are bounded.
        code = "found = set()\nfor _ in range(32):\n    try: await hang.aio()\n    except Exception as error: found.add((type(error).__name__, str(error)))\nfound"
        assert len(session.run(code).value) == 2
        assert "have not returned yet" in session.run("hang()").error.message
        release.set()
        while "have not returned yet" in str(session.run("hang()").error):
            time.sleep(0.01)
        assert session.run("hang()").value == 1


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 1e12, "5", True])
def test_a_timeout_that_is_none_is_refused(timeout):
    with pytest.raises(memex.ToolError, match="the timeout is a number of seconds"):
        memex.tool(echo_int, timeout=timeout)


def test_policies_can_deny_a_tool():
    policy = memex.Policy(tools={"deny": ["search"]})
    with memex.Sandbox(tools=[search, echo_int], policy=policy) as box, box.session() as session:
        assert session.run("echo_int(1)").value == 1
        assert session.run("search('a')").error.name == "NameError"


class _LangChainLike:
    name, description = "lookup", "Looks up."

    class tool_call_schema(pydantic.BaseModel):
        key: str

    def get_input_schema(self):
        return self.tool_call_schema

    def invoke(self, arguments):
        return arguments["key"].upper()


class _SmolagentsLike:
    name, description, output_type = "shout", "Shouts.", "string"
    inputs = {"text": {"type": "string", "description": "What."}, "times": {"type": "integer", "description": "How often.", "nullable": True}}

    def forward(self, text, times=1):
        return text.upper() * times


@memex.tool
def tripled(x: int) -> int:
    """Triples a number."""
    return 3 * x


@pytest.mark.parametrize("given", [tripled, search], ids=["decorated", "plain"])
def test_sandboxes_with_tools_are_pickled_by_their_names(given):
    with memex.Sandbox(tools=[given]) as box, pickle.loads(pickle.dumps(box)) as again, again.session() as session:
        assert [tool.name for tool in again.tools] == [given.name if given is tripled else "search"]
        if given is tripled:
            assert again.tools[0] is tripled
            assert session.run("tripled(2)").value == 6


def test_tools_of_other_libraries_are_known_by_their_attributes():
    with memex.Sandbox(tools=[_LangChainLike(), _SmolagentsLike()]) as box, box.session() as session:
        assert session.run("lookup('a') + shout('b') + shout('c', times=2)").raise_for_error().value == "ABCC"


FORGE = """
import _host, json, struct
from memex_guest import channel

def forged(tool, arguments, parts):
    return channel.parse(_host.call(channel.framed(2, json.dumps({"tool": tool, "arguments": arguments}), parts)))

def table(rows, columns, parts):
    return str(forged("note", {"x": {"$table": {"rows": rows, "columns": columns}}}, parts))
"""


def test_tables_that_are_none_are_refused_before_they_are_unpacked():
    resource = pytest.importorskip("resource")
    pytest.importorskip("pandas")
    seen = []

    def note(x: Any) -> int:
        seen.append(x)
        return len(seen)

    with memex.Sandbox(tools=[note]) as box, box.session() as session:
        assert session.run(FORGE).ok
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for code in [
            # Texts that lie in each other: 2,000 of a mebibyte each.
            'n = (1 << 20) - 1; table(2000, [{"name": "a", "type": "bytes", "data": 0, "ends": 1}], [b"x" * (n + 1), struct.pack("<2I", n, 0) * 1000])',
            "table(10**17, [], [])",
            "table(4294967295, [], [])",
            'table(1, [{"name": "a", "type": "timestamp", "data": 0, "tz": "dateutil//etc/passwd"}], [bytes(8)])',
            'table(3, [{"name": "a", "type": "int64", "data": 0}], [bytes(16)])',
        ]:
            result = session.run(code)
            assert result.ok and "Error" in result.text, (code, result.text, result.error)
        # What a table does not name is not copied for it.
        many = 'forged("note", {"x": [{"$table": {"rows": 0, "columns": []}}] * 300}, [b"x" * (8 << 20)])'
        session.run(many)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 400 << 10, grown
        # A table that is one comes.
        seen.clear()
        good = 'table(2, [{"name": "a", "type": "int64", "data": 0}], [struct.pack("<2q", 4, 5)])'
        assert session.run(good).ok
        assert list(seen[0].a) == [4, 5]
