"""The source text of recent turns, for tracebacks and for `inspect.getsource`."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import linecache

KEPT_TURNS = 200

# Ours holds the text even when a turn clears linecache, which other code reads.
_texts = {}
_shared = linecache.cache
_getline = linecache.getline


def remember(name, source):
    """Keeps a turn's source under the file name of its code, forgetting the oldest."""
    if len(_texts) >= KEPT_TURNS and name not in _texts:
        oldest = next(iter(_texts))
        del _texts[oldest]
        _shared.pop(oldest, None)
    _texts[name] = source
    _shared[name] = (len(source), None, source.splitlines(True), name)


def forget():
    """Drops every turn's source."""
    for name in list(_texts):
        _shared.pop(name, None)
    _texts.clear()


def text_of(name):
    """The text of a kept turn, or None."""
    return _texts.get(name)


def is_turn(name):
    """Whether the file name is that of a kept turn."""
    return name in _texts


def line(name, number):
    """A source line without its newline, or an empty text."""
    source = _texts.get(name)
    if source is not None:
        lines = source.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""
    try:
        found = _getline(name, number)
        return found.rstrip("\r\n") if type(found) is str else ""
    except Exception:
        return ""
