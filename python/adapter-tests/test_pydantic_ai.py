"""Pydantic AI's own loop, with its scripted model."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import pytest
from pydantic import AfterValidator
from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.toolsets import FunctionToolset
from pydantic_ai.workspaces import WorkspaceUnavailableError
from pydantic_ai.workspaces.conformance import WorkspaceBackendSuite

import pages

from memex.adapters.pydantic_ai import CodeSpace, SessionWorkspace


def model(*turns, seen=None):
    script = iter([*turns, None])

    def answer(messages, info):
        if seen is not None:
            seen.append(info.function_tools)
        codes = next(script)
        if codes is None:
            return ModelResponse(parts=[TextPart("done")])
        return ModelResponse(parts=[ToolCallPart("python", {"code": code}) for code in codes])

    return FunctionModel(answer)


def returns(result):
    return [part.content for message in result.all_messages() for part in message.parts if isinstance(part, ToolReturnPart)]


def population(city: str) -> int:
    """How many people live in a city."""
    if city == "Atlantis":
        raise ValueError("no such city")
    return {"Bern": 134591, "Thun": 43743}[city]


def test_tools_are_called_from_inside_the_code_and_state_stays_between_turns():
    seen = []
    agent = Agent(model(["n = [population(c) for c in ('Bern', 'Thun')]\nsum(n)"], ["max(n)"], seen=seen), toolsets=[CodeSpace([population])])
    result = agent.run_sync("go")
    assert returns(result) == ["178334", "134591"] and result.output == "done"
    [tool] = seen[0]
    assert tool.name == "python" and "def population(city: str)" in tool.description


def test_an_error_of_a_tool_is_raised_in_the_code():
    code = "try:\n    population('Atlantis')\nexcept ValueError as e:\n    print('caught', e)"
    result = Agent(model(["population('Atlantis')"], [code]), toolsets=[CodeSpace([population])]).run_sync("go")
    assert "ValueError: no such city" in returns(result)[0]
    assert returns(result)[1] == "caught no such city"


def test_arguments_are_validated_as_the_toolset_has_them():
    def shout(word: Annotated[str, AfterValidator(str.upper)]) -> str:
        """Says it louder."""
        return word

    assert returns(Agent(model(["shout('hello')"]), toolsets=[CodeSpace([shout])]).run_sync("go")) == ["'HELLO'"]
    result = Agent(model(["population(city=5)"]), toolsets=[CodeSpace([population])]).run_sync("go")
    assert "TypeError: population: city: expected str, got int 5" in returns(result)[0]


def test_runs_do_not_share_variables():
    space = CodeSpace()
    Agent(model(["x = 1"]), toolsets=[space]).run_sync("go")
    assert "NameError" in returns(Agent(model(["x"]), toolsets=[space]).run_sync("go"))[0]

    async def beside(number):
        slow = f"import time\nx = {number}\ntime.sleep(0.3)"
        return returns(await Agent(model([slow], ["x"]), toolsets=[space]).run("go"))[-1]

    async def main():
        assert await asyncio.gather(*[beside(number) for number in range(3)]) == ["0", "1", "2"]

    asyncio.run(main())


def test_calls_of_one_message_use_one_session():
    assert returns(Agent(model(["a = 1", "b = 2"], ["a + b"]), toolsets=[CodeSpace()]).run_sync("go"))[-1] == "3"


def test_tools_get_the_context_and_the_loop_of_the_run():
    @dataclass
    class User:
        name: str

    toolset = FunctionToolset()
    loops = []

    @toolset.tool
    async def whoami(ctx: RunContext[User], greeting: str) -> str:
        """Says who."""
        loops.append(asyncio.get_running_loop())
        return f"{greeting} {ctx.deps.name}"

    async def main():
        agent = Agent(model(["whoami(greeting='hello')"]), toolsets=[CodeSpace(toolset)], deps_type=User)
        assert returns(await agent.run("go", deps=User("ann"))) == ["'hello ann'"]
        assert loops == [asyncio.get_running_loop()]

    asyncio.run(main())


def test_a_cancelled_run_ends_its_block():
    async def main():
        agent = Agent(model(["while True: pass"]), toolsets=[CodeSpace(limits={"time": "30s"})])
        task = asyncio.ensure_future(agent.run("go"))
        await asyncio.sleep(0.7)
        began = asyncio.get_running_loop().time()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() and asyncio.get_running_loop().time() - began < 5

    asyncio.run(main())


# The workspace


class TestWorkspace(WorkspaceBackendSuite):
    """The rules that Pydantic AI has for workspaces of others."""

    @pytest.fixture
    def anyio_backend(self):
        return "asyncio"

    @pytest.fixture
    async def backend(self, anyio_backend):
        made = SessionWorkspace(limits={"time": "30s"})
        yield made
        await made.destroy()

    @pytest.fixture
    def fresh_backend(self):
        return SessionWorkspace

    @pytest.fixture
    def attach_backend(self):
        return SessionWorkspace

    @pytest.fixture
    def destroy_environment(self):
        return lambda backend: backend.destroy()

    @pytest.fixture
    def filesystem_honors_shell_permissions(self):
        # There are no owners and no modes.
        return False

    @pytest.fixture
    def can_detect_exit_with_inherited_output_pipes(self):
        # Nothing runs in the background.
        return False

    @pytest.mark.skip(reason="nothing runs in the background")
    def test_a_backend_attached_by_ref_reaches_a_detached_process(self):
        pass

    @pytest.mark.skip(reason="files cannot be looked at while a command runs: both are turns of one session")
    def test_cancellation_stops_foreground_work(self):
        pass

    @pytest.mark.skip(reason="files cannot be looked at while a command runs: both are turns of one session")
    def test_destroying_environment_during_command_raises_unavailable(self):
        pass


def test_a_cancelled_command_ends_and_the_workspace_goes_on():
    async def main():
        made = SessionWorkspace(limits={"time": "30s"})
        task = asyncio.ensure_future(made.run("while true; do sleep 1; done", shell=True))
        await asyncio.sleep(0.7)
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()
        assert (await made.run(["echo", "alive"])).stdout == "alive\n"
        await made.destroy()
        with pytest.raises(WorkspaceUnavailableError):
            await made.run(["echo", "gone"])

    asyncio.run(main())


def test_the_page_runs():
    pages.run("pydantic_ai", model=model(["sum(population(c) for c in ('Bern', 'Thun'))"]))
