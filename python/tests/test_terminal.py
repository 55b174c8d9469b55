"""What a session says never steers the terminal that shows it."""

import json
import os
import subprocess
import sys
import traceback
import types

import pytest

import memex
from memex import _magic, e2b
from memex._terminal import harmless, plain
from memex.shell import Shell

EVIL = "\x1b[2J\x1b]0;title\x07\x9b2J\u202e"
SHOWN = "␛[2J␛]0;title␇\ufffd2J<U+202E>"
# Ways that code has to say something: output, errors, its value, an exception, a display.
SAYS = [
    "print(EVIL)", "import sys\nprint(EVIL, file=sys.stderr)", "class A:\n    def __repr__(self): return EVIL\nA()", "raise ValueError(EVIL)",
    "class B:\n    def _repr_mimebundle_(self, include=None, exclude=None): return {'text/plain': EVIL}\nB()",
]  # fmt: skip


COMMAND = [sys.executable, "-m", "memex"]


def is_harmless(text):
    return not any(one in text for one in ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\u202e"))


def test_the_filter_is_the_commands():
    assert harmless(EVIL) == plain(EVIL) == SHOWN
    assert harmless("\x1b[31mred\x1b[0m\n") == "\x1b[31mred\x1b[0m\n\x1b[0m" and plain("\x1b[31mred") == "␛[31mred"
    assert plain("grüße \U0001f600\n\t") == "grüße \U0001f600\n\t" and plain("\ud800") == "?"


@pytest.mark.parametrize("code", SAYS, ids=range(len(SAYS)))
def test_no_way_of_a_notebook_to_a_terminal_passes_it_on(session, code, capsys, monkeypatch):
    session.run(f"EVIL = {EVIL!r}")
    shown = []
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=lambda data, raw: shown.append(data)))
    registered = []
    shell = types.SimpleNamespace(user_ns={"mine": session}, register_magic_function=lambda cell, **_: registered.append(cell))
    _magic.load(shell)
    registered[0]("mine", code)
    captured = capsys.readouterr()
    said = captured.out + captured.err + "".join(str(form) for data in shown for form in data.values())
    result = session.run(code)
    said += "".join(map(str, result._repr_mimebundle_().values())) + repr(result) + repr(result.displays)
    assert "title" in said and is_harmless(said)
    # What came is there as it came.
    raw = result.stdout + result.stderr + result.text + (result.error.message if result.error else "") + "".join(one.data["text/plain"] for one in result.displays)
    assert "\x1b[2J" in raw


def test_errors_of_a_shell_steer_nothing(session):
    shell = Shell(session)
    with pytest.raises(OSError) as raised:
        shell.read(f"/{EVIL}")
    failed = e2b.CommandExitException(stderr=EVIL, stdout="", exit_code=1, error=None)
    for error in (raised.value, failed):
        assert "title" in str(error) and is_harmless("".join(traceback.format_exception(error)))
    assert failed.stderr == EVIL


def test_exceptions_that_end_a_program_steer_nothing(session):
    session.run(f"EVIL = {EVIL!r}")
    with pytest.raises(memex.GuestError) as raised:
        session.run("raise ValueError(EVIL)").raise_for_error()
    said = "".join(traceback.format_exception(raised.value)) + str(raised.value)
    assert SHOWN in said and is_harmless(said)
    assert "\x1b[2J" in raised.value.message and "\x1b[2J" in raised.value.result.error.message


def test_the_command_of_the_package_steers_nothing():
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    arguments = [one for code in [f"EVIL = {EVIL!r}", *SAYS] for one in ("-c", code)]
    with subprocess.Popen([*COMMAND, "run", *arguments], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave) as running:
        os.close(slave)
        said = b""
        while True:
            try:
                piece = os.read(master, 1 << 16)
            except OSError:
                break
            if not piece:
                break
            said += piece
        running.wait(120)
    os.close(master)
    text = said.decode("utf-8", "replace")
    assert text.count("title") >= 4 and "␛[2J" in text and is_harmless(text), text


@pytest.mark.parametrize("answer, told", [("n\n", "refused"), ("y\n", "7")])
def test_an_answer_at_a_terminal_follows_its_question(tmp_path, answer, told):
    pty = pytest.importorskip("pty")
    code = "try:\n    print('got', double())\nexcept PermissionError as error:\n    print('refused')"
    tools = tmp_path / "tools.toml"
    tools.write_text('version = 1\n[[command]]\nname = "double"\nargv = ["echo", "7"]\n')
    script = tmp_path / "model.json"
    said = "got 7" if told == "7" else told
    script.write_text(
        json.dumps({"reply": [{"tool_calls": [{"name": "python", "arguments": {"code": code}}]}, {"text": "done", "expect": {"contains": said}}]})
    )
    master, slave = pty.openpty()
    # What is typed before there is a question permits nothing.
    os.write(master, b"y\n")
    arguments = ["agent", "run", "Go.", "--model", f"script:{script}", "--tools", str(tools), "--approve", "double"]
    with subprocess.Popen([*COMMAND, *arguments], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        os.close(slave)
        asked = b""
        while b"[y/N]" not in asked:
            piece = os.read(running.stderr.fileno(), 1 << 16)
            assert piece, asked
            asked += piece
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(2)
        os.write(master, answer.encode())
        stdout, stderr = running.communicate(timeout=120)
    os.close(master)
    assert running.returncode == 0, (asked, stdout, stderr)
