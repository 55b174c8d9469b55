"""What a session may set differently from the image."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import os
import sys
from json import JSONDecoder

from memex_guest import display, figures, preview

RECURSION_MAX = 1_000_000
VALUE_BYTES_MIN = 64

_decode = JSONDecoder().decode


def apply(payload):
    """Applies a JSON object; absent fields stay as they are, unknown ones are an error."""
    wanted = _decode(payload.decode("utf-8"))
    unknown = set(wanted) - set(_APPLIERS)
    if unknown:
        raise ValueError("unknown settings: " + ", ".join(sorted(unknown)))
    for name, value in wanted.items():
        if value is not None:
            _APPLIERS[name](value)


def _recursion_depth(value):
    sys.setrecursionlimit(max(50, min(int(value), RECURSION_MAX)))


def _environment(value):
    for name, text in value.items():
        os.environ[str(name)] = str(text)


def _fonts(value):
    figures.add_fonts(str(value))


def _argv(value):
    sys.argv[:] = [str(argument) for argument in value]


def _value_bytes(value):
    preview.limit_bytes = max(VALUE_BYTES_MIN, int(value))


def _rich_values(value):
    display.rich_values = bool(value)


_APPLIERS = {
    "recursion_depth": _recursion_depth,
    "environment": _environment,
    "argv": _argv,
    "fonts": _fonts,
    "value_bytes": _value_bytes,
    "rich_values": _rich_values,
}
