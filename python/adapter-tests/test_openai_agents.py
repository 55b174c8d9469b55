"""The Agents SDK's own runner, with its scripted model."""

import asyncio
import io
import json
from types import SimpleNamespace

import pytest
from agents import Agent, RunConfig, Runner, function_tool, set_tracing_disabled
from agents.sandbox import (
    Dir,
    ExecTimeoutError,
    LocalSnapshotSpec,
    Manifest,
    SandboxAgent,
    SandboxRunConfig,
    User,
    WorkspaceReadNotFoundError,
)
from agents.sandbox.entries import File
from agents.testing import ScriptedModel, assistant_message, function_call

import pages

import memex
from memex.adapters.openai_agents import SandboxClient, code_tools

set_tracing_disabled(True)


def says(*codes):
    return [function_call("python", {"code": code}, call_id=f"{hash(code)}-{number}") for number, code in enumerate(codes)]


def model(*turns):
    return ScriptedModel([*turns, [assistant_message("done")]])


def outputs(result):
    return [item.output for item in result.new_items if item.type == "tool_call_output_item"]


def run(tools, *turns, **options):
    agent = Agent(name="a", model=model(*turns), tools=tools)
    return Runner.run_sync(agent, "go", **options)


def population(city: str) -> int:
    """How many people live in a city."""
    if city == "Atlantis":
        raise ValueError("no such city")
    return {"Bern": 134591, "Thun": 43743}[city]


def test_tools_are_called_from_inside_the_code_and_state_stays_between_turns():
    result = run(code_tools([population]), says("n = [population(c) for c in ('Bern', 'Thun')]\nsum(n)"), says("max(n)"))
    assert outputs(result) == ["178334", "134591"] and result.final_output == "done"


def test_the_model_is_told_of_the_functions():
    [tool] = code_tools([population])
    assert "def population(city: str) -> int" in tool.description


def test_an_error_of_a_tool_is_raised_in_the_code():
    result = run(code_tools([population]), says("population('Atlantis')"), says("try:\n    population('Atlantis')\nexcept ValueError as e:\n    print('caught', e)"))
    assert "ValueError: no such city" in outputs(result)[0]
    assert outputs(result)[1] == "caught no such city"


def test_runs_do_not_share_variables_unless_a_key_or_a_session_says_so():
    tools = code_tools()
    run(tools, says("x = 1"))
    assert "NameError" in outputs(run(tools, says("x")))[0]
    tools = code_tools(key=lambda context: context.context.user)
    run(tools, says("x = 1"), context=SimpleNamespace(user="ann"))
    assert outputs(run(tools, says("x"), context=SimpleNamespace(user="ann"))) == ["1"]
    assert "NameError" in outputs(run(tools, says("x"), context=SimpleNamespace(user="bob")))[0]
    with memex.Sandbox() as box, box.session(inputs={"x": 5}) as session:
        assert outputs(run(code_tools(session=session), says("x"))) == ["5"]


def test_calls_of_one_message_use_one_session():
    assert outputs(run(code_tools(), says("a = 1", "b = 2"), says("a + b")))[-1] == "3"


def test_function_tools_run_on_the_loop_of_the_run_with_its_context():
    seen = []

    from agents import RunContextWrapper

    @function_tool
    async def whoami(context: RunContextWrapper, greeting: str) -> str:
        """Says who."""
        seen.append(asyncio.get_running_loop())
        return f"{greeting} {context.context.user}"

    async def main():
        agent = Agent(name="a", model=model(says("whoami(greeting='hello')")), tools=code_tools([whoami]))
        result = await Runner.run(agent, "go", context=SimpleNamespace(user="ann"))
        assert outputs(result) == ["'hello ann'"]
        assert seen == [asyncio.get_running_loop()]

    asyncio.run(main())


def test_tools_that_need_approval_are_refused():
    @function_tool(needs_approval=True)
    def delete(path: str) -> str:
        """Deletes."""
        return "gone"

    with pytest.raises(memex.ToolError, match="needs approval"):
        code_tools([delete])


