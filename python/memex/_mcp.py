"""Tools of MCP servers that this program is connected to. Nothing of an MCP library is imported."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from memex._errors import ToolError
from memex._foreign import _Described
from memex._tools import Tool

# A server chooses how long its list is.
_PAGES_MAX = 250
_TOOLS_MAX = 10_000
# How FastMCP marks results that are no objects: `{"result": …}`.
_WRAPPED = "x-fastmcp-wrap-result"


async def mcp_tools(client: Any, *, prefix: str = "") -> list[Tool]:
    """The tools of a connected `mcp.ClientSession` or `fastmcp.Client`, for an `AsyncSandbox` or `Agent.arun`.

    They are called in the event loop that the client is connected in. `prefix` stands before their
    names. Structured content arrives as values, pictures as bytes, and errors of the server are raised in the
    sandbox. Servers that memex is to start and connect itself are named in a tool file:
    `memex.Sandbox(tool_files=["mcp.json"])`.

    >>> async with memex.AsyncSandbox(tools=await memex.mcp_tools(client)) as box:
    ...     (await box.run("[population(city) for city in ('Bern', 'Thun')]")).value
    [134591, 43743]
    """
    loop = asyncio.get_running_loop()
    return [_tool(client, listed, prefix, loop) for listed in await _listed(client)]


async def _listed(client: Any) -> list[Any]:
    page = await client.list_tools()
    if isinstance(page, list):
        # A client that follows the pages itself.
        found = page
    else:
        found = list(page.tools)
        for _ in range(_PAGES_MAX):
            cursor = _field(page, "next_cursor", "nextCursor")
            if not cursor or len(found) > _TOOLS_MAX:
                break
            page = await _next_page(client, cursor)
            found.extend(page.tools)
        else:
            raise ToolError(f"the server's list of tools has more than {_PAGES_MAX} pages")
    if len(found) > _TOOLS_MAX:
        raise ToolError(f"the server has more than {_TOOLS_MAX} tools; give those that are needed by a tool file with `allow`")
    return found


async def _next_page(client: Any, cursor: str) -> Any:
    try:
        from mcp.types import PaginatedRequestParams
    except ImportError:
        return await client.list_tools(cursor)
    return await client.list_tools(params=PaginatedRequestParams(cursor=cursor))


def _tool(client: Any, listed: Any, prefix: str, loop: Any) -> Tool:
    name = f"{prefix}{listed.name}"
    schema = _field(listed, "output_schema", "outputSchema")
    is_wrapped = isinstance(schema, dict) and bool(schema.get(_WRAPPED))
    ask = getattr(client, "call_tool_mcp", None) or client.call_tool

    async def call(**arguments: Any) -> Any:
        if asyncio.get_running_loop() is not loop:
            raise RuntimeError(
                f"{name}: its server is connected in another event loop; use memex.AsyncSandbox or Agent.arun in that one"
            )
        return _answer(name, await ask(listed.name, arguments), is_wrapped)

    parameters = _field(listed, "input_schema", "inputSchema") or {"type": "object", "properties": {}}
    return _Described(call, name, listed.description or "", parameters, True)


def _answer(name: str, result: Any, is_wrapped: bool) -> Any:
    """What a result is in the sandbox: the same as that of a server in a tool file."""
    content = _field(result, "content") or []
    if _field(result, "is_error", "isError"):
        words = "\n".join(block.text for block in content if isinstance(getattr(block, "text", None), str))
        raise RuntimeError(f"{name}: {words or 'the server says that the call failed'}")
    structured = _field(result, "structured_content", "structuredContent")
    if structured is not None:
        return structured["result"] if is_wrapped and isinstance(structured, dict) and structured.keys() == {"result"} else structured
    values = [_value(block) for block in content]
    if len(values) != 1:
        return values or None
    [value] = values
    return _parsed(value) if isinstance(value, str) else value


def _parsed(text: str) -> Any:
    """A text that is an object or a list of JSON; any other is the text."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _value(block: Any) -> Any:
    kind = getattr(block, "type", "")
    if kind == "text":
        return block.text
    if kind in ("image", "audio"):
        return base64.b64decode(block.data)
    if kind == "resource":
        text, blob = getattr(block.resource, "text", None), getattr(block.resource, "blob", None)
        return text if text is not None else base64.b64decode(blob or "")
    return block.model_dump(mode="json", exclude_none=True)


def _field(given: Any, *names: str) -> Any:
    """A field by the name that one version of the library has for it, or another."""
    for name in names:
        if hasattr(given, name):
            return getattr(given, name)
    return None
