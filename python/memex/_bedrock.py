"""Bedrock by a client of boto3: requests and replies in the words of its `converse`.

    body of chat completions ──► client.converse(…) ──► chat completion
                             └─► client.converse_stream(…) ──► chunks of one
"""

from __future__ import annotations

import base64
import json
from typing import Any, Callable, Iterator

_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
_DATA_URL = "data:image/"
# Names of settings: those of chat completions, and those of `converse`.
_INFERENCE = {
    "max_completion_tokens": "maxTokens",
    "max_tokens": "maxTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "stop": "stopSequences",
}


def is_client(source: Any) -> bool:
    """Whether something is a client of boto3 for the models of Bedrock."""
    modules = {kind.__module__.partition(".")[0] for kind in type(source).__mro__}
    return "botocore" in modules and callable(getattr(source, "converse", None))


def asking(client: Any) -> Callable[..., Any]:
    """A function of the body of a chat completion that asks the client."""

    def create(*, stream: bool = False, **body: Any) -> Any:
        request = request_of(body)
        if stream:
            return chunks_of(client.converse_stream(**request)["stream"])
        return completion_of(client.converse(**request))

    return create


def request_of(body: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `converse`."""
    system: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    for message in body["messages"]:
        if message["role"] == "system":
            system += _texts(message["content"])
            continue
        role, blocks = _blocks(message)
        # Results of several calls, and what the user says to them, are one message.
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += blocks
        elif blocks:
            messages.append({"role": role, "content": blocks})
    made: dict[str, Any] = {"modelId": body["model"], "messages": messages}
    if system:
        made["system"] = system
    inference = {name: body[known] for known, name in _INFERENCE.items() if body.get(known) is not None}
    if inference:
        made["inferenceConfig"] = inference
    choice = body.get("tool_choice")
    if body.get("tools") and choice != "none":
        made["toolConfig"] = {"tools": [_tool(tool["function"]) for tool in body["tools"]]}
        if choice == "required":
            made["toolConfig"]["toolChoice"] = {"any": {}}
        elif choice is not None:
            made["toolConfig"]["toolChoice"] = {"tool": {"name": choice["function"]["name"]}}
    return made


def completion_of(response: dict[str, Any]) -> dict[str, Any]:
    """The chat completion that a response is."""
    texts, thoughts, calls = [], [], []
    for block in response["output"]["message"]["content"]:
        if "text" in block:
            texts.append(block["text"])
        elif "toolUse" in block:
            used = block["toolUse"]
            calls.append(_call(used["toolUseId"], used["name"], json.dumps(used["input"])))
        elif "reasoningText" in block.get("reasoningContent", {}):
            thoughts.append(block["reasoningContent"]["reasoningText"]["text"])
    message: dict[str, Any] = {"role": "assistant", "content": "".join(texts)}
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    if calls:
        message["tool_calls"] = calls
    choice = {"message": message, "finish_reason": _reason(response["stopReason"])}
    return {"choices": [choice], "usage": _usage(response["usage"])}


def chunks_of(events: Any) -> Iterator[dict[str, Any]]:
    """The chunks of a chat completion that the events of a stream are."""
    # Of the block of a call, which of the calls it is.
    calls: dict[int, int] = {}
    try:
        for event in events:
            if "contentBlockStart" in event:
                start = event["contentBlockStart"]
                used = start["start"].get("toolUse")
                if used is not None:
                    number = calls.setdefault(start["contentBlockIndex"], len(calls))
                    yield _delta(tool_calls=[{"index": number, **_call(used["toolUseId"], used["name"], "")}])
            elif "contentBlockDelta" in event:
                piece = event["contentBlockDelta"]
                delta = piece["delta"]
                if "text" in delta:
                    yield _delta(content=delta["text"])
                elif "toolUse" in delta:
                    number = calls[piece["contentBlockIndex"]]
                    yield _delta(tool_calls=[{"index": number, "function": {"arguments": delta["toolUse"]["input"]}}])
                elif "text" in delta.get("reasoningContent", {}):
                    yield _delta(reasoning_content=delta["reasoningContent"]["text"])
            elif "messageStop" in event:
                reason = _reason(event["messageStop"]["stopReason"])
                yield {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
            elif "metadata" in event:
                yield {"choices": [], "usage": _usage(event["metadata"]["usage"])}
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()


def refusal(error: BaseException) -> tuple[int | None, str | None]:
    """The HTTP status and the code of an error of boto3, as far as it has them."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return None, None
    status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode")
    code = (response.get("Error") or {}).get("Code")
    return status if isinstance(status, int) else None, code if isinstance(code, str) else None


def _blocks(message: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """The role and the blocks of a message that is not the system's."""
    if message["role"] == "tool":
        result = {"toolUseId": message["tool_call_id"], "content": [{"text": message["content"]}]}
        return "user", [{"toolResult": result}]
    content = message.get("content")
    blocks = _texts(content) if content is None or isinstance(content, str) else [_part(part) for part in content]
    for call in message.get("tool_calls") or ():
        used = {"toolUseId": call["id"], "name": call["function"]["name"], "input": _arguments(call["function"]["arguments"])}
        blocks.append({"toolUse": used})
    return message["role"], blocks


def _texts(text: str | None) -> list[dict[str, Any]]:
    """A block of a text; none of one that is blank, which `converse` refuses."""
    return [{"text": text}] if text is not None and text.strip() else []


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] == "text":
        return {"text": part["text"]}
    url = part["image_url"]["url"]
    if not url.startswith(_DATA_URL):
        raise ValueError("Bedrock takes pictures by their bytes, and not by an address")
    kind, _, data = url.removeprefix(_DATA_URL).partition(";base64,")
    return {"image": {"format": kind, "source": {"bytes": base64.b64decode(data)}}}


def _arguments(text: str) -> dict[str, Any]:
    """The arguments of an earlier call; none where the model wrote no object."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _tool(function: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {"name": function["name"], "inputSchema": {"json": function["parameters"]}}
    if function.get("description"):
        spec["description"] = function["description"]
    return {"toolSpec": spec}


def _call(id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields}]}


def _reason(reason: str) -> str:
    return _REASONS.get(reason, reason)


def _usage(used: dict[str, Any]) -> dict[str, Any]:
    """Tokens as chat completions count them: what came of a cache or went into one is part of the prompt."""
    cached, written = used.get("cacheReadInputTokens") or 0, used.get("cacheWriteInputTokens") or 0
    return {
        "prompt_tokens": used["inputTokens"] + cached + written,
        "completion_tokens": used["outputTokens"],
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
    }
