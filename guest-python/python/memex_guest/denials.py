"""What the sandbox cannot do at all, each with a message that says what to use instead."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import builtins
import errno
import os
import platform
import socket
import subprocess
import sys

NO_PROCESS = (
    "the sandbox cannot start processes: use Python instead "
    "(pathlib, shutil, os.listdir and open for files; zipfile and tarfile for archives)"
)
NO_NETWORK = "the sandbox has no network: use a tool of this session, or read granted files"
NO_DEBUGGER = "breakpoint() cannot stop here: nobody answers the debugger; print what you want to see"
NO_INPUT = "input() cannot be answered here: put the value into the code instead"


class Leave:
    """`exit` and `quit`: end the turn; the session lives on."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return "Use " + self.name + "() to end the turn"

    def __call__(self, code=None):
        raise SystemExit(code)


def install():
    """Replaces what would fail obscurely or hang."""
    for name in ("system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "execv", "execve", "execvp", "execvpe"):
        setattr(os, name, _denied(name, NO_PROCESS))
    subprocess.Popen.__init__ = _denied("Popen", NO_PROCESS)
    # A half-made object is still collected, and its finalizer expects these.
    subprocess.Popen._child_created = False
    subprocess.Popen.returncode = None
    for name in ("connect", "connect_ex", "bind", "listen", "sendto"):
        setattr(socket.socket, name, _denied(name, NO_NETWORK))
    socket.socket.__init__ = _denied("socket", NO_NETWORK)
    # Its finalizer closes what was never opened.
    socket.socket.__del__ = lambda self: None
    for name in ("create_connection", "create_server", "getaddrinfo", "gethostbyname", "socketpair"):
        setattr(socket, name, _denied(name, NO_NETWORK))
    # It reads the interpreter's own file, and there is none.
    platform.libc_ver = lambda executable=None, lib="", version="", chunksize=16384: (lib, version)
    builtins.input = _input
    sys.breakpointhook = _breakpoint
    builtins.exit = Leave("exit")
    builtins.quit = Leave("quit")


def _denied(name, message):
    def denied(*_args, **_kwargs):
        raise OSError(errno.ENOTSUP, message)

    denied.__name__ = denied.__qualname__ = name
    return denied


def _breakpoint(*_args, **_kwargs):
    raise RuntimeError(NO_DEBUGGER)


def _input(prompt="", /):
    raise EOFError(NO_INPUT)
