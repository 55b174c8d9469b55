"""E2B's own clients against the server: code, contexts, files, watchers, and the life of sandboxes."""

import asyncio
import base64
import datetime
import gzip
import io
import threading
import time
import urllib.error
import urllib.request

import pytest
from e2b import (
    PtySize,
    AuthenticationException,
    CommandExitException,
    FileNotFoundException,
    InvalidArgumentException,
    NotFoundException,
    SandboxException,
    TimeoutException,
)
from e2b.sandbox.filesystem.filesystem import FileType
from e2b.sandbox.filesystem.watch_handle import FilesystemEventType
from e2b.sandbox.sandbox_api import SandboxQuery, SandboxState
from e2b_code_interpreter import AsyncSandbox, Sandbox


@pytest.fixture(scope="session", autouse=True)
def addresses(server):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("E2B_API_KEY", server["key"])
        patch.setenv("E2B_API_URL", server["url"])
        patch.setenv("E2B_SANDBOX_URL", server["url"])
        yield


@pytest.fixture(scope="module")
def sandbox():
    made = Sandbox.create(timeout=600)
    yield made
    made.kill()


# Code


def test_code_keeps_its_state_and_tells_values_output_and_errors(sandbox):
    first = sandbox.run_code("x = 20\nprint('hello')\nx + 22")
    assert (first.text, first.logs.stdout, first.error) == ("42", ["hello\n"], None)
    second = sandbox.run_code("import sys\nprint('no', file=sys.stderr)\nx / 0")
    assert (second.error.name, second.error.value) == ("ZeroDivisionError", "division by zero")
    assert "ZeroDivisionError" in second.error.traceback and second.logs.stderr == ["no\n"]
    assert second.execution_count == first.execution_count + 1


def test_each_print_is_one_message_and_comes_when_it_is_printed(sandbox):
    heard = []
    code = "import time\nfor n in range(3):\n    print(n)\n    time.sleep(0.3)"
    made = sandbox.run_code(code, on_stdout=lambda message: heard.append((message.line, time.monotonic())))
    assert [line for line, _ in heard] == made.logs.stdout == ["0\n", "1\n", "2\n"]
    assert heard[2][1] - heard[0][1] > 0.4


def test_displays_are_results(sandbox):
    made = sandbox.run_code("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n'last'")
    pictures = [one for one in made.results if one.png]
    assert base64.b64decode(pictures[0].png).startswith(b"\x89PNG") and not pictures[0].is_main_result
    assert made.text == "'last'"
    frame = sandbox.run_code("import pandas as pd\npd.DataFrame({'a': [1]})")
    [main] = [one for one in frame.results if one.is_main_result]
    assert "<table" in main.html and "a" in main.text


def test_code_that_is_indented_as_a_whole_runs(sandbox):
    assert sandbox.run_code("    y = 1\n    y + 1").text == "2"


def test_installing_what_is_there_succeeds(sandbox):
    made = sandbox.run_code("!pip install numpy pillow\nimport numpy\nimport PIL\n1")
    assert made.error is None and made.text == "1"
    assert sandbox.run_code("!pip install no-such-package").error.name == "ModuleNotFoundError"


def test_variables_hold_for_one_execution(sandbox):
    read = "import os\nos.environ.get('KEY')"
    assert sandbox.run_code(read, envs={"KEY": "it's \"v\"\n"}).text == repr("it's \"v\"\n")
    assert sandbox.run_code(read).text is None
    failed = sandbox.run_code("import os\nos.environ['KEY'] + 1", envs={"KEY": "v"})
    assert failed.error.name == "TypeError"
    assert sandbox.run_code(read).text is None


def test_a_client_that_leaves_interrupts_its_code(sandbox):
    sandbox.run_code("kept = 1\nimport time")
    with pytest.raises(TimeoutException):
        sandbox.run_code("while True: time.sleep(0.01)", timeout=1)
    began = time.monotonic()
    assert sandbox.run_code("kept").text == "1"
    assert time.monotonic() - began < 5


