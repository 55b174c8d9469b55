"""Runs what was parsed. All of it is Python in the sandbox: no process is started."""

from __future__ import annotations

import io
from typing import Any, Callable

from . import grammar
from .bounds import DEPTH_MAX, Exhausted, is_limit
from .expansion import Expander
from .invocation import Command, Exit, Jump, UsageFault
from .patterns import compiled
from .redirecting import redirected
from .state import State
from .streams import Caught, Pipe, PipeClosed, Streams, decoded, encoded
from .syntax import Block, Case, Chain, Condition, For, Function, If, Pipeline, Simple, While

NOT_FOUND = 127
BROKEN_PIPE = 141


Runner = Callable[[Command], int]


class Machine:
    """Runs commands in one state. `commands` are those there are, by their names."""

    def __init__(self, state: State, commands: dict[str, Runner]) -> None:
        self.state = state
        self.commands = commands
        self.loops = 0
        # Whether the status is being tested, so that `set -e` does not apply.
        self.tested = 0

    def line(self, text: str, streams: Streams) -> int:
        """Runs a command line to its end, whatever is in it."""
        try:
            return self.run(grammar.parsed(text), streams)
        except grammar.SyntaxFault as error:
            return self.fault(streams, f"syntax error: {error}", 2)
        except Exit as ended:
            return ended.status
        except Jump as jump:
            return jump.status
        except PipeClosed:
            return BROKEN_PIPE
        except (ArithmeticError, LookupError, ValueError) as error:
            return self.fault(streams, str(error))

    def fault(self, streams: Streams, message: str, status: int = 1) -> int:
        streams.errors.write(encoded(f"{self.state.name}: {message}\n"))
        self.state.status = status
        return status

    def subshell(self, body: Any, streams: Streams) -> int:
        """Runs something in a copy of the state."""
        state = self.state.copy()
        state.depth += 1
        if state.depth > DEPTH_MAX:
            raise Exhausted(f"functions, subshells and substitutions are nested more than {DEPTH_MAX} deep")
        inner = Machine(state, self.commands)
        inner.tested = self.tested
        try:
            return inner.run(body, streams)
        except Exit as ended:
            return ended.status
        except Jump as jump:
            return jump.status

    # What was parsed

    def run(self, node: Any, streams: Streams) -> int:
        status = _RUN[type(node)](self, node, streams)
        self.state.status = status
        return status

    def block(self, node: Block, streams: Streams) -> int:
        streams = redirected(self, node.redirects, streams)
        if streams is None:
            return 1
        if node.apart:
            return self.subshell(Block(node.items), streams)
        status = 0
        for item in node.items:
            status = self.run(item, streams)
        return status

    def chain(self, node: Chain, streams: Streams) -> int:
        status = 0
        last = len(node.links) - 1
        for number, (operator, pipeline) in enumerate(node.links):
            if operator and (status == 0) != (operator == "&&"):
                continue
            tested = number < last
            self.tested += tested
            try:
                status = self.run(pipeline, streams)
            finally:
                self.tested -= tested
            if status and number == last and self.state.options["e"] and not self.tested and not pipeline.negated:
                raise Exit(status)
        return status

    def pipeline(self, node: Pipeline, streams: Streams) -> int:
        self.tested += node.negated
        try:
            status = self.run(node.commands[0], streams) if len(node.commands) == 1 else self._piped(node.commands, streams)
        finally:
            self.tested -= node.negated
        return int(status == 0) if node.negated else status

    def _piped(self, commands: list[Any], streams: Streams) -> int:
        statuses = []
        source = streams.numbers.get(0)
        for number, command in enumerate(commands):
            last = number == len(commands) - 1
            pipe = None if last else Pipe()
            stage = streams.with_number(0, source)
            if pipe is not None:
                stage = stage.with_number(1, pipe)
            try:
                statuses.append(self.subshell(command, stage))
            except PipeClosed:
                if last:
                    raise
                statuses.append(BROKEN_PIPE)
            if pipe is not None:
                source = io.BytesIO(pipe.whole())
        if self.state.options["pipefail"]:
            return next((status for status in reversed(statuses) if status), 0)
        return statuses[-1]

    def conditional(self, node: If, streams: Streams) -> int:
        streams = redirected(self, node.redirects, streams)
        if streams is None:
            return 1
        for condition, body in node.branches:
            if self._holds(condition, streams):
                return self.run(body, streams)
        return self.run(node.otherwise, streams) if node.otherwise is not None else 0

    def _holds(self, condition: Any, streams: Streams) -> bool:
        self.tested += 1
        try:
            return self.run(condition, streams) == 0
        finally:
            self.tested -= 1

    def loop(self, node: For, streams: Streams) -> int:
        streams = redirected(self, node.redirects, streams)
        if streams is None:
            return 1
        try:
            values = list(self.state.arguments) if node.words is None else self.expander(streams).fields(node.words)
        except (LookupError, ValueError) as error:
            return self.fault(streams, str(error))
        status = 0
        for value in values:
            self.state.budget.spend()
            self.state.set(node.name, value)
            ended, status = self._pass(node.body, streams)
            if ended:
                break
        return status

    def repeated(self, node: While, streams: Streams) -> int:
        streams = redirected(self, node.redirects, streams)
        if streams is None:
            return 1
        status = 0
        while True:
            self.state.budget.spend()
            if self._holds(node.condition, streams) == node.until:
                return status
            ended, status = self._pass(node.body, streams)
            if ended:
                return status

    def _pass(self, body: Any, streams: Streams) -> tuple[bool, int]:
        """One pass of a loop: whether it was the last, and its status."""
        self.loops += 1
        try:
            return False, self.run(body, streams)
        except Jump as jump:
            if jump.kind == "return":
                raise
            if jump.count > 1 and self.loops > 1:
                raise Jump(jump.kind, jump.count - 1) from None
            return jump.kind == "break", 0
        finally:
            self.loops -= 1

    def case(self, node: Case, streams: Streams) -> int:
        streams = redirected(self, node.redirects, streams)
        if streams is None:
            return 1
        expander = self.expander(streams)
        text = expander.text(node.word)
        for patterns, body in node.arms:
            if any(compiled(expander.pattern(pattern)).fullmatch(text) for pattern in patterns):
                return self.run(body, streams)
        return 0

    def function(self, node: Function, streams: Streams) -> int:
        self.state.functions[node.name] = node.body
        return 0

    def condition(self, node: Condition, streams: Streams) -> int:
        from .testing import extended

        streams = redirected(self, node.redirects, streams)
        if streams is None:
            return 1
        try:
            return 0 if extended(node.words, self.expander(streams), self.state) else 1
        except (LookupError, ValueError, UsageFault) as error:
            return self.fault(streams, f"[[: {error}", 2)

    def simple(self, node: Simple, streams: Streams) -> int:
        self.state.budget.spend()
        expander = self.expander(streams)
        try:
            arguments = expander.fields(node.words)
            assigned = [(name, expander.text(value)) for name, value in node.assignments]
        except (LookupError, ValueError) as error:
            self.fault(streams, str(error))
            raise Exit(1) from None
        inner = redirected(self, node.redirects, streams)
        if inner is None:
            return 1
        if self.state.options["x"] and arguments:
            streams.errors.write(encoded("+ " + " ".join(arguments) + "\n"))
        if not arguments:
            for name, value in assigned:
                self.state.set(name, value)
            # The status is that of a substitution, if there was one.
            return expander.substituted
        return self._with(assigned, arguments, inner)

    def _with(self, assigned: list[tuple[str, str]], arguments: list[str], streams: Streams) -> int:
        """Runs a command with variables for it alone."""
        if not assigned:
            return self.command(arguments, streams)
        state = self.state
        variables, exported = dict(state.variables), set(state.exported)
        for name, value in assigned:
            state.set(name, value)
            state.exported.add(name)
        try:
            return self.command(arguments, streams)
        finally:
            for name, _ in assigned:
                if name in variables:
                    state.variables[name] = variables[name]
                else:
                    state.variables.pop(name, None)
                if name not in exported:
                    state.exported.discard(name)

    def command(self, arguments: list[str], streams: Streams) -> int:
        """Runs a function or a command by its name."""
        name, *rest = arguments
        state = self.state
        if name in state.functions:
            return self._call(state.functions[name], rest, streams)
        state.budget.spend()
        command = self.commands.get(name.rpartition("/")[2] if name.startswith(("/bin/", "/usr/")) else name)
        run = Command(self, name, rest, streams)
        try:
            if command is not None:
                return command(run)
            if "/" in name:
                return self.commands["./"](run)
            there = " ".join(sorted(one for one in self.commands if one[0].isalpha()))
            return self.fault(streams, f"{name}: command not found; there are: {there}", NOT_FOUND)
        except UsageFault as error:
            run.complain(str(error))
            return 2
        except OSError as error:
            if is_limit(error):
                raise
            where = f"{error.filename}: " if isinstance(error.filename, str) else ""
            return run.complain(f"{where}{error.strerror or error}")
        except (ArithmeticError, LookupError, ValueError) as error:
            # Of arguments that Python itself refuses: a path with a null byte, a number too large.
            return run.complain(str(error) or type(error).__name__)

    def _call(self, body: Any, arguments: list[str], streams: Streams) -> int:
        state = self.state
        outer, state.arguments = state.arguments, arguments
        loops, self.loops = self.loops, 0
        state.depth += 1
        try:
            if state.depth > DEPTH_MAX:
                raise Exhausted(f"functions, subshells and substitutions are nested more than {DEPTH_MAX} deep")
            return self.run(body, streams)
        except Jump as jump:
            if jump.kind != "return":
                return 0
            return jump.status
        finally:
            state.arguments, self.loops = outer, loops
            state.depth -= 1

    # Words and streams

    def expander(self, streams: Streams) -> Any:
        made = Expander(self.state, None)
        made.substituted = 0  # type: ignore[attr-defined]

        def run(body: Any) -> str:
            caught = Caught()
            made.substituted = self.subshell(body, streams.with_number(1, caught))  # type: ignore[attr-defined]
            return decoded(caught.whole().replace(b"\0", b""))

        made.run = run
        return made


_RUN: dict[type, Callable[..., int]] = {
    Block: Machine.block, Chain: Machine.chain, Pipeline: Machine.pipeline, If: Machine.conditional, For: Machine.loop,
    While: Machine.repeated, Case: Machine.case, Function: Machine.function, Condition: Machine.condition, Simple: Machine.simple,
}  # fmt: skip
