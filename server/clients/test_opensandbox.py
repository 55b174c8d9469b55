"""OpenSandbox's own clients against the server."""

import asyncio
import io
import urllib.parse
from datetime import timedelta

import pytest
from code_interpreter import CodeInterpreter
from code_interpreter.models.code import CodeContext, SupportedLanguage
from opensandbox import Sandbox, SandboxManager
from opensandbox.config import ConnectionConfig
from opensandbox.exceptions import SandboxApiException, SandboxException
from opensandbox.models.execd import ExecutionHandlers, RunCommandOpts
from opensandbox.models.filesystem import ContentReplaceEntry, MoveEntry, SearchEntry, WriteEntry
from opensandbox.models.sandboxes import SandboxFilter

IMAGE = "opensandbox/code-interpreter:v1.1.0"


@pytest.fixture
def config(server):
    domain = urllib.parse.urlsplit(server["url"]).netloc
    return lambda **more: ConnectionConfig(domain=domain, api_key=server["key"], **more)


@pytest.fixture
def within(config):
    """Runs a test's coroutine with a sandbox."""

    def run(work, **options):
        async def whole():
            made = await Sandbox.create(IMAGE, connection_config=config(), **options)
            try:
                await work(made)
            finally:
                await made.kill()
                await made.close()

        asyncio.run(whole())

    return run


def test_code(within):
    async def work(sandbox):
        interpreter = await CodeInterpreter.create(sandbox)
        heard = []

        async def on_stdout(message):
            heard.append(message.text)

        run = await interpreter.codes.run("print('hi')\n1 + 1", handlers=ExecutionHandlers(on_stdout=on_stdout))
        assert [one.text for one in run.logs.stdout] == heard == ["hi\n"]
        assert [one.text for one in run.result] == ["2"] and run.error is None
        assert run.id and run.complete is not None and run.execution_count == 1
        failed = await interpreter.codes.run("1 / 0")
        assert (failed.error.name, failed.error.value) == ("ZeroDivisionError", "division by zero")
        assert any("ZeroDivisionError" in line for line in failed.error.traceback)
        with pytest.raises(SandboxException):
            await interpreter.codes.run("1", language=SupportedLanguage.GO)

    within(work)


def test_contexts_and_interrupts(within):
    async def work(sandbox):
        codes = (await CodeInterpreter.create(sandbox)).codes
        await codes.run("x = 'default'")
        one = await codes.create_context(SupportedLanguage.PYTHON)
        assert (await codes.run("x", context=one)).error.name == "NameError"
        await codes.run("x = 1", context=one)
        assert [it.text for it in (await codes.run("x", context=one)).result] == ["1"]
        assert [it.text for it in (await codes.run("x")).result] == ["'default'"]
        assert (await codes.get_context(one.id)).id == one.id
        assert one.id in [it.id for it in await codes.list_contexts("python")]
        await codes.delete_context(one.id)
        with pytest.raises(SandboxException):
            await codes.run("x", context=CodeContext(id=one.id, language="python"))
        await codes.delete_contexts("python")
        assert (await codes.run("x")).error.name == "NameError"

        began = asyncio.Queue()

        async def on_init(event):
            await began.put(event.id)

        code = "import time\nwhile True: time.sleep(0.01)"
        running = asyncio.create_task(codes.run(code, handlers=ExecutionHandlers(on_init=on_init)))
        execution = await asyncio.wait_for(began.get(), 10)
        await asyncio.sleep(0.5)
        await codes.interrupt(execution)
        assert (await asyncio.wait_for(running, 10)).error.name == "KeyboardInterrupt"
        assert [it.text for it in (await codes.run("2")).result] == ["2"]

    within(work)


