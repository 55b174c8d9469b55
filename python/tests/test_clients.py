"""The clients of openai and anthropic, unmodified, and models by name, against the mock model server."""

import asyncio
import json
import os
import shutil
import subprocess

import pytest

import memex
from conftest import ROOT

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")

SERVER = os.environ.get("MEMEX_MOCK_MODEL") or shutil.which("mock_model") or str(ROOT / "target/release/examples/mock_model")
pytestmark = pytest.mark.skipif(not os.path.exists(SERVER), reason="run-tests.sh builds the mock model server")

CODE = "x = double(20)\nprint(x)"
SCRIPT = {
    "order": "sequence",
    "chunk_chars": 5,
    "reply": [
        {
            "text": "First I look.",
            "tool_calls": [{"name": "python", "arguments": {"code": CODE}}],
            "usage": {"input": 100, "output": 10},
        },
        {
            "tool_calls": [{"name": "python", "arguments": {"code": "submit(value=x + 2)"}}],
            "usage": {"input": 200, "output": 20},
        },
    ],
}


class Server:
    """The mock model server as a process."""

    def __init__(self, folder, script=SCRIPT):
        path = folder / "script.json"
        path.write_text(json.dumps(script))
        self.process = subprocess.Popen([SERVER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def received(self):
        """What it was sent; it ends."""
        out, _ = self.process.communicate("", timeout=10)
        return json.loads(out)


@pytest.fixture
def server(tmp_path):
    servers = []

    def start(script=SCRIPT):
        folder = tmp_path / str(len(servers))
        folder.mkdir()
        servers.append(Server(folder, script))
        return servers[-1]

    yield start
    for one in servers:
        one.process.kill()
        one.process.wait()


@memex.tool
def double(n: int) -> int:
    """Doubles a number."""
    return 2 * n


def base(url):
    # anthropic puts the version before the path itself.
    return url.removesuffix("/v1")


SYNC = [
    ("chat", lambda url: openai.OpenAI(base_url=url, api_key="sk-key"), "chat/completions"),
    ("responses", lambda url: openai.OpenAI(base_url=url, api_key="sk-key"), "responses"),
    ("messages", lambda url: anthropic.Anthropic(base_url=base(url), api_key="sk-key"), "messages"),
    (
        "chat",
        lambda url: openai.AzureOpenAI(base_url=url, api_key="sk-key", api_version="2024-10-21"),
        "chat/completions",
    ),
]
ASYNC = [
    ("chat", lambda url: openai.AsyncOpenAI(base_url=url, api_key="sk-key"), "chat/completions"),
    ("responses", lambda url: openai.AsyncOpenAI(base_url=url, api_key="sk-key"), "responses"),
    ("messages", lambda url: anthropic.AsyncAnthropic(base_url=base(url), api_key="sk-key"), "messages"),
]


def checked(result, received, path, stream):
    assert result.output == 42, result
    assert [path in one["path"] for one in received] == [True, True]
    assert [one["body"].get("stream", False) for one in received] == [stream, stream]
    assert all(one["body"]["model"] == "the-model" for one in received)
    assert "40" in json.dumps(received[1]["body"])
    assert (result.usage.input_tokens, result.usage.output_tokens) == (300, 30)
    step = next(step for step in result.trajectory.steps if step.kind == "model")
    assert step.text.startswith("First I look.") and step.code == CODE


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("api, client, path", SYNC, ids=["chat", "responses", "messages", "azure"])
def test_sync_clients(server, api, client, path, stream):
    running = server()
    model = memex.Model(client(running.url), "the-model", api=api, stream=stream)
    result = memex.Agent(model, tools=[double], output=int).run("go")
    checked(result, running.received(), path, stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("api, client, path", ASYNC, ids=["chat", "responses", "messages"])
def test_async_clients(server, api, client, path, stream):
    running = server()

    async def main():
        async with client(running.url) as made:
            model = memex.Model(made, "the-model", api=api, stream=stream)
            return await memex.Agent(model, tools=[double], output=int).arun("go")

    checked(asyncio.run(main()), running.received(), path, stream)


def test_an_async_client_in_a_sync_run(server):
    running = server()
    model = openai.AsyncOpenAI(base_url=running.url, api_key="sk-key")
    assert memex.Agent(model, model_name="the-model", tools=[double], output=int).run("go").output == 42


@pytest.mark.parametrize("stream", [None, False])
@pytest.mark.parametrize("kind", ["local", "openai", "openai-responses", "anthropic"])
def test_models_by_name(server, kind, stream):
    running = server()
    model = memex.Model(f"{kind}:the-model", base_url=running.url, api_key="sk-key", stream=stream)
    result = memex.Agent(model, tools=[double], output=int).run("go")
    assert result.output == 42
    assert [one["body"].get("stream", False) for one in running.received()] == [stream is None] * 2


def test_servers_that_differ(server):
    running = server()
    client = openai.OpenAI(base_url=running.url, api_key="sk-key")
    model = memex.Model(client, "the-model", options={"wire": {"max_tokens_field": "max_tokens"}})
    assert memex.Agent(model, tools=[double], output=int, reply_tokens=77).run("go").output == 42
    body = running.received()[0]["body"]
    assert body["max_tokens"] == 77 and "max_completion_tokens" not in body
    with pytest.raises(memex.ModelError, match="but `wire`"):
        memex.Model(client, "the-model", options={"retry": {}})


def test_a_name_with_its_address(server):
    running = server()
    agent = memex.Agent(f"local:the-model@{running.url}", tools=[double], output=int)
    assert agent.run("go").output == 42


def test_pieces_of_a_streamed_reply(server):
    running = server()
    model = memex.Model(openai.OpenAI(base_url=running.url, api_key="sk-key"), "the-model", stream=True)
    events = list(memex.Agent(model, tools=[double], output=int).stream("go", pieces=True))
    written = [event.text for event in events if isinstance(event, memex.Piece) and event.kind == "text"]
    assert "".join(written) == "First I look." and len(written) > 1
    assert events[-1].result.output == 42


def test_failures_of_a_client(server):
    message = "Incorrect API key provided: sk-key-of-mine"
    running = server({"reply": [{"fail": {"http": {"status": 401, "code": "invalid_api_key", "message": message}}}]})
    client = openai.OpenAI(base_url=running.url, api_key="sk-key-of-mine", max_retries=0)
    result = memex.Agent(client, model_name="the-model").run("go")
    assert result.status == "failed" and "401" in result.reason and "invalid_api_key" in result.reason
    assert "sk-key-of-mine" not in result.reason + result.trajectory.to_json()
    with pytest.raises(memex.RunFailed) as caught:
        result.output
    assert isinstance(caught.value.__cause__, openai.AuthenticationError)


def test_a_conversation_that_is_too_long_is_shortened(server):
    long = {"tool_calls": [{"name": "python", "arguments": {"code": "print('x' * 9000)"}}]}
    full = {"fail": {"http": {"status": 400, "code": "context_length_exceeded", "message": "too long"}}}
    script = {"order": "sequence", "reply": [long] * 8 + [full, {"text": "done"}]}
    running = server(script)
    client = openai.OpenAI(base_url=running.url, api_key="sk-key", max_retries=0)
    result = memex.Agent(client, model_name="the-model", context_tokens=25_000).run("go")
    assert result.output == "done"
    received = running.received()
    assert len(json.dumps(received[-1]["body"])) < len(json.dumps(received[-2]["body"]))


def test_clients_are_told_apart():
    with pytest.raises(memex.ModelError, match="model_name"):
        memex.Agent(openai.OpenAI(api_key="x"))
    with pytest.raises(memex.ModelError, match="has no messages"):
        memex.Model(openai.OpenAI(api_key="x"), "m", api="messages")
    with pytest.raises(memex.ModelError, match="a client has its own"):
        memex.Agent(openai.OpenAI(api_key="x"), model_name="m", api_key="y")

    class Other:
        __module__ = "botocore.client"

    with pytest.raises(memex.ModelError, match="bedrock-runtime"):
        memex.Agent(Other(), model_name="m")


def test_a_function_may_return_a_response_as_it_came(server):
    running = server()
    client = openai.OpenAI(base_url=running.url, api_key="sk-key")

    def model(messages, tools):
        return client.chat.completions.create(model="the-model", messages=messages, tools=tools)

    assert memex.Agent(model, tools=[double], output=int).run("go").output == 42
    other = server()
    claude = anthropic.Anthropic(base_url=base(other.url), api_key="sk-key")

    def second(messages, tools):
        offered = [
            {"name": one["function"]["name"], "input_schema": one["function"]["parameters"]} for one in tools
        ]
        return claude.messages.create(
            model="the-model", max_tokens=100, messages=[{"role": "user", "content": str(messages)}], tools=offered
        )

    assert memex.Agent(second, tools=[double], output=int).run("go").output == 42


def test_a_memory_asks_a_client(server, tmp_path):
    replies = [
        "<think>I look.</think>\n<python>\nprint(read_file('user.md'))\n</python>",
        "<think>Known.</think>\n<reply>Ada.</reply>",
    ]
    running = server({"order": "sequence", "reply": [{"text": one} for one in replies]})
    client = openai.AsyncOpenAI(base_url=running.url, api_key="sk-key")

    async def main():
        memory = memex.AsyncMemory(tmp_path / "memory", model=client, model_name="the-model", create=True)
        await memory.create_file("user.md", "- name: Ada\n")
        return await memory.ask("What is my name?")

    assert asyncio.run(main()).reply == "Ada."
    assert "- name: Ada" in json.dumps(running.received()[1]["body"])
