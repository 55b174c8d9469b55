"""Inspect's own evaluation and tools, with its scripted model, and its self-checks of sandboxes."""

import asyncio

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageTool, ModelOutput, get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import bash, python
from inspect_ai.util import OutputLimitExceededError

import pages

from memex.adapters.inspect import MemexSandboxEnvironment


@pytest.fixture(autouse=True)
def _no_tokenizer(monkeypatch):
    # Its vocabulary would be downloaded.
    monkeypatch.setattr("inspect_ai.model._model.count_text_tokens", lambda text: len(text) // 4)


def evaluated(tmp_path, *calls, sandbox="memex", files=None):
    """What the tools said in an evaluation, and its score."""
    outputs = [ModelOutput.for_tool_call("mockllm/model", name, arguments) for name, arguments in calls]
    model = get_model("mockllm/model", custom_outputs=[*outputs, ModelOutput.from_content("mockllm/model", "the answer is 42")])
    task = Task(
        dataset=[Sample("go", target="42", files=files)], solver=[use_tools(bash(timeout=5), python(timeout=5)), generate()], scorer=includes(), sandbox=sandbox
    )
    [log] = eval(task, model=model, log_dir=str(tmp_path), display="none")
    assert log.status == "success", log.error
    [sample] = log.samples
    said = [message.error.message if message.error else message.text for message in sample.messages if isinstance(message, ChatMessageTool)]
    return said, sample.scores["includes"].value


def test_tools_run_in_one_session_of_the_sample(tmp_path):
    said, score = evaluated(
        tmp_path,
        ("python", {"code": "open('n', 'w').write('20')\nprint('written')"}),
        ("bash", {"command": "echo $(( $(cat n) + 22 )) | tee out; ls"}),
        ("python", {"code": "import pandas\nprint(open('given/a.txt').read())"}),
        files={"given/a.txt": "from the sample"},
    )
    assert said[0].strip() == "written"
    assert said[1].split() == ["42", "given", "n", "out"]
    assert said[2].strip() == "from the sample" and score == "C"


def test_errors_and_timeouts_are_told(tmp_path):
    said, _ = evaluated(tmp_path, ("python", {"code": "raise ValueError('no')"}), ("bash", {"command": "sleep 60"}), ("bash", {"command": "nosuch"}), ("bash", {"command": "echo alive"}))
    assert "ValueError: no" in said[0]
    assert "timed out" in said[1].lower()
    assert "command not found" in said[2] and said[3].strip() == "alive"


def test_a_policy_file_bounds_the_sessions(tmp_path):
    policy = tmp_path / "p.toml"
    policy.write_text('version = 1\nextends = "compute"\nlimits.files = 5\n')
    make = {"code": "for n in range(10): open(f'f{n}', 'w').close()"}
    bounded, _ = evaluated(tmp_path, ("python", make), ("python", {"code": "print('alive')"}), sandbox=("memex", str(policy)))
    assert "OSError" in bounded[0] and bounded[1].strip() == "alive"
    free, _ = evaluated(tmp_path, ("python", make))
    assert "OSError" not in free[0]


@pytest.fixture
def environment():
    made = asyncio.run(MemexSandboxEnvironment.sample_init("t", None, {}))["default"]
    yield made


def test_the_contract_of_files_and_commands(environment):
    async def main():
        await environment.write_file("dir/a.txt", "text")
        assert await environment.read_file("dir/a.txt") == "text"
        binary = bytes(range(256))
        await environment.write_file("b", binary)
        assert await environment.read_file("b", text=False) == binary
        with pytest.raises(UnicodeDecodeError):
            await environment.read_file("b")
        with pytest.raises(FileNotFoundError):
            await environment.read_file("none")
        with pytest.raises(IsADirectoryError):
            await environment.read_file("dir")
        with pytest.raises(IsADirectoryError):
            await environment.write_file("dir", "x")
        made = await environment.exec(["python3", "-c", "import sys, os; print(sys.stdin.read(), os.environ['X'], os.getcwd()); sys.exit(3)"], input="in", env={"X": "x"}, cwd="dir")
        assert (made.returncode, made.success, made.stdout) == (3, False, "in x /home/user/dir\n")
        with pytest.raises(TimeoutError):
            await environment.exec(["sleep", "30"], timeout=1)
        with pytest.raises(OutputLimitExceededError):
            await environment.exec(["python3", "-c", "print('x' * 8_000_000)"])
        assert (await environment.exec(["echo", "alive"])).stdout == "alive\n"

    asyncio.run(main())


def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = ModelOutput.for_tool_call("mockllm/model", "bash", {"command": "sort -rn numbers.txt | head -n 1"})
    model = get_model("mockllm/model", custom_outputs=[asked, ModelOutput.from_content("mockllm/model", "It is 5.")])
    pages.run("inspect", model=model)
