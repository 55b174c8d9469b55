"""Where warnings point: at a line of the turn, or at none, and never at this package."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys
import warnings

from memex_guest import sources

_OWN_FILES = "<memex_guest"
_plain = warnings.formatwarning
_getframe = sys._getframe


def install():
    """Takes the place of the function that writes a warning's text."""
    warnings.formatwarning = formatwarning


def formatwarning(message, category, filename, lineno, line=None):
    """Format a warning the standard way."""
    if not filename.startswith(_OWN_FILES):
        return _plain(message, category, filename, lineno, line)
    frame = _getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if sources.is_turn(name):
            return _plain(message, category, name, frame.f_lineno, line)
        frame = frame.f_back
    return category.__name__ + ": " + str(message) + "\n"