# Sandbox agents


def sandbox_run(client, *turns, capabilities=None, **sandbox):
    agent = SandboxAgent(name="a", model=model(*turns), instructions="Work.", **({} if capabilities is None else {"capabilities": capabilities}))
    return Runner.run_sync(agent, "go", run_config=RunConfig(sandbox=SandboxRunConfig(client=client, **sandbox)))


def command(line, **more):
    return [function_call("exec_command", {"cmd": line, **more}, call_id=f"{hash(line)}")]


def test_a_sandbox_agent_works_in_a_session():
    client = SandboxClient()
    manifest = Manifest(entries={"data/numbers.txt": File(content=b"3\n4\n"), "empty": Dir()})
    result = sandbox_run(
        client,
        command("ls; pwd; sort -r data/numbers.txt | head -n 1"),
        command("python3 -c 'print(sum(map(int, open(\"data/numbers.txt\"))))' > total; cat total; false"),
        command("cat nothing"),
        manifest=manifest,
    )
    first, second, third = outputs(result)
    assert "data\nempty\n/home/user/workspace\n4" in first and "exited with code 0" in first
    assert "7\n" in second and "exited with code 1" in second
    assert "No such file or directory" in third
    assert result.final_output == "done"
    asyncio.run(client.close())


def test_files_of_a_workspace_by_the_interface():
    async def main():
        client = SandboxClient()
        async with await client.create(options=None) as box:
            assert await box.running()
            await box.mkdir("notes", parents=True)
            await box.write("notes/a.md", io.BytesIO(b"one\n"))
            assert (await box.read("notes/a.md")).read() == b"one\n"
            assert [(entry.path.rpartition("/")[2], entry.size) for entry in await box.ls("notes") if entry.kind.value == "file"] == [("a.md", 4)]
            await box.mv("notes/a.md", "notes/b.md")
            with pytest.raises(WorkspaceReadNotFoundError):
                await box.read("notes/a.md")
            assert not await box.same_file("notes", "notes/b.md")
            await box.rm("notes", recursive=True)
            with pytest.raises(Exception, match="must be relative"):
                await box.read("/etc/passwd")
            with pytest.raises(ExecTimeoutError):
                await box.exec("sleep 20", timeout=0.2)
            assert (await box.exec("echo still here")).stdout == b"still here\n"
            with pytest.raises(ValueError, match="no users"):
                await box.exec("ls", user="root")
        assert not await box.running()
        await client.close()

    asyncio.run(main())


def test_a_workspace_goes_on_from_its_snapshot(tmp_path):
    async def main():
        client = SandboxClient()
        box = await client.create(snapshot=LocalSnapshotSpec(base_path=tmp_path), options=None)
        async with box:
            await box.exec("mkdir -p deep/er && echo kept > deep/er/file && ln -s er deep/link && echo x > .hidden")
        payload = client.serialize_session_state(box.state)
        await client.delete(box)
        other = SandboxClient()
        async with await other.resume(other.deserialize_session_state(json.loads(json.dumps(payload)))) as again:
            found = await again.exec("cat deep/link/file .hidden; test -L deep/link && echo link")
            assert found.stdout == b"kept\nx\nlink\n", found.stdout
        await client.close()
        await other.close()

    asyncio.run(main())


def test_a_manifest_with_users_is_refused():
    async def main():
        client = SandboxClient()
        box = await client.create(manifest=Manifest(users=[User(name="ada")]), options=None)
        with pytest.raises(ValueError, match="no users"):
            await box.start()
        await client.close()

    asyncio.run(main())


def test_the_page_runs():
    command = [function_call("exec_command", {"cmd": "sort -rn numbers.txt | head -n 1"}, call_id="c")]
    pages.run("openai_agents", model=model(says("sum(population(c) for c in ('Bern', 'Thun'))")), worker_model=model(command))
