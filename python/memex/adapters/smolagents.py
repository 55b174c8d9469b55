"""smolagents: `CodeAgent(tools=[…], model=…, executor=Executor())` runs its code in a sandbox.

Tools and managed agents run in this process, as they are: closures, MCP tools and
tools with state work, and nothing of them is sent anywhere as source.
"""

from __future__ import annotations

from typing import Any

import memex
from memex._errors import ValueNotData
from memex._foreign import _of_inputs
from memex.adapters import _common

try:
    from smolagents.local_python_executor import CodeOutput, InterpreterError, PythonExecutor
except ModuleNotFoundError as error:
    raise _common.needed(error, "smolagents") from None

_FINAL = "FinalAnswer"
# The names of the arguments stay with the host: its tool checks them.
_BEGIN = f"""
class {_FINAL}(BaseException):
    pass
def final_answer(*answer, **named):
    globals()["__final_answer__"] = [list(answer), named]
    raise {_FINAL}
"""
_TASK = {
    "type": "object",
    "properties": {"task": {"type": "string"}, "additional_args": {"type": "object"}},
    "required": ["task"],
    "additionalProperties": False,
}


class Executor(PythonExecutor):
    """Runs the code of a `CodeAgent`. The settings are those of `memex.Sandbox`.

    The scope lasts until `cleanup()`; an executor belongs to one agent.
    """

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._own = list(settings.pop("tools", ()))
        self._given: dict[str, Any] = {}
        self._box: memex.Sandbox | None = None
        self._session: memex.Session | None = None
        # Where smolagents looks for what was printed before an error.
        self.state: dict[str, Any] = {"_print_outputs": ""}

    def send_tools(self, tools: dict[str, Any]) -> None:
        """The tools and managed agents that code can call."""
        if self._session is not None and all(self._given.get(name) is tool for name, tool in tools.items()):
            return
        self._given = {**self._given, **tools}
        box, former = self._box, self._session
        if former is None:
            self._box = None
            return
        # The same state among other tools.
        self._box = self._new_box()
        self._session = self._box.restore(former.snapshot(), keep_generators=True)
        if box is not None:
            box.close()

    def send_variables(self, variables: dict[str, Any]) -> None:
        """Variables for the code."""
        session = self._open()
        for name, value in variables.items():
            if name.isidentifier() and not name.startswith("_"):
                session.set(name, value)

    def __call__(self, code_action: str) -> CodeOutput:
        session = self._open()
        result = session.run(code_action)
        logs = result.stdout + result.stderr
        self.state["_print_outputs"] = logs
        # A limit that was reached at the last moment undoes the block, and with it the answer.
        if result.error is not None and result.error.name == _FINAL and not result.rolled_back:
            return CodeOutput(self._final(session), logs, True)
        if not result.ok:
            raise InterpreterError(_common.shown(_Quiet(result)))  # type: ignore[arg-type]
        return CodeOutput(_common.value_of(result), logs, False)

    def cleanup(self) -> None:
        """Ends the sandbox."""
        if self._box is not None:
            self._box.close()
        self._box = self._session = None

    delete = cleanup

    def _final(self, session: memex.Session) -> Any:
        try:
            positional, named = _common.checked(session.get("__final_answer__"))
        except (ValueNotData, TypeError, ValueError) as error:
            raise InterpreterError(f"final_answer: the answer cannot leave the sandbox: {error}") from None
        if not isinstance(positional, list) or not isinstance(named, dict):
            raise InterpreterError("final_answer: code changed what it gave")
        tool = self._given.get("final_answer")
        if tool is not None and not named.keys() <= getattr(tool, "inputs", named).keys():
            raise InterpreterError("final_answer: there is no such parameter")
        return tool(*positional, **named) if tool is not None else (positional or [None])[0]

    def _new_box(self) -> memex.Sandbox:
        tools = [_tool(name, tool) for name, tool in self._given.items() if name != "final_answer"]
        return memex.Sandbox(tools=[*self._own, *tools], **self._settings)

    def _open(self) -> memex.Session:
        if self._session is None:
            self._box = self._box or self._new_box()
            self._session = self._box.session()
            self._session.run(_BEGIN).raise_for_error()
        return self._session


class _Quiet:
    """A result without its output, which smolagents shows itself."""

    stdout = stderr = ""

    def __init__(self, result: memex.Result) -> None:
        self.text, self.error, self.limit, self.rolled_back = result.text, result.error, result.limit, result.rolled_back


def _tool(name: str, given: Any) -> Any:
    if hasattr(given, "forward"):
        return _common.described(lambda **named: given(**named), name, given.description, _of_inputs(given.inputs))
    # A managed agent.
    return _common.described(lambda **named: given(**named), name, given.description or "", _TASK)
