"""verifiers' own rollouts, with a provider in this process that says what a script says."""

import asyncio
import http.server
import json
import threading

import pytest
import verifiers.v1 as vf
from verifiers.v1.utils.loaders import harness_class, harness_config_type

import pages

from memex.adapters.verifiers import MemexHarness, MemexHarnessConfig


def code(text):
    return {"tool_calls": [{"id": "c", "type": "function", "function": {"name": "python", "arguments": json.dumps({"code": text})}}]}


@pytest.fixture
def provider():
    """Starts a server of these replies; gives what it was sent, and its address."""
    servers = []

    def start(*replies):
        left, received = list(replies), []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                message = {"role": "assistant", "content": None, **left.pop(0)}
                body = json.dumps({
                    "id": "r", "object": "chat.completion", "created": 0, "model": "m",
                    "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}],
                    "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
                }).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return received, f"http://127.0.0.1:{server.server_port}/v1"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Counting(vf.Task):
    @vf.reward
    async def right(self, trace: vf.Trace) -> float:
        return float("42" in (trace.messages[-1].content or ""))


class ToolServer(http.server.BaseHTTPRequestHandler):
    """A server of one tool, as MCP has it: verifiers starts those of tasks in environments that it installs."""

    tool = {
        "name": "population",
        "description": "How many people live in a city.",
        "inputSchema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        results = {
            "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "t", "version": "1"}},
            "tools/list": {"tools": [self.tool, {**self.tool, "name": "secret"}]},
            "tools/call": {"content": [{"type": "text", "text": "134591"}]},
        }
        body = b"" if "id" not in asked else json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": results[asked["method"]]}).encode()
        self.send_response(200 if body else 202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.send_error(405)

    def do_DELETE(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words):
        pass


def rollout(url, task, says=(), max_turns=None, **harness):
    config = vf.AgentConfig(
        harness={"id": "memex_verifiers", **harness},
        runtime={"type": "subprocess"},
        model="the/model@1",
        client=vf.EvalClientConfig(base_url=url, api_key_var="NO_KEY"),
        sampling={"temperature": 0.3},
        max_turns=max_turns,
    )

    async def run():
        async with vf.Agent(config) as agent:
            if not says:
                return await agent.run(task)
            async with agent.interaction(task) as exchange:
                for text in says:
                    await exchange.turn(text)
            return exchange.trace

    return asyncio.run(run())


def test_the_harness_is_found_by_its_name():
    assert harness_class("memex_verifiers") is MemexHarness
    assert harness_config_type("memex_verifiers") is MemexHarnessConfig


def test_a_rollout_is_recorded_and_graded(provider):
    received, url = provider(code("x = 40\nprint(x)"), code("x + 2"), {"content": "It is 42."})
    task = Counting(vf.TaskData(idx=0, prompt="Count.", system_prompt="Be brief."))
    trace = rollout(url, task)
    assert trace.ok, trace.errors
    assert trace.rewards["right"].score == 1
    # Model and sampling are the rollout's; what came of the code went back.
    assert [body["model"] for body in received] == ["the/model@1"] * 3
    assert all(body["temperature"] == 0.3 for body in received)
    system, user = received[0]["messages"]
    assert "Be brief." in system["content"] and "Count." in user["content"]
    assert "40" in received[1]["messages"][-1]["content"] and "42" in received[2]["messages"][-1]["content"]
    # As the trace has it, which is what is trained on.
    roles = [message.role for message in trace.messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool", "assistant"]


def test_tool_servers_of_the_task_are_functions_of_the_code(provider):
    received, url = provider(code("n = int(population('Bern'))\nn - 134549"), {"content": "42"})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ToolServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    harness = MemexHarness(MemexHarnessConfig(disabled_tools=["secret"]))
    given = vf.TaskData(idx=0, prompt="How many?")
    servers = {"cities": f"http://127.0.0.1:{server.server_port}/mcp"}
    context = vf.ModelContext(model="m", client=vf.EvalClientConfig(base_url=url))
    done = asyncio.run(harness.launch(context, None, None, url, "key", servers, given))
    server.shutdown()
    assert (done.exit_code, done.stdout) == (0, "42")
    assert "42" in received[1]["messages"][-1]["content"]
    told = json.dumps(received[0])
    assert "def population(city: str)" in told and "secret" not in told


def test_an_exchange_goes_on_over_the_same_scope(provider):
    received, url = provider(code("kept = 41"), {"content": "Noted."}, code("kept + 1"), {"content": "42"})
    trace = rollout(url, Counting(vf.TaskData(idx=0)), says=("Keep it.", "And one more?"))
    assert trace.ok, trace.errors
    assert trace.rewards["right"].score == 1
    assert "42" in received[3]["messages"][-1]["content"] and "And one more?" in json.dumps(received[2]["messages"])


def test_a_rollout_is_stopped_by_its_own_bounds(provider):
    received, url = provider(*[code("1")] * 10)
    trace = rollout(url, Counting(vf.TaskData(idx=0, prompt="Count.")), max_turns=2)
    assert trace.ok, trace.errors
    assert len(received) == 2 and trace.stop_condition == "max_turns" and trace.rewards["right"].score == 0


def test_a_budget_of_memex_ends_it_too(provider):
    received, url = provider(*[code("1")] * 10)
    trace = rollout(url, Counting(vf.TaskData(idx=0, prompt="Count.")), limits={"time": "1s"}, turns=3)
    assert trace.ok, trace.errors
    assert len(received) == 3 and trace.rewards["right"].score == 0


def test_a_prompt_that_is_no_task_is_refused(provider):
    received, url = provider()
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    trace = rollout(url, Counting(vf.TaskData(idx=0, prompt=[vf.UserMessage(content=[picture])])))
    assert not trace.ok and "a task for memex is words" in str(trace.errors[0]) and not received


def test_the_page_runs():
    pages.run("verifiers")
