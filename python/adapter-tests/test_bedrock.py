"""boto3's own client of Bedrock as an agent's model, over HTTP to a server in this process."""

import base64
import http.server
import json
import struct
import threading
import urllib.parse
import zlib

import boto3
import botocore.config
import pytest

import pages

import memex
from memex import _bedrock

CODE = "x = double(20)\nprint(x)"


def says(text="", *calls, reason=None, thought=None):
    """A response of `converse`."""
    content = [{"reasoningContent": {"reasoningText": {"text": thought}}}] if thought else []
    content += [{"text": text}] if text else []
    content += [{"toolUse": {"toolUseId": f"use-{n}", "name": name, "input": given}} for n, (name, given) in enumerate(calls)]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": reason or ("tool_use" if calls else "end_turn"),
        "usage": {"inputTokens": 100, "outputTokens": 10, "totalTokens": 115, "cacheReadInputTokens": 5},
        "metrics": {"latencyMs": 1},
    }


def framed(kind, fields):
    """An event of a stream, as AWS frames it."""
    head = b""
    for name, value in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event")):
        head += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    body = json.dumps(fields).encode()
    prelude = struct.pack(">II", 16 + len(head) + len(body), len(head))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + body
    return frame + struct.pack(">I", zlib.crc32(frame))


def streamed(response):
    """The same response as a stream, its texts and arguments in two pieces."""
    events = framed("messageStart", {"role": "assistant"})
    for index, block in enumerate(response["output"]["message"]["content"]):
        if "toolUse" in block:
            used = block["toolUse"]
            start = {"toolUse": {"toolUseId": used["toolUseId"], "name": used["name"]}}
            events += framed("contentBlockStart", {"contentBlockIndex": index, "start": start})
            whole, piece = json.dumps(used["input"]), lambda text: {"toolUse": {"input": text}}
        elif "text" in block:
            whole, piece = block["text"], lambda text: {"text": text}
        else:
            whole, piece = block["reasoningContent"]["reasoningText"]["text"], lambda text: {"reasoningContent": {"text": text}}
        for text in (whole[:3], whole[3:]):
            events += framed("contentBlockDelta", {"contentBlockIndex": index, "delta": piece(text)})
        events += framed("contentBlockStop", {"contentBlockIndex": index})
    events += framed("messageStop", {"stopReason": response["stopReason"]})
    return events + framed("metadata", {"usage": response["usage"], "metrics": response["metrics"]})


@pytest.fixture
def bedrock():
    """Starts a server of these replies; gives a client of it, and what it was sent."""
    servers = []

    def start(*replies):
        left, received = list(replies), []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                received.append((urllib.parse.unquote(self.path), body))
                reply = left.pop(0)
                status, kind, data = 200, "application/json", b""
                if isinstance(reply, tuple):
                    status, code = reply
                    data = json.dumps({"message": f"it is {code}"}).encode()
                elif self.path.endswith("-stream"):
                    kind, data = "application/vnd.amazon.eventstream", streamed(reply)
                else:
                    data = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if status != 200:
                    self.send_header("x-amzn-ErrorType", code)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_words):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        client = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}),
        )
        return client, received

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@memex.tool
def double(n: int) -> int:
    """Doubles a number."""
    return 2 * n


REPLIES = (
    says("First I look.", ("python", {"code": CODE}), thought="Hm."),
    says("", ("python", {"code": "submit(value=x + 2)"})),
)


