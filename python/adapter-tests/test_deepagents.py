"""deepagents' own agent and its file tools, with a scripted model."""

import itertools
import time

import pytest
from deepagents import create_deep_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage

import pages

import memex
from memex.adapters.deepagents import Backend

NUMBERS = itertools.count()


class Scripted(GenericFakeChatModel):
    def bind_tools(self, tools, **_options):
        return self


def agent(*calls, backend):
    messages = [AIMessage(content="", tool_calls=[{"name": name, "args": args, "id": f"c{next(NUMBERS)}"}]) for name, args in calls]
    made = create_deep_agent(model=Scripted(messages=iter([*messages, AIMessage(content="done")])), backend=backend)
    state = made.invoke({"messages": [("user", "go")]})
    return [message.content for message in state["messages"] if isinstance(message, ToolMessage)]


@pytest.fixture
def backend():
    made = Backend()
    yield made
    made.close()


def test_the_agent_works_on_files_and_runs_commands(backend):
    written, read, edited, listed, found, ran, failed = agent(
        ("write_file", {"file_path": "/home/user/sum.py", "content": "print(1 + 1)\n"}),
        ("read_file", {"file_path": "/home/user/sum.py"}),
        ("edit_file", {"file_path": "/home/user/sum.py", "old_string": "1 + 1", "new_string": "20 + 22"}),
        ("ls", {"path": "/home/user"}),
        ("grep", {"pattern": "20", "path": "/home/user", "output_mode": "content"}),
        ("execute", {"command": "python3 sum.py | tee out && cat out"}),
        ("execute", {"command": "python3 -c 'raise ValueError(3)'"}),
        backend=backend,
    )
    assert "sum.py" in written and "print(1 + 1)" in read and "sum.py" in listed
    assert "print(20 + 22)" in found
    assert "42\n42\n" in ran
    assert "ValueError: 3" in failed and "1" in failed


def test_every_file_operation(backend):
    assert backend.write("/home/user/work/a.txt", "one\ntwo\nthree\n").error is None
    assert backend.write("/elsewhere/a.txt", "x").error is not None
    assert backend.read("/home/user/work/a.txt", offset=1, limit=1).file_data["content"].strip() == "two"
    assert "not" in backend.read("/home/user/work/none").error.lower()
    assert [one["path"] for one in backend.ls("/home/user/work").entries] == ["/home/user/work/a.txt"]
    assert backend.edit("/home/user/work/a.txt", "two", "zwei").occurrences == 1
    assert backend.edit("/home/user/work/a.txt", "absent", "x").error is not None
    long = "x" * 100_000
    assert backend.edit("/home/user/work/a.txt", "three", long).occurrences == 1
    assert backend.download_files(["/home/user/work/a.txt"])[0].content == f"one\nzwei\n{long}\n".encode()
    assert [(one["line"], one["text"]) for one in backend.grep("zwei", "/home/user/work").matches] == [(2, "zwei")]
    backend.upload_files([("/home/user/work/b/c.py", b"pass\n"), ("/home/user/work/b/d.txt", b"")])
    assert [one["path"].rpartition("/")[2] for one in backend.glob("**/*.py", "/home/user/work").matches] == ["c.py"]
    assert backend.delete("/home/user/work/b").error is None and backend.ls("/home/user/work/b").error is not None
    assert backend.download_files(["/home/user/work/none", "/home/user/work"])[0].error == "file_not_found"
    assert backend.download_files(["/home/user/work"])[0].error == "is_directory"


def test_a_command_that_takes_too_long_ends(backend):
    began = time.monotonic()
    made = backend.execute("while true; do sleep 1; done", timeout=1)
    assert made.exit_code == 124 and time.monotonic() - began < 10
    assert backend.execute("echo alive").output == "alive\n"


def test_what_is_not_there_says_what_is(backend):
    made = backend.execute("gcc --version")
    assert made.exit_code == 127 and "there are:" in made.output and "grep" in made.output


def test_a_session_of_ones_own_is_used():
    with memex.Sandbox() as box, box.session() as session:
        session.run("open('/tmp/x', 'w').write('here')")
        assert Backend(session=session).execute("cat /tmp/x").output == "here"


def test_the_page_runs():
    calls = [
        ("write_file", {"file_path": "/home/user/sum.py", "content": "print(20 + 22)\n"}),
        ("execute", {"command": "python3 sum.py"}),
    ]
    messages = [AIMessage(content="", tool_calls=[{"name": name, "args": args, "id": f"c{next(NUMBERS)}"}]) for name, args in calls]
    pages.run("deepagents", model=Scripted(messages=iter([*messages, AIMessage(content="done")])))
