"""LangChain: `create_agent(model, tools, middleware=[CodeSpace(tools=[…])])`.

The agent gets one tool that runs Python; the tools given here are functions inside of
that code. The session's state is a part of the graph's state, so that it follows a
thread through checkpoints, into other processes, and back in time.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Annotated, Any, Iterable

from typing_extensions import NotRequired, TypedDict

import memex
from memex.adapters import _common

try:
    from langchain.agents.middleware.types import AgentMiddleware, AgentState, PrivateStateAttr
    from langchain.tools import ToolRuntime
    from langchain_core.messages import ToolMessage
    from langchain_core.tools import BaseTool, StructuredTool
    from langgraph.types import Command
except ModuleNotFoundError as error:
    raise _common.needed(error, "langchain") from None

_LIVE = 32
_STATE_BYTES = 32 << 20


class _Saved(TypedDict):
    """A session in the graph's state: what it is known by, its turns, and its bytes unless they are too many."""

    mark: str
    turn: int
    state: bytes | None


def _later(old: _Saved | None, new: _Saved | None) -> _Saved | None:
    # Calls of one step that ran one after the other.
    return old if old is not None and new is not None and old["turn"] > new["turn"] else new


class CodeState(AgentState):
    """The state of an agent with a code space."""

    memex: NotRequired[Annotated[_Saved | None, PrivateStateAttr, _later]]


class _Live:
    def __init__(self, session: memex.Session) -> None:
        self.session = session
        self.lock = threading.Lock()


class CodeSpace(AgentMiddleware):
    """One tool, `python`, that runs code in a session that lasts as long as the thread.

    `tools` are LangChain tools or functions that the code can call. Other settings are
    those of `memex.Sandbox`.
    """

    state_schema = CodeState

    def __init__(
        self,
        tools: Iterable[Any] = (),
        *,
        tool_name: str = "python",
        characters: int = _common.SHOWN_CHARACTERS,
        state_bytes: int = _STATE_BYTES,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.sandbox = memex.Sandbox(tools=[_tool(one) for one in tools], **settings)
        self._characters, self._state_bytes = characters, state_bytes
        self._lock = threading.Lock()
        # By the mark of their state, and by the message whose calls they run.
        self._live: OrderedDict[str, _Live] = OrderedDict()

        def run(code: str, runtime: ToolRuntime) -> Command:
            return self._run(code, runtime, lambda session: session.run(code))

        async def run_awaited(code: str, runtime: ToolRuntime) -> Command:
            import asyncio

            loop = asyncio.get_running_loop()
            # The session that a cancelled call has to interrupt.
            used = _Used()

            def work() -> Command:
                return self._run(code, runtime, lambda session: _common.run_on(used.at(session), code, loop))

            return await _common.apart(work, used)

        description = _common.code_description(self.sandbox)
        self.tools = [StructuredTool.from_function(run, run_awaited, name=tool_name, description=description)]

    def close(self) -> None:
        """Ends the sandbox and the sessions that are live."""
        self.sandbox.close()

    def _run(self, code: str, runtime: ToolRuntime, turn: Any) -> Command:
        saved = runtime.state.get("memex")
        messages = runtime.state.get("messages") or []
        step = f"step {getattr(messages[-1], 'id', None) or runtime.tool_call_id}" if messages else runtime.tool_call_id
        live, note = self._found(saved, str(step))
        with live.lock:
            result = turn(live.session)
            kept = self._save(live)
        text = note + _common.shown(result, self._characters)
        message = ToolMessage(text, tool_call_id=runtime.tool_call_id, status="success" if result.ok else "error")
        return Command(update={"messages": [message], "memex": kept})

    def _found(self, saved: _Saved | None, step: str) -> tuple[_Live, str]:
        """The session in the state of the graph, or the one that another call of the same message uses."""
        with self._lock:
            live = self._live.get(step) or self._live.pop(saved["mark"] if saved else "", None)
            note = ""
            if live is None or live.session.closed:
                if saved and saved["state"]:
                    live = _Live(self.sandbox.restore(saved["state"], keep_generators=True))
                else:
                    live = _Live(self.sandbox.session())
                    note = "(the variables of earlier calls are gone)\n" if saved else ""
            self._keep(step, live)
            return live, note

    def _save(self, live: _Live) -> _Saved:
        snapshot = live.session.snapshot()
        data = bytes(snapshot)
        mark = hashlib.sha256(data).hexdigest()
        with self._lock:
            self._keep(mark, live)
        return {"mark": mark, "turn": snapshot._native.turn, "state": data if len(data) <= self._state_bytes else None}

    def _keep(self, key: str, live: _Live) -> None:
        self._live[key] = live
        self._live.move_to_end(key)
        while len(self._live) > 2 * _LIVE:
            _, dropped = self._live.popitem(last=False)
            if dropped is not live and all(other is not dropped for other in self._live.values()) and dropped.lock.acquire(blocking=False):
                dropped.session.close()


class _Used:
    session: Any = None

    def at(self, session: Any) -> Any:
        self.session = session
        return session

    def interrupt(self) -> None:
        if self.session is not None:
            self.session.interrupt()


def _tool(given: Any) -> Any:
    if not isinstance(given, BaseTool):
        return given
    schema = given.tool_call_schema
    parameters = schema if isinstance(schema, dict) else schema.model_json_schema()
    if getattr(given, "func", None) is None and getattr(given, "coroutine", None) is not None:

        async def call(**arguments: Any) -> Any:
            return await given.ainvoke(arguments)

        return _common.described(call, given.name, given.description, parameters, True)
    return _common.described(lambda **arguments: given.invoke(arguments), given.name, given.description, parameters)
