"""Programs that the package lives in: a web server, notebooks, parallel tests, pools of processes, faulthandler."""

import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

APPLICATION = """
import json
import memex

@memex.tool
async def double(n: int) -> int:
    return 2 * n

async def app(scope, receive, send):
    global box, kept
    if scope["type"] == "lifespan":
        await receive()
        box = memex.AsyncSandbox(tools=[double])
        kept = await box.session(inputs={"x": 0})
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await box.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    n = int(scope["query_string"] or b"0")
    # Its own session, with a call back into this loop; every other request only computes.
    code = "while True: pass" if n < 0 else f"double({n}) + 1"
    result = await box.run(code)
    body = json.dumps([result.value, result.limit and result.limit.name]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_web_server_runs_turns_of_many_requests_and_ends_beside_one(tmp_path, workers):
    pytest.importorskip("uvicorn")
    (tmp_path / "application.py").write_text(APPLICATION)
    port = free_port()
    options = ["--port", str(port), "--workers", str(workers), "--log-level", "warning", "--timeout-graceful-shutdown", "2"]
    server = subprocess.Popen([sys.executable, "-m", "uvicorn", "application:app", *options], cwd=tmp_path, start_new_session=True)

    def asked(n, timeout=60):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/?{n}", timeout=timeout) as answer:
            return json.loads(answer.read())[0]

    try:
        end = time.monotonic() + 60
        while True:
            try:
                assert asked(0) == 1
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < end
                time.sleep(0.1)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            assert list(pool.map(asked, range(64))) == [2 * n + 1 for n in range(64)]
            # A turn without an end does not keep the others, nor the server's exit.
            endless = pool.submit(asked, -1)
            assert asked(1) == 3
            server.send_signal(signal.SIGINT)
            server.wait(30)
            with pytest.raises(OSError):
                endless.result(30)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


NOTEBOOK = [
    "import memex\nsession = memex.Sandbox().session(inputs={'x': 20})\nsession.run('x + 22')",
    "session.run('import matplotlib.pyplot as plt\\nplt.plot([1, 2])\\nplt.show()')",
    "session",
    "%load_ext memex",
    "%%memex\nprint('in the sandbox')\n6 * 7",
    "%%memex session\nx",
    # A cell runs inside of an event loop.
    "async with memex.AsyncSandbox() as box:\n    shown = (await box.run('1 + 1')).value\nshown",
    "@memex.tool\nasync def fetch(url: str) -> str:\n    return url\nmemex.Sandbox(tools=[fetch]).run('fetch(\"a\")').error.message",
    "agent = memex.Agent(lambda messages: '```python\\nsubmit(value=[1, 2])\\n```', output=list[int])\nagent.run('Two numbers')",
    "from memex import _progress\nfollow = _progress.follower(None)\nfollow('begin', 'building the image', 10)\nfollow('advance', '', 5)",
]


def test_a_notebook_shows_results_figures_agents_and_progress(tmp_path):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in NOTEBOOK])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [[(out.get("name"), out.get("data") or out.get("text")) for out in cell.outputs] for cell in notebook.cells]
    assert shown[0] == [(None, {"text/plain": "42"})]
    assert [sorted(data) for _, data in shown[1]] == [["image/png", "text/plain"]]
    assert "<td>x</td><td>int</td><td>20</td>" in shown[2][0][1]["text/html"]
    assert shown[4] == [("stdout", "in the sandbox\n"), (None, {"text/plain": "42"})]
    assert shown[5] == [(None, {"text/plain": "20"})] and shown[6] == [(None, {"text/plain": "2"})]
    assert "AsyncSandbox" in shown[7][0][1]["text/plain"]
    assert "output=[1, 2]" in shown[8][0][1]["text/plain"] and "<iframe sandbox" in shown[8][0][1]["text/html"]
    # One display, which is rewritten.
    assert shown[9] == [(None, {"text/plain": "memex: building the image 50 %"})]


def test_interrupting_a_kernel_ends_the_turn():
    jupyter = pytest.importorskip("jupyter_client")
    pytest.importorskip("ipykernel")
    manager, client = jupyter.manager.start_new_kernel(kernel_name="python3")
    try:
        reply = client.execute_interactive("import memex\nsession = memex.Sandbox().session(inputs={'x': 1})\nsession.run('x').value", timeout=120, output_hook=lambda _: None)
        assert reply["content"]["status"] == "ok"
        client.execute("session.run('x = 2\\nwhile True: pass')")
        time.sleep(0.5)
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=20)
        assert (reply["content"]["status"], reply["content"]["ename"]) == ("error", "KeyboardInterrupt")
        said = []
        client.execute_interactive("print(session.run('x').value)", timeout=20, output_hook=lambda message: said.append(message["content"].get("text")))
        assert "2\n" in said
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


TESTS = """
import threading
import pytest
import memex

@pytest.fixture(scope="session")
def box():
    with memex.Sandbox() as box:
        yield box

@pytest.mark.parametrize("n", range(12))
def test_it(box, n):
    with box.session(inputs={"n": n}) as session:
        assert session.run("n * n").value == n * n
"""


def test_parallel_workers_of_pytest(tmp_path):
    pytest.importorskip("xdist")
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "test_it.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "12 passed" in done.stdout, done.stdout + done.stderr


WORKERS = """
import concurrent.futures, multiprocessing, sys
import memex

def work(n):
    return memex.run(f"{n} * 2").value

if __name__ == "__main__":
    memex.run("1")
    context = multiprocessing.get_context(sys.argv[1])
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        print(list(pool.map(work, range(6))))
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_pools_of_processes_make_sandboxes_of_their_own(tmp_path, method):
    (tmp_path / "workers.py").write_text(WORKERS)
    done = subprocess.run([sys.executable, "workers.py", method], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "[0, 2, 4, 6, 8, 10]\n"), done.stderr


def test_faulthandler_says_where_a_turn_runs_and_reports_no_crash_of_a_guest(tmp_path):
    code = """
import faulthandler
import memex
faulthandler.enable()
session = memex.Sandbox().session(inputs={"kept": 1})
faulthandler.dump_traceback_later(0.3)
session.run("import time\\nend = time.time() + 1\\nwhile time.time() < end: pass")
for code in ("import os\\nos.abort()", "def f(): f()\\nimport sys\\nsys.setrecursionlimit(10**9)\\nf()", "' ' * 10**11"):
    assert not session.run(code).ok
print(session.run("kept").value)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
    assert "Timeout (" in done.stderr and "_session.py" in done.stderr
    assert "Fatal Python error" not in done.stderr
