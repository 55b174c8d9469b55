"""Tools that bring their own schema: what code in the sandbox may give to them, and what frameworks take of it."""

import pickle

import pytest

import memex
from memex import ValueNotData
from memex._foreign import _Described, tool_of
from memex._run import _is_json
from memex.adapters import _common

CALLED: list = []
NAMED = {"type": "object", "properties": {"task": {"type": "string"}}}
SHARED: list = [0] * 10
for _ in range(8):
    SHARED = [SHARED] * 10


def called(**named):
    CALLED.append(named)
    return "done"


@pytest.mark.parametrize(
    "schema",
    [
        NAMED, {**NAMED, "additionalProperties": False}, {"$ref": "#/$defs/A", "$defs": {"A": NAMED}}, {"allOf": [NAMED, {"properties": {"other": {}}}]},
        {"anyOf": [{"required": ["task"]}, {"$ref": "#/nowhere"}]}, {"$ref": "#/allOf/0", "allOf": [{"$ref": "#"}, NAMED]},
    ],
    ids=str,
)  # fmt: skip
def test_names_that_a_schema_does_not_have_are_refused(schema):
    tool = _Described(called, "helper", "", schema, False)
    for arguments in ({"task": "t", "max_steps": 10**9}, {"reset": False}, {"": 1}, {"properties": 1}):
        with pytest.raises(TypeError, match="helper: there is no parameter '(max_steps|reset||properties)'"):
            tool.read(arguments)
        with pytest.raises(TypeError, match="there is no parameter"):
            pickle.loads(pickle.dumps(tool)).read(arguments)
    assert tool.read({"task": "t"}) == ([], {"task": "t"}) and tool.read({}) == ([], {})


@pytest.mark.parametrize(
    "schema", [{**NAMED, "additionalProperties": True}, {**NAMED, "additionalProperties": {"type": "integer"}}, {"patternProperties": {"": {}}}], ids=str
)
def test_a_schema_can_open_them_itself(schema):
    assert _Described(called, "helper", "", schema, False).read({"task": "t", "n": 1}) == ([], {"task": "t", "n": 1})


class _LangChainLike:
    name = "lookup"
    description = "Looks up."
    # What is injected is in the signature of the function, and not in here.
    tool_call_schema = {"type": "object", "properties": {"key": {"type": "string"}}}

    def get_input_schema(self):
        raise AssertionError

    def invoke(self, arguments):
        CALLED.append(arguments)


class _CoroutineAlone(_LangChainLike):
    func = None

    @staticmethod
    async def coroutine(**_arguments):
        raise AssertionError

    def invoke(self, arguments):
        raise NotImplementedError("StructuredTool does not support sync invocation.")

    async def ainvoke(self, arguments):
        return f"found {arguments['key']}"


def test_a_langchain_tool_with_a_coroutine_alone_is_awaited():
    tool = tool_of(_CoroutineAlone())
    assert tool.is_async
    with memex.Sandbox(tools=[tool]) as box:
        assert box.run("lookup(key='a')").value == "found a"


def test_arguments_that_a_library_injects_are_not_the_sandboxes():
    CALLED.clear()
    tool = tool_of(_LangChainLike())
    with pytest.raises(TypeError, match="no parameter 'user'"):
        tool.read({"key": "a", "user": "root"})
    _, named = tool.read({"key": "a"})
    tool.function(**named)
    assert CALLED == [{"key": "a"}]


@pytest.mark.parametrize("value", [SHARED, {"a": range(10**18)}, [10**5000]], ids=lambda value: type(value).__name__)
def test_a_framework_is_given_no_value_that_it_would_walk_for_ever(value):
    class Result:
        value_error = None
        text = "its preview"

    Result.value = value
    assert _common.value_of(Result()) == "its preview"
    with pytest.raises(ValueNotData):
        _common.checked(value)
    Result.value = [[1], {"a": range(10)}]
    assert _common.value_of(Result()) is Result.value
    Result.value_error = "no data"
    assert _common.value_of(Result()) == "its preview"


def test_an_input_of_a_run_that_shares_its_parts_is_packed_and_not_written_out():
    assert not _is_json(SHARED) and not _is_json({"a": SHARED})
    assert _is_json([[1, "a", None], {"b": [0.5]}]) and not _is_json([float("nan")]) and not _is_json([1 << 70])
