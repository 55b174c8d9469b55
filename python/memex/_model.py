"""Models for agents: by name, by the user's own client, or by a function.

    name      ──► the Rust client: retries, limits, streams
    client    ──► client.chat.completions.create(**body) and the like, with the user's keys
    function  ──► function(messages) or function(messages, tools)

Clients are recognised by the module and the class that they are of, and by their
methods; their packages are never imported from here.
"""

from __future__ import annotations

import inspect
import json
import os
import uuid
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, Sequence

from memex import _loops, _memex
from memex._errors import ModelError

if TYPE_CHECKING:
    from memex._run import Caller

# Protocols by the name of the resource that speaks them.
_PROTOCOLS = {"chat": "chat-completions", "responses": "responses", "messages": "messages"}
_KINDS = ("openai", "openai-responses", "anthropic", "local", "script", "replay")
# Shorter keys would tear up ordinary words.
_SECRET_MIN = 6
_MESSAGE_MAX = 4000


class ToolCall(NamedTuple):
    """A call that a model asks for: the tool's name and its arguments, a dictionary or a text of JSON."""

    name: str
    arguments: Any = {}
    id: str | None = None


class Usage(NamedTuple):
    """Tokens of a reply, and what they cost where a price is known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None


class Reply(NamedTuple):
    """What a function that stands for a model may return beside a text.

    >>> memex.Reply(tool_calls=[memex.ToolCall("python", {"code": "1 + 1"})])
    """

    text: str = ""
    tool_calls: Sequence[ToolCall] = ()
    reasoning: str = ""
    usage: Usage | None = None


class Model:
    """A model that agents ask.

    - `Model("openai:gpt-5")`: a name as the command's `--model` takes it: `openai:`,
      `openai-responses:`, `anthropic:`, `local:NAME@http://HOST:PORT/v1`, `script:FILE`,
      `replay:FILE`; `openai/gpt-5` will do as well. The key is `api_key`, or that of the
      environment (`OPENAI_API_KEY`, `ANTHROPIC_API_KEY`). `options` are those of
      `docs/agents.md`: timeouts, retries, limits, headers.
    - `Model(client, "gpt-5")`: a client of `openai` or `anthropic`, sync or async, for
      Azure, Bedrock or any other server. `api` is `chat`, `responses` or `messages` where
      a client has several; `stream=True` asks for the reply piece by piece, as names do
      unless `stream=False`.
    - `Model(function)`: a function, sync or async, of the messages (dictionaries, as chat
      completions have them) and, if it takes a second argument, the tools. It returns a
      text, a `Reply`, or a response of `openai` or `anthropic`.

    >>> memex.Model(lambda messages: "```python\\nsubmit(value=2)\\n```").name
    '<lambda>'
    """

    def __init__(
        self,
        source: Any,
        name: str | None = None,
        *,
        api: str | None = None,
        stream: bool | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._source = source
        self._stream = bool(stream)
        self._native: Any = None
        self._takes_tools = True
        self._protocol = "chat-completions"
        if isinstance(source, str):
            self._kind = "name"
            self._named(source, name, stream, api_key, base_url, options)
            return
        if api_key is not None or base_url is not None or options is not None:
            raise ModelError("api_key, base_url and options go with the name of a model; a client has its own")
        found = _api_of(source, api)
        if found is not None:
            if not name:
                raise ModelError(
                    f"{type(source).__name__} asks many models; say which: Agent(model=client, model_name='…'), "
                    "or Model(client, 'NAME')"
                )
            self._kind, self._protocol, self.name = "client", _PROTOCOLS[found[0]], name
            self._create = found[1]
            self._is_async = _is_async_class(source)
            return
        if not callable(source):
            raise ModelError(
                f"a model is a name such as 'openai:gpt-5', a client of openai or anthropic, or a function, not "
                f"{type(source).__name__}"
            )
        self._kind = "function"
        self.name = name or getattr(source, "__name__", None) or type(source).__name__
        self._create = source
        self._is_async = _is_async_function(source)
        self._takes_tools = _takes_two(source)

    def _named(
        self, line: str, name: str | None, stream: bool | None, key: str | None, base_url: str | None, options: Any
    ) -> None:
        line = _line_of(line if name is None else f"{line}:{name}")
        variable = _memex.ModelSource.key_variable(line)
        settings = dict(options or {})
        if base_url is not None:
            settings["base_url"] = base_url
        if stream is not None:
            settings["wire"] = {**settings.get("wire", {}), "stream": stream}
        found = key if key is not None else os.environ.get(variable, "") if variable else ""
        try:
            text = json.dumps(settings)
        except (TypeError, ValueError) as error:
            raise ModelError(f"the options of the model are no JSON: {error}") from None
        self._is_async = False
        self._native = _memex.ModelSource.named(line, text, found or None)
        self.name = self._native.name

    def _bound(self, find: Callable[[], Caller]) -> Any:
        """The model for the extension module; `find` has whoever asks it, in whose context and loop it is asked."""
        if self._native is not None:
            return self._native
        wire = json.dumps({"stream": self._stream and self._kind == "client"})
        return _memex.ModelSource.of_function(self.name, self._protocol, wire, _asker(self, find))

    @property
    def _needs_loop(self) -> bool:
        return self._is_async

    def __repr__(self) -> str:
        return f"<memex.Model {self.name}>"


def model_of(given: Any, name: str | None = None, key: str | None = None, base_url: str | None = None) -> Model:
    """The model that something given stands for."""
    if isinstance(given, Model):
        if name is not None or key is not None or base_url is not None:
            raise ModelError("a Model has its name, key and address already")
        return given
    if given is None:
        given = os.environ.get("MEMEX_MODEL") or None
    if given is None:
        raise ModelError(
            "there is no model; give one: Agent(model='openai:gpt-5'), a client, or a function, or set MEMEX_MODEL"
        )
    return Model(given, name, api_key=key, base_url=base_url)


def _line_of(line: str) -> str:
    """`openai/gpt-5` as `openai:gpt-5`."""
    kind, slash, rest = line.partition("/")
    return f"{kind}:{rest}" if slash and kind in _KINDS else line


# Recognising what is given


def _api_of(source: Any, api: str | None) -> tuple[str, Callable[..., Any]] | None:
    """How a client is spoken to, and what asks it; `None` for what is no client."""
    if api is not None and api not in _PROTOCOLS:
        raise ModelError(f"there is no api {api!r}; there are {', '.join(_PROTOCOLS)}")
    if inspect.isroutine(source) or inspect.isclass(source):
        return None
    roots = {kind.__module__.partition(".")[0] for kind in type(source).__mro__}
    if "botocore" in roots:
        raise ModelError(
            "a client of boto3 has an interface of its own; use anthropic.AnthropicBedrock, or openai.OpenAI with the "
            "address of Bedrock, or a function that calls it"
        )
    known = bool(roots & {"openai", "anthropic"})
    found = {}
    for name in _PROTOCOLS:
        create = _method(source, ("chat", "completions", "create") if name == "chat" else (name, "create"))
        if create is not None:
            found[name] = create
    if api is not None:
        if api not in found:
            raise ModelError(f"{type(source).__name__} has no {api}")
        return api, found[api]
    if callable(source) and not known:
        return None
    for name in ("chat", "messages", "responses"):
        if name in found:
            return name, found[name]
    return None


def _method(source: Any, path: Sequence[str]) -> Callable[..., Any] | None:
    for name in path:
        source = getattr(source, name, None)
    return source if callable(source) else None


def _is_async_class(source: Any) -> bool:
    return any(kind.__name__.startswith("Async") for kind in type(source).__mro__)


def _is_async_function(source: Any) -> bool:
    return inspect.iscoroutinefunction(source) or inspect.iscoroutinefunction(getattr(source, "__call__", None))


def _takes_two(function: Any) -> bool:
    """Whether a function takes the tools beside the messages."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    count = len([one for one in parameters if one.kind in positional])
    return count >= 2 or any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in parameters)


