"""FastMCP: `CodeMode(sandbox_provider=SandboxProvider())` runs its blocks in a sandbox, a fresh session each.

The block can `return` a value, as code mode tells models to; without, the value of its
last expression counts.
"""

from __future__ import annotations

import asyncio
import contextvars
import keyword
from typing import Any, Callable, Mapping

import memex
from memex.adapters import _common

try:
    import fastmcp  # noqa: F401
except ModuleNotFoundError as error:
    raise _common.needed(error, "fastmcp") from None

_CALL = "host_call"
_PARAMETERS = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "positional": {"type": "array"}, "named": {"type": "object"}},
    "required": ["name", "positional", "named"],
    "additionalProperties": False,
}
_BEGIN = f"""
def _memex_function(name):
    async def call(*positional, **named):
        return await {_CALL}.aio(name=name, positional=list(positional), named=named)
    call.__name__ = call.__qualname__ = name
    return call
async def _memex_main(code):
    import ast, linecache
    tree = ast.parse(code, "<code>")
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        tree.body[-1] = ast.copy_location(ast.Return(tree.body[-1].value), tree.body[-1])
    made = ast.parse("async def _memex_block(): pass")
    made.body[0].body = tree.body or made.body[0].body
    linecache.cache["<code>"] = (len(code), None, code.splitlines(keepends=True), "<code>")
    exec(compile(ast.fix_missing_locations(made), "<code>", "exec"), globals())
    return await _memex_block()
"""
# The functions of the run that calls.
_functions: contextvars.ContextVar[Mapping[str, Callable[..., Any]]] = contextvars.ContextVar("memex_functions")


class SandboxProvider:
    """Runs the code of FastMCP's code mode. The settings are those of `memex.Sandbox`."""

    def __init__(self, **settings: Any) -> None:
        tool = _common.described(_called, _CALL, "Calls a function of the server.", _PARAMETERS, True)
        self.sandbox = memex.Sandbox(tools=[tool], **settings)
        self._begun: memex.Snapshot | None = None

    async def run(
        self, code: str, *, inputs: dict[str, Any] | None = None, external_functions: dict[str, Callable[..., Any]] | None = None
    ) -> Any:
        """The value of the code. Raises `memex.GuestError` or `memex.LimitError` for code that fails."""
        functions = dict(external_functions or {})
        if bad := [name for name in functions if not name.isidentifier() or keyword.iskeyword(name) or name == _CALL]:
            raise memex.ToolError(f"these are no names for functions: {', '.join(bad)}")
        session = await asyncio.to_thread(self._session)
        token = _functions.set(functions)
        try:
            for name, value in (inputs or {}).items():
                session.set(name, value)
            session.set("_memex_code", code)
            lines = [f"{name} = _memex_function({name!r})" for name in functions]
            result = await _common.awaited(session, "\n".join([*lines, "await _memex_main(globals().pop('_memex_code'))"]))
            result.raise_for_error()
            return _common.value_of(result)
        finally:
            _functions.reset(token)
            session.close()

    def close(self) -> None:
        """Ends the sandbox."""
        self.sandbox.close()

    def _session(self) -> memex.Session:
        if self._begun is None:
            with self.sandbox.session() as first:
                first.run(_BEGIN).raise_for_error()
                self._begun = first.snapshot()
        return self.sandbox.restore(self._begun)


async def _called(name: str, positional: list[Any], named: dict[str, Any]) -> Any:
    result = _functions.get()[name](*positional, **named)
    return await result if hasattr(result, "__await__") else result
