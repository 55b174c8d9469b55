"""Agents: budgets, failures of models, what is refused, approval."""

import threading
import time

import pytest

import memex
from scripted import block, double, scripted


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
        (lambda: memex.Agent(str, output={"type": "sum"}), memex.AgentError, "output schema"),
        (lambda: memex.Agent(str, output={"type": {1, 2}}), memex.AgentError, "no JSON"),
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
        (lambda: memex.Agent(str, action_space="tools", mounts={"/d": "."}), memex.AgentError, "mounts has no effect"),
        (lambda: memex.Agent(str, action_space="tools", code_form="tool"), memex.AgentError, "code_form has no effect"),
        (lambda: memex.Agent(str, tools=[memex.tool(double, suspends=True)]), memex.ToolError, "suspends"),
        (lambda: memex.Agent(str, policy="deny-all", tools=[double]).run("go"), memex.PolicyError, "tools"),
    ],
)
def test_what_cannot_be_is_refused(make, error, what):
    with pytest.raises(error, match=what):
        make()


def test_another_model_speaks_the_same_form():
    agent = memex.Agent(scripted("one"))
    agent.model = scripted("two")
    assert agent.run("go").output == "two"
    with pytest.raises(memex.AgentError, match="another form"):
        agent.model = lambda messages, tools: "three"
    agent = memex.Agent(scripted("one"), code_form="tagged")
    agent.model = lambda messages, tools: "<python>\nprint(20 + 1)\n</python>" if len(messages) == 2 else messages[-1]["content"]
    assert "21" in agent.run("go").output


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


@pytest.mark.parametrize("answer, is_called", [(True, True), (None, False), (False, False), (1, False), ("", False)], ids=repr)
def test_only_true_permits_a_call(answer, is_called):
    called = []

    def send(text: str) -> str:
        """Sends."""
        called.append(text)
        return "sent"

    model = scripted(block("send('it')"), "done")
    assert memex.Agent(model, tools=[send], approve=["send"], approver=lambda tool, arguments: answer).run("go").ok
    assert bool(called) is is_called
    assert ("PermissionError" in model.asked[1][-1]["content"]) is not is_called


def test_the_sandbox_of_an_agent_is_bounded(tmp_path):
    (tmp_path / "a.txt").write_text("content")
    code = "try:\n    open('/data/b.txt', 'w')\nexcept OSError as error:\n    print('refused')\nsubmit(value=open('/data/a.txt').read())"
    model = scripted(block(code))
    with memex.Agent(model, output=str, mounts={"/data": tmp_path}) as agent:
        result = agent.run("go")
    assert result.output == "content"
    assert any("refused" in step.text for step in result.trajectory.steps if step.kind == "observation")
    assert not (tmp_path / "b.txt").exists()


class Streaming:
    """A client of one's own, with the methods of openai's, whose reply does not end."""

    def __init__(self, piece):
        self.piece, self.given, self.closed = piece, 0, False
        self.chat = self.completions = self

    def create(self, **body):
        assert body["stream"] is True
        try:
            while True:
                self.given += 1
                yield {"choices": [{"delta": {"content": self.piece}}]}
        finally:
            self.closed = True


def test_a_reply_that_does_not_end_is_bounded():
    client = Streaming("x" * (1 << 20))
    result = memex.Agent(memex.Model(client, "endless", stream=True)).run("go")
    assert result.status == "failed" and "bytes" in result.reason
    # The client is not read any further, and is told so.
    deadline = time.monotonic() + 10
    while not client.closed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client.closed and client.given < 100


def test_a_client_that_is_given_up_is_not_read_further():
    client = Streaming("x")
    result = memex.Agent(memex.Model(client, "endless", stream=True), budgets=memex.Budgets(wall_time="300ms")).run("go")
    assert result.reason == "wall time"
    deadline = time.monotonic() + 10
    while not client.closed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client.closed