# Asking


def _asker(model: Model, find: Callable[[], Caller]) -> Callable[[str, Any], Callable[[], None] | None]:
    """What the extension module asks: on a thread for it, or on the caller's event loop."""

    def call(body: dict[str, Any]) -> Any:
        if model._kind == "client":
            return model._create(**body)
        if model._takes_tools:
            return model._create(body["messages"], body.get("tools", []))
        return model._create(body["messages"])

    def failed(run: Caller, answer: Any, error: BaseException) -> None:
        run.model_error = error
        status = getattr(error, "status_code", None)
        code = getattr(error, "code", None)
        answer.error(
            status if isinstance(status, int) and 100 <= status < 1000 else None,
            code if isinstance(code, str) else type(error).__name__,
            _without_key(str(error), model._source)[:_MESSAGE_MAX],
        )

    async def awaited(run: Caller, value: Any, answer: Any) -> None:
        import asyncio

        try:
            found = await value if inspect.isawaitable(value) else value
            if model._stream and model._kind == "client":
                async for event in found:
                    if not answer.event(_json_of(event)):
                        break
                answer.end()
            else:
                _give(answer, found, model.name)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            failed(run, answer, error)

    def ask(text: str, answer: Any) -> Callable[[], None] | None:
        run = find()
        body = json.loads(text)
        loop = run.turn.loop

        async def on_loop() -> None:
            try:
                value = call(body)
            except Exception as error:
                failed(run, answer, error)
                return
            await awaited(run, value, answer)

        if model._is_async:
            return _loops.start(loop or _loops.background(), on_loop, run.turn.context.copy())
        try:
            value = run.turn.context.copy().run(call, body)
            if inspect.isawaitable(value):
                if run.turn.in_loop:
                    close = getattr(value, "close", None)
                    if close is not None:
                        close()
                    raise RuntimeError(f"{model.name} is async; use `await agent.arun(…)` in a running event loop")
                waiting = value
                return _loops.start(
                    loop or _loops.background(), lambda: awaited(run, waiting, answer), run.turn.context.copy()
                )
            if model._stream and model._kind == "client":
                for event in value:
                    if not answer.event(_json_of(event)):
                        break
                close = getattr(value, "close", None)
                if close is not None:
                    close()
                answer.end()
            else:
                _give(answer, value, model.name)
        except Exception as error:
            failed(run, answer, error)
        except BaseException as error:
            # An exit of the function's: not the loop's to catch.
            run._struck(error)
            failed(run, answer, error)
        return None

    return ask


