"""The command `memex`, which the extension module holds, in this process.

Where the command needs a process of its own, for the worker of an agent or the supervisor of a
tool, the interpreter runs this file by its path, alone: an environment that is empty, or that
a tool was given, leads it to no other module. So this file imports nothing of the package.
"""

from __future__ import annotations

import os
import sys
from typing import Any

# No variable, no user's folder and no site package has a say in a process that is started so.
_ALONE = ["-I", "-S"]


def run(native: Any, guest_package: str | None = None) -> int:
    """Runs the command with the arguments of this process; returns its exit status."""
    _as_a_program_begins()
    program, prefix = interpreter()
    return native.command(sys.argv[1:], program, prefix, guest_package)


def interpreter() -> tuple[str, list[str]]:
    """What starts this command in another process: a program, and arguments before those of the command."""
    return sys.executable or "python3", [*_ALONE, os.path.abspath(__file__)]


def is_interpreted() -> bool:
    """Whether this process is an interpreter that can be started again, and no program that has one inside."""
    return "python" in os.path.basename(os.path.realpath(sys.executable or "")).lower()


def _as_a_program_begins() -> None:
    """Ctrl-C does what it does in a program that has set nothing, unless the caller has it ignored.

    The interpreter's handler only sets a flag, which nothing looks at while the command runs.
    """
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _alone() -> Any:
    """The extension module beside this file, of a package that is not imported."""
    import importlib.machinery
    import importlib.util

    folder = os.path.dirname(os.path.abspath(__file__))
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        path = os.path.join(folder, "_memex" + suffix)
        if os.path.exists(path):
            loader = importlib.machinery.ExtensionFileLoader("_memex", path)
            spec = importlib.util.spec_from_file_location("_memex", path, loader=loader)
            assert spec is not None
            module = importlib.util.module_from_spec(spec)
            loader.exec_module(module)
            return module
    raise ImportError(f"the extension module of memex is not in {folder}")


if __name__ == "__main__":
    sys.exit(run(_alone()))
