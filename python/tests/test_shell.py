"""The shell over a session's files: against bash, at its bounds, and as an attacker's line meets it."""

import asyncio
import pathlib
import random
import re
import shutil
import subprocess
import threading
import time

import pytest

import memex
from memex.shell import AsyncShell, Shell, guest

CASES = pathlib.Path(__file__).with_name("shell_cases.txt").read_text().partition("\necho a")
CASES = [case.strip("\n") for case in ("echo a" + CASES[2]).split("\n%%\n")]
FILES = {
    "letters": "b\na\nc\n",
    "numbers": "10\n9\n100\n9\n",
    "words.txt": "apple pie\nbanana split\ncherry Cake\na.b end\n",
    "dir/inner": "apple inside\n",
    "dir/other.txt": "nothing\n",
}


@pytest.fixture(scope="module")
def box():
    with memex.Sandbox(limits=memex.Limits(time="20s")) as box:
        yield box


@pytest.fixture(scope="module")
def begun(box):
    """A state with the shell and the files, which every case begins with."""
    with box.session() as session:
        shell = Shell(session).load()
        for name, text in FILES.items():
            shell.write(f"case/{name}", text)
        return session.snapshot()


@pytest.fixture
def shell(box, begun):
    with box.restore(begun) as session:
        yield Shell(session, cwd="/home/user/case")


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash to compare with")
@pytest.mark.parametrize("case", CASES, ids=[case.splitlines()[0][:50] for case in CASES])
def test_a_line_means_what_it_means_to_bash(case, shell, tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/user", "LC_ALL": "C.UTF-8"}
    real = subprocess.run(["bash", "-c", case], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    made = shell.run(case)
    assert (made.stdout, made.exit_code) == (real.stdout, real.returncode), made.stderr


# What is not there


def test_a_command_that_is_not_there_ends_with_127_and_says_what_is(shell):
    made = shell.run("gcc -o x x.c")
    assert made.exit_code == 127
    assert "gcc: command not found; there are: base64 basename" in made.stderr and " grep " in made.stderr


@pytest.mark.parametrize(
    "line, word",
    [
        ("sleep 1 &", "background"),
        ("a=(1 2)", "arrays"),
        ("ls --nosuch", "no such option"),
        ("cat 'x", "not closed"),
        ("if true; then", "ends too early"),
        ("echo $((1+))", "whole numbers"),
        ("tail -f letters", "nothing else runs"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_reason(line, word, shell):
    made = shell.run(line)
    assert made.exit_code not in (0, 127) and word in made.stderr


# Bounds


@pytest.mark.parametrize(
    "line, word",
    [
        ("while true; do :; done", "at most 100000 commands"),
        ("for i in {1..99999}; do for j in 1 2; do :; done; done", "at most 100000 commands"),
        ("f() { f; }; f", "nested more than"),
        ("f() { f | f; }; f", "nested more than"),
        ("eval " * 30 + "true", None),
        ("x='eval \"$x\"'; eval \"$x\"", "nested more than"),
        ("x=aaaaaaaaaa; while :; do x=$x$x; done", "characters"),
        ("echo {1..200000}", "more than"),
        ("echo {1..9}{1..9}{1..9}{1..9}{1..9}{1..9}", "more than"),
        ("x=$(while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done)", "at most"),
        ("(" * 200 + "true" + ")" * 200, "nested too deeply"),
        ("echo " + "$(" * 200 + ")" * 200, "nested too deeply"),
        ("[ " + "! " * 200 + "a ]", "nested too deeply"),
        ("echo $(( " + "(" * 200 + "1" + ")" * 200 + "))", "nested too deeply"),
        ("printf '%999999999d' 1", "columns"),
        ("bash -c 'bash s' < /dev/null; printf 'bash s' > s; bash s", "nested more than"),
    ],
)
def test_a_line_that_takes_too_much_ends_and_the_session_goes_on(line, word, shell):
    made = shell.run(line)
    if word is not None:
        assert made.exit_code not in (0, 124) and word in made.stderr
    assert shell.run("echo alive").stdout == "alive\n"


def test_no_line_ends_the_shell_itself(box, begun):
    """Lines that are put together at random, which mostly mean nothing."""
    chance = random.Random(7)
    tokens = re.findall(r"\s+|[A-Za-z0-9_./-]+|[^\sA-Za-z0-9]", "\n".join(CASES))
    with box.restore(begun) as session:
        shell = Shell(session, cwd="/home/user/case")
        for _ in range(200):
            line = "".join(chance.choice(tokens) for _ in range(chance.randint(1, 12)))
            if "sleep" not in line:
                made = shell.run(line, timeout=5)
                assert made.exit_code != 137 and "memex_shell" not in made.stderr, (line, made.stderr)
        session.run("import sys\nsys.modules['memex_shell.machine'].Machine.line = lambda *_: 1 / 0")
        assert shell.run("true").exit_code == 137, "what this looks for is seen"


def test_a_pipe_ends_a_writer_that_nobody_reads_to_the_end(shell):
    made = shell.run("python3 -c 'while True: print(\"y\" * 9999)' | head -n 1 | wc -c")
    assert (made.stdout, made.exit_code) == ("10000\n", 0)


def test_output_is_cut_at_its_bound(box, begun):
    with box.restore(begun) as session:
        shell = Shell(session, output_bytes=100)
        assert (len(shell.run("printf '%100d' 1").stdout), shell.run("printf '%100d' 1").truncated) == (100, False)
        made = shell.run("printf '%101d' 1; echo err >&2")
        assert (len(made.stdout), made.truncated, made.stderr) == (100, True, "err\n")


def test_a_timeout_ends_a_command_that_does_not_end_and_what_it_printed_stays(shell):
    began = time.monotonic()
    made = shell.run("echo before; python3 -c 'while True: pass'", timeout=0.3)
    assert (made.exit_code, made.timed_out, made.stdout) == (124, True, "before\n")
    assert time.monotonic() - began < 5
    stubborn = "while True:\n try:\n  while True: pass\n except BaseException: pass"
    assert shell.run(["python3", "-c", stubborn], timeout=0.3).exit_code in (124, 137)


def test_the_limits_of_the_session_hold():
    with memex.Sandbox(limits={"time": "500ms", "memory": "256MiB", "files": 50, "file_bytes": "1MiB"}) as box, box.session() as session:
        shell = Shell(session).load()
        assert shell.run("sleep 0; while true; do ls > /dev/null; done").exit_code in (2, 124)
        assert shell.run(["python3", "-c", "while True: pass"]).exit_code == 124
        made = shell.run("for i in {1..100}; do touch f$i; done")
        assert made.exit_code != 0 and made.stderr
        assert shell.run("rm -f f*; echo alive").stdout == "alive\n"


# What a hostile line can reach


def test_no_process_is_started_and_no_file_of_this_machine_is_seen(shell, tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("secret")
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda *arguments, **_: started.append(arguments))
    monkeypatch.setattr("os.system", lambda line: started.append(line))
    for line in (f"cat {tmp_path}/secret", f"python3 -c \"print(open('{tmp_path}/secret').read())\"", "cat /etc/passwd", "ls /root /proc"):
        made = shell.run(line)
        assert made.exit_code != 0 and "No such file" in made.stderr and made.stdout == ""
    assert "cannot start processes" in shell.run("python3 -c \"import subprocess; subprocess.run(['ls'])\"").stderr
    assert started == []


def test_the_same_line_reads_what_was_granted(tmp_path):
    (tmp_path / "secret").write_text("granted")
    with memex.Sandbox(mounts={"/data": tmp_path}) as box, box.session() as session:
        shell = Shell(session)
        assert shell.run("cat /data/secret").stdout == "granted"
        made = shell.run("echo x > /data/secret; rm /data/secret; mv /data/secret /tmp/")
        assert made.exit_code != 0 and (tmp_path / "secret").read_text() == "granted"


def test_a_session_that_changes_the_shell_fools_nobody(shell):
    shell.run("true")
    for answer in ("{}", "{'status': 'x'}", "{'status': 0, 'stdout': 'text', 'stderr': b''}", "lambda: 1"):
        shell.session.run(f"import sys\nsys.modules['memex_shell.serving'].served = lambda request: {answer}")
        with pytest.raises(memex.SessionError, match="no answer"):
            shell.run("true")
            shell.run("true")
    for answer in ("b'x' * (4 << 20)", "b'x' * (5 << 20)", "'text'"):
        shell.session.run(f"sys.modules['memex_shell.serving'].served = lambda request: {{'data': {answer}}}")
        with pytest.raises((OSError, memex.SessionError), match="more than 20000000 bytes|no answer"):
            shell.read("endless", bytes_max=20_000_000)
    served = "sys.modules['memex_shell.serving'].served = lambda request: "
    entry = "{'name': 'a', 'path': '/a', 'kind': 'file', 'size': 'x', 'time': float('inf')}"
    shell.session.run(served + f"{{'entries': [{entry}], 'entry': {entry}}}")
    assert [(one.name, one.size, one.modified) for one in shell.list()] == [("a", 0, 0.0)]
    for odd in ("{'name': 10 ** 5000, 'path': '/a', 'kind': 'file'}", "{'name': 'a', 'path': None, 'kind': 'file'}", "5"):
        shell.session.run(served + f"{{'entries': [{odd}]}}")
        with pytest.raises(memex.SessionError, match="no answer"):
            shell.list()
    for odd in ("[[], 'x']", "['OSError', 10 ** 5000]", "'text'"):
        shell.session.run(served + f"{{'error': {odd}}}")
        with pytest.raises(memex.SessionError, match="no answer"):
            shell.list()
    # More than was asked for, with the word that nothing was cut.
    shell.session.run(served + f"{{'status': 0, 'stdout': b'x' * {shell.output_bytes + 10}, 'stderr': b'', 'cut': False}}")
    ran = shell.run("true")
    assert (len(ran.stdout_bytes), ran.truncated) == (shell.output_bytes, True)
    shell.session.run("del sys.modules['memex_shell.serving']")
    assert shell.run("echo again").stdout == "again\n"


# The rest of the interface


def test_commands_forget_their_variables_and_files_stay(shell):
    shell.run("export A=1; cd dir; echo x > kept")
    assert shell.run("echo ${A:-none}; pwd; cat dir/kept").stdout == "none\n/home/user/case\nx\n"
    assert shell.run("echo $B; pwd", env={"B": "b"}, cwd="/tmp").stdout == "b\n/tmp\n"
    assert shell.run(["printf", "%s|", "a b", "$HOME", "*"]).stdout == "a b|$HOME|*|"
    assert shell.run(["cat"], stdin=b"\xff\x00raw").stdout_bytes == b"\xff\x00raw"
    assert shell.run("ls", cwd="/nosuch").exit_code == 1
    with pytest.raises(TypeError):
        shell.run([])


def test_python_code_leaves_the_session_as_it_was(shell):
    before = "import sys, os\nstate = (sys.argv[:], sys.path[:], os.getcwd(), dict(os.environ), sys.stdout, sys.modules['__main__'])"
    shell.session.run(before)
    shell.run("X=1 python3 -c 'import sys, os; sys.argv.append(1); sys.path.append(2); os.chdir(\"/tmp\"); os.environ[\"Y\"]=\"1\"; raise SystemExit(1)'")
    same = shell.session.run("state == (sys.argv, sys.path, os.getcwd(), dict(os.environ), sys.stdout, sys.modules['__main__'])")
    assert same.value is True, same
    assert shell.run("python3 -c 'state'").exit_code == 1, "the scope of the session is not that of a program"


def test_programs_find_what_they_need_of_a_process(shell):
    for code, printed in (
        ("import asyncio\nasync def main():\n await asyncio.sleep(0.01)\n return 'slept'\nprint(asyncio.run(main()))", "slept\n"),
        ("print(input('? '), input())", "? a b\n"),
        ("import sys\nsys.stdout.reconfigure(line_buffering=True)\nsys.stdout.buffer.write(b'raw\\n')\nprint('x', flush=True)", "raw\nx\n"),
        ("if __name__ == '__main__':\n from dataclasses import dataclass\n @dataclass\n class A:\n  x: int\n print(A(1))", "A(x=1)\n"),
        ("import atexit, os\nos.write(1, b'past the shell\\n')", "past the shell\n"),
    ):
        made = shell.run(["python3", "-c", code], stdin="a\nb\n")
        assert (made.stdout, made.exit_code) == (printed, 0), made.stderr
    shell.write("test_it.py", "import unittest\nclass T(unittest.TestCase):\n def test_a(self): self.assertEqual(1, 2)\n")
    made = shell.run("python3 -m unittest test_it")
    assert made.exit_code == 1 and "AssertionError: 1 != 2" in made.stderr
    trace = shell.run(["python3", "-c", "def f():\n    return 1 / 0\nf()"]).stderr
    assert trace.startswith('Traceback (most recent call last):\n  File "<string>", line 3') and "memex" not in trace


def test_files_cross_whole(shell):
    data = bytes(range(256)) * 40_000
    shell.write("new/large", data)
    assert shell.read("new/large") == data
    assert [(one.name, one.kind) for one in shell.list("new")] == [("large", "file")]
    assert {one.path for one in shell.list(".", depth=2)} >= {"/home/user/case/dir", "/home/user/case/dir/inner"}
    assert shell.stat("new/large").size == len(data) and not shell.exists("none")
    assert shell.make_folder("f/g") and not shell.make_folder("f/g")
    assert shell.move("new/large", "f/moved").path == "/home/user/case/f/moved"
    shell.remove("f")
    for missing in (lambda: shell.read("f/moved"), lambda: shell.remove("f"), lambda: shell.list("f")):
        with pytest.raises(FileNotFoundError):
            missing()
    with pytest.raises(IsADirectoryError):
        shell.read("dir")


def test_a_shell_can_open_its_own_session(box):
    first, second = Shell.open(box), Shell.open(box, cwd="/tmp")
    first.run("echo x > f")
    assert second.run("pwd; ls /home/user").stdout == "/tmp\n"
    assert first.session.run("'memex_shell.serving' in __import__('sys').modules").value is True
    draws = {shell.run("python3 -c 'import random; print(random.random())'").stdout for shell in (first, second, Shell.open(box))}
    assert len(draws) == 3, "copies draw numbers of their own"


def test_threads_take_turns(shell):
    found = []
    threads = [threading.Thread(target=lambda n=n: found.append(shell.run(f"echo {n}").stdout)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [f"{n}\n" for n in range(8)]


def test_async_shells_do_the_same_and_cancelling_ends_a_command():
    async def main():
        async with memex.AsyncSandbox(limits={"time": "30s"}) as box, await box.session() as session:
            shell = AsyncShell(session)
            assert (await shell.run("echo a | tr a b")).stdout == "b\n"
            await shell.write("d/x", b"data")
            assert await shell.read("d/x") == b"data" and [one.name for one in await shell.list("d")] == ["x"]
            assert (await shell.move("d/x", "y")).name == "y" and await shell.exists("y") and not await shell.exists("d/x")
            assert (await shell.run("sleep 20", timeout=0.2)).timed_out
            assert [one.stdout for one in await asyncio.gather(*[shell.run(f"echo {n}") for n in range(4)])] == ["0\n", "1\n", "2\n", "3\n"]
            task = asyncio.ensure_future(shell.run("python3 -c 'while True: pass'"))
            await asyncio.sleep(0.3)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - began < 5
            assert (await shell.run("echo alive")).stdout == "alive\n"

    asyncio.run(main())


def test_every_module_of_the_guests_half_is_sent():
    folder = pathlib.Path(guest.__file__).parent
    there = {str(path.relative_to(folder).with_suffix("")).replace("/", ".").removesuffix(".__init__") for path in folder.rglob("*.py")}
    assert there - {"__init__"} == set(guest.MODULES)
