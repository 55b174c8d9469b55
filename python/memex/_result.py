"""What a turn came to."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple, Protocol

from memex import _values
from memex._errors import GuestError, SessionBusy, SessionError, ValueNotData, limit_error
from memex._framed import framed
from memex._terminal import harmless


class ErrorInfo(NamedTuple):
    """An exception of the sandbox.

    >>> memex.run("1 / 0").error.name
    'ZeroDivisionError'
    """

    name: str
    message: str
    traceback: str


class LimitInfo(NamedTuple):
    """A limit that was reached.

    >>> with memex.Sandbox(limits=memex.Limits(time="200ms")) as box:
    ...     box.run("while True: pass").limit.name
    'guest_time_ms'
    """

    name: str
    bound: int
    actual: int


class Stats(NamedTuple):
    """What a turn took.

    >>> memex.run("1 + 1").stats.wall_us < 1_000_000
    True
    """

    turn: int
    wall_us: int
    guest_us: int
    host_calls: int
    memory_bytes: int
    dirty_pages: int
    fuel: int | None


class Display(NamedTuple):
    """A figure or another thing shown: its forms by MIME type.

    >>> code = "import matplotlib.pyplot as plt\\nplt.plot([1, 2])\\nplt.show()"
    >>> [sorted(display.data) for display in memex.run(code).displays]
    [['image/png', 'text/plain']]
    """

    main: bool
    data: dict[str, str | bytes]


# What a notebook shows of itself: no page runs code in these.
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_HARMLESS = _PICTURES | {"text/plain", "application/json"}
# A page has a picture in an attribute, as base64.
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*", re.ASCII)
_PAGES = ("text/html", "image/svg+xml")


def shown_safely(data: Any) -> dict[str, Any]:
    """A display of the guest's for a notebook, whose page can do what its kernel can.

    Pages come in a frame that runs no scripts and loads nothing; other forms that are
    more than text and pictures are left out. `Display.data` has them as they came.
    """
    shown = {kind: form for kind, form in data.items() if kind in _HARMLESS and (kind not in _PICTURES or _is_picture(form))}
    if isinstance(shown.get("text/plain"), str):
        # Where there is no page, it is what a terminal gets.
        shown["text/plain"] = harmless(shown["text/plain"])
    for kind in _PAGES:
        if isinstance(data.get(kind), str):
            shown["text/html"] = framed(data[kind], "24em")
            break
    return shown


def _is_picture(form: Any) -> bool:
    return isinstance(form, bytes) or (isinstance(form, str) and _BASE64.fullmatch(form) is not None)


class Holder(Protocol):
    """A session that still has the value of its last turn."""

    def _last_value(self) -> tuple[bytes | None, tuple[str, str] | None]: ...


class Result:
    """The outcome of one turn. Nothing of it raises, but for what says so.

    Everything that the sandbox says here (output, value, error) is as trustworthy as the
    code that ran.

    >>> result = memex.run("print('computing')\\n6 * 7")
    >>> result.ok, result.value, result.stdout
    (True, 42, 'computing\\n')
    """

    __slots__ = ("_outcome", "_session", "_code", "_value", "_value_error", "__weakref__")

    def __init__(self, outcome: Any, session: Holder | None, code: str) -> None:
        self._outcome = outcome
        # The session that still has the value; none when it was fetched, or there is none.
        self._session = session if outcome.text is not None else None
        self._code = code
        self._value: Any = None
        self._value_error: str | None = None

    @property
    def status(self) -> str:
        """`ok`, `exception`, `limit`, `refused` or `fault`.

        >>> memex.run("1 / 0").status
        'exception'
        """
        return self._outcome.status

    @property
    def ok(self) -> bool:
        """Whether the turn ran to its end.

        >>> memex.run("1 / 0").ok
        False
        """
        return self._outcome.status == "ok"

    @property
    def value(self) -> Any:
        """The value of the block's last expression; `None` if it has none or cannot cross (see `value_error`).

        Numbers, texts, bytes, dates, containers, numpy arrays and pandas tables arrive as
        they are; objects of classes of the sandbox as dictionaries of their fields.

        >>> memex.run("{'a': [1, 2.5]}").value
        {'a': [1, 2.5]}
        """
        self._fetch()
        return self._value

    @property
    def value_error(self) -> str | None:
        """Why the value did not cross; `None` if it did.

        >>> "function" in memex.run("lambda: 1").value_error
        True
        """
        self._fetch()
        return self._value_error

    @property
    def text(self) -> str:
        """A bounded preview of the value, as a prompt shows it; empty if there is none.

        >>> memex.run("[1, 2]").text
        '[1, 2]'
        """
        return self._outcome.text or ""

    @property
    def stdout(self) -> str:
        """What was written to standard output, within `stdout_bytes`.

        >>> memex.run("print('a')").stdout
        'a\\n'
        """
        return self._outcome.stdout

    @property
    def stderr(self) -> str:
        """What was written to standard error, within `stderr_bytes`.

        >>> memex.run("import sys\\nprint('a', file=sys.stderr)").stderr
        'a\\n'
        """
        return self._outcome.stderr

    @property
    def error(self) -> ErrorInfo | None:
        """The exception that ended the turn.

        >>> memex.run("[][0]").error.message
        'list index out of range'
        """
        error = self._outcome.error
        return None if error is None else ErrorInfo(*error)

    @property
    def limit(self) -> LimitInfo | None:
        """The limit that ended the turn, or that cut its output.

        >>> memex.run("1 + 1").limit is None
        True
        """
        limit = self._outcome.limit
        return None if limit is None else LimitInfo(*limit)

    @property
    def displays(self) -> list[Display]:
        """Figures and other rich output, in order.

        >>> memex.run("1 + 1").displays
        []
        """
        return [Display(main, data) for main, data in self._outcome.displays]

    @property
    def rolled_back(self) -> bool:
        """Whether the session is back in its state before the turn.

        >>> memex.run("1 / 0").rolled_back
        False
        """
        return self._outcome.rolled_back

    @property
    def stats(self) -> Stats:
        """Times in microseconds, calls, and memory.

        >>> memex.run("1 + 1").stats.host_calls
        0
        """
        made = self._outcome
        return Stats(
            made.turn, made.wall_us, made.guest_us, made.host_calls, made.memory_bytes, made.dirty_pages, made.fuel
        )

    @property
    def turn(self) -> int:
        """The number of the turn, from 1.

        >>> session.run("1").turn, session.run("2").turn
        (1, 2)
        """
        return self._outcome.turn

    @property
    def new_names(self) -> list[str]:
        """Names that the block binds at its top level, in order of their first binding.

        They are read off the code: what `exec` binds is not seen, and a branch that was
        not taken counts.

        >>> memex.run("import math\\nx = 1").new_names
        ['math', 'x']
        """
        from memex._names import bound_names

        return bound_names(self._code)

    def raise_for_error(self) -> Result:
        """Raises `GuestError` or `LimitError` unless the turn ran to its end; returns the result.

        >>> memex.run("6 * 7").raise_for_error().value
        42
        """
        if self.ok:
            return self
        limit, error = self.limit, self.error
        if limit is not None and self.status in ("limit", "refused"):
            raise limit_error(limit.name, limit.bound, limit.actual, self)
        if error is None:
            raise GuestError("RuntimeError", f"the turn ended with the status {self.status}", "", self)
        raise GuestError(error.name, error.message, error.traceback, self)

    def value_as(self, kind: Any) -> Any:
        """The value as an object of a type: a pydantic model, a dataclass, `list[Hit]`, `date` and the like.

        Raises `GuestError` or `LimitError` for a turn that failed, and `ValueNotData` for
        a value that did not cross or does not fit, with the place.

        >>> import datetime
        >>> memex.run("['2024-02-29']").value_as(list[datetime.date])
        [datetime.date(2024, 2, 29)]
        """
        self.raise_for_error()
        if self.value_error is not None:
            raise ValueNotData(self.value_error)
        from memex._conversion import validated

        return validated(kind, self.value)

    def to_json(self) -> str:
        """The JSON object that `memex run --json` prints.

        >>> '"status":"ok"' in memex.run("1 + 1").to_json()
        True
        """
        return self._outcome.json()

    def to_dict(self) -> dict[str, Any]:
        """The same as a dictionary.

        >>> memex.run("1 + 1").to_dict()["value"]
        '2'
        """
        return json.loads(self._outcome.json())

    def _fetch(self) -> None:
        """Gets the value, while the session still has it."""
        session = self._session
        if session is None:
            return
        try:
            packed, refusal = session._last_value()
        except SessionBusy:
            # Another thread uses the session at this moment, which is for the caller to know.
            raise
        except SessionError as error:
            self._session, self._value_error = None, str(error)
            return
        self._session = None
        if refusal is not None:
            name, message = refusal
            self._value_error = message if name in ("TypeError", "ValueError") else f"{name}: {message}"
            return
        assert packed is not None
        try:
            self._value = _values.unpacked(packed)
        except ValueNotData as error:
            self._value_error = str(error)
        except Exception as error:  # What a library makes of what the guest packed is its word.
            self._value_error = f"{type(error).__name__}: {error}"

    def __repr__(self) -> str:
        what = [f"status={self.status!r}"]
        if self.text:
            what.append(f"text={self.text[:80]!r}")
        if self.stdout:
            what.append(f"stdout={self.stdout[:80]!r}")
        if self.error is not None:
            what.append(f"error={self.error.name + ': ' + self.error.message[:80]!r}")
        return "Result(" + ", ".join(what) + ")"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What a notebook shows: the value's richest forms, else the output and the preview."""
        for display in reversed(self.displays):
            if display.main or display.data:
                return shown_safely(display.data)
        error = self.error
        parts = [self.stdout, self.text, error.traceback if error is not None else ""]
        return shown_safely({"text/plain": "\n".join(part.rstrip("\n") for part in parts if part)})

    def __reduce__(self):
        raise TypeError("a Result belongs to its session; pickle its to_dict() and its value")