def test_keepalives_are_no_output(sandbox):
    made = sandbox.run_code("import time\ntime.sleep(6)\nprint('late')")
    assert made.error is None and made.logs.stdout == ["late\n"]


def test_other_languages_are_refused(sandbox):
    with pytest.raises(SandboxException, match="python"):
        sandbox.run_code("1", language="r")
    assert sandbox.run_code("1 + 1", language="python").text == "2"
    ran = sandbox.run_code("echo $KEY; exit 4", language="bash", envs={"KEY": "v"})
    assert (ran.logs.stdout, ran.error.name, ran.error.value) == (["v\n"], "ExecutionError", "exit status 4")


# Contexts


def test_contexts_have_names_of_their_own_and_share_files(sandbox):
    sandbox.run_code("name = 'default'")
    one = sandbox.create_code_context(cwd="/home/user/one")
    assert (one.language, one.cwd) == ("python", "/home/user/one")
    assert sandbox.run_code("name", context=one).error.name == "NameError"
    sandbox.run_code("name = 'one'\ndef of():\n    return name\nopen('file', 'w').write('x')", context=one)
    assert sandbox.run_code("name").text == "'default'"
    assert sandbox.run_code("of()", context=one).text == "'one'"
    assert sandbox.run_code("import os\nos.getcwd()", context=one).text == "'/home/user/one'"
    assert sandbox.files.read("/home/user/one/file") == "x"
    assert one.id in [context.id for context in sandbox.list_code_contexts()]
    sandbox.restart_code_context(one)
    assert sandbox.run_code("name", context=one).error.name == "NameError"
    sandbox.remove_code_context(one)
    with pytest.raises(NotFoundException):
        sandbox.run_code("1", context=one)
    with pytest.raises(NotFoundException):
        sandbox.remove_code_context("nothing")
    assert sandbox.run_code("name").text == "'default'"


def test_contexts_come_along_into_forks(sandbox):
    context = sandbox.create_code_context()
    sandbox.run_code("mine = 7", context=context)
    [copy] = sandbox.fork()
    assert copy.run_code("mine", context=context).text == "7"
    assert copy.run_code("mine").error.name == "NameError"
    copy.kill()
    sandbox.remove_code_context(context)


def test_restarting_the_only_context_empties_it_and_keeps_files():
    with Sandbox.create() as made:
        made.run_code("x = 1\nopen('/home/user/kept', 'w').write('y')")
        [default] = made.list_code_contexts()
        made.restart_code_context(default)
        assert made.run_code("x").error.name == "NameError"
        assert made.files.read("kept") == "y"


# Files


def test_files_are_those_of_the_code(sandbox):
    info = sandbox.files.write("dir/numbers.txt", "3\n5\n")
    assert (info.path, info.name, info.type) == ("/home/user/dir/numbers.txt", "numbers.txt", FileType.FILE)
    assert sandbox.run_code("sum(map(int, open('/home/user/dir/numbers.txt')))").text == "8"
    assert sandbox.files.read("dir/numbers.txt") == "3\n5\n"
    assert sandbox.files.read("dir/numbers.txt", format="bytes") == bytearray(b"3\n5\n")
    [entry] = sandbox.files.list("dir")
    assert (entry.name, entry.size, entry.type) == ("numbers.txt", 4, FileType.FILE)
    assert (entry.permissions, entry.mode, entry.owner) == ("-rw-r--r--", 0o644, "user")
    age = datetime.datetime.now(datetime.timezone.utc) - entry.modified_time
    assert abs(age.total_seconds()) < 3600
    assert sandbox.files.rename("dir/numbers.txt", "dir/n").path == "/home/user/dir/n"
    assert not sandbox.files.exists("dir/numbers.txt") and sandbox.files.get_info("dir/n").size == 4
    assert sandbox.files.make_dir("made/deep") is True and sandbox.files.make_dir("made/deep") is False
    assert {entry.path for entry in sandbox.files.list(".", depth=2)} >= {"/home/user/made", "/home/user/made/deep"}
    sandbox.files.remove("dir")
    sandbox.files.remove("dir")
    with pytest.raises(FileNotFoundException):
        sandbox.files.read("dir/n")
    with pytest.raises(FileNotFoundException):
        sandbox.files.list("dir")
    with pytest.raises(InvalidArgumentException):
        sandbox.files.read("made")
    with pytest.raises(InvalidArgumentException):
        sandbox.files.write("a", "x", metadata={"k": "v"})


