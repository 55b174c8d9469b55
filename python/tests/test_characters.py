"""Texts with lone surrogates, which are no characters: each is refused in words, or is what went wrong in the sandbox."""

import pathlib

import pytest

import memex
from memex import e2b
from memex._characters import whole
from memex.shell import Shell

LONE = "\ud83d"
PAIR = "\ud83d\ude00"


@memex.tool(suspends=True)
def ask(question: str) -> str:
    """Asks."""


def untold(x: str) -> str:
    return x


untold.__doc__ = f"Tells {LONE}."


def defaulted(x: str = LONE) -> str:
    return x


REFUSED = {
    "get": (lambda at: memex.default().session().get(LONE), memex.ValueNotData),
    "set": (lambda at: memex.default().session().set(LONE, 1), memex.ValueNotData),
    "name": (lambda at: memex.default().session(LONE, store=at), memex.StoreError),
    "store": (lambda at: memex.default().session("a", store=at / LONE), memex.StoreError),
    "mount": (lambda at: memex.Sandbox(mounts={"/d": at / LONE}), memex.PolicyError),
    "variable": (lambda at: memex.Sandbox(environment={"A": LONE}), memex.PolicyError),
    "preset": (lambda at: memex.Sandbox(policy=LONE), memex.PolicyError),
    "package": (lambda at: memex.Sandbox(packages=[LONE]), memex.PolicyError),
    "limit": (lambda at: memex.Sandbox(limits={"time": LONE}), memex.PolicyError),
    "policy": (lambda at: memex.Policy(extends=LONE), memex.PolicyError),
    "toml": (lambda at: memex.Policy.from_toml(LONE), memex.PolicyError),
    "cache": (lambda at: memex.Sandbox(cache=at / LONE), memex.ImageError),
    "docstring": (lambda at: memex.Sandbox(tools=[untold]).session(), memex.ToolError),
    "default": (lambda at: memex.Sandbox(tools=[defaulted]).session(), memex.ToolError),
    "task": (lambda at: memex.Agent(lambda messages: "x").run(LONE), memex.AgentError),
    "instructions": (lambda at: memex.Agent(lambda messages: "x", instructions=LONE), memex.AgentError),
    "record": (lambda at: memex.Agent(lambda messages: "x").run("a", save=at / LONE), memex.TrajectoryError),
    "resume": (lambda at: memex.Agent(lambda messages: "x").resume(at / LONE), memex.TrajectoryError),
    "model": (lambda at: memex.Model(f"openai:{LONE}", api_key="k"), memex.ModelError),
    "key": (lambda at: memex.Model("openai:m", api_key=LONE), memex.ModelError),
    "address": (lambda at: memex.Model("openai:m", api_key="k", base_url=LONE), memex.ModelError),
    "trajectory": (lambda at: memex.Trajectory.load(at / LONE), memex.TrajectoryError),
    "path": (lambda at: memex.Memory(at).create_file(LONE), memex.MemoryAccessError),
    "content": (lambda at: memex.Memory(at).create_file("a.md", LONE), memex.MemoryAccessError),
    "question": (lambda at: memex.Memory(at, model=lambda messages: "x").ask(LONE), memex.AgentError),
}


@pytest.mark.parametrize("name", REFUSED)
def test_where_a_text_must_be_one_it_is_refused_by_its_place(name, tmp_path):
    work, kind = REFUSED[name]
    with pytest.raises(kind, match=r"surrogate at position \d+|is not a name"):
        work(tmp_path)


def test_a_block_with_one_is_an_error_of_the_block(session):
    for code in (f"x = '{LONE}'", f"'é' + '{LONE}'", LONE):
        result = session.run(code)
        assert result.error.name == "UnicodeEncodeError" and "lone surrogate at position" in result.error.message
    # The control: other characters, and a surrogate that is written out.
    assert session.run("'é😀'").value == "é😀" and session.run("'\\ud83d'").value == LONE
    assert e2b.Sandbox.create(box=session._sandbox).run_code(f"'{LONE}'").error.name == "UnicodeEncodeError"
    assert Shell(session).run(f"echo {LONE}").exit_code != 0


def test_what_a_tool_raises_is_said_in_characters():
    def fail() -> int:
        raise ValueError(f"half {LONE}, whole {PAIR}")

    with memex.Sandbox(tools=[fail]) as box:
        assert box.run("fail()").error.message == "half \ufffd, whole 😀"


def test_answers_and_failures():
    with memex.Sandbox(tools=[ask]) as box, box.session() as session:
        call = session.start("try:\n    found = ask('x')\nexcept ValueError as error:\n    found = str(error)\nfound").calls[0]
        with pytest.raises(memex.AnswerError, match="surrogate"):
            session.answer({LONE: 1})
        with pytest.raises(memex.AnswerError, match="surrogate"):
            session.answer({call.id: LONE})
        assert session.answer({call.id: memex.Failure(ValueError(LONE))}).result.value == "\ufffd"


def test_a_reply_that_was_cut_in_a_character_is_a_reply():
    assert memex.Agent(lambda messages: f"Hello {LONE} {PAIR}").run("Greet me").output == "Hello \ufffd 😀"
    assert whole("a") == "a" and whole(f"{PAIR}{LONE}") == "😀\ufffd"


def test_a_policy_that_is_no_text(tmp_path):
    path = pathlib.Path(tmp_path) / "p.toml"
    path.write_bytes(b"version = 1\n\xff")
    with pytest.raises(memex.PolicyError, match="no text in UTF-8"):
        memex.Policy.from_file(path)
    with pytest.raises(memex.PolicyError, match="tables of a policy"):
        memex.Policy(extends={1, 2})
