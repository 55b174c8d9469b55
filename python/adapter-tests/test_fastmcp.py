"""FastMCP's own server, code mode and client."""

import asyncio

import pytest
from fastmcp import Client, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.experimental.transforms.code_mode import CodeMode

import pages

import memex
from memex.adapters.fastmcp import SandboxProvider


def server(**settings):
    made = FastMCP("towns")

    @made.tool
    def population(city: str) -> int:
        """How many people live in a city."""
        if city == "Atlantis":
            raise ToolError("no such city")
        return {"Bern": 134591, "Thun": 43743}[city]

    made.add_transform(CodeMode(sandbox_provider=SandboxProvider(**settings)))
    return made


def executed(*codes, **settings):
    async def main():
        async with Client(server(**settings)) as client:
            assert "execute" in {tool.name for tool in await client.list_tools()}
            found = []
            for code in codes:
                result = await client.call_tool("execute", {"code": code}, raise_on_error=False)
                found.append((result.is_error, "".join(part.text for part in result.content)))
            return found

    return asyncio.run(main())


def test_code_calls_tools_of_the_server_and_returns():
    code = "import asyncio\nboth = await asyncio.gather(*[call_tool('population', {'city': c}) for c in ('Bern', 'Thun')])\nreturn sum(n['result'] if isinstance(n, dict) else n for n in both)"
    assert executed(code) == [(False, "178334")]


def test_the_last_expression_counts_where_nothing_is_returned():
    assert executed("x = 20\nx + 22") == [(False, "42")]


def test_an_error_of_a_tool_is_raised_in_the_code():
    code = "try:\n    await call_tool('population', {'city': 'Atlantis'})\nexcept Exception as error:\n    return 'caught ' + str(error)"
    [(is_error, text)] = executed(code)
    assert not is_error and "caught" in text and "no such city" in text


def test_an_error_of_the_code_is_an_error_of_the_call_and_blocks_share_nothing():
    first, second = executed("secret = 1\n[][1]", "secret")
    assert first[0] and "IndexError" in first[1]
    assert second[0] and "NameError" in second[1]


def test_the_code_has_no_more_than_its_functions(tmp_path):
    (tmp_path / "here").write_text("secret")
    [(is_error, text)] = executed(f"return open({str(tmp_path / 'here')!r}).read()")
    assert is_error and "FileNotFoundError" in text


def test_limits_hold():
    [(is_error, text)] = executed("while True: pass", limits={"time": "300ms"})
    assert is_error and "guest_time_ms" in text


def test_a_cancelled_run_ends_its_block():
    async def main():
        provider = SandboxProvider(limits={"time": "30s"})
        with pytest.raises(TimeoutError):
            began = asyncio.get_running_loop().time()
            await asyncio.wait_for(provider.run("while True: pass"), 0.5)
        assert asyncio.get_running_loop().time() - began < 10
        assert await provider.run("return 1", inputs={"x": 1}) == 1

    asyncio.run(main())


def test_a_value_that_would_be_written_for_ever_leaves_as_its_preview():
    long, short = executed("x = [0] * 10\nfor _ in range(8): x = [x] * 10\nreturn x", "return [[1], [2]]")
    assert not long[0] and len(long[1]) < 100_000
    assert not short[0] and "1" in short[1] and "2" in short[1]


def test_the_page_runs():
    pages.run("fastmcp")


@pytest.mark.parametrize("of", ["fastmcp.Client", "mcp.ClientSession"])
def test_a_connected_client_gives_its_tools_to_a_sandbox(of):
    made = FastMCP("towns")

    @made.tool
    def population(city: str) -> int:
        """How many people live in a city."""
        if city == "Atlantis":
            raise ToolError("no such city")
        return {"Bern": 134591, "Thun": 43743}[city]

    @made.tool
    def record(city: str) -> dict[str, int | str]:
        """What is known of a city."""
        return {"city": city, "people": 134591}

    async def main():
        async with Client(made) as client:
            tools = await memex.mcp_tools(client if of == "fastmcp.Client" else client.session)
            async with memex.AsyncSandbox(tools=tools) as box, await box.session() as session:
                assert "def population(city: str)" in box.stubs()["population"]
                assert (await session.run("[population(c) for c in ('Bern', 'Thun')]")).value == [134591, 43743]
                assert (await session.run("record('Bern')")).value == {"city": "Bern", "people": 134591}
                error = (await session.run("population('Atlantis')")).error
                assert error.name == "RuntimeError" and "no such city" in error.message

    asyncio.run(main())