def test_files_go_in_and_out_in_every_form(sandbox):
    large = bytes(range(256)) * 20_000
    sandbox.files.write("form", large)
    assert sandbox.files.read("form", format="bytes") == large
    sandbox.files.write("stream", io.BytesIO(large))
    with sandbox.files.read("stream", format="stream") as stream:
        assert b"".join(stream) == large
    sandbox.files.write("packed", large, gzip=True)
    assert sandbox.files.read("packed", format="bytes", gzip=True) == large
    made = sandbox.files.write_files([{"path": "a", "data": b"1"}, {"path": "b/c", "data": "2"}])
    assert [one.path for one in made] == ["/home/user/a", "/home/user/b/c"]
    assert sandbox.files.read("b/c") == "2"
    sandbox.files.write("empty", "")
    assert sandbox.files.read("empty") == ""
    sandbox.files.write("nämé ü.txt", "z")
    assert sandbox.files.read("nämé ü.txt") == "z"


def fetch(url, data=None, headers=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers or {})) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_signed_urls_permit_what_was_signed(sandbox):
    sandbox.files.write("signed.txt", "content")
    url = sandbox.download_url("signed.txt", use_signature_expiration=60)
    assert fetch(url) == (200, b"content")
    assert fetch(sandbox.download_url("signed.txt")) == (200, b"content")
    named = {"E2b-Sandbox-Id": sandbox.sandbox_id}
    assert fetch(url, headers=named) == (200, b"content")
    assert fetch(url, headers={**named, "Range": "bytes=2-3"}) == (206, b"nt")
    assert fetch(url.replace("signed.txt", "other.txt"))[0] == 401
    assert fetch(url.replace("signature=v1_", "signature=v1_A"))[0] == 401
    past = sandbox.download_url("signed.txt", use_signature_expiration=-1)
    assert fetch(past)[0] == 401
    upload = sandbox.upload_url("uploaded.txt")
    octets = {"Content-Type": "application/octet-stream"}
    assert fetch(upload, b"up", octets)[0] == 200
    assert sandbox.files.read("uploaded.txt") == "up"
    assert fetch(sandbox.download_url("uploaded.txt").replace("uploaded.txt", "signed.txt"), b"up", octets)[0] == 401


# Watchers


def test_a_watcher_is_asked_for_what_changed(sandbox):
    sandbox.files.make_dir("watched")
    handle = sandbox.files.watch_dir("watched", include_entry=True)
    assert handle.get_new_events() == []
    sandbox.run_code("open('/home/user/watched/a', 'w').write('1')")
    events = handle.get_new_events()
    assert [(event.name, event.type) for event in events] == [("a", FilesystemEventType.CREATE), ("a", FilesystemEventType.WRITE)]
    assert events[0].entry.size == 1
    sandbox.files.rename("watched/a", "watched/b")
    assert {(event.name, event.type) for event in handle.get_new_events()} == {
        ("a", FilesystemEventType.RENAME),
        ("b", FilesystemEventType.CREATE),
    }
    sandbox.files.remove("watched/b")
    assert [(event.name, event.type) for event in handle.get_new_events()] == [("b", FilesystemEventType.REMOVE)]
    handle.stop()
    with pytest.raises(FileNotFoundException):
        sandbox.files.watch_dir("nowhere")


# Commands


def test_commands_run_in_the_shell_of_the_sandbox(sandbox):
    sandbox.files.write("words.txt", "b\na\n")
    ran = sandbox.commands.run("sort words.txt | head -n 1; echo $KEY; pwd", envs={"KEY": "v"}, cwd="/home/user")
    assert (ran.stdout, ran.stderr, ran.exit_code, ran.error) == ("a\nv\n/home/user\n", "", 0, None)
    with pytest.raises(CommandExitException) as caught:
        sandbox.commands.run("echo out; echo err >&2; exit 3")
    assert (caught.value.exit_code, caught.value.stdout, caught.value.stderr) == (3, "out\n", "err\n")
    sandbox.commands.run("echo made > by-shell")
    assert sandbox.run_code("open('/home/user/by-shell').read()").text == r"'made\n'"
    assert sandbox.run_code("name_of_code = 1").error is None
    assert sandbox.commands.run("python3 -c 'import sys; print(sys.argv[1:])' a").stdout == "['a']\n"


