"""The cell magic `%%memex`: a cell in a session of this notebook's sandbox."""

from __future__ import annotations

import sys
from typing import Any

from memex import _sandbox
from memex._result import shown_safely
from memex._terminal import harmless

_NAME = "memex_session"


def load(shell: Any) -> None:
    """Registers the magic."""

    def cell(line: str, code: str) -> None:
        session = _session_of(shell, line.strip())
        result = session.run(code)
        sys.stdout.write(harmless(result.stdout))
        sys.stderr.write(harmless(result.stderr))
        from IPython.display import display

        shown = False
        for one in result.displays:
            display(shown_safely(one.data), raw=True)
            shown = shown or one.main
        if result.text and not shown:
            display(shown_safely({"text/plain": result.text}), raw=True)
        if result.error is not None:
            sys.stderr.write(harmless(result.error.traceback or f"{result.error.name}: {result.error.message}\n"))

    shell.register_magic_function(cell, magic_kind="cell", magic_name="memex")


def _session_of(shell: Any, variable: str) -> Any:
    """The session in a variable of the notebook, or the notebook's own."""
    if variable:
        return shell.user_ns[variable]
    found = shell.user_ns.get(_NAME)
    if found is None or found.closed:
        found = shell.user_ns[_NAME] = _sandbox.default().session()
    return found
