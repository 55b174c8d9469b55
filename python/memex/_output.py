"""Types of answers."""

from __future__ import annotations

import inspect
import json
from typing import Any, Mapping

from memex import _memex
from memex._errors import AgentError


class Output:
    """The type of an answer: its schema for the model, and its objects."""

    def __init__(self, kind: Any) -> None:
        self._reader: Any = None
        if isinstance(kind, Mapping):
            # A schema: the answer is what JSON has.
            self._shown, self.schema = "what its schema says", _schema_text(kind)
            _memex.check_output(self.schema)
            return
        from memex import _conversion

        self._shown = _conversion.shown(kind)
        if inspect.isroutine(kind) or isinstance(kind, (str, bytes, int, float, list, tuple, set)):
            raise AgentError(f"the output {self._shown} is no type; give a class, or list[int] and the like")
        try:
            self._reader = _conversion.reader(kind)
            schema = _conversion.schema_of(_conversion.adapter(kind), "validation")
        except Exception as error:
            what = str(error).partition("\n")[0]
            raise AgentError(f"the output type {self._shown} has no JSON schema: {what}") from None
        self.schema = json.dumps(schema)
        _memex.check_output(self.schema)

    def read(self, value: Any) -> Any:
        """The object of an answer. Raises `ValueError` that says what does not fit."""
        if self._reader is None:
            return value
        import pydantic

        from memex import _conversion

        try:
            return self._reader.validate_python(value)
        except pydantic.ValidationError as error:
            raise ValueError(f"the answer is not {self._shown}: {_conversion.problems(error)}") from None


def _schema_text(schema: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(schema))
    except (TypeError, ValueError) as error:
        raise AgentError(f"the output schema is no JSON: {error}") from None
