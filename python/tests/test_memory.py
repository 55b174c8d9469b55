"""Memories of Markdown files: their operations, their past, and agents on them."""

import asyncio
import inspect
import threading
import time

import pytest

import memex


@pytest.fixture
def memory(tmp_path):
    return memex.Memory(tmp_path / "memory", create=True)


def scripted(*replies):
    asked = []

    def model(messages):
        asked.append(messages)
        return replies[len(asked) - 1]

    model.asked = asked
    return model


def test_the_ten_operations(memory):
    assert memory.create_file("user.md", "- name: Ada\n- friend: [[entities/bob]]\n") is True
    assert memory.create_dir("entities") is True
    assert memory.create_file("entities/bob.md") is True
    assert memory.update_file("user.md", "Ada", "Ada Lovelace") is True
    assert isinstance(memory.update_file("user.md", "nothing like it", ""), str)
    assert memory.read_file("user.md").startswith("- name: Ada Lovelace")
    assert memory.read_file("none.md") == "Error: File none.md does not exist"
    assert memory.check_if_file_exists("user.md") and not memory.check_if_file_exists("none.md")
    assert memory.check_if_dir_exists("entities")
    assert memory.list_files() == "./\n├── entities/\n│   └── bob.md\n└── user.md"
    assert memory.get_size("user.md") == 48 and memory.get_size() == 48
    assert memory.go_to_link("[[user]]").startswith("- name")
    assert memory.delete_file("entities/bob.md") is True and memory.delete_file("entities/bob.md") is False
    with pytest.raises(FileNotFoundError, match="Path not found"):
        memory.get_size("none.md")


def test_nothing_outside_is_reached(memory, tmp_path):
    (tmp_path / "secret.md").write_text("secret")
    assert "secret" not in memory.read_file("../secret.md").replace("../secret.md", "")
    (tmp_path / "memory" / "link.md").symlink_to(tmp_path / "secret.md")
    assert memory.read_file("link.md").startswith("Error:")
    with pytest.raises(Exception):
        memory.create_file("../other.md", "x")
    assert not (tmp_path / "other.md").exists()
    # The same call works within.
    assert memory.create_file("other.md", "x")


def test_its_past(memory):
    memory.create_file("a.md", "1")
    memory.create_file("a.md", "2")
    newest, first = memory.log()
    assert (newest.tool, newest.path, newest.session) == ("create_file", "a.md", "python") and newest.id > first.id
    assert abs(newest.time - time.time()) < 60
    (undone,) = memory.undo()
    assert undone.id == newest.id and memory.read_file("a.md") == "1"
    memory.create_file("b.md", "[[nowhere]]")
    assert {finding["finding"] for finding in memory.check()} >= {"broken_link"}
    with pytest.raises(memex.MemoryAccessError):
        memory.undo(change=4000)


def test_a_memory_that_is_not_there(tmp_path):
    with pytest.raises(memex.MemoryAccessError, match="create=True"):
        memex.Memory(tmp_path / "none")
    with pytest.raises(memex.MemoryAccessError, match="mode"):
        memex.Memory(tmp_path, mode="other")


def test_asking(memory):
    memory.create_file("user.md", "- name: Ada\n")
    model = scripted(
        "<think>I look.</think>\n<python>\nprint(read_file('user.md'))\n</python>",
        "<think>Now I know.</think>\n<reply>You are Ada.</reply>",
    )
    answer = memory.ask("Who am I?", model=model)
    assert answer.reply == str(answer) == "You are Ada." and answer.calls == 2
    assert answer.python == "" and answer.thoughts == "Now I know."
    assert "- name: Ada" in model.asked[1][-1]["content"]
    assert answer.usage.input_tokens > 100


def test_a_conversation_remembers(memory):
    model = scripted(
        "<python>\nx = 20\ncreate_file('note.md', 'seen')\n</python>",
        "<reply>Noted.</reply>",
        "<python>\nprint(x + 1)\n</python>",
        "<reply>21</reply>",
    )
    talk = memory.conversation(model=model)
    assert talk.ask("Remember 20").reply == "Noted."
    assert memory.read_file("note.md") == "seen" and memory.log()[0].session.startswith("python-")
    assert talk.ask("One more?").reply == "21"
    assert "21" in model.asked[3][-1]["content"]
    assert [message["role"] for message in talk.messages][:3] == ["system", "user", "assistant"]
    record = talk.finish()
    assert record.task == "Remember 20" and [step.kind for step in record.steps].count("user") == 2
    with pytest.raises(memex.Closed, match="finished"):
        talk.ask("more?")


