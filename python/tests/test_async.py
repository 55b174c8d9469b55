"""Sessions in an event loop."""

import asyncio
import contextlib
import contextvars
import time

import pytest

import memex

who = contextvars.ContextVar("who", default="nobody")


@memex.tool
async def slow(n: int) -> int:
    """Waits a little, on the loop of the caller."""
    loop = asyncio.get_running_loop()
    loops.append(loop)
    await asyncio.sleep(0.05)
    return n + 1


@memex.tool
def caller() -> str:
    """Says in whose context it runs."""
    return who.get()


@memex.tool
async def async_caller() -> str:
    """Says in whose context it runs."""
    return who.get()


@memex.tool
async def hang() -> int:
    """Never answers."""
    started.append(True)
    try:
        await asyncio.sleep(3600)
    finally:
        ended.append(True)
    return 1


loops: list = []
started: list = []
ended: list = []
TOOLS = [slow, caller, async_caller, hang]


def test_turns_and_async_tools_on_the_callers_loop():
    async def main():
        async with memex.AsyncSandbox(tools=TOOLS) as box, await box.session(inputs={"x": 1}) as session:
            who.set("me")
            assert (await session.run("slow(x)")).value == 2
            assert loops == [asyncio.get_running_loop()]
            assert (await session.run("caller(), async_caller()")).value == ("me", "me")
            began = time.perf_counter()
            code = "from asyncio import gather\nawait gather(*[slow.aio(n) for n in range(8)])"
            assert (await session.run(code)).value == list(range(1, 9))
            # One after the other they take 0.4 s.
            assert time.perf_counter() - began < 0.35
            one, two = await session.fork(2)
            assert (await one.run("x")).value == 1
            again = await box.restore(two.snapshot())
            assert (await again.run("x")).value == 1


    loops.clear()
    asyncio.run(main())


def test_sessions_run_in_parallel_with_the_loop():
    async def main():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.005)

        async with memex.AsyncSandbox() as box:
            task = asyncio.create_task(tick())
            results = await asyncio.gather(*[box.run("import time\ntime.sleep(0.2)\n7") for _ in range(4)])
            task.cancel()
        assert [result.value for result in results] == [7] * 4
        assert ticks > 5

    asyncio.run(main())


def test_cancelling_a_task_ends_its_turn():
    async def main():
        async with memex.AsyncSandbox(tools=TOOLS) as box, await box.session() as session:
            for code in ("while True: pass", "hang()", "await hang.aio()", "import time\ntime.sleep(50)"):
                task = asyncio.create_task(session.run(code))
                await asyncio.sleep(0.3)
                began = time.perf_counter()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert time.perf_counter() - began < 1, code
                assert (await session.run("1 + 1")).value == 2
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(session.run("while True: pass"), 0.2)
            assert (await session.run("1 + 1")).value == 2
        # A call that is awaited belongs to the session, and ends with it at the latest.
        while len(ended) < 2:
            await asyncio.sleep(0.01)
        assert len(started) == 2

    asyncio.run(asyncio.wait_for(main(), 60))


def test_streams():
    async def main():
        async with memex.AsyncSandbox() as box, await box.session() as session:
            events = [event async for event in session.stream("print('a')\n5")]
            assert events[0] == memex.Stdout("a\n") and events[-1].result.value == 5
            async with contextlib.aclosing(session.stream("print('begun', flush=True)\nwhile True: pass")) as events:
                async for event in events:
                    assert event.text.startswith("begun")
                    break
            assert (await session.run("1 + 1")).value == 2

    asyncio.run(main())


def test_a_sync_turn_in_a_running_loop_refuses_async_tools():
    async def main():
        with memex.Sandbox(tools=TOOLS) as box, box.session() as session:
            result = session.run("slow(1)")
            assert result.error.name == "RuntimeError" and "AsyncSandbox" in result.error.message
            # Others are fine.
            assert session.run("caller()").value == "nobody"

    asyncio.run(main())


def test_async_tools_of_sync_sessions_run_on_a_loop_of_their_own():
    with memex.Sandbox(tools=TOOLS) as box, box.session() as session:
        assert session.run("slow(1)").value == 2
        began = time.perf_counter()
        code = "from asyncio import gather\nawait gather(*[slow.aio(n) for n in range(8)])"
        assert session.run(code).value == list(range(1, 9))
        assert time.perf_counter() - began < 0.35


def test_suspension():
    @memex.tool(suspends=True)
    def ask(question: str) -> str:
        """Asks."""

    async def main():
        async with memex.AsyncSandbox(tools=[ask, slow]) as box, await box.session() as session:
            step = await session.start("ask('x') + str(slow(1))")
            step = await session.answer({step.calls[0].id: "y"})
            assert step.result.value == "y2"

    asyncio.run(main())
