"""How far an image is: a line on a terminal, a display in a notebook, log records otherwise."""

from __future__ import annotations

import sys
from typing import Any, Callable, NamedTuple

from memex._terminal import plain


class Progress(NamedTuple):
    """One step of getting an image: `stage` in words, `done` of `total` where they are known.

    >>> def show(progress: memex.Progress) -> None:
    ...     print(progress.stage, progress.done, progress.total, progress.message)
    >>> box = memex.Sandbox(on_progress=show)
    """

    stage: str
    done: int | None
    total: int | None
    message: str


def follower(on_progress: Callable[[Progress], None] | None) -> Callable[[str, str, int | None], None]:
    """What the extension module calls with the events of a build."""
    state: dict[str, Any] = {"stage": "", "total": None}
    show = on_progress or _shown()

    def follow(kind: str, text: str, number: int | None) -> None:
        if kind == "begin":
            state.update(stage=text, total=number)
            show(Progress(text, None, number, ""))
        elif kind == "advance":
            show(Progress(state["stage"], number, state["total"], ""))
        elif kind == "note":
            show(Progress(state["stage"], None, None, text))

    return follow


def _shown() -> Callable[[Progress], None]:
    if "ipykernel" in sys.modules:
        return _in_notebook()
    if sys.stderr is not None and sys.stderr.isatty():
        return _on_terminal
    return _logged


def _text(progress: Progress) -> str:
    if progress.message:
        return f"memex: {progress.message}"
    share = f" {100 * progress.done // progress.total} %" if progress.done and progress.total else ""
    return f"memex: {progress.stage}{share}"


def _on_terminal(progress: Progress) -> None:
    end = "\n" if progress.message else ""
    sys.stderr.write(f"\r\x1b[K{plain(_text(progress))}{end}")
    sys.stderr.flush()


def _in_notebook() -> Callable[[Progress], None]:
    from IPython.display import DisplayHandle

    handle = DisplayHandle()
    shown: list[bool] = []

    def show(progress: Progress) -> None:
        data = {"text/plain": _text(progress)}
        if shown:
            handle.update(data, raw=True)
        else:
            shown.append(True)
            handle.display(data, raw=True)

    return show


def _logged(progress: Progress) -> None:
    import logging

    if progress.done is None:
        logging.getLogger("memex").info("%s", _text(progress))


def end_line(shown: bool) -> None:
    """Ends the line on a terminal, if one was shown."""
    if shown and "ipykernel" not in sys.modules and sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
