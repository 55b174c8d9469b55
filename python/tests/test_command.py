"""The command `memex` of the package: a process of Python that is the command of the Rust build.

The suites `command` and `mem` of the workspace run with it, too: `MEMEX_TEST_COMMAND` names it there.
"""

import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

import memex

SCRIPT = pathlib.Path(sys.executable).with_name("memex")


def command(*arguments, status=0, **settings):
    done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=120, **settings)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout


def begun(*arguments, **settings):
    """The command under way, where SIGINT does what it does at a terminal."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    heeding = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    return subprocess.Popen([SCRIPT, *arguments], text=True, preexec_fn=heeding, **pipes, **settings)


def test_it_is_the_whole_command():
    assert command("--version") == f"memex {memex.__version__}\n"
    assert subprocess.check_output([sys.executable, "-m", "memex", "--version"], text=True) == f"memex {memex.__version__}\n"
    for name in ("run", "repl", "session", "image", "policy", "tools", "mem", "agent", "bench", "doctor", "completions"):
        assert f"memex {name}" in command(name, "--help")
    assert pathlib.Path(command("image", "build").strip()).is_dir()


def test_streams_and_exit_statuses(tmp_path):
    assert command("run", "-c", "x = 20", "-c", "print('a'); x + 1") == "a\n21\n"
    assert json.loads(command("run", "--json", "-c", "1/0", status=1))["error"]["type"] == "ZeroDivisionError"
    assert command("run", "-", input="6 * 7") == "42\n"
    command("run", "--no-such-option", status=2)
    command("run", "-c", "1", "--policy", "none.toml", status=2)
    notes = tmp_path / "notes"
    command("mem", "init", "--memory", str(notes))
    assert (notes / "user.md").is_file()
    # Its reader goes away.
    shell = f"{SCRIPT} run -c 'for n in range(10**6): print(n)' | head -n 2; echo ${{PIPESTATUS[0]}}"
    assert subprocess.check_output(["bash", "-c", shell], text=True, timeout=120) == "0\n1\n141\n"


def test_ctrl_c():
    process = begun("run", "-c", "print('begun', flush=True)\nwhile True: pass", "-c", "print('next')")
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and out == "next\n" and "KeyboardInterrupt" in errors
    # Where no turn runs, it ends the command.
    process = begun("repl")
    process.stdin.write("print('ready')\n\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ready\n"
    ended = None
    while ended is None:
        # The first one may still find the turn, whose end follows what it prints.
        process.send_signal(signal.SIGINT)
        try:
            ended = process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            pass
    # Its input is open until now: the end of that ends the command too.
    process.communicate(timeout=60)
    assert ended == 130
    # Also before the command has taken the signal over.
    process = begun("mem", "chat", "--memory", "/proc/none")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode in (2, 130, -signal.SIGINT)


@pytest.mark.parametrize("backend", ["in_process", "subprocess", "pool"])
def test_workers_are_this_interpreter_again(tmp_path, backend):
    block = {"name": "python", "arguments": {"code": "x = 6 * 7\nx"}}
    script = {"order": "sequence", "reply": [{"tool_calls": [block]}, {"text": "It is 42."}]}
    (tmp_path / "script.json").write_text(json.dumps(script))
    (tmp_path / "agent.toml").write_text(f'backend = "{backend}"\n')
    out = command("agent", "run", "Go", "--agent", "agent.toml", "--model", "script:script.json", "--json", cwd=tmp_path)
    steps = [json.loads(line) for line in out.splitlines()]
    assert steps[-1]["answer"] == "It is 42."
    assert "42" in json.dumps([step for step in steps if step.get("kind") == "observation"])


TOOLS = """
version = 1
[[command]]
name = "parent"
argv = ["sh", "-c", "tr '\\\\0' ' ' < /proc/$PPID/cmdline >&2; exit 3"]
[[command]]
name = "linger"
argv = ["sh", "-c", "setsid sleep 4321 > /dev/null 2>&1 & sleep 4322"]
[[command]]
name = "astray"
argv = ["sh", "-c", "python3 -c 'import json'; echo $?"]
env_set = { PYTHONPATH = "TRAP" }
"""


@pytest.fixture
def tools(tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit(7)")
    path = tmp_path / "tools.toml"
    path.write_text(TOOLS.replace("TRAP", str(tmp_path)))
    return path


def sleeping():
    """The processes of `linger`."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if b"sleep\0" + b"432" in (folder / "cmdline").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found


@pytest.mark.skipif(not pathlib.Path("/proc/self/exe").exists() or not shutil.which("setsid"), reason="there is no /proc")
def test_what_a_tool_starts_ends_with_the_program(tools):
    with memex.Sandbox(tool_files=[tools]) as box:
        told = box.run("parent()").error.message
        assert "-I -S" in told and "_command.py supervise" in told
        # What a tool is given leads it astray, but not its supervisor.
        assert box.run("astray()").value == 7
    program = (
        "import memex, sys\n"
        f"box = memex.Sandbox(tool_files=[{str(tools)!r}])\n"
        "print('begins', flush=True)\n"
        "box.run('linger()')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begins\n"
    until = time.monotonic() + 60
    while len(sleeping()) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(sleeping()) >= 2, "the attack ran"
    process.kill()
    process.wait()
    while sleeping() and time.monotonic() < until:
        time.sleep(0.05)
    assert sleeping() == []
