"""Who called: what a run needs of its caller, and how it is stopped."""

from __future__ import annotations

from typing import Any, Callable

from memex import _calls, _memex


class Caller:
    """What tools and models need of whoever called, and how that is stopped."""

    # The record of a run has its calls.
    _put: Callable[[Any], None] | None = None

    def __init__(self, loop: Any = None) -> None:
        self._turn = _calls.Turn(loop)
        self.stop = _memex.Stop()
        # The last exception of a model.
        self.model_error: BaseException | None = None
        self._struck_by: BaseException | None = None
        self.follow: Callable[[str, str], None] | None = None

    @property
    def turn(self) -> _calls.Turn:
        """The thread that called, its context and its event loop."""
        return self._turn

    def called_from(self, loop: Any) -> None:
        """This thread calls, in this event loop."""
        self._turn = _calls.Turn(loop)

    def go(self) -> Any:
        """Runs on this thread, to the end."""
        raise NotImplementedError

    def _struck(self, error: BaseException) -> None:
        """A tool or the model was ended by something that is not the loop's to catch."""
        self._struck_by = error
        self.stop.stop()

    def _raise_struck(self) -> None:
        if self._struck_by is not None:
            error, self._struck_by = self._struck_by, None
            raise error