def test_output_of_commands_comes_as_it_is_printed(sandbox):
    heard = []
    sandbox.commands.run("for n in 1 2 3; do echo $n; sleep 0.3; done", on_stdout=lambda text: heard.append((text, time.monotonic())))
    assert [text for text, _ in heard] == ["1\n", "2\n", "3\n"] and heard[2][1] - heard[0][1] > 0.4


def test_a_command_runs_while_somebody_reads_it_and_can_be_killed(sandbox):
    handle = sandbox.commands.run("echo begun; sleep 30; echo never", background=True)
    assert handle.pid in [one.pid for one in sandbox.commands.list()]
    assert sandbox.commands.kill(handle.pid) is True
    with pytest.raises(CommandExitException) as caught:
        handle.wait()
    assert caught.value.exit_code == 130 and caught.value.stdout == "begun\n"
    assert sandbox.commands.list() == [] and sandbox.commands.kill(handle.pid) is False
    with pytest.raises(TimeoutException):
        sandbox.commands.run("sleep 30", timeout=1)
    began = time.monotonic()
    assert sandbox.commands.run("echo on").stdout == "on\n" and time.monotonic() - began < 5


def test_what_commands_cannot_do_is_refused(sandbox):
    with pytest.raises(SandboxException, match="input"):
        sandbox.commands.run("cat", stdin=True)
    with pytest.raises(CommandExitException) as caught:
        sandbox.commands.run("no-such-command")
    assert caught.value.exit_code == 127
    with pytest.raises(SandboxException, match="terminal"):
        sandbox.pty.create(size=PtySize(80, 24))
    assert sandbox.is_running()


# Life


def test_sandboxes_are_listed_told_and_ended():
    made = Sandbox.create(timeout=120, metadata={"user": "ann & bob"}, envs={"KEY": "always"})
    info = made.get_info()
    assert (info.sandbox_id, info.state, info.metadata) == (made.sandbox_id, SandboxState.RUNNING, {"user": "ann & bob"})
    assert info.template_id == "code-interpreter-v1"
    assert 100 < (info.end_at - info.started_at).total_seconds() < 140
    assert made.run_code("import os\nos.environ['KEY']").text == "'always'"
    listed = Sandbox.list(query=SandboxQuery(metadata={"user": "ann & bob"})).next_items()
    assert [one.sandbox_id for one in listed] == [made.sandbox_id]
    other = Sandbox.create()
    pages = Sandbox.list(limit=1)
    first = pages.next_items()
    assert first[0].sandbox_id == other.sandbox_id and pages.has_next
    assert made.sandbox_id in [one.sandbox_id for one in pages.next_items()]
    made.set_timeout(300)
    assert (made.get_info().end_at - info.end_at).total_seconds() > 100
    assert other.kill() is True and made.kill() is True
    assert made.is_running() is False and made.kill() is False
    with pytest.raises(NotFoundException):
        made.get_info()
    with pytest.raises(TimeoutException):
        made.run_code("1")
    with pytest.raises(TimeoutException):
        made.files.list("/")


def test_a_lifetime_ends_a_sandbox():
    made = Sandbox.create(timeout=1)
    made.run_code("1")
    time.sleep(2.5)
    assert made.is_running() is False


def test_killing_ends_what_runs():
    made = Sandbox.create()
    raised = []

    def run():
        try:
            made.run_code("import time\nwhile True: time.sleep(0.05)", timeout=30)
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(1)
    made.kill()
    thread.join(20)
    assert not thread.is_alive() and isinstance(raised[0], TimeoutException), raised


