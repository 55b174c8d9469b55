"""Pydantic AI: `Agent(model, toolsets=[CodeSpace([…])])` gives an agent one tool that runs Python.

The tools of what is given (functions, or another toolset such as an MCP server's) are
functions inside of that code, and are validated and run as the toolset has them. A
session lasts as long as a run. `SessionWorkspace` is a workspace backend, for runs that
work by commands and on files.
"""

from __future__ import annotations

import asyncio
import copy
from typing import Any, Callable

import memex
from memex.adapters import _common

try:
    from pydantic import TypeAdapter
    from pydantic_ai import RunContext
    from pydantic_ai.tools import ToolDefinition
    from pydantic_ai.toolsets import AbstractToolset, FunctionToolset, ToolsetTool, WrapperToolset
    from typing_extensions import TypedDict

    from memex.adapters._pydantic_workspace import SessionWorkspace
except ModuleNotFoundError as error:
    raise _common.needed(error, "pydantic_ai") from None


__all__ = ["CodeSpace", "SessionWorkspace"]


class _Arguments(TypedDict):
    code: str


_SCHEMA = {
    "type": "object",
    "properties": {"code": {"type": "string", "description": "The Python code to run."}},
    "required": ["code"],
    "additionalProperties": False,
}


class CodeSpace(WrapperToolset[Any]):
    """One tool, `python`, in place of those of a toolset, which its code can call.

    Tools that need approval, or run elsewhere, are left out: code that has begun cannot
    wait for a person. Other settings are those of `memex.Sandbox`.
    """

    _box: memex.Sandbox | None
    _session: memex.Session | None
    _inner: dict[str, ToolsetTool[Any]]
    _context: RunContext[Any] | None

    def __init__(
        self, tools: Any = (), *, tool_name: str = "python", characters: int = _common.SHOWN_CHARACTERS, id: str | None = None, **settings: Any
    ) -> None:
        wrapped: AbstractToolset[Any] = tools if isinstance(tools, AbstractToolset) else FunctionToolset(list(tools))
        super().__init__(wrapped)
        self._tool_name, self._characters, self._id, self._settings = tool_name, characters, id, settings
        self._fresh()

    @property
    def id(self) -> str | None:
        return self._id

    async def for_run(self, ctx: RunContext[Any]) -> AbstractToolset[Any]:
        made = self._with(await self.wrapped.for_run(ctx))
        made._fresh()
        return made

    async def for_run_step(self, ctx: RunContext[Any]) -> AbstractToolset[Any]:
        # The state of the run stays, whatever becomes of what is wrapped.
        self.wrapped = await self.wrapped.for_run_step(ctx)  # type: ignore[has-type]
        return self

    def visit_and_replace(self, visitor: Callable[[AbstractToolset[Any]], AbstractToolset[Any]]) -> AbstractToolset[Any]:
        return self._with(self.wrapped.visit_and_replace(visitor))

    async def __aexit__(self, *args: Any) -> bool | None:
        if self._box is not None:
            await asyncio.to_thread(self._box.close)
        self._fresh()
        return await super().__aexit__(*args)

    async def get_tools(self, ctx: RunContext[Any]) -> dict[str, ToolsetTool[Any]]:
        inner = await super().get_tools(ctx)
        self._inner = {name: tool for name, tool in inner.items() if tool.tool_def.kind == "function"}
        await asyncio.to_thread(self._open)
        definition = ToolDefinition(
            name=self._tool_name, description=_common.code_description(self._box), parameters_json_schema=_SCHEMA, sequential=True
        )
        validator = TypeAdapter(_Arguments).validator
        return {self._tool_name: ToolsetTool(toolset=self, tool_def=definition, max_retries=1, args_validator=validator)}

    async def call_tool(self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]) -> Any:
        self._context = ctx
        async with self._lock:
            assert self._session is not None
            return _common.shown(await _common.awaited(self._session, tool_args["code"]), self._characters)

    def _with(self, wrapped: AbstractToolset[Any]) -> CodeSpace:
        made = copy.copy(self)
        made.wrapped = wrapped
        return made

    def _fresh(self) -> None:
        self._box = self._session = self._context = None
        self._inner = {}
        self._bound: Any = None
        self._lock = asyncio.Lock()

    def _open(self) -> None:
        """The session, with the tools there are in this step."""
        bound = [(name, tool.tool_def.description, tool.tool_def.parameters_json_schema) for name, tool in self._inner.items()]
        if self._session is not None and bound == self._bound:
            return
        tools = [_common.described(self._caller(name), name, text or "", schema, True) for name, text, schema in bound]
        box, former = memex.Sandbox(tools=tools, **self._settings), self._session
        self._session = box.session() if former is None else box.restore(former.snapshot(), keep_generators=True)
        if self._box is not None:
            self._box.close()
        self._box, self._bound = box, bound

    def _caller(self, name: str) -> Callable[..., Any]:
        async def call(**arguments: Any) -> Any:
            tool, context = self._inner[name], self._context
            assert context is not None
            checked = tool.args_validator.validate_python(arguments)
            return await self.wrapped.call_tool(name, checked, context, tool)

        return call
