"""LangChain's own agent loop, with its scripted model."""

import asyncio
import itertools

import pytest
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

import pages

from memex.adapters.langchain import CodeSpace

NUMBERS = itertools.count()


class Scripted(GenericFakeChatModel):
    def bind_tools(self, tools, **_options):
        offered.append([(one.name, one.description) for one in tools])
        return self


offered = []


def says(*codes):
    """A message that calls the tool once for each block."""
    calls = [{"name": "python", "args": {"code": code}, "id": f"c{next(NUMBERS)}"} for code in codes]
    return AIMessage(content="", tool_calls=calls)


def model(*messages):
    return Scripted(messages=iter([*messages, AIMessage(content="done")]))


@tool
def population(city: str) -> int:
    """How many people live in a city."""
    if city == "Atlantis":
        raise ValueError("no such city")
    return {"Bern": 134591, "Thun": 43743}[city]


def results(state):
    return [message.content for message in state["messages"] if isinstance(message, ToolMessage)]


def test_tools_are_called_from_inside_the_code_and_state_stays_between_turns():
    offered.clear()
    space = CodeSpace(tools=[population])
    agent = create_agent(model(says("n = [population(c) for c in ('Bern', 'Thun')]\nsum(n)"), says("max(n)")), [], middleware=[space])
    state = agent.invoke({"messages": [("user", "go")]})
    assert results(state) == ["178334", "134591"]
    assert state["messages"][-1].content == "done"
    [(name, description)] = offered[0]
    assert name == "python" and "def population(city: str)" in description


def test_an_error_of_a_tool_is_raised_in_the_code_and_shown():
    agent = create_agent(model(says("population('Atlantis')"), says("try:\n    population('Atlantis')\nexcept ValueError as e:\n    print('caught', e)")), [], middleware=[CodeSpace(tools=[population])])
    first, second = results(agent.invoke({"messages": [("user", "go")]}))
    assert "ValueError: no such city" in first
    assert "caught no such city" in second


def test_calls_of_one_message_use_one_session():
    agent = create_agent(model(says("a = 1", "b = 2"), says("a + b")), [], middleware=[CodeSpace()])
    assert results(agent.invoke({"messages": [("user", "go")]}))[-1] == "3"


def test_a_thread_goes_on_in_another_process_and_back_in_time():
    saver = InMemorySaver()
    config = {"configurable": {"thread_id": "t"}}
    agent = create_agent(model(says("x = 1")), [], middleware=[CodeSpace()], checkpointer=saver)
    agent.invoke({"messages": [("user", "go")]}, config)
    early = agent.get_state(config).config
    agent = create_agent(model(says("x += 1\nx")), [], middleware=[CodeSpace()], checkpointer=saver)
    assert results(agent.invoke({"messages": [("user", "go")]}, config))[-1] == "2"
    space = CodeSpace()
    agent = create_agent(model(says("x += 10\nx"), says("x")), [], middleware=[space], checkpointer=saver)
    assert results(agent.invoke({"messages": [("user", "go")]}, early))[-2:] == ["11", "11"]


def test_threads_do_not_share_variables():
    space = CodeSpace()
    saver = InMemorySaver()
    agent = create_agent(model(says("x = 'first'")), [], middleware=[space], checkpointer=saver)
    agent.invoke({"messages": [("user", "go")]}, {"configurable": {"thread_id": "1"}})
    agent = create_agent(model(says("x")), [], middleware=[space], checkpointer=saver)
    state = agent.invoke({"messages": [("user", "go")]}, {"configurable": {"thread_id": "2"}})
    assert "NameError" in results(state)[0]


def named(*codes, message="m", calls="c"):
    """As `says`, with the ids that a model server chose: the same ones each time."""
    found = says(*codes)
    found.id = message
    for number, call in enumerate(found.tool_calls):
        call["id"] = f"{calls}{number}"
    return found