def test_files(within):
    async def work(sandbox):
        files = sandbox.files
        await files.write_file("/tmp/a.txt", "one\ntwo\nthree\n")
        assert await files.read_file("/tmp/a.txt") == "one\ntwo\nthree\n"
        assert await files.read_file("/tmp/a.txt", offset=2, limit=1) == "two\n"
        assert await files.read_bytes("/tmp/a.txt", range_header="bytes=0-2") == b"one"
        large = bytes(range(256)) * 10_000
        await files.write_files([
            WriteEntry(path="/home/user/d/large", data=io.BytesIO(large)),
            WriteEntry(path="/home/user/d/b.txt", data="b"),
        ])  # fmt: skip
        assert await files.read_bytes("/home/user/d/large") == large
        assert b"".join([piece async for piece in await files.read_bytes_stream("/home/user/d/large")]) == large
        info = (await files.get_file_info(["/home/user/d/b.txt"]))["/home/user/d/b.txt"]
        assert (info.size, info.mode) == (1, 644)
        found = await files.search(SearchEntry(path="/home/user", pattern="*.txt"))
        assert [one.path for one in found] == ["/home/user/d/b.txt"]
        await files.move_files([MoveEntry(src="/home/user/d/b.txt", dest="/home/user/c.txt")])
        await files.replace_contents([ContentReplaceEntry(path="/tmp/a.txt", old_content="two", new_content="2")])
        assert await files.read_file("/tmp/a.txt") == "one\n2\nthree\n"
        await files.create_directories([WriteEntry(path="/home/user/made/deep", mode=755)])
        await files.delete_directories(["/home/user/made"])
        await files.delete_files(["/home/user/c.txt"])
        with pytest.raises(SandboxApiException):
            await files.read_file("/home/user/c.txt")
        interpreter = await CodeInterpreter.create(sandbox)
        run = await interpreter.codes.run("open('/tmp/a.txt').read()")
        assert run.result[0].text == r"'one\n2\nthree\n'"

    within(work)


def test_commands(within):
    async def work(sandbox):
        ran = await sandbox.commands.run("echo x; echo y >&2")
        assert (ran.exit_code, ran.logs.stdout[0].text, ran.logs.stderr[0].text) == (0, "x\n", "y\n")
        assert (await sandbox.commands.run("exit 3")).exit_code == 3
        assert (await sandbox.commands.run(["echo", "a b"])).logs.stdout[0].text == "a b\n"
        options = RunCommandOpts(working_directory="/tmp", envs={"KEY": "v"}, timeout=timedelta(seconds=1))
        assert (await sandbox.commands.run("pwd; echo $KEY", opts=options)).logs.stdout[1].text == "v\n"
        assert (await sandbox.commands.run("sleep 20", opts=options)).exit_code == 124
        with pytest.raises(SandboxException):
            await sandbox.commands.run("echo x", opts=RunCommandOpts(background=True))

    within(work)


def test_life(within, config):
    async def work(sandbox):
        info = await sandbox.get_info()
        assert (info.status.state, info.metadata) == ("Running", {"user": "ann & bob"})
        renewed = await sandbox.renew(timedelta(minutes=20))
        assert renewed.expires_at > info.expires_at
        assert (await sandbox.get_metrics()).memory_total_in_mib > 0
        manager = await SandboxManager.create(connection_config=config())
        page = await manager.list_sandbox_infos(SandboxFilter(metadata={"user": "ann & bob"}, page_size=1))
        assert [one.id for one in page.sandbox_infos] == [sandbox.id] and page.pagination.total_items == 1
        codes = (await CodeInterpreter.create(sandbox)).codes
        await codes.run("x = 41")
        await sandbox.pause()
        assert (await sandbox.get_info()).status.state == "Paused"
        again = await Sandbox.resume(sandbox.id, connection_config=config())
        codes = (await CodeInterpreter.create(again)).codes
        assert [it.text for it in (await codes.run("x + 1")).result] == ["42"]
        saved = await again.create_snapshot("mine")
        copy = await Sandbox.create(snapshot_id=saved.id, connection_config=config())
        codes = (await CodeInterpreter.create(copy)).codes
        assert [it.text for it in (await codes.run("x")).result] == ["41"]
        await copy.kill()
        await manager.close()

    within(work, metadata={"user": "ann & bob"}, env={"KEY": "v"})


def test_the_network_policy_is_told(within):
    async def work(sandbox):
        policy = await sandbox.get_egress_policy()
        assert policy.default_action == "deny"

    within(work)


def test_through_the_server_alone(config):
    async def work():
        made = await Sandbox.create(IMAGE, connection_config=config(use_server_proxy=True))
        codes = (await CodeInterpreter.create(made)).codes
        assert [it.text for it in (await codes.run("1 + 1")).result] == ["2"]
        await made.kill()

    asyncio.run(work())


def test_what_cannot_be_is_refused(config):
    async def work():
        with pytest.raises(SandboxException):
            await Sandbox.create("ubuntu:24.04", connection_config=config())
        wrong = config().model_copy(update={"api_key": "wrong"})
        with pytest.raises(SandboxApiException) as caught:
            await Sandbox.create(IMAGE, connection_config=wrong)
        assert caught.value.status_code == 401

    asyncio.run(work())
