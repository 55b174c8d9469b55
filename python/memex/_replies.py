"""Replies of models, in whatever form functions and clients return them."""

from __future__ import annotations

import json
import uuid
from typing import Any, Mapping, NamedTuple, Sequence

from memex import _characters


class ToolCall(NamedTuple):
    """A call that a model asks for: the tool's name and its arguments, a dictionary or a text of JSON.

    >>> memex.ToolCall("search", {"query": "bees"}).name
    'search'
    """

    name: str
    arguments: Any = {}
    id: str | None = None


class Usage(NamedTuple):
    """Tokens of a reply, and what they cost where a price is known.

    >>> memex.Usage(input_tokens=100, output_tokens=20).cost_usd is None
    True
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None


class Reply(NamedTuple):
    """What a function that stands for a model may return beside a text.

    >>> memex.Reply(tool_calls=[memex.ToolCall("python", {"code": "1 + 1"})]).text
    ''
    """

    text: str = ""
    tool_calls: Sequence[ToolCall] = ()
    reasoning: str = ""
    usage: Usage | None = None


def reply_json(reply: Any, name: str) -> tuple[str, str]:
    """A reply in the words of a protocol, whatever form it came in."""
    if isinstance(reply, str):
        reply = Reply(reply)
    if isinstance(reply, Reply):
        return "chat-completions", _json(_completion(reply, name))
    if isinstance(reply, Mapping):
        fields: Mapping[str, Any] = reply
    elif hasattr(reply, "model_dump_json") or hasattr(reply, "to_dict"):
        fields = json.loads(json_of(reply))
    else:
        raise TypeError(
            f"a model returned {type(reply).__name__}; it returns a text, a memex.Reply, a message as a dictionary, or a "
            "response of openai or anthropic"
        )
    if "choices" in fields:
        return "chat-completions", _json(fields)
    if fields.get("object") == "response" or ("output" in fields and "status" in fields):
        return "responses", _json(fields)
    if isinstance(fields.get("content"), list) and ("stop_reason" in fields or fields.get("type") == "message"):
        return "messages", _json(fields)
    if "content" in fields or "tool_calls" in fields:
        calls = [_tool_call(call) for call in fields.get("tool_calls") or ()]
        message = {**fields, "role": "assistant", "tool_calls": calls}
        if not calls:
            del message["tool_calls"]
        return "chat-completions", _json({"model": name, "choices": [{"message": message}]})
    raise TypeError(
        "a model returned a dictionary that is no message: it has `content`, `tool_calls`, or both, "
        f"not {', '.join(map(repr, list(fields)[:5])) or 'nothing'}"
    )


def _completion(reply: Reply, name: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.tool_calls:
        message["tool_calls"] = [_tool_call(call) for call in reply.tool_calls]
    made: dict[str, Any] = {"model": name, "choices": [{"message": message}]}
    if reply.usage is not None:
        used = reply.usage
        made["usage"] = {
            "prompt_tokens": used.input_tokens,
            "completion_tokens": used.output_tokens,
            "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
        }
    return made


def _tool_call(call: Any) -> dict[str, Any]:
    """A call as chat completions have it."""
    if isinstance(call, Mapping) and "function" in call:
        function = call["function"]
        name, arguments, id = function["name"], function.get("arguments", "{}"), call.get("id")
    elif isinstance(call, Mapping):
        name, arguments, id = call["name"], call.get("arguments", call.get("args", {})), call.get("id")
    else:
        name, arguments, *rest = call
        id = rest[0] if rest else None
    if not isinstance(arguments, str):
        arguments = _json(arguments)
    id = id or f"call_{uuid.uuid4().hex[:12]}"
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _json(value: Any) -> str:
    """JSON of characters alone: a reply may have been cut in the middle of one."""
    return _characters.whole(json.dumps(value, ensure_ascii=False))


def json_of(value: Any) -> str:
    """The JSON of a response or an event, as the server sent it."""
    if hasattr(value, "model_dump_json"):
        return value.model_dump_json(exclude_unset=True, by_alias=True)
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    return json.dumps(value)