@pytest.mark.parametrize("has_threads", [True, False])
def test_ids_that_a_model_server_repeats_do_not_join_sessions(has_threads):
    space = CodeSpace()
    saver = InMemorySaver() if has_threads else None

    def run(thread, code):
        agent = create_agent(model(named(code)), [], middleware=[space], checkpointer=saver)
        config = {"configurable": {"thread_id": thread}} if has_threads else {}
        return results(agent.invoke({"messages": [("user", "go")]}, config))[-1]

    assert run("1", "secret = 'of the first'\nsecret") == "'of the first'"
    assert "NameError" in run("2", "secret")


def test_a_step_that_is_run_again_begins_in_its_own_state():
    saver = InMemorySaver()
    config = {"configurable": {"thread_id": "t"}}
    space = CodeSpace()
    steps = named("n = 0"), named("n += 1\nn", "n += 1\nn", message="m2", calls="d")
    agent = create_agent(model(*steps), [], middleware=[space], checkpointer=saver)
    assert sorted(results(agent.invoke({"messages": [("user", "go")]}, config))[-2:]) == ["1", "2"]
    last = [one for one in agent.get_state_history(config) if [m.id for m in one.values.get("messages", [])][-1:] == ["m2"]]
    for _ in range(2):
        agent = create_agent(model(), [], middleware=[space], checkpointer=saver)
        assert sorted(results(agent.invoke(None, last[0].config))[-2:]) == ["1", "2"]


def test_async_agents_run_async_tools_on_their_loop():
    loops = []

    @tool
    async def fetch(url: str) -> str:
        """Fetches."""
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0.01)
        return f"<{url}>"

    async def main():
        agent = create_agent(model(says("[fetch(u) for u in 'ab']")), [], middleware=[CodeSpace(tools=[fetch])])
        state = await agent.ainvoke({"messages": [("user", "go")]})
        assert results(state) == ["['<a>', '<b>']"]
        assert set(loops) == {asyncio.get_running_loop()}

    asyncio.run(main())


def test_a_cancelled_run_ends_its_block():
    async def main():
        space = CodeSpace(limits={"time": "30s"})
        agent = create_agent(model(says("while True: pass")), [], middleware=[space])
        task = asyncio.ensure_future(agent.ainvoke({"messages": [("user", "go")]}))
        await asyncio.sleep(0.5)
        began = asyncio.get_running_loop().time()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() and asyncio.get_running_loop().time() - began < 5

    asyncio.run(main())


def test_a_state_that_is_too_large_to_save_goes_on_while_it_is_live_and_is_missed_after():
    saver = InMemorySaver()
    config = {"configurable": {"thread_id": "t"}}
    space = CodeSpace(state_bytes=10)
    agent = create_agent(model(says("x = 1"), says("x + 1")), [], middleware=[space], checkpointer=saver)
    assert results(agent.invoke({"messages": [("user", "go")]}, config))[-1] == "2"
    agent = create_agent(model(says("x")), [], middleware=[CodeSpace(state_bytes=10)], checkpointer=saver)
    last = results(agent.invoke({"messages": [("user", "go")]}, config))[-1]
    assert "earlier calls are gone" in last and "NameError" in last


def test_an_injected_argument_is_not_the_codes():
    from typing import Annotated

    from langchain_core.tools import InjectedToolArg

    from memex._foreign import tool_of

    read = []

    @tool
    def account(name: str, user: Annotated[str, InjectedToolArg] = "guest") -> str:
        """Reads an account."""
        read.append((name, user))
        return name

    given = tool_of(account)
    try:
        given.read({"name": "a", "user": "root"})
    except TypeError as error:
        assert "no parameter 'user'" in str(error)
    else:
        raise AssertionError("the argument was taken")
    given.function(**given.read({"name": "a"})[1])
    assert read == [("a", "guest")]


def test_the_page_runs():
    pages.run("langchain", model=model(says("sum(population(c) for c in ('Bern', 'Thun'))")))
