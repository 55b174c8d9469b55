"""One sandbox for all tests that need no other: its image takes time to load."""

import pathlib
import subprocess
import sys

import pytest

import memex

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="session")
def box():
    with memex.Sandbox() as box:
        yield box


@pytest.fixture
def session(box):
    with box.session() as session:
        yield session


# A process that a shell started in the background ignores SIGINT, and so do its children.
INTERRUPTIBLE = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


@pytest.fixture
def program():
    """Runs a program in a process of its own; returns what it printed."""

    def run(code: str, timeout: float = 120, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", INTERRUPTIBLE + code], capture_output=True, text=True, timeout=timeout
        )
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done.stdout

    return run
