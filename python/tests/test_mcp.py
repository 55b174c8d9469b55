"""Tools of MCP servers that the program is connected to; the adapters' suite of FastMCP has the real library."""

import asyncio

import pytest

import memex
from mcp_clients import PICTURE, Client, Endless, Many


def answered(code, client, **options):
    async def main():
        async with memex.AsyncSandbox(tools=await memex.mcp_tools(client, **options)) as box:
            return await box.run(code)

    return asyncio.run(main())


@pytest.mark.parametrize("modern", [True, False])
def test_tools_of_a_server_are_functions(modern):
    client = Client(modern)
    code = "[f('Bern') for f in (population, record, words, listed, picture, both, nothing)]"
    people = {"city": "Bern", "people": 134591}
    assert answered(code, client).value == [134591, people, "Bern is a town", [1, {"a": 2}], PICTURE, ["a", b"b"], None]
    assert client.calls[0] == ("population", {"city": "Bern"})


def test_calls_are_awaited_together_and_names_may_have_a_prefix():
    code = "from asyncio import gather\nawait gather(*[town_population.aio(city=c) for c in ('Bern', 'Thun')])"
    assert answered(code, Client(), prefix="town_").value == [134591, 43743]


def test_what_the_server_refuses_is_raised_in_the_code():
    result = answered("fails('Atlantis')", Client())
    assert (result.error.name, result.error.message) == ("RuntimeError", "fails: no such city")
    # A name that the schema does not have does not get there.
    client = Client()
    assert answered("population(city='Bern', secret=1)", client).error.name == "TypeError" and client.calls == []


def test_the_list_of_a_server_is_bounded():
    for client, words in ((Endless(), "250 pages"), (Many(), "10000 tools")):
        with pytest.raises(memex.ToolError, match=words):
            answered("1", client)


def test_another_loop_is_refused_and_not_waited_for():
    async def listed():
        return await memex.mcp_tools(Client())

    tools = asyncio.run(listed())
    with memex.Sandbox(tools=tools) as box:
        error = box.run("population('Bern')").error
    assert error.name == "RuntimeError" and "AsyncSandbox" in error.message


def test_an_agent_calls_them():
    async def main():
        said = iter(["```python\nn = population('Bern')\n```", "```python\nsubmit(value=n)\n```"])
        agent = memex.Agent(lambda messages: next(said), tools=await memex.mcp_tools(Client()), output=int)
        return (await agent.arun("How many?")).output

    assert asyncio.run(main()) == 134591