def test_a_conversation_answers_one_question_at_a_time(memory):
    asked, go_on, refused = threading.Event(), threading.Event(), []

    def model(messages):
        asked.set()
        assert go_on.wait(60)
        # Also the model itself, which the answer waits for: it does not wait for the answer.
        for use in (lambda: talk.ask("And now?"), lambda: talk.messages, talk.finish):
            try:
                use()
            except memex.SessionBusy as error:
                refused.append(str(error))
        return "<reply>Done.</reply>"

    talk, answers = memory.conversation(model=model), []
    thread = threading.Thread(target=lambda: answers.append(talk.ask("First?").reply))
    thread.start()
    assert asked.wait(60)
    for use in (lambda: talk.ask("Second?"), lambda: talk.messages, talk.finish):
        with pytest.raises(memex.SessionBusy, match="Memory.conversation"):
            use()
    # Another conversation on the same memory is not.
    assert memory.ask("?", model=scripted("<reply>Here.</reply>")).reply == "Here."
    go_on.set()
    thread.join(60)
    assert answers == ["Done."] and len(refused) == 3
    assert [message["role"] for message in talk.messages] == ["system", "user", "assistant"]
    assert talk.finish().task == "First?"


def test_a_question_that_is_refused_leaves_the_one_that_is_answered_alone(memory):
    asked, go_on, found = threading.Event(), threading.Event(), []

    def broken(messages):
        asked.set()
        assert go_on.wait(60)
        raise ConnectionError("down")

    talk = memory.conversation(model=broken)

    def first():
        with pytest.raises(memex.ModelError) as caught:
            talk.ask("First?")
        found.append(type(caught.value.__cause__))

    thread = threading.Thread(target=first)
    thread.start()
    assert asked.wait(60)
    with pytest.raises(memex.SessionBusy):
        talk.ask("Second?")
    go_on.set()
    thread.join(60)
    assert found == [ConnectionError]


def test_pieces(memory):
    model = scripted("<think>Hm.</think><reply>Yes.</reply>")
    events = list(memory.conversation(model=model).stream("?"))
    assert memex.Piece("reply", "Yes.") in events and events[-1].result.reply == "Yes."


def test_a_model_that_raises(memory):
    def broken(messages):
        raise ConnectionError("down")

    with pytest.raises(memex.ModelError, match="ConnectionError: down") as caught:
        memory.ask("?", model=broken)
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_no_model(memory, monkeypatch):
    monkeypatch.delenv("MEMEX_MODEL", raising=False)
    with pytest.raises(memex.ModelError, match="MEMEX_MODEL"):
        memory.ask("?")


def test_tools_for_any_agent(memory):
    memory.create_file("user.md", "- name: Ada\n")
    names = [tool.name for tool in memory.tools()]
    assert names == list(memex._memory.TOOL_NAMES)
    # A model is told what they do; the examples of their docstrings are for people.
    assert not [tool.name for tool in memory.tools() if ">>>" in f"{tool.description}{tool.parameters}"]
    with memex.Sandbox(tools=memory.tools()) as box, box.session() as session:
        assert session.run("read_file('user.md')").value == "- name: Ada\n"
        assert session.run("get_size('none')").error.name == "FileNotFoundError"
    reply = "```python\nupdate_file('user.md', 'Ada', 'Bob')\nsubmit(value=read_file('user.md'))\n```"
    agent = memex.Agent(lambda messages: reply, tools=memory.tools(), output=str)
    assert agent.run("go").output == "- name: Bob\n"
    assert memory.log()[0].tool == "update_file"


def test_a_loop(memory):
    async def main():
        made = memex.AsyncMemory(memory.path)
        assert await made.create_file("a.md", "x")
        assert await made.read_file("a.md") == "x"
        loops = []

        async def model(messages):
            loops.append(asyncio.get_running_loop())
            return "<reply>Yes.</reply>"

        assert (await made.ask("?", model=model)).reply == "Yes."
        assert loops == [asyncio.get_running_loop()]
        with pytest.raises(memex.AgentError, match="aask"):
            made.sync.ask("?", model=model)
        events = [event async for event in made.conversation(model=model).astream("?")]
        assert events[-1].result.reply == "Yes."

    asyncio.run(main())


def test_async_memories_have_all_that_sync_ones_have():
    for name, function in vars(memex.Memory).items():
        if not name.startswith("_") and callable(function):
            other = getattr(memex.AsyncMemory, name)
            if name not in ("tools", "conversation"):
                assert inspect.iscoroutinefunction(other), name


def test_cancelling_a_question(memory):
    async def model(messages):
        return "<python>\nwhile True: pass\n</python>"

    async def main():
        made = memex.AsyncMemory(memory.path, code_time=60)
        made.sync._workplace()
        task = asyncio.create_task(made.ask("?", model=model))
        await asyncio.sleep(0.5)
        began = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.perf_counter() - began < 4

    asyncio.run(asyncio.wait_for(main(), 60))


def test_one_question_at_a_time(memory):
    begun, go_on = threading.Event(), threading.Event()

    def model(messages):
        begun.set()
        go_on.wait(10)
        return "<reply>Yes.</reply>"

    talk = memory.conversation(model=model)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(talk.ask("?")))
    thread.start()
    begun.wait(10)
    with pytest.raises(memex.SessionBusy):
        talk.ask("also?")
    go_on.set()
    thread.join()
    assert answers[0].reply == "Yes."
