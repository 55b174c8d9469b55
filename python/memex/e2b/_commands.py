"""`sandbox.commands`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from memex._terminal import plain
from memex.e2b._exceptions import InvalidArgumentException, SandboxException, TimeoutException
from memex.shell import Shell


@dataclass
class CommandResult:
    """What a command came to."""

    stderr: str
    stdout: str
    exit_code: int
    error: str | None


@dataclass
class CommandExitException(SandboxException, CommandResult):
    """A command that ended with another status than 0. As a text, which a traceback shows, it steers no terminal."""

    def __str__(self) -> str:
        return f"Command exited with code {self.exit_code} and error:\n{plain(self.stderr)}"


class Commands:
    """Command lines over a sandbox's files, run by `memex.shell`."""

    def __init__(self, shell: Callable[[], Shell]) -> None:
        self._shell = shell

    def run(
        self,
        cmd: str,
        background: bool | None = None,
        envs: dict[str, str] | None = None,
        user: str | None = None,
        cwd: str | None = None,
        on_stdout: Callable[[str], Any] | None = None,
        on_stderr: Callable[[str], Any] | None = None,
        stdin: bool | None = None,
        timeout: float | None = 60,
        request_timeout: float | None = None,
        *,
        retain_output: bool = True,
    ) -> CommandResult:
        """Runs a command line to its end. Raises `CommandExitException` for a status other than 0.

        Output comes to `on_stdout` and `on_stderr` in one piece, when the command is over.
        """
        if background:
            raise InvalidArgumentException("nothing runs in the background here: a sandbox runs one command at a time")
        if stdin:
            raise InvalidArgumentException("a command gets no input while it runs; write a file, and redirect from it")
        ran = self._shell().run(cmd, cwd=cwd, env=envs, timeout=timeout or None)
        if ran.stdout and on_stdout is not None:
            on_stdout(ran.stdout)
        if ran.stderr and on_stderr is not None:
            on_stderr(ran.stderr)
        if ran.timed_out:
            raise TimeoutException(f"the command ran longer than {timeout or 'its session may'}{' seconds' if timeout else ''}")
        if ran.exit_code:
            raise CommandExitException(ran.stderr, ran.stdout, ran.exit_code, f"exit status {ran.exit_code}")
        return CommandResult(ran.stderr, ran.stdout, 0, None)

    def list(self, request_timeout: float | None = None) -> list[Any]:
        """The commands that run: none, between calls."""
        return []

    def kill(self, pid: int, request_timeout: float | None = None) -> bool:
        """Says that there is no such command."""
        return False
