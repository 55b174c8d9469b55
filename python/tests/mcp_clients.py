"""Clients of MCP servers, as far as their tools go, under the names of both generations of the library."""

from types import SimpleNamespace as Of

import base64

PICTURE = b"\x89PNG\r\n"
INPUT = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
PEOPLE = {"Bern": 134591, "Thun": 43743}


def text(words):
    return Of(type="text", text=words)


ANSWERS = {
    "population": lambda given: ([text("…")], {"result": PEOPLE[given["city"]]}),
    "record": lambda given: ([text("…")], {"city": given["city"], "people": PEOPLE[given["city"]]}),
    "words": lambda given: ([text(f"{given['city']} is a town")], None),
    "listed": lambda given: ([text('[1, {"a": 2}]')], None),
    "picture": lambda given: ([Of(type="image", data=base64.b64encode(PICTURE).decode())], None),
    "both": lambda given: ([text("a"), Of(type="resource", resource=Of(text=None, blob=base64.b64encode(b"b").decode()))], None),
    "nothing": lambda given: ([], None),
}


class Client:
    """`list_tools` by pages of two, `call_tool`; `modern` has the names of the second generation."""

    def __init__(self, modern=True):
        self.modern, self.calls = modern, []
        self.names = [*ANSWERS, "fails"]

    def _of(self, **fields):
        if self.modern:
            return Of(**fields)
        former = {"input_schema": "inputSchema", "output_schema": "outputSchema", "is_error": "isError", "next_cursor": "nextCursor", "structured_content": "structuredContent"}
        return Of(**{former.get(name, name): value for name, value in fields.items()})

    async def list_tools(self, cursor=None, *, params=None):
        begin = int(cursor or (params.cursor if params else 0))
        wrapped = {"type": "object", "properties": {"result": {"type": "integer"}}, "x-fastmcp-wrap-result": True}
        tools = [
            self._of(name=name, description=f"Tells of a {name}.", input_schema=INPUT, output_schema=wrapped if name == "population" else None)
            for name in self.names[begin : begin + 2]
        ]
        following = str(begin + 2) if begin + 2 < len(self.names) else None
        return self._of(tools=tools, next_cursor=following)

    async def call_tool(self, name, arguments):
        self.calls.append((name, arguments))
        if name not in ANSWERS:
            return self._of(content=[text("no such city")], is_error=True, structured_content=None)
        content, structured = ANSWERS[name](arguments)
        return self._of(content=content, structured_content=structured, is_error=False)


class Endless(Client):
    """One whose list has no end."""

    async def list_tools(self, cursor=None, *, params=None):
        return self._of(tools=[], next_cursor="again")


class Many(Client):
    """One with more tools than anybody uses."""

    async def list_tools(self, cursor=None, *, params=None):
        return self._of(tools=[self._of(name=f"t{n}", description="", input_schema=INPUT) for n in range(10_001)], next_cursor=None)
