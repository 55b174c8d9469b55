"""OpenAI Agents SDK: `Agent(tools=code_tools([…]))` gives an agent one tool that runs Python.

The tools given here are functions inside of that code. A session lasts as long as a
run; with `session=`, all runs use that one, and with `key=`, those with the same key.

A `SandboxAgent` works in a session by `RunConfig(sandbox=SandboxRunConfig(client=SandboxClient()))`.
"""

from __future__ import annotations

import contextvars
import json
from typing import Any, Callable, Iterable

import memex
from memex.adapters import _common

try:
    from agents import FunctionTool
    from agents.sandbox import Manifest, SnapshotSpec
    from agents.sandbox.session import BaseSandboxClient, SandboxSession, SandboxSessionState
    from agents.sandbox.snapshot import SnapshotBase
    from agents.tool_context import ToolContext

    from memex.adapters._openai_sandbox import MemexSandboxSession, MemexSandboxState
except ModuleNotFoundError as error:
    raise _common.needed(error, "openai_agents") from None

__all__ = ["SandboxClient", "code_tools"]

_SCHEMA = {
    "type": "object",
    "properties": {"code": {"type": "string", "description": "The Python code to run."}},
    "required": ["code"],
    "additionalProperties": False,
}
# The call of the code tool, in whose name tools inside are called.
_current: contextvars.ContextVar[ToolContext[Any]] = contextvars.ContextVar("memex_tool_context")


class _Kept:
    """A session with what it belongs to, so that another object cannot have its identity meanwhile."""

    def __init__(self, session: memex.Session, owner: Any) -> None:
        self.session, self.owner = session, owner

    @property
    def closed(self) -> bool:
        return self.session.closed

    def close(self) -> None:
        self.session.close()


def code_tools(
    tools: Iterable[Any] = (),
    *,
    session: memex.Session | None = None,
    key: Callable[[ToolContext[Any]], Any] | None = None,
    name: str = "python",
    characters: int = _common.SHOWN_CHARACTERS,
    **settings: Any,
) -> list[FunctionTool]:
    """The tool that runs code, as a list for `Agent(tools=…)`.

    `tools` are functions, or tools of `function_tool`. Those that need approval or have
    guardrails are refused: code that has begun cannot wait for a person. `key` gives of a
    call's context what its session is known by. Other settings are those of `memex.Sandbox`.
    """
    if session is not None and (settings or list(tools)):
        raise memex.ToolError("a session has its tools and settings already; give them to its Sandbox")
    box = session._sandbox if session is not None else memex.Sandbox(tools=[_tool(one) for one in tools], **settings)
    kept = _common.Sessions(box.session) if session is None else None
    locks: Any = _common.Locks()

    async def invoke(context: ToolContext[Any], arguments: str) -> str:
        try:
            code = json.loads(arguments)["code"]
        except (ValueError, KeyError, TypeError):
            return "the arguments are not an object with `code`"
        used = session or _session_of(kept, box, context, key)
        _current.set(context)
        # Calls of one message run one after the other.
        async with locks.of(used):
            return _common.shown(await _common.awaited(used, code), characters)

    description = _common.code_description(box)
    return [FunctionTool(name=name, description=description, params_json_schema=_SCHEMA, on_invoke_tool=invoke)]


def _session_of(kept: Any, box: memex.Sandbox, context: ToolContext[Any], key: Callable[..., Any] | None) -> memex.Session:
    if key is not None:
        return kept.get(("key", key(context)))
    # One object for a run, which its agents share.
    run = context.usage
    return kept.get(("run", id(run)), lambda: _Kept(box.session(), run)).session


def _tool(given: Any) -> Any:
    if not isinstance(given, FunctionTool):
        return given
    if given.needs_approval is not False:
        raise memex.ToolError(f"{given.name} needs approval, which code cannot wait for; give it to the agent itself")
    if given.tool_input_guardrails or given.tool_output_guardrails:
        raise memex.ToolError(f"{given.name} has guardrails, which apply to calls of the model only; give it to the agent itself")

    async def call(**arguments: Any) -> Any:
        outer = _current.get()
        text = json.dumps(arguments)
        context = ToolContext(
            outer.context, usage=outer.usage, tool_name=given.name, tool_call_id=outer.tool_call_id, tool_arguments=text
        )
        return await given.on_invoke_tool(context, text)

    return _common.described(call, given.name, given.description, given.params_json_schema, True)


class SandboxClient(BaseSandboxClient[None]):
    """`SandboxRunConfig(client=SandboxClient())`: workspaces that are sessions; settings are those of `memex.AsyncSandbox`."""

    backend_id = "memex"
    supports_default_options = True

    def __init__(self, **settings: Any) -> None:
        self._box = memex.AsyncSandbox(**settings)

    async def create(
        self, *, snapshot: SnapshotSpec | SnapshotBase | None = None, manifest: Manifest | None = None, options: None = None
    ) -> SandboxSession:
        manifest = self._validate_manifest_for_create(manifest or Manifest())
        return await self.resume(MemexSandboxState.fresh(manifest, snapshot))

    async def resume(self, state: SandboxSessionState) -> SandboxSession:
        if not isinstance(state, MemexSandboxState):
            raise TypeError("this is the state of another client's sandbox")
        return self._wrap_session(MemexSandboxSession(state, self._box))

    async def delete(self, session: SandboxSession) -> SandboxSession:
        await session.shutdown()
        return session

    def deserialize_session_state(self, payload: dict[str, object]) -> SandboxSessionState:
        return self._deserialize_session_state_payload(payload, MemexSandboxState)

    async def close(self) -> None:
        """Ends all of its sandboxes."""
        await self._box.close()
