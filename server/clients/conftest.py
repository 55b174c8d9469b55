"""A server for the tests of one client: `memex serve --dev`, with a directory of its own."""

import json
import os
import subprocess

import pytest


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server's URL and key. MEMEX_URL and MEMEX_KEY name one that runs already."""
    if "MEMEX_URL" in os.environ:
        yield {"url": os.environ["MEMEX_URL"], "key": os.environ["MEMEX_KEY"]}
        return
    folder = tmp_path_factory.mktemp("server")
    log = open(folder / "log", "wb")
    command = [os.environ["MEMEX"], "serve", "--dev", "--listen", "127.0.0.1:0", "--data", str(folder / "data")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
    try:
        line = process.stdout.readline()
        assert line, (folder / "log").read_text()
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait(30)


def pytest_configure(config):
    # Nothing of the machine's own accounts is to reach a test.
    for name in list(os.environ):
        if name.startswith(("E2B_", "OPEN_SANDBOX_", "OPENAI_", "ANTHROPIC_")):
            del os.environ[name]