def test_paused_sandboxes_keep_their_state():
    made = Sandbox.create(timeout=120)
    made.run_code("x = 41")
    made.files.write("kept", "1")
    assert made.pause() is True and made.pause() is False
    assert made.is_running() is False
    assert made.get_info().state == SandboxState.PAUSED
    paused = Sandbox.list(query=SandboxQuery(state=[SandboxState.PAUSED])).next_items()
    assert made.sandbox_id in [one.sandbox_id for one in paused]
    with pytest.raises(TimeoutException):
        made.run_code("x")
    again = Sandbox.connect(made.sandbox_id, timeout=60)
    assert again.run_code("x + 1").text == "42" and again.files.read("kept") == "1"
    again.kill()


def test_a_sandbox_that_resumes_by_itself_does():
    lifecycle = {"on_timeout": {"action": "pause"}, "auto_resume": True}
    with Sandbox.create(timeout=120, lifecycle=lifecycle) as made:
        made.run_code("x = 1")
        made.pause()
        assert made.run_code("x").text == "1"
        assert made.get_info().state == SandboxState.RUNNING


def test_snapshots_are_templates_and_forks_are_copies():
    made = Sandbox.create()
    made.run_code("import random\nx = 1")
    saved = made.create_snapshot(name="mine")
    assert saved.names == ["mine"]
    made.run_code("x = 2")
    back = Sandbox.create(saved.snapshot_id)
    assert back.run_code("x").text == "1"
    named = Sandbox.create("mine")
    assert named.run_code("x").text == "1"
    copies = made.fork(count=2)
    assert [copy.run_code("x").text for copy in copies] == ["2", "2"]
    assert len({copy.run_code("random.random()").text for copy in copies}) == 2
    listed = Sandbox.list_snapshots().next_items()
    assert saved.snapshot_id in [one.snapshot_id for one in listed]
    assert Sandbox.delete_snapshot(saved.snapshot_id) is True
    assert Sandbox.delete_snapshot(saved.snapshot_id) is False
    for one in (made, back, named, *copies):
        one.kill()


def test_metrics_tell_what_is_used(sandbox):
    [metric] = sandbox.get_metrics()
    assert metric.cpu_count == 1 and 0 <= metric.cpu_used_pct <= 100
    assert 0 < metric.mem_used <= metric.mem_total and metric.disk_total > 0


def test_requests_with_one_key_make_one_sandbox():
    one = Sandbox.create(idempotency_key="a-key-of-this-test")
    same = Sandbox.create(idempotency_key="a-key-of-this-test")
    assert one.sandbox_id == same.sandbox_id
    with pytest.raises(SandboxException):
        Sandbox.create(idempotency_key="a-key-of-this-test", timeout=77)
    one.kill()


def test_what_cannot_be_is_refused():
    with pytest.raises(AuthenticationException):
        Sandbox.create(api_key="e2b_wrong")
    with pytest.raises(SandboxException):
        Sandbox.create("no-such-template")
    with pytest.raises(NotFoundException):
        Sandbox.connect("nothing")
    with pytest.raises(SandboxException, match="lives"):
        Sandbox.create(timeout=10**9)


# The same, awaited


def test_the_async_client():
    async def work():
        made = await AsyncSandbox.create()
        heard = []
        run = await made.run_code("print('a')\n1", on_stdout=lambda message: heard.append(message.line))
        assert (run.text, heard) == ("1", ["a\n"])
        await made.files.make_dir("watched")
        events = asyncio.Queue()
        handle = await made.files.watch_dir("watched", on_event=events.put_nowait, recursive=True)
        await made.files.write("watched/deep/x", "1")
        names = set()
        while "deep/x" not in names:
            names.add((await asyncio.wait_for(events.get(), 10)).name)
        await made.run_code("open('/home/user/watched/y', 'w').close()")
        while "y" not in names:
            names.add((await asyncio.wait_for(events.get(), 10)).name)
        await handle.stop()
        # A task that is cancelled interrupts its code.
        task = asyncio.create_task(made.run_code("while True: pass"))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await asyncio.wait_for(made.run_code("2"), 10)).text == "2"
        await made.kill()

    asyncio.run(work())
