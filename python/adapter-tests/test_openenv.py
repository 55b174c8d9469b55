"""OpenEnv's own server and client, over a socket of this machine."""

import asyncio
import socket
import threading

import pytest
import uvicorn
from openenv.core.generic_client import GenericEnvClient

import pages

from memex.adapters.openenv import CodeAction, CodeEnvironment, create_app


def graded(session, answer):
    # What the session holds counts, and not only what is said.
    return 1.0 if answer == "42" and session.get("x") == 42 else 0.0


def lookup(key: str) -> int:
    """Looks up a number."""
    return {"half": 21}[key]


@pytest.fixture(scope="module")
def url():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(reward=graded, setup="unit = 1", prompt="set x to 42", steps_max=4, tools=[lookup], limits={"time": "300ms"})
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def test_an_episode_with_state_tools_an_error_and_a_reward(url):
    async def main():
        async with GenericEnvClient(url) as client:
            begun = await client.reset()
            assert begun.observation["prompt"] == "set x to 42"
            first = await client.step({"code": "x = lookup('half') * 2\nprint('set')\nx"})
            assert (first.observation["stdout"], first.observation["text"], first.done) == ("set\n", "42", False)
            failed = await client.step({"code": "lookup('none')"})
            assert "KeyError" in failed.observation["error"]
            assert "x" in (await client.state())["variables"]
            ended = await client.step({"code": "x + unit", "final_answer": "42"})
            assert (ended.observation["text"], ended.done, ended.reward) == ("43", True, 1.0)
            after = await client.step({"code": "x"})
            assert after.done and "over" in after.observation["error"]
            await client.reset()
            assert "NameError" in (await client.step({"code": "x"})).observation["error"]

    asyncio.run(main())


def test_connections_do_not_share_sessions_and_steps_are_bounded(url):
    async def main():
        async with GenericEnvClient(url) as one, GenericEnvClient(url) as other:
            await one.reset()
            await other.reset()
            await one.step({"code": "x = 1"})
            assert "NameError" in (await other.step({"code": "x"})).observation["error"]
            slow = await other.step({"code": "while True: pass"})
            assert "guest_time_ms" in slow.observation["error"]
            for _ in range(2):
                last = await other.step({"code": "1"})
            assert (last.done, last.reward) == (True, 0.0)

    asyncio.run(main())


def test_the_environment_without_a_server():
    environment = CodeEnvironment(reward=graded)
    environment.reset(seed=7)
    assert environment.step(CodeAction(code="import random\nrandom.random()")).text == "0.32383276483316237"
    assert environment.step(CodeAction(code="x = 42", final_answer="42")).reward == 1.0
    environment.close()


def test_the_page_runs():
    pages.run("openenv")
