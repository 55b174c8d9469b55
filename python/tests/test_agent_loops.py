"""Agents in event loops."""

import asyncio
import time

import pytest

import memex
from scripted import block, scripted


def test_async_models_and_tools_run_on_the_callers_loop():
    loops = []

    async def model(messages):
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0.01)
        return block("submit(value=await fetch.aio('x'))")

    @memex.tool
    async def fetch(url: str) -> str:
        loops.append(asyncio.get_running_loop())
        return f"<{url}>"

    async def main():
        result = await memex.Agent(model, tools=[fetch], output=str).arun("go")
        assert result.output == "<x>"
        assert loops == [asyncio.get_running_loop()] * 2

    asyncio.run(main())


def test_an_async_model_of_a_sync_run_has_a_loop_of_its_own():
    async def model(messages):
        await asyncio.sleep(0)
        return "done"

    assert memex.Agent(model).run("go").output == "done"

    async def inside():
        memex.Agent(model).run("go")

    with pytest.raises(memex.AgentError, match="arun"):
        asyncio.run(inside())


def test_runs_side_by_side():
    async def model(messages):
        await asyncio.sleep(0.2)
        return block("submit(value=1)")

    async def main():
        agent = memex.Agent(model, output=int).prepare()
        began = time.perf_counter()
        results = await asyncio.gather(*[agent.arun("go") for _ in range(8)])
        assert [result.output for result in results] == [1] * 8
        # One after the other they take 1.6 s for the model alone.
        assert time.perf_counter() - began < 1.4

    asyncio.run(main())


def test_cancelling_a_task_ends_its_run():
    ended = []

    async def hanging(messages):
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("model")
        return ""

    def code(messages):
        return block("while True:\n    try:\n        while True: pass\n    except BaseException: pass")

    async def main():
        for model in (hanging, code):
            agent = memex.Agent(model, limits=memex.Limits(time="60s")).prepare()
            task = asyncio.create_task(agent.arun("go"))
            await asyncio.sleep(0.5)
            began = time.perf_counter()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # Code that catches everything is ended hard after a second.
            assert time.perf_counter() - began < 4
        await asyncio.sleep(0.05)
        assert ended == ["model"]

    asyncio.run(asyncio.wait_for(main(), 60))


def test_an_async_stream():
    async def main():
        agent = memex.Agent(scripted("done"))
        events = [event async for event in agent.astream("go")]
        assert [getattr(event, "kind", "finished") for event in events] == ["system", "user", "model", "finished"]
        assert events[-1].result.output == "done"
        again = await events[-1].result.acontinue("more")
        assert again.output == "done"

    asyncio.run(main())
