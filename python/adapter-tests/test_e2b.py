"""The look-alike beside the real client: the same names, parameters and results."""

import asyncio
import dataclasses
import inspect
import io

import e2b_code_interpreter as real
import pytest
from e2b.sandbox_sync.commands.command import Commands as RealCommands
from e2b.sandbox_sync.filesystem.filesystem import Filesystem as RealFilesystem

import memex
from memex import e2b as ours
from memex.e2b import Sandbox
from memex.e2b._commands import Commands
from memex.e2b._files import Filesystem


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox.create() as made:
        yield made


# Parameters


@pytest.mark.parametrize("own, other", [(ours.Sandbox, real.Sandbox), (ours.AsyncSandbox, real.AsyncSandbox), (Commands, RealCommands), (Filesystem, RealFilesystem)], ids=["Sandbox", "AsyncSandbox", "commands", "files"])
def test_what_is_there_takes_what_the_real_one_takes(own, other):
    checked = 0
    for name, method in inspect.getmembers(own, callable):
        if name.startswith("_"):
            continue
        theirs = list(inspect.signature(getattr(other, name)).parameters.values())
        mine = inspect.signature(method).parameters
        open_ended = any(one.kind is one.VAR_KEYWORD for one in mine.values())
        for one in theirs:
            if one.kind is not one.VAR_KEYWORD and one.name not in ("self", "query"):
                assert one.name in mine or open_ended, f"{name}({one.name})"
        shared = [one.name for one in theirs if one.name in mine]
        assert shared == [one for one in mine if one in shared], f"{name}: the order of its parameters"
        checked += 1
    assert checked >= 3


@pytest.mark.parametrize("name", ["Execution", "ExecutionError", "Logs", "OutputMessage", "Result", "CommandResult", "EntryInfo", "WriteInfo"])
def test_results_have_the_same_fields(name):
    theirs = {field.name for field in dataclasses.fields(getattr(real, name))}
    assert theirs == {field.name for field in dataclasses.fields(getattr(ours, name))}


def test_exceptions_have_the_same_names():
    for name in ours.__all__:
        assert hasattr(real, name) or name == "SandboxNotFoundException" and hasattr(real, name), name


# Code


def test_code_keeps_its_state_and_tells_values_output_and_errors(sandbox):
    first = sandbox.run_code("x = 20\nprint('hello')\nx + 22")
    assert (first.text, first.logs.stdout, first.error) == ("42", ["hello\n"], None)
    second = sandbox.run_code("import sys\nprint('no', file=sys.stderr)\nx / 0")
    assert (second.error.name, second.error.value) == ("ZeroDivisionError", "division by zero")
    assert second.logs.stderr == ["no\n"] and second.execution_count == first.execution_count + 1


