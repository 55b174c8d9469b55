"""DSPy: `dspy.RLM(signature, interpreter_factory=Interpreter)`, and the same for `CodeAct` and `ProgramOfThought`.

`dspy.configure(interpreter_factory=Interpreter)` makes it the default of all of them;
`functools.partial(Interpreter, limits=…)` gives it settings.
"""

from __future__ import annotations

import inspect
import json
import keyword
from typing import Any, Callable

import memex
from memex.adapters import _common

try:
    from dspy.primitives.code_interpreter import CodeExecutionError, CodeInterpreterError, FinalOutput
except ModuleNotFoundError as error:
    raise _common.needed(error, "dspy") from None

_FINAL = "Submission"
_CALL = "host_call"
_PARAMETERS = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "positional": {"type": "array"}, "named": {"type": "object"}},
    "required": ["name", "positional", "named"],
    "additionalProperties": False,
}
_BEGIN = f"""
class {_FINAL}(BaseException):
    pass
def _memex_function(name):
    def call(*positional, **named):
        return {_CALL}(name=name, positional=list(positional), named=named)
    call.__name__ = call.__qualname__ = name
    return call
def _memex_submit(names):
    def SUBMIT(*values, **named):
        if names is None:
            if len(values) != 1 or named:
                raise TypeError("SUBMIT takes one value")
            found = {{"output": values[0]}}
        else:
            if values and named or len(values) > len(names):
                raise TypeError(f"SUBMIT takes these fields, by place or by name: {{', '.join(names)}}")
            found = dict(zip(names, values)) if values else named
            if set(found) != set(names):
                raise TypeError(f"SUBMIT takes these fields: {{', '.join(names)}}")
        globals()["_memex_output"] = found
        raise {_FINAL}
    return SUBMIT
"""


class Interpreter:
    """A `CodeInterpreter`. The settings are those of `memex.Sandbox`."""

    execution_instructions = (
        "The code runs in a sandboxed CPython with numpy, pandas and scipy. There is no network and no subprocess."
    )

    def __init__(self, tools: dict[str, Callable[..., Any]] | None = None, output_fields: list[dict] | None = None, **settings: Any) -> None:
        self.tools: dict[str, Callable[..., Any]] = dict(tools or {})
        self.output_fields = output_fields
        self._settings = settings
        self._box: memex.Sandbox | None = None
        self._session: memex.Session | None = None
        self._ended = False
        self._bound: tuple[Any, ...] | None = None

    def start(self) -> None:
        """Opens the session; the first `execute` does otherwise."""
        if self._ended:
            raise CodeInterpreterError("the interpreter was shut down; make another one")
        if self._session is None:
            tool = _common.described(self._call, _CALL, "Calls a function of the program.", _PARAMETERS)
            try:
                self._box = memex.Sandbox(tools=[tool], **self._settings)
                self._session = self._box.session()
                self._session.run(_BEGIN).raise_for_error()
            except memex.MemexError as error:
                raise CodeInterpreterError(str(error)) from error

    def execute(self, code: str, variables: dict[str, Any] | None = None) -> Any:
        """The value of the code, or what it printed; `FinalOutput` after SUBMIT."""
        self.start()
        session = self._session
        assert session is not None
        try:
            self._bind(session)
            for name, value in (variables or {}).items():
                session.set(name, value)
            result = session.run(code)
            if result.error is not None and result.error.name == _FINAL and not result.rolled_back:
                return FinalOutput(_common.checked(session.get("_memex_output")))
        except memex.ValueNotData as error:
            raise CodeExecutionError(str(error)) from error
        except memex.SessionError as error:
            raise CodeInterpreterError(str(error)) from error
        if result.error is not None and result.error.name in ("SyntaxError", "IndentationError", "TabError"):
            raise SyntaxError(result.error.message)
        if not result.ok:
            output = result.stdout and f"{result.stdout.rstrip()}\n"
            name, message = (result.error.name, result.error.message) if result.error else (result.status, "")
            limit = f" (the limit {result.limit.name}: {result.limit.bound})" if result.limit else ""
            raise CodeExecutionError(f"{output}{name}: {message}{limit}")
        if not result.text or result.text == "None":
            return (result.stdout + result.stderr).rstrip("\n") or None
        return _jsonable(result)

    def shutdown(self) -> None:
        """Ends the session."""
        self._ended = True
        if self._box is not None:
            self._box.close()
        self._box = self._session = None

    def _bind(self, session: memex.Session) -> None:
        """Binds the tools there are now: modules add theirs after the interpreter was made."""
        fields = None if self.output_fields is None else [field["name"] for field in self.output_fields]
        wanted = (tuple(self.tools), None if fields is None else tuple(fields))
        if wanted == self._bound:
            return
        if bad := [name for name in self.tools if not name.isidentifier() or keyword.iskeyword(name) or name in ("SUBMIT", _CALL)]:
            raise CodeInterpreterError(f"these are no names for tools: {', '.join(bad)}")
        lines = [f"{name} = _memex_function({name!r})" for name in self.tools]
        session.run("\n".join([*lines, f"SUBMIT = _memex_submit({fields!r})"])).raise_for_error()
        self._bound = wanted

    def _call(self, name: str, positional: list[Any], named: dict[str, Any]) -> Any:
        function = self.tools[name]
        if positional:
            # DSPy's own wrappers take names only.
            parameters = list(inspect.signature(function).parameters.values())[: len(positional)]
            if all(one.kind is one.POSITIONAL_OR_KEYWORD for one in parameters) and len(parameters) == len(positional):
                named = {**dict(zip((one.name for one in parameters), positional)), **named}
                positional = []
        result = function(*positional, **named)
        return _common.waited(result) if inspect.isawaitable(result) else result


def _jsonable(result: memex.Result) -> Any:
    value = _common.value_of(result)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return result.text
    return result.text if value is None else value
