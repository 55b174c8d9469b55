"""Agents with scripted models: the loop, typed answers, tools, scopes."""

import dataclasses
import datetime
import decimal
import enum
from typing import Annotated, Literal, NamedTuple, Optional, Union

import pydantic
import pytest
from typing_extensions import TypedDict

import memex
from scripted import block, double, scripted


class Point(pydantic.BaseModel):
    x: int
    y: float = 0.5
    tags: list[str] = []


class Even(pydantic.BaseModel):
    n: int

    @pydantic.field_validator("n")
    @classmethod
    def _even(cls, value):
        if value % 2:
            raise ValueError("an even number is wanted")
        return value


@dataclasses.dataclass
class Hit:
    title: str
    when: datetime.date


class Movie(TypedDict):
    name: str
    year: int


class Node(pydantic.BaseModel):
    v: int
    kids: list["Node"] = []


class Square(pydantic.BaseModel):
    kind: Literal["square"]
    side: int


class Circle(pydantic.BaseModel):
    kind: Literal["circle"]
    radius: int


Shape = Annotated[Union[Square, Circle], pydantic.Field(discriminator="kind")]


class Pair(NamedTuple):
    n: int
    text: str


class Colour(enum.Enum):
    RED = "red"


def test_a_function_that_writes_code_with_a_tool():
    model = scripted(block("x = double(20)\nprint(x)"), block("submit(value=x + 2)"))
    agent = memex.Agent(model, tools=[double], output=int)
    result = agent.run("Twice twenty and two?")
    assert result.ok and result.status == "submitted" and result.output == 42
    assert [step.kind for step in result.trajectory.steps] == ["system", "user", "model", "observation", "model", "observation"]
    assert "def double(n: int)" in model.asked[0][0]["content"]
    assert model.asked[0][1] == {"role": "user", "content": "Twice twenty and two?"}
    assert "40" in model.asked[1][-1]["content"]
    assert result.usage.turns == 2 and result.usage.input_tokens > 100


def test_an_answer_in_words():
    result = memex.Agent(scripted("Four.")).run("Two and two?")
    assert (result.status, result.output, result.answer) == ("answered", "Four.", "Four.")


def test_the_space_of_tools_needs_no_image(program):
    # A cache that is empty: nothing may be built.
    out = program(
        """
import memex, tempfile
def add(a: int, b: int) -> int:
    return a + b
def model(messages, tools):
    assert {tool["function"]["name"] for tool in tools} == {"add", "submit"}
    if messages[-1]["role"] == "tool":
        value = int(messages[-1]["content"])
        return memex.Reply(tool_calls=[memex.ToolCall("submit", {"value": value})])
    return memex.Reply(tool_calls=[memex.ToolCall("add", {"a": 1, "b": 2})])
agent = memex.Agent(model, tools=[add], output=int, action_space="tools", cache=tempfile.mkdtemp())
print(agent.run("1 + 2?").output)
"""
    )
    assert out == "3\n"


@pytest.mark.parametrize(
    "kind, code, expected",
    [
        (Point, "submit(x=1, y=2.5, tags=['a'])", Point(x=1, y=2.5, tags=["a"])),
        (Point, "submit(x=3)", Point(x=3)),
        (list[Point], "submit(value=[{'x': 1}, {'x': 2}])", [Point(x=1), Point(x=2)]),
        (Hit, "submit(title='t', when='2024-02-29')", Hit("t", datetime.date(2024, 2, 29))),
        (list[Hit], "submit(value=[{'title': 't', 'when': '2024-02-29'}])", [Hit("t", datetime.date(2024, 2, 29))]),
        (Movie, "submit(name='m', year=1999)", {"name": "m", "year": 1999}),
        (dict[str, int], "submit(value={'a': 1})", {"a": 1}),
        (tuple[int, str], "submit(value=[1, 'a'])", (1, "a")),
        (set[int], "submit(value=[1, 2])", {1, 2}),
        (Optional[int], "submit(value=None)", None),
        (Union[int, str], "submit(value='a')", "a"),
        (Literal["a", "b"], "submit(value='b')", "b"),
        (Colour, "submit(value='red')", Colour.RED),
        (datetime.date, "submit(value='2024-02-29')", datetime.date(2024, 2, 29)),
        (float, "submit(value=1)", 1.0),
        (float, "import numpy as np\nsubmit(value=np.float64(2.5))", 2.5),
        (Node, "submit(value={'v': 1, 'kids': [{'v': 2}]})", Node(v=1, kids=[Node(v=2)])),
        (Shape, "submit(value={'kind': 'square', 'side': 2})", Square(kind="square", side=2)),
        (Pair, "submit(value=[1, 'b'])", Pair(1, "b")),
        (decimal.Decimal, "import decimal\nsubmit(value=decimal.Decimal('1.50'))", decimal.Decimal("1.50")),
        (datetime.datetime, "import datetime\nsubmit(datetime.datetime(2024, 1, 2))", datetime.datetime(2024, 1, 2)),
        (dict[int, str], "submit(value={1: 'a'})", {1: "a"}),
        (bytes, "submit(value=b'abc')", b"abc"),
        (bool, "submit(value=True)", True),
        (str, "submit(value='words')", "words"),
        ({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}, "submit(n=1)", {"n": 1}),
    ],
)
def test_typed_answers(kind, code, expected):
    result = memex.Agent(scripted(block(code)), output=kind).run("go")
    assert result.ok, result
    assert result.output == expected and type(result.output) is type(expected)


