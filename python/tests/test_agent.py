"""Agents with scripted models: the loop, typed answers, tools, scopes, bounds."""

import asyncio
import dataclasses
import datetime
import enum
import json
import pathlib
import threading
import time
from typing import Literal, Optional, Union

import pydantic
import pytest
from typing_extensions import TypedDict

import memex


def block(code):
    return f"```python\n{code}\n```"


def scripted(*replies):
    """A model that gives these replies one after the other, and remembers what it was asked."""
    asked = []

    def model(messages):
        asked.append(messages)
        reply = replies[min(len(asked), len(replies)) - 1]
        return reply(messages) if callable(reply) else reply

    model.asked = asked
    return model


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


class Colour(enum.Enum):
    RED = "red"


@memex.tool
def double(n: int) -> int:
    """Doubles a number.

    Args:
        n: The number.
    """
    return 2 * n


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
        (bool, "submit(value=True)", True),
        (str, "submit(value='words')", "words"),
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
    assert "frame: DataFrame[2×1]" in system and "array: ndarray[4]" in system and "plain: dict" in system


def test_a_file_as_an_input(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    model = scripted(block("submit(value=int(sales.b.sum()))"))
    assert memex.Agent(model, output=int).run("go", inputs={"sales": path}).output == 6
    assert "sales: DataFrame from CSV, 12 bytes" in model.asked[0][0]["content"]


def test_going_on_over_the_same_scope():
    model = scripted(
        block("found = [1, 2]\nsubmit(value=2)"),
        lambda messages: block("found.append(3)\nsubmit(total=sum(found))"),
        "Six.",
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
    other = first.continue_("Otherwise", output=int)
    assert other.status == "failed" or other.trajectory.id != second.trajectory.id


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


# Bounds and failures


def test_budgets():
    endless = scripted(block("1"))
    result = memex.Agent(endless, budgets=memex.Budgets(turns=3)).run("go")
    assert (result.status, result.reason, len(endless.asked)) == ("exhausted", "turns", 3)
    with pytest.raises(memex.BudgetExhausted, match="Budgets") as caught:
        result.output
    assert caught.value.result is result
    result = memex.Agent(endless, budgets={"tokens": 10}).run("go")
    assert (result.status, result.reason) == ("exhausted", "tokens")

    def slow(messages):
        time.sleep(30)
        return "late"

    began = time.perf_counter()
    result = memex.Agent(slow, budgets=memex.Budgets(wall_time="300ms")).run("go")
    assert (result.status, result.reason) == ("exhausted", "wall time")
    assert time.perf_counter() - began < 5


def test_a_bound_of_money_needs_a_price(tmp_path):
    def reply(messages):
        return memex.Reply(block("1"), usage=memex.Usage(1_000_000, 0))

    agent = memex.Agent(reply, budgets=memex.Budgets(cost_usd=2.5))
    with pytest.raises(memex.AgentError, match="no price is known"):
        agent.run("go")
    prices = tmp_path / "prices.toml"
    prices.write_text("[models]\nreply = { input = 1.0, output = 2.0 }\n")
    result = memex.Agent(reply, budgets=memex.Budgets(cost_usd=2.5), prices=prices).run("go")
    assert (result.status, result.reason, result.usage.turns) == ("exhausted", "cost", 3)
    assert result.usage.cost_usd == 3.0


def test_a_model_that_raises():
    def broken(messages):
        raise ConnectionError("the line is down")

    result = memex.Agent(broken).run("go")
    assert result.status == "failed" and "ConnectionError: the line is down" in result.reason
    with pytest.raises(memex.RunFailed, match="the line is down") as caught:
        result.output
    assert isinstance(caught.value.__cause__, ConnectionError)


@pytest.mark.parametrize("reply", [None, 3, {}, {"text": "no message"}, object()])
def test_replies_that_are_none(reply):
    result = memex.Agent(lambda messages: reply).run("go")
    assert result.status == "failed" and "a model returned" in result.reason


@pytest.mark.parametrize(
    "make, error, what",
    [
        (lambda: memex.Agent("gpt-5"), memex.ModelError, "PROVIDER:MODEL"),
        (lambda: memex.Agent("nobody:gpt-5"), memex.ModelError, "none of openai"),
        (lambda: memex.Agent(3), memex.ModelError, "a model is"),
        (lambda: memex.Agent(str, action_space="both"), memex.AgentError, "action_space"),
        (lambda: memex.Agent(str, code_form="prose"), memex.AgentError, "code_form"),
        (lambda: memex.Agent(str, output=threading.Event), memex.AgentError, "output type"),
        (lambda: memex.Agent(str, output=double.function), memex.AgentError, "is no type"),
        (lambda: memex.Agent(str, output=3), memex.AgentError, "is no type"),
        (lambda: memex.Agent(str, approve=["x"]), memex.AgentError, "approver"),
        (lambda: memex.Agent(str, budgets=memex.Budgets(turns=0)), memex.AgentError, "turns"),
        (lambda: memex.Budgets(wall_time="soon"), memex.AgentError, "90s"),
        (lambda: memex.Budgets(cost_usd=-1), memex.AgentError, "above 0"),
        (lambda: memex.Spawning(parallel=0), memex.AgentError, "parallel"),
        (lambda: memex.Agent(str).run(""), memex.AgentError, "task"),
        (lambda: memex.Agent(str, observation_chars=3).run("go"), memex.AgentError, "max_chars"),
        (lambda: memex.Agent(str).run("go", inputs={"1x": 1}), memex.AgentError, "name"),
        (lambda: memex.Agent(str).run("go", inputs={"x": lambda: 1}), memex.ValueNotData, "x"),
        (lambda: memex.Agent(str, action_space="tools").run("go", inputs={"x": 1}), memex.AgentError, "no scope"),
        (lambda: memex.Agent(str, tools=[memex.tool(double, suspends=True)]), memex.ToolError, "suspends"),
        (lambda: memex.Agent(str, policy="deny-all", tools=[double]).run("go"), memex.PolicyError, "tools"),
    ],
)
def test_what_cannot_be_is_refused(make, error, what):
    with pytest.raises(error, match=what):
        make()


def test_no_key_is_said_at_once(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(memex.ModelError, match="OPENAI_API_KEY"):
        memex.Agent("openai:gpt-5")
    for name in ("openai:gpt-5", "openai/gpt-5", "anthropic/claude-x"):
        assert memex.Agent(name, api_key="sk-secret").model.name in ("gpt-5", "claude-x")


def test_approval():
    asked = []

    def approver(tool, arguments):
        asked.append((tool, arguments))
        return True if arguments["n"] < 10 else "too much"

    model = scripted(block("print(double(4))\nprint(double(40))"), block("submit(value=1)"))
    agent = memex.Agent(model, tools=[double], output=int, approve=["dou*"], approver=approver)
    assert agent.run("go").ok
    assert asked == [("double", {"n": 4}), ("double", {"n": 40})]
    shown = model.asked[1][-1]["content"]
    assert "8" in shown and "PermissionError" in shown and "too much" in shown


def test_the_sandbox_of_an_agent_is_bounded(tmp_path):
    (tmp_path / "a.txt").write_text("content")
    code = "try:\n    open('/data/b.txt', 'w')\nexcept OSError as error:\n    print('refused')\nsubmit(value=open('/data/a.txt').read())"
    model = scripted(block(code))
    with memex.Agent(model, output=str, mounts={"/data": tmp_path}) as agent:
        result = agent.run("go")
    assert result.output == "content"
    assert any("refused" in step.text for step in result.trajectory.steps if step.kind == "observation")
    assert not (tmp_path / "b.txt").exists()


# Streams, records, resuming


def test_a_stream_of_steps():
    agent = memex.Agent(scripted(block("x = 1"), block("submit(value=x)")), output=int)
    events = list(agent.stream("go"))
    assert [event.kind for event in events[:-1]] == ["system", "user", "model", "observation", "model", "observation"]
    assert isinstance(events[-1], memex.Finished) and events[-1].result.output == 1


def test_leaving_a_stream_ends_the_run():
    asked = []

    def model(messages):
        asked.append(1)
        return block("while True: pass")

    events = memex.Agent(model, limits=memex.Limits(time="60s")).stream("go")
    for event in events:
        if event.kind == "model":
            break
    began = time.perf_counter()
    events.close()
    assert time.perf_counter() - began < 5
    assert len(asked) == 1


def test_records(tmp_path):
    agent = memex.Agent(scripted(block("submit(value=[1])")), output=list[int])
    path = tmp_path / "run.jsonl"
    result = agent.run("go", save=path)
    loaded = memex.Trajectory.load(path)
    assert loaded.id == result.trajectory.id and loaded.submission == [1] and loaded.status == "submitted"
    assert loaded.to_dict() == result.trajectory.to_dict()
    with pytest.raises(memex.TrajectoryError, match="there already"):
        result.trajectory.save(path)
    result.trajectory.save(path, overwrite=True)
    assert memex.Trajectory.load(path).to_dict() == loaded.to_dict()
    for format in ("atif", "chat", "rollout"):
        other = tmp_path / f"run.{format}"
        result.trajectory.export(format, other)
        assert memex.Trajectory.load(other).steps[1].text == "go", format
    assert json.loads(result.trajectory.export("otlp"))["resourceSpans"]
    assert "<html" in result.trajectory.export("html")
    with pytest.raises(memex.TrajectoryError, match="there are memex, atif"):
        result.trajectory.export("xml")
    with pytest.raises(memex.TrajectoryError):
        memex.Trajectory.load(tmp_path / "none")


def test_resuming(tmp_path):
    path = tmp_path / "run.jsonl"
    model = scripted(block("x = 20"), block("y = x + 1"), block("submit(value=x + y)"))
    agent = memex.Agent(model, output=int, budgets=memex.Budgets(turns=2))
    assert agent.run("go", save=path).status == "exhausted"
    agent = memex.Agent(model, output=int)
    result = agent.resume(path)
    assert result.output == 41 and type(result.output) is int
    with pytest.raises(memex.TrajectoryError, match="answer already"):
        agent.resume(path)


def test_objects_of_the_process_come_back_with_the_scope_alone(tmp_path):
    path = tmp_path / "run.jsonl"
    model = scripted(block("n = len(raw)"), block("submit(value=n)"))
    agent = memex.Agent(model, output=int, budgets=memex.Budgets(turns=1))
    agent.run("go", inputs={"raw": b"abc"}, save=path)
    copy = tmp_path / "copy.jsonl"
    copy.write_text(path.read_text())
    again = memex.Agent(model, output=int)
    with pytest.raises(memex.TrajectoryError, match="its saved scope is gone"):
        again.resume(copy)
    assert again.resume(path).output == 3


def test_a_notebook_runs_nothing_of_it():
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    agent = memex.Agent(scripted(evil + '"></iframe>' + evil))
    result = agent.run(evil)
    for shown in (result._repr_mimebundle_(), result.trajectory._repr_mimebundle_()):
        page = shown["text/html"]
        outside = page if "<iframe" not in page else page[: page.index("<iframe")] + page[page.index("</iframe>") :]
        assert "<script" not in outside and "<img" not in outside
        frame = page[page.index("<iframe") :]
        assert frame.startswith('<iframe sandbox="" ') and frame.count("<iframe") == 1
        # Nothing ends the attribute early.
        source = frame[frame.index('srcdoc="') + 8 :]
        assert source[source.index('"') :] == '"></iframe>'


def test_what_a_notebook_shows_is_bounded(monkeypatch):
    result = memex.Agent(scripted("x" * 3_000_000)).run("go")
    bundle = result._repr_mimebundle_()
    assert len(bundle["text/plain"]) < 3_000 and len(bundle["text/html"]) < 2_000_000
    assert "<iframe" in bundle["text/html"]
    monkeypatch.setattr(memex._trajectory, "_PAGE_BYTES_MAX", 10_000)
    for shown in (result._repr_mimebundle_(), result.trajectory._repr_mimebundle_()):
        assert "<iframe" not in shown["text/html"] and len(shown["text/html"]) < 6_000


# Event loops


def test_async_models_and_tools_run_on_the_callers_loop():
    loops = []

    async def model(messages):
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0.01)
        return block("submit(value=await fetch.aio('x'))")

    @memex.tool
    async def fetch(url: str) -> str:
        loops.append(asyncio.get_running_loop())
        return f"<{url}>"

    async def main():
        result = await memex.Agent(model, tools=[fetch], output=str).arun("go")
        assert result.output == "<x>"
        assert loops == [asyncio.get_running_loop()] * 2

    asyncio.run(main())


def test_an_async_model_of_a_sync_run_has_a_loop_of_its_own():
    async def model(messages):
        await asyncio.sleep(0)
        return "done"

    assert memex.Agent(model).run("go").output == "done"

    async def inside():
        memex.Agent(model).run("go")

    with pytest.raises(memex.AgentError, match="arun"):
        asyncio.run(inside())


def test_runs_side_by_side():
    async def model(messages):
        await asyncio.sleep(0.2)
        return block("submit(value=1)")

    async def main():
        agent = memex.Agent(model, output=int).prepare()
        began = time.perf_counter()
        results = await asyncio.gather(*[agent.arun("go") for _ in range(8)])
        assert [result.output for result in results] == [1] * 8
        # One after the other they take 1.6 s for the model alone.
        assert time.perf_counter() - began < 1.4

    asyncio.run(main())


def test_cancelling_a_task_ends_its_run():
    ended = []

    async def hanging(messages):
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("model")
        return ""

    def code(messages):
        return block("while True:\n    try:\n        while True: pass\n    except BaseException: pass")

    async def main():
        for model in (hanging, code):
            agent = memex.Agent(model, limits=memex.Limits(time="60s")).prepare()
            task = asyncio.create_task(agent.arun("go"))
            await asyncio.sleep(0.5)
            began = time.perf_counter()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # Code that catches everything is ended hard after a second.
            assert time.perf_counter() - began < 4
        await asyncio.sleep(0.05)
        assert ended == ["model"]

    asyncio.run(asyncio.wait_for(main(), 60))


def test_an_async_stream():
    async def main():
        agent = memex.Agent(scripted("done"))
        events = [event async for event in agent.astream("go")]
        assert [getattr(event, "kind", "finished") for event in events] == ["system", "user", "model", "finished"]
        assert events[-1].result.output == "done"
        again = await events[-1].result.acontinue("more")
        assert again.output == "done"

    asyncio.run(main())


# Manners


def test_the_interpreter_is_free_while_a_run_goes_on():
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(1)
            time.sleep(0.005)

    thread = threading.Thread(target=tick)
    thread.start()
    memex.Agent(scripted(block("import time\ntime.sleep(0.3)"), "done")).run("go")
    stop.set()
    thread.join()
    assert len(ticks) > 10


CTRL_C = """
import os, signal, threading, time
import memex
def hanging(messages):
    if messages[1]["content"] == "model":
        time.sleep(30)
    return "```python\\nwhile True: pass\\n```"
agent = memex.Agent(hanging, limits=memex.Limits(time="60s")).prepare()
worst = 0
for task in ("model", "code"):
    sent = []
    def send():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Timer(0.5, send).start()
    try:
        agent.run(task)
        print("not interrupted")
    except KeyboardInterrupt:
        worst = max(worst, time.perf_counter() - sent[0])
print(worst < 2, flush=True)
os._exit(0)
"""


def test_ctrl_c_ends_a_run(program):
    assert program(CTRL_C) == "True\n"


def test_ctrl_c_in_a_tool_ends_the_run(program):
    out = program(
        """
import os, signal, threading, time
import memex
def wait() -> int:
    time.sleep(30)
    return 1
asked = []
def model(messages):
    asked.append(1)
    return "```python\\ntry:\\n    wait()\\nexcept BaseException: pass\\n```"
agent = memex.Agent(model, tools=[wait]).prepare()
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    agent.run("go")
except KeyboardInterrupt:
    print("interrupted", len(asked))
"""
    )
    assert out == "interrupted 1\n"


def test_a_process_ends_beside_a_run(program):
    out = program(
        """
import threading, time
import memex
agent = memex.Agent(lambda messages: "```python\\nwhile True: pass\\n```", limits=memex.Limits(time="60s")).prepare()
threading.Thread(target=lambda: agent.run("go"), daemon=True).start()
time.sleep(0.5)
print("end")
"""
    )
    assert out == "end\n"


def test_context_variables_reach_tools_and_models():
    import contextvars

    who = contextvars.ContextVar("who", default="nobody")
    seen = []

    @memex.tool
    def caller() -> str:
        """Says in whose context it runs."""
        return who.get()

    def model(messages):
        seen.append(who.get())
        return block("submit(value=caller())")

    who.set("me")
    assert memex.Agent(model, tools=[caller], output=str).run("go").output == "me"
    assert seen == ["me"]


def test_paths_are_inputs_and_no_texts():
    # A folder of texts becomes a dictionary of them.
    folder = pathlib.Path(__file__).parent
    model = scripted(block("submit(value='conftest.py' in tests)"))
    assert memex.Agent(model, output=bool).run("go", inputs={"tests": folder}).output is True