@pytest.mark.parametrize("stream", [False, True])
def test_an_agent_is_run(bedrock, stream):
    client, received = bedrock(*REPLIES)
    model = memex.Model(client, "anthropic.claude-v9", stream=stream)
    agent = memex.Agent(model, tools=[double], output=int, temperature=0.5, reply_tokens=500, instructions="Be brief.")
    result = agent.run("go")
    assert result.output == 42
    door = "converse-stream" if stream else "converse"
    assert [path for path, _body in received] == [f"/model/anthropic.claude-v9/{door}"] * 2
    first, second = (body for _path, body in received)
    assert "Be brief." in first["system"][0]["text"]
    assert [message["role"] for message in first["messages"]] == ["user"]
    assert first["inferenceConfig"] == {"maxTokens": 500, "temperature": 0.5}
    offered = [tool["toolSpec"] for tool in first["toolConfig"]["tools"]]
    assert offered[0]["name"] == "python" and offered[0]["inputSchema"]["json"]["required"] == ["code"]
    # What it said, and what came of it.
    said, seen = second["messages"][1:]
    assert said["role"] == "assistant" and said["content"][0] == {"text": "First I look."}
    assert said["content"][1]["toolUse"] == {"toolUseId": "use-0", "name": "python", "input": {"code": CODE}}
    assert seen["role"] == "user" and seen["content"][0]["toolResult"]["toolUseId"] == "use-0"
    assert "40" in seen["content"][0]["toolResult"]["content"][0]["text"]
    assert result.usage.input_tokens == 210 and result.usage.output_tokens == 20


def test_pieces_come_as_they_are_written(bedrock):
    client, _received = bedrock(*REPLIES)
    agent = memex.Agent(memex.Model(client, "m", stream=True), tools=[double], output=int)
    pieces = [(event.kind, event.text) for event in agent.stream("go", pieces=True) if isinstance(event, memex.Piece)]
    assert ("text", "Fir") in pieces and ("text", "st I look.") in pieces and ("reasoning", "Hm.") in pieces


def test_an_error_says_what_the_service_said(bedrock):
    client, _received = bedrock((403, "AccessDeniedException"))
    result = memex.Agent(client, model_name="m").run("go")
    assert result.status == "failed" and "403" in result.reason and "AccessDeniedException" in result.reason
    with pytest.raises(memex.RunFailed) as caught:
        result.raise_for_error()
    assert type(caught.value.__cause__).__name__ == "AccessDeniedException"


def test_what_is_asked_is_what_the_service_takes(bedrock):
    """The client holds every request against the service's own description before it sends it."""
    picture = base64.b64encode(b"bytes").decode()
    client, received = bedrock(says("ok"))
    made = _bedrock.asking(client)(
        model="m",
        messages=[
            {"role": "system", "content": "One."},
            {"role": "user", "content": [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}]},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
                {"id": "b", "type": "function", "function": {"name": "f", "arguments": "no JSON"}},
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "1"},
            {"role": "tool", "tool_call_id": "b", "content": "2"},
            {"role": "user", "content": "And?"},
        ],
        tools=[{"type": "function", "function": {"name": "f", "description": "", "parameters": {"type": "object"}}}],
        tool_choice={"type": "function", "function": {"name": "f"}},
        stop=["END"],
        seed=5,
    )
    assert made["choices"][0] == {"message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
    [(_path, body)] = received
    assert body["system"] == [{"text": "One."}]
    user, assistant, results = body["messages"]
    assert user["content"] == [{"text": "See"}, {"image": {"format": "png", "source": {"bytes": picture}}}]
    assert [block["toolUse"]["input"] for block in assistant["content"]] == [{"x": 1}, {}]
    assert [list(block) for block in results["content"]] == [["toolResult"], ["toolResult"], ["text"]]
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": "f"}}
    assert body["inferenceConfig"] == {"stopSequences": ["END"]}
    with pytest.raises(ValueError, match="by their bytes"):
        _bedrock.request_of({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}]})


def test_clients_of_other_services_are_told_apart():
    s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret")
    with pytest.raises(memex.ModelError, match="bedrock-runtime"):
        memex.Agent(s3, model_name="m")
    client = boto3.client("bedrock-runtime", region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret")
    with pytest.raises(memex.ModelError, match="model_name"):
        memex.Agent(client)
    with pytest.raises(memex.ModelError, match="no messages"):
        memex.Model(client, "m", api="messages")


def test_the_page_runs(bedrock, monkeypatch):
    client, received = bedrock(says("", ("python", {"code": "print(double(20))"})), says("It is 40."))
    monkeypatch.setattr(boto3, "client", lambda _service: client)
    assert pages.run("bedrock")["result"].answer == "It is 40." and len(received) == 2
