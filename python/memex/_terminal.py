"""What a guest says, on its way to a terminal.

There, a text could move the cursor over what was said before, retitle the window or hide
in another direction. The filter is the command's, one for every way to a terminal.
"""

from __future__ import annotations

from memex import _memex


def harmless(text: str) -> str:
    """Output of code: its colours pass, and what else steers is shown."""
    return _memex.for_terminal(_characters(text), True)


def plain(text: str) -> str:
    """A text that may change nothing of how it looks."""
    return _memex.for_terminal(_characters(text), False)


def _characters(text: str) -> str:
    # Lone surrogates are none.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