def test_figures_are_results(sandbox):
    made = sandbox.run_code("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert [one for one in made.results if one.png and one.png.startswith("iVBOR")]
    frame = sandbox.run_code("import pandas as pd\npd.DataFrame({'a': [1]})")
    [main] = [one for one in frame.results if one.is_main_result]
    assert "<table" in main.html and "a" in main.text


def test_callbacks_hear_of_it(sandbox):
    heard = []
    sandbox.run_code("print('a')\nprint('b')\n1/0", on_stdout=lambda message: heard.append(message.line), on_error=lambda error: heard.append(error.name))
    assert heard == ["a\n", "b\n", "ZeroDivisionError"]


def test_variables_hold_for_one_execution(sandbox):
    read = "import os\nos.environ.get('KEY')"
    assert sandbox.run_code(read, envs={"KEY": "v"}).text == "'v'"
    assert sandbox.run_code(read).text is None
    with Sandbox.create(envs={"KEY": "always"}) as other:
        assert other.run_code(read).text == "'always'"
        assert other.commands.run("echo $KEY").stdout == "always\n"


def test_lines_with_an_exclamation_mark_are_commands(sandbox):
    made = sandbox.run_code("!pip install numpy\n!echo $((1+1))\nimport numpy\n'!kept'")
    assert made.error is None and made.text == "'!kept'"
    assert "already satisfied" in "".join(made.logs.stdout) and "2\n" in "".join(made.logs.stdout)


def test_code_that_takes_too_long_raises_and_the_sandbox_goes_on(sandbox):
    sandbox.run_code("kept = 1")
    with pytest.raises(ours.TimeoutException):
        sandbox.run_code("while True: pass", timeout=0.3)
    assert sandbox.run_code("kept").text == "1"


# Files and commands


def test_files_are_those_of_code_and_commands(sandbox):
    info = sandbox.files.write("dir/numbers.txt", "3\n5\n")
    assert (info.path, info.type.value) == ("/home/user/dir/numbers.txt", "file")
    assert sandbox.run_code("sum(map(int, open('/home/user/dir/numbers.txt')))").text == "8"
    assert sandbox.commands.run("sort -rn dir/numbers.txt | head -n 1").stdout == "5\n"
    assert sandbox.files.read("dir/numbers.txt") == "3\n5\n"
    assert sandbox.files.read("dir/numbers.txt", format="bytes") == bytearray(b"3\n5\n")
    [entry] = sandbox.files.list("dir")
    assert (entry.name, entry.size, entry.type) == ("numbers.txt", 4, ours.FileType.FILE)
    assert sandbox.files.rename("dir/numbers.txt", "dir/n").path == "/home/user/dir/n"
    assert not sandbox.files.exists("dir/numbers.txt") and sandbox.files.get_info("dir/n").size == 4
    assert sandbox.files.make_dir("made") is True and sandbox.files.make_dir("made") is False
    sandbox.files.remove("dir")
    with pytest.raises(ours.FileNotFoundException):
        sandbox.files.read("dir/n")
    with pytest.raises(ours.FileNotFoundException):
        sandbox.files.remove("dir/n")
    sandbox.files.write_files([{"path": "a", "data": b"1"}, {"path": "b", "data": io.BytesIO(b"2")}])
    assert sandbox.commands.run("cat a b").stdout == "12"
    large = bytes(range(256)) * 40_000
    sandbox.files.write("large", large)
    assert sandbox.files.read("large", format="bytes") == large


def test_a_command_that_fails_raises_with_its_status(sandbox):
    with pytest.raises(ours.CommandExitException) as caught:
        sandbox.commands.run("echo out; echo err >&2; exit 3")
    assert (caught.value.exit_code, caught.value.stdout, caught.value.stderr) == (3, "out\n", "err\n")
    with pytest.raises(ours.TimeoutException):
        sandbox.commands.run("sleep 30", timeout=0.3)


def test_what_means_nothing_here_says_so(sandbox):
    for refused in (
        lambda: sandbox.commands.run("ls", background=True),
        lambda: sandbox.run_code("1", language="r"),
        lambda: sandbox.create_code_context(),
        lambda: sandbox.files.watch_dir("/"),
        lambda: Sandbox.create(allow_internet_access=True),
        lambda: Sandbox.create("no-such-template"),
    ):
        with pytest.raises(ours.InvalidArgumentException):
            refused()


# Life


def test_forks_snapshots_and_pauses(sandbox):
    sandbox.run_code("state = 'here'")
    [fork] = sandbox.fork()
    fork.run_code("state = 'there'")
    assert (sandbox.run_code("state").text, fork.run_code("state").text) == ("'here'", "'there'")
    info = sandbox.create_snapshot()
    with Sandbox.create(info.snapshot_id) as copy:
        assert copy.run_code("state").text == "'here'"
    assert Sandbox.delete_snapshot(info.snapshot_id)
    assert fork.pause() and not fork.is_running()
    with pytest.raises(ours.SandboxException):
        fork.run_code("1")
    assert Sandbox.connect(fork.sandbox_id).run_code("state").text == "'there'"
    assert fork.kill() is True and fork.kill() is False
    with pytest.raises(ours.SandboxNotFoundException):
        Sandbox.connect(fork.sandbox_id)


def test_a_sandbox_ends_with_its_timeout():
    made = Sandbox.create(timeout=300, metadata={"who": "me"})
    assert {one.sandbox_id: one.metadata for one in Sandbox.list()}[made.sandbox_id] == {"who": "me"}
    made.set_timeout(-1)
    with pytest.raises(ours.TimeoutException):
        made.run_code("1")
    assert made.sandbox_id not in {one.sandbox_id for one in Sandbox.list()}


def test_a_sandbox_of_ones_own_has_its_tools_and_limits():
    def double(x: int) -> int:
        """Doubles."""
        return 2 * x

    with memex.Sandbox(tools=[double], limits={"time": "300ms"}) as box, Sandbox.create(box=box) as made:
        assert made.run_code("double(4)").text == "8"
        assert made.run_code("while True: pass").error.name == "TimeoutError"


def test_an_async_sandbox_does_the_same_and_cancelling_ends_its_code():
    heard = []

    async def hear(message):
        heard.append((message.line, asyncio.get_running_loop()))

    async def main():
        async with await ours.AsyncSandbox.create(envs={"K": "v"}) as sandbox:
            await sandbox.files.write("a.txt", "text")
            assert (await sandbox.commands.run("cat a.txt; echo $K")).stdout == "textv\n"
            made = await sandbox.run_code("print('out')\n1 + 1", on_stdout=hear)
            assert made.text == "2" and heard == [("out\n", asyncio.get_running_loop())]
            with pytest.raises(ours.FileNotFoundException):
                await sandbox.files.read("none")
            [fork] = await sandbox.fork()
            assert await fork.files.read("a.txt") == "text" and await fork.kill()
            task = asyncio.ensure_future(sandbox.run_code("while True: pass"))
            await asyncio.sleep(0.5)
            task.cancel()
            await asyncio.wait([task], timeout=5)
            assert task.cancelled()
            assert (await sandbox.run_code("6 * 7")).text == "42"
        assert not await sandbox.is_running()

    asyncio.run(main())
