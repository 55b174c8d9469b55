"""Pages of somebody else's for a notebook, whose own page can do what its kernel can."""

from __future__ import annotations

import html

# Nothing is loaded, from anywhere, and nothing runs: a picture's address would carry what
# the page knows to whoever chose it. The report of a run has the same policy.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_HEAD = f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'


def framed(page: str, height: str, bytes_max: int | None = None) -> str | None:
    """A page in a frame that runs no scripts and loads nothing; `None` for one that is longer than may be shown."""
    source = html.escape(_HEAD + page, quote=True)
    if bytes_max is not None and len(source) > bytes_max:
        return None
    style = f"border:0;width:100%;height:{height}"
    return f'<iframe sandbox="" referrerpolicy="no-referrer" style="{style}" srcdoc="{source}"></iframe>'
