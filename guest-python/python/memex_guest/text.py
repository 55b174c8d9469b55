"""Text that crosses to the host: quoted, bounded, and safe against hostile objects."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from _json import encode_basestring_ascii as _encode

# Characters of a class's name that are told.
NAME_MAX = 500

# The descriptors of `type` itself: a metaclass may define `__name__` as anything.
_type_name = type.__dict__["__name__"].__get__
_type_qualname = type.__dict__["__qualname__"].__get__
_type_module = type.__dict__["__module__"].__get__
_exact = str.__str__


def plain(value):
    """The exact `str` of a `str` or a subclass of it, without calling its methods."""
    return value if type(value) is str else _exact(value)


def scrubbed(value):
    """The text with lone surrogates written as escapes, so that it is valid UTF-8."""
    if value.isascii():
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def quoted(value):
    """The text as a JSON string."""
    return _encode(scrubbed(plain(value)))


def cut(value, limit):
    """The text itself, or its head and tail around a note of what was left out."""
    size = len(value)
    if size <= limit:
        return value
    tail = limit // 4
    head = limit - tail
    note = "\n… " + str(size - limit) + " of " + str(size) + " characters left out …\n"
    return value[:head] + note + (value[-tail:] if tail else "")


def type_name(value_type):
    """The name of a class, as the class was created."""
    try:
        return cut(plain(_type_name(value_type)), NAME_MAX)
    except Exception:
        return "?"


def type_path(value_type):
    """The qualified name of a class, with its module unless that says nothing."""
    try:
        name = plain(_type_qualname(value_type))
        module = _type_module(value_type)
        if type(module) is str and module not in ("builtins", "__main__"):
            name = module + "." + name
        return name if len(name) <= NAME_MAX else cut(name, NAME_MAX)
    except Exception:
        return "?"


def safe_repr(value, limit):
    """`repr(value)`, bounded; a failing `__repr__` is shown, not raised."""
    try:
        shown = plain(repr(value))
    except (Exception, SystemExit, GeneratorExit) as error:
        return "<repr failed: " + summary(error, 200) + ">"
    return cut(shown, limit)


def safe_str(value, limit):
    """`str(value)`, bounded; a failing `__str__` is shown, not raised."""
    try:
        shown = plain(str(value))
    except (Exception, SystemExit, GeneratorExit) as error:
        inner = type_name(type(error))
        return "<str failed: " + inner + ">"
    return cut(shown, limit)


def summary(error, limit):
    """An exception in one line: its type and message."""
    name = type_name(type(error))
    message = safe_str(error, limit)
    return name + ": " + message if message else name