def test_a_table_as_an_answer():
    pandas = pytest.importorskip("pandas")
    code = "import pandas as pd\nsubmit(value=pd.DataFrame({'a': [1, 2]}))"
    result = memex.Agent(scripted(block(code)), output=pandas.DataFrame).run("go")
    assert result.output.to_dict("list") == {"a": [1, 2]}


def test_the_model_is_told_what_does_not_fit():
    # The schema refuses the first, a validator of the model class the second.
    model = scripted(block("submit(n='x')"), block("submit(n=3)"), block("submit(n=4)"))
    result = memex.Agent(model, output=Even).run("An even number")
    assert result.output == Even(n=4)
    assert "even number is wanted" in model.asked[2][-1]["content"]
    assert "even number" not in model.asked[1][-1]["content"]


def test_output_of_one_run_alone():
    agent = memex.Agent(scripted(block("submit(value=3)")))
    assert agent.run("go", output=int).output == 3


def test_inputs():
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    model = scripted(block("submit(value=[int(frame.a.sum()), int(array.sum()), pair, plain['k'], len(raw), hit['title']])"))
    agent = memex.Agent(model, output=list)
    inputs = {
        "frame": pandas.DataFrame({"a": [1, 2]}),
        "array": numpy.arange(4),
        "pair": (1, 2),
        "plain": {"k": [1, None]},
        "raw": b"abc",
        "hit": Hit("t", datetime.date(2024, 1, 1)),
    }
    result = agent.run("go", inputs={**inputs, "hit": {"title": "t"}})
    assert result.output == [3, 6, [1, 2], [1, None], 3, "t"]
    system = model.asked[0][0]["content"]
    for told in ("frame: DataFrame[2 × 1] (a int64)", "array: ndarray[4] of int64", "plain: dict of {'k': list[2]}"):
        assert told in system, told


def test_a_file_as_an_input(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    model = scripted(block("submit(value=int(sales.b.sum()))"))
    assert memex.Agent(model, output=int).run("go", inputs={"sales": path}).output == 6
    assert "sales: DataFrame[2 × 2] (a int64, b int64)" in model.asked[0][0]["content"]


def test_going_on_over_the_same_scope():
    model = scripted(
        block("found = [1, 2]\nsubmit(value=2)"),
        lambda messages: block("found.append(3)\nsubmit(total=sum(found))"),
    )

    class Sum(pydantic.BaseModel):
        total: int

    agent = memex.Agent(model, output=int)
    first = agent.run("Find some")
    second = first.continue_("And one more", output=Sum)
    assert second.output == Sum(total=6)
    texts = [str(message["content"]) for message in model.asked[1]]
    assert any("Find some" in text for text in texts) and "And one more" in texts[-1]
    assert [step.text for step in second.trajectory.steps if step.kind == "user"] == ["Find some", "And one more"]
    # What went on is another run; the first one is as it was.
    assert second.trajectory.id != first.trajectory.id
    assert second.trajectory.to_dict()["metadata"]["goes_on_from"] == first.trajectory.id
    # The first scope is as it was: a run can go on twice.
    agent.model = scripted(block("submit(value=len(found))"))
    assert first.continue_("How many?").output == 2
    assert second.continue_("How many?", output=int).output == 3


def test_a_run_in_the_scope_of_a_session(session):
    session.run("data = [1, 2, 3]")
    before = session.snapshot()
    agent = memex.Agent(scripted(block("data.append(4)\nsubmit(value=sum(data))")), output=int)
    result = agent.run("Sum data", scope=before)
    assert result.output == 10
    assert session.run("data").value == [1, 2, 3]
    again = agent.run("Sum data", scope=bytes(result.scope))
    assert again.output == 14
    # What a run leaves behind goes into a session, too.
    with memex.Sandbox(limits=None) as box:
        assert box.restore(bytes(result.scope)).run("data").value == [1, 2, 3, 4]


def test_spawned_agents():
    def model(messages):
        task = messages[1]["content"]
        if task == "Spawn":
            if len(messages) == 2:
                return block("h = spawn_agent('Child', output=int)\nsubmit(value=h.result() + 1)")
        return block("submit(value=double(base))")

    agent = memex.Agent(model, tools=[double], output=int)
    result = agent.run("Spawn", inputs={"base": 20})
    assert result.output == 41
    (child,) = result.trajectory.children
    assert child["task"] == "Child" and child["status"]["state"] == "submitted"
    assert result.usage.turns == 2 and result.trajectory.totals.turns == 1


def test_spawning_is_bounded():
    model = scripted(block("spawn_agent('Child')"), block("submit(value=1)"))
    agent = memex.Agent(model, output=int, spawning=memex.Spawning(agents=0))
    assert agent.run("go").output == 1
    assert "spawn_agent" not in model.asked[0][0]["content"]
    assert "NameError" in model.asked[1][-1]["content"]


def test_questions_to_other_models():
    def small(messages):
        assert messages[-1]["content"] == "Capital of Norway?"
        return "Oslo"

    agent = memex.Agent(
        scripted(block("submit(value=llm('Capital of Norway?', model='small'))")), output=str, models={"small": small}
    )
    assert agent.run("go").output == "Oslo"


def test_an_agent_as_a_tool_of_another():
    inner = memex.Agent(scripted("Oslo"))

    @memex.tool
    def ask(question: str) -> str:
        """Asks a colleague."""
        return inner.run(question).output

    agent = memex.Agent(scripted(block("submit(value=ask('capital?').upper())")), tools=[ask], output=str)
    assert agent.run("go").output == "OSLO"