def _without_key(text: str, source: Any) -> str:
    key = getattr(source, "api_key", None)
    return text.replace(key, "[secret]") if isinstance(key, str) and len(key) >= _SECRET_MIN else text


# Reading replies


def _give(answer: Any, reply: Any, name: str) -> None:
    protocol, text = reply_json(reply, name)
    answer.whole(protocol, text)


def reply_json(reply: Any, name: str) -> tuple[str, str]:
    """A reply in the words of a protocol, whatever form it came in."""
    if isinstance(reply, str):
        reply = Reply(reply)
    if isinstance(reply, Reply):
        return "chat-completions", json.dumps(_completion(reply, name))
    if isinstance(reply, Mapping):
        fields: Mapping[str, Any] = reply
    elif hasattr(reply, "model_dump_json") or hasattr(reply, "to_dict"):
        fields = json.loads(_json_of(reply))
    else:
        raise TypeError(
            f"a model returned {type(reply).__name__}; it returns a text, a memex.Reply, a message as a dictionary, or a "
            "response of openai or anthropic"
        )
    if "choices" in fields:
        return "chat-completions", json.dumps(fields)
    if fields.get("object") == "response" or ("output" in fields and "status" in fields):
        return "responses", json.dumps(fields)
    if isinstance(fields.get("content"), list) and ("stop_reason" in fields or fields.get("type") == "message"):
        return "messages", json.dumps(fields)
    if "content" in fields or "tool_calls" in fields:
        calls = [_tool_call(call) for call in fields.get("tool_calls") or ()]
        message = {**fields, "role": "assistant", "tool_calls": calls}
        if not calls:
            del message["tool_calls"]
        return "chat-completions", json.dumps({"model": name, "choices": [{"message": message}]})
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
        arguments = json.dumps(arguments)
    id = id or f"call_{uuid.uuid4().hex[:12]}"
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _json_of(value: Any) -> str:
    """The JSON of a response or an event, as the server sent it."""
    if hasattr(value, "model_dump_json"):
        return value.model_dump_json(exclude_unset=True, by_alias=True)
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    return json.dumps(value)
