"""LangChain: `create_agent(model, tools, middleware=[CodeSpace(tools=[…])])`.

The agent gets one tool that runs Python; the tools given here are functions inside of
that code. The session's state is a part of the graph's state, so that it follows a
thread through checkpoints, into other processes, and back in time.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Iterable

from typing_extensions import NotRequired

import memex
from memex.adapters import _common
from memex.adapters._checkpoints import STATE_BYTES, Checkpoints, Saved, Step, Used, later

try:
    from langchain.agents.middleware.types import AgentMiddleware, AgentState, PrivateStateAttr
    from langchain.tools import ToolRuntime
    from langchain_core.messages import ToolMessage
    from langchain_core.tools import StructuredTool
    from langgraph.types import Command
except ModuleNotFoundError as error:
    raise _common.needed(error, "langchain") from None

class CodeState(AgentState):
    """The state of an agent with a code space."""

    memex: NotRequired[Annotated[Saved | None, PrivateStateAttr, later]]  # type: ignore[valid-type]


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
        state_bytes: int = STATE_BYTES,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.sandbox = memex.Sandbox(tools=tools, **settings)
        self._characters = characters
        self._kept = Checkpoints(self.sandbox, state_bytes)

        def run(code: str, runtime: ToolRuntime) -> Command:
            return self._run(runtime, lambda session: session.run(code))

        async def run_awaited(code: str, runtime: ToolRuntime) -> Command:
            loop = asyncio.get_running_loop()
            used = Used()

            def work() -> Command:
                return self._run(runtime, lambda session: _common.run_on(used.by(session), code, loop))

            return await _common.apart(work, used)

        description = _common.code_description(self.sandbox)
        self.tools = [StructuredTool.from_function(run, run_awaited, name=tool_name, description=description)]

    def close(self) -> None:
        """Ends the sandbox and the sessions that are live."""
        self.sandbox.close()

    def _run(self, runtime: ToolRuntime, turn: Any) -> Command:
        call = str(runtime.tool_call_id)
        message = next(reversed(runtime.state.get("messages") or [runtime]))
        thread = (runtime.config.get("configurable") or {}).get("thread_id")
        step = Step(None if thread is None else str(thread), message, str(getattr(message, "id", None) or call))
        result, kept, lost = self._kept.run(runtime.state.get("memex"), step, call, turn)
        text = ("(the variables of earlier calls are gone)\n" if lost else "") + _common.shown(result, self._characters)
        message = ToolMessage(text, tool_call_id=runtime.tool_call_id, status="success" if result.ok else "error")
        return Command(update={"messages": [message], "memex": kept})
