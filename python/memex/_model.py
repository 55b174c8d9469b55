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
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

from memex import _bedrock, _characters, _memex
from memex._asking import Asking
from memex._errors import ModelError

if TYPE_CHECKING:
    from memex._caller import Caller

# Protocols by the name of the resource that speaks them.
_PROTOCOLS = {"chat": "chat-completions", "responses": "responses", "messages": "messages"}
_KINDS = ("openai", "openai-responses", "anthropic", "local", "script", "replay")


class Model:
    """A model that agents ask.

    - `Model("openai:gpt-5")`: a name as the command's `--model` takes it: `openai:`,
      `openai-responses:`, `anthropic:`, `local:NAME@http://HOST:PORT/v1`, `script:FILE`,
      `replay:FILE`; `openai/gpt-5` will do as well. The key is `api_key`, or that of the
      environment (`OPENAI_API_KEY`, `ANTHROPIC_API_KEY`). `options` are those of
      `docs/agents.md`: timeouts, retries, limits, headers.
    - `Model(client, "gpt-5")`: a client of `openai` or `anthropic`, sync or async, for
      Azure, Bedrock or any other server; or `boto3.client("bedrock-runtime")`. `api` is `chat`, `responses` or `messages` where
      a client has several; `stream=True` asks for the reply piece by piece, as names do
      unless `stream=False`. `options={"wire": {"max_tokens_field": "max_tokens"}}` and the
      like are for servers that differ.
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
        self._wire: dict[str, Any] = {}
        self._takes_tools = True
        self._protocol = "chat-completions"
        if isinstance(source, str):
            self._kind = "name"
            self._named(source, name, stream, api_key, base_url, options)
            return
        found = _api_of(source, api)
        if api_key is not None or base_url is not None or set(options or ()) - ({"wire"} if found else set()):
            raise ModelError(
                "api_key, base_url and options go with the name of a model; a client has its own, and no options but `wire`"
            )
        self._wire = dict((options or {}).get("wire", {}))
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
        variable = _memex.ModelSource.key_variable(_characters.checked(line, "the name of the model", ModelError))
        settings = dict(options or {})
        if base_url is not None:
            settings["base_url"] = base_url
        if stream is not None:
            settings["wire"] = {**settings.get("wire", {}), "stream": stream}
        found = key if key is not None else os.environ.get(variable, "") if variable else ""
        try:
            text = json.dumps(settings, ensure_ascii=False)
        except (TypeError, ValueError) as error:
            raise ModelError(f"the options of the model are no JSON: {error}") from None
        for given, what in ((text, "an option of the model"), (found, "the key")):
            _characters.checked(given, what, ModelError)
        self._is_async = False
        self._native = _memex.ModelSource.named(line, text, found or None)
        self.name = self._native.name

    def _bound(self, find: Callable[[], Caller]) -> Any:
        """The model for the extension module; `find` has whoever asks it, in whose context and loop it is asked."""
        if self._native is not None:
            return self._native
        wire = json.dumps({**self._wire, "stream": self._stream and self._kind == "client"})
        return _memex.ModelSource.of_function(self.name, self._protocol, wire, Asking(self, find))

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
    if _bedrock.is_client(source):
        if api not in (None, "chat"):
            raise ModelError(f"a client of boto3 has no {api}; it asks models by their conversations")
        return "chat", _bedrock.asking(source)
    if "botocore" in roots:
        raise ModelError(
            f"{type(source).__name__} asks no models; the client of boto3 that does is boto3.client('bedrock-runtime')"
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
