"""Tools from functions: what a model and the sandbox are told of them, and how they are called."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from typing import Any, Callable, get_type_hints

from memex._errors import ToolError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*\Z")
# A year, in seconds.
_TIMEOUT_MAX = 31_536_000
_EMPTY = inspect.Parameter.empty


class Tool:
    """A function of this process that code in the sandbox can call by its name.

    `memex.tool` makes one; a plain function given to a `Sandbox` becomes one. It can be
    called as the function that it was made of.

    >>> double = memex.Tool(lambda n: 2 * n, name="double")
    Traceback (most recent call last):
    memex._errors.ToolError: double: the parameter `n` has no annotation; ...
    >>> def double(n: int) -> int:
    ...     \"\"\"Doubles a number.\"\"\"
    ...     return 2 * n
    >>> memex.Sandbox(tools=[double]).run("double(21)").value
    42
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float | None = None,
        suspends: bool = False,
    ) -> None:
        if not callable(function):
            raise ToolError(f"a tool is a function, not {function!r}")
        self.function = function
        self.name = name or _name_of(function)
        if not _NAME.match(self.name):
            raise ToolError(f"a tool cannot be called {self.name!r}; give it a name: memex.tool(name=…)")
        if timeout is not None and (
            isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= _TIMEOUT_MAX
        ):
            raise ToolError(f"{self.name}: the timeout is a number of seconds, above 0 and at most {_TIMEOUT_MAX}, not {timeout!r}")
        self.timeout = None if timeout is None else float(timeout)
        self.suspends = suspends
        self.is_async = _is_async(function)
        summary, documented = _documented(function)
        self.description = description if description is not None else summary
        self._signature = _signature_of(function, self.name)
        hints = _hints_of(function, self.name)
        self._returns = hints.get("return", _EMPTY)
        self._fields = _fields_of(self._signature, hints, documented, self.name)
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<memex.Tool {self.name}>"

    @functools.cached_property
    def parameters(self) -> dict[str, Any]:
        """JSON schema of the arguments.

        >>> sorted(search.parameters["properties"])
        ['limit', 'query']
        """
        from memex import _conversion

        try:
            return _conversion.model_schema(self._model)
        except Exception as error:
            raise ToolError(f"{self.name}: {self._without_schema()} has no JSON schema: {_first_line(error)}") from None

    def _without_schema(self) -> str:
        """The parameter that has no schema, in words."""
        from memex import _conversion

        for name, (annotation, _default, _text) in self._fields.items():
            try:
                _conversion.schema_of(_conversion.adapter(annotation), "validation")
            except Exception:
                return f"the type {_conversion.shown(annotation)} of the parameter `{name}`"
        return "a parameter"

    @functools.cached_property
    def returns(self) -> dict[str, Any] | None:
        """JSON schema of the result; `None` without an annotation.

        >>> search.returns["type"]
        'array'
        """
        from memex import _conversion

        if self._adapter is None:
            return None
        try:
            return _conversion.schema_of(self._adapter, "serialization")
        except Exception as error:
            raise ToolError(f"{self.name}: the result has no JSON schema: {_first_line(error)}") from None

    @functools.cached_property
    def _model(self) -> Any:
        import pydantic

        from memex import _conversion

        fields: dict[str, Any] = {}
        for number, (name, (annotation, default, text)) in enumerate(self._fields.items()):
            # Under a name of ours: a parameter may be called `copy` or `_x`.
            field = pydantic.Field(default=default, alias=name, description=text or None)
            fields[f"p{number}"] = (_conversion.adapted(annotation), field)
        config = pydantic.ConfigDict(arbitrary_types_allowed=True, extra="forbid")
        try:
            return pydantic.create_model(f"{self.name}_arguments", __config__=config, **fields)
        except Exception as error:
            raise ToolError(f"{self.name}: a parameter's annotation cannot be used: {error}") from None

    @functools.cached_property
    def _reader(self) -> Any:
        from memex import _guarded

        return _guarded.guarded(self._model.__pydantic_core_schema__, self._model.__pydantic_validator__)

    @functools.cached_property
    def _adapter(self) -> Any:
        from memex import _conversion

        if self._returns is _EMPTY or self._returns is Any:
            return None
        annotation = type(None) if self._returns is None else self._returns
        try:
            return _conversion.adapter(annotation)
        except Exception as error:
            raise ToolError(f"{self.name}: the annotation of the result cannot be used: {error}") from None

    @functools.cached_property
    def _result_reader(self) -> Any:
        from memex import _guarded

        return _guarded.guarded(self._adapter.core_schema, self._adapter)

    @functools.cached_property
    def _reading(self) -> tuple[Any, list[tuple[str, str, bool]]]:
        """What validates arguments; and of each field its name there, that of the parameter, and whether it goes by position."""
        parameters = self._signature.parameters
        by_position = [parameters[name].kind is inspect.Parameter.POSITIONAL_ONLY for name in self._fields]
        fields = [(f"p{number}", name, by_position[number]) for number, name in enumerate(self._fields)]
        return self._reader.validate_python, fields

    @functools.cached_property
    def _writing(self) -> tuple[Any, Any] | None:
        """What validates a result, and what makes it data; `None` without an annotation."""
        return None if self._adapter is None else (self._result_reader.validate_python, self._adapter.serializer.to_python)

    def read(self, arguments: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of a call, as the annotations say. Raises `TypeError` naming the parameter.

        >>> search.read({"query": "bees", "limit": "2"})
        ([], {'query': 'bees', 'limit': 2})
        """
        validate, fields = self._reading
        try:
            model = validate(arguments)
        except ValueError as error:
            raise self._misfit(error, "") from None
        positional: list[Any] = []
        named: dict[str, Any] = {}
        # The others have the function's own default, which need not be one that fits the schema.
        given, values = model.__pydantic_fields_set__, model.__dict__
        for field, name, by_position in fields:
            if field in given:
                if by_position:
                    positional.append(values[field])
                else:
                    named[name] = values[field]
        return positional, named

    def write(self, result: Any) -> tuple[Any, list]:
        """The result as JSON and binary parts. Raises `TypeError` for one that is not what the function promises.

        >>> search.write(search("bees", limit=1))
        ([{'title': 'bees 1', 'score': 1.0}], [])
        """
        from memex._values import check_walkable, json_like

        writing = self._writing
        if writing is not None:
            validate, dump = writing
            # It may hold what the code gave, which must be no more to walk than it is.
            check_walkable(result, f"{self.name}: result", "as JSON")
            try:
                result = dump(validate(result), warnings=False, by_alias=True)
            except ValueError as error:
                raise self._misfit(error, "the function returned what is not ") from None
        try:
            return json_like(result, f"{self.name}: result")
        except (TypeError, ValueError) as error:
            raise type(error)(str(error).replace("passed to a tool", "returned by a tool")) from None

    def _misfit(self, error: ValueError, before: str) -> Exception:
        """What says that a value does not fit, if that is what was raised."""
        import pydantic

        from memex import _conversion

        if not isinstance(error, pydantic.ValidationError):
            return error
        promised = f"{before}{_conversion.shown(self._returns)}: " if before else ""
        return TypeError(f"{self.name}: {promised}{_conversion.problems(error)}")

    def __reduce__(self):
        # A decorated function is found under its name, and is this tool.
        name = getattr(self, "__qualname__", "")
        if getattr(sys.modules.get(self.__module__), name, None) is self:
            return name
        return _tool_again, (self.function, self.name, self.description, self.timeout, self.suspends)


def _tool_again(function: Any, name: str, description: str, timeout: float | None, suspends: bool) -> Tool:
    return Tool(function, name=name, description=description, timeout=timeout, suspends=suspends)


def tool(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    suspends: bool = False,
) -> Any:
    """Makes a `Tool` of a function: `@memex.tool`, or `@memex.tool(timeout=5)`.

    The annotations become the schema and the typed stub in the sandbox; the docstring
    (Google, NumPy or Sphinx style) the description of the tool and its parameters. With
    `timeout` (in seconds), a call that takes longer raises `TimeoutError` in the sandbox; a
    function that is not async then runs on a thread of its own, and goes on there. With
    `suspends=True` the function is a declaration only: a call of it makes
    `Session.start` return, and waits for `Session.answer`.

    >>> @memex.tool
    ... def population(city: str) -> int:
    ...     \"\"\"How many people live in a city.\"\"\"
    ...     return {"Bern": 134_591}[city]
    >>> with memex.Sandbox(tools=[population]) as box:
    ...     box.run("population('Bern') // 2").value
    67295
    """
    options: dict[str, Any] = {"name": name, "description": description, "timeout": timeout, "suspends": suspends}
    if function is None:
        return lambda given: Tool(given, **options)
    return Tool(function, **options)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def _inner(function: Any) -> Any:
    """The function itself, below partials, methods and objects that can be called."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    if inspect.isroutine(function) or inspect.isclass(function):
        return getattr(function, "__func__", function)
    return getattr(type(function), "__call__", function)


def _name_of(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__name__", None) or type(function).__name__
    if name == "<lambda>":
        raise ToolError("a lambda has no name; give it one: memex.tool(lambda x: …, name=…)")
    return name


def _is_async(function: Any) -> bool:
    inner = _inner(function)
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(function)


def _signature_of(function: Any, name: str) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        raise ToolError(f"{name}: its parameters cannot be found; wrap it in a function with annotations") from None


def _hints_of(function: Any, name: str) -> dict[str, Any]:
    inner = _inner(function)
    if inspect.isclass(inner):
        inner = inner.__init__
    # Names in annotations as texts may be local to where the function was defined.
    local = {}
    closure = getattr(inner, "__closure__", None) or ()
    for variable, cell in zip(getattr(getattr(inner, "__code__", None), "co_freevars", ()), closure):
        try:
            local[variable] = cell.cell_contents
        except ValueError:
            continue
    try:
        return get_type_hints(inner, localns=local or None, include_extras=True)
    except NameError as error:
        raise ToolError(
            f"{name}: an annotation cannot be resolved: {error}; define the type at the top level of a module, "
            "or leave out `from __future__ import annotations`"
        ) from None
    except TypeError:
        return dict(getattr(inner, "__annotations__", {}))
    except Exception as error:
        raise ToolError(f"{name}: an annotation cannot be resolved: {error}") from None


def _fields_of(
    signature: inspect.Signature, hints: dict[str, Any], documented: dict[str, str], name: str
) -> dict[str, tuple[Any, Any, str]]:
    found = {}
    for parameter in signature.parameters.values():
        if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            raise ToolError(
                f"{name}: the parameter *{parameter.name} has no schema; name each parameter, or take a list or a dictionary"
            )
        annotation = hints.get(parameter.name, parameter.annotation)
        if annotation is _EMPTY:
            raise ToolError(
                f"{name}: the parameter `{parameter.name}` has no annotation; write `{parameter.name}: str`, "
                "or `typing.Any` if it takes anything"
            )
        default = ... if parameter.default is _EMPTY else parameter.default
        found[parameter.name] = (annotation, default, documented.get(parameter.name, ""))
    return found


def _documented(function: Any) -> tuple[str, dict[str, str]]:
    """What a docstring says of the function, and of each parameter."""
    text = inspect.getdoc(function) if not isinstance(function, functools.partial) else inspect.getdoc(function.func)
    if inspect.isroutine(function) is False and not isinstance(function, functools.partial) and not inspect.isclass(function):
        text = inspect.getdoc(type(function).__call__) or inspect.getdoc(type(function)) if text is None else text
    if not text or text == object.__call__.__doc__:
        return "", {}
    import docstring_parser

    try:
        parsed = docstring_parser.parse(text)
    except Exception:
        return text, {}
    whole = [parsed.short_description or "", parsed.long_description or ""]
    summary = "\n\n".join(part for part in whole if part)
    returns = parsed.returns
    if returns is not None and returns.description:
        summary += f"\n\nReturns: {returns.description}"
    return summary, {one.arg_name: " ".join((one.description or "").split()) for one in parsed.params}
