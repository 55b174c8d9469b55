"""How a sandbox runs code: with variables for one execution, `!commands`, and output as it comes."""

from __future__ import annotations

import ast
import re
from typing import Callable

from memex._streams import Pieces, Stdout
from memex.e2b._exceptions import TimeoutException
from memex.e2b._models import Execution, ExecutionError, Logs, OutputMessage, error_of, results_of
from memex.shell import Shell

_BANG = "__import__('sys').modules['memex_shell.serving'].bang"
_KEPT = "__memex_environment__"


def set_variables(shell: Shell, variables: dict[str, str]) -> None:
    """Variables of the environment, for code and commands."""
    shell.env.update(variables)
    shell.code(f"__import__('os').environ.update({dict(variables)!r})").raise_for_error()


def plain(code: str) -> str:
    """The code with lines such as `!pip install x` as calls, where it is not Python otherwise."""
    if "!" not in code and "%" not in code:
        return code
    try:
        ast.parse(code)
        return code
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return re.sub(r"^([ \t]*)(?:!|%(?=pip\b))(.+)$", lambda found: f"{found[1]}{_BANG}({found[2].strip()!r})", code, flags=re.MULTILINE)


def python(
    shell: Shell, code: str, envs: dict[str, str] | None, timeout: float | None, on_stdout: Callable | None, on_stderr: Callable | None
) -> Execution:
    """Runs a block."""
    made = Execution()
    pieces = Pieces()

    def listen(name: str, data: bytes) -> None:
        event = pieces.event(name, data)
        if event is None:
            return
        first = isinstance(event, Stdout)
        (made.logs.stdout if first else made.logs.stderr).append(event.text)
        told = on_stdout if first else on_stderr
        if told is not None:
            told(OutputMessage(event.text, error=not first))

    session = shell.session
    if envs:
        begin = f"{_KEPT} = dict(__import__('os').environ)\n__import__('os').environ.update({dict(envs)!r})"
        session.run(begin).raise_for_error()
    code = plain(code)
    if _BANG in code:
        shell.load()
    session._native.listen(listen)
    try:
        result, late = shell._coded(code, timeout or None)
    finally:
        session._native.listen(None)
        if envs and not session.closed:
            session.run(f"__import__('os').environ.clear()\n__import__('os').environ.update({_KEPT})\ndel {_KEPT}")
    if late:
        raise TimeoutException(f"the code ran longer than {timeout} seconds; run_code(timeout=…) prolongs it")
    made.results, made.error = results_of(result), error_of(result)
    return made


def bash(shell: Shell, code: str, envs: dict[str, str] | None, timeout: float | None) -> Execution:
    """Runs a command line."""
    ran = shell.run(code, env=envs, timeout=timeout or None)
    if ran.timed_out:
        raise TimeoutException(f"the command ran longer than {timeout} seconds")
    logs = Logs([ran.stdout] if ran.stdout else [], [ran.stderr] if ran.stderr else [])
    error = ExecutionError("ExecutionError", f"exit status {ran.exit_code}", ran.stderr) if ran.exit_code else None
    return Execution([], logs, error)
