"""Sessions: one interpreter each, with a scope that lasts from turn to turn."""

from __future__ import annotations

import json
import threading
import time
import weakref
from collections import deque
from typing import Any, Callable, Iterator, Mapping, NamedTuple

from memex import _calls, _characters, _scope, _values
from memex._errors import AnswerError, SessionBusy, SessionError, ValueNotData
from memex._result import Result
from memex._snapshot import Snapshot
from memex._steps import Call, Done, Waiting

_FIRST_LINE = 200
# How long a session that is closed waits for its turn in another thread to end, in seconds.
_PATIENCE = 10.0
# What is kept of a block for its record, and how many records of a session that is not saved.
_FIRST_LINES = 1000
_RECORDS = 10_000


class TurnRecord(NamedTuple):
    """One turn of a session's history.

    >>> session.run("x = 1").ok
    True
    >>> [(turn.turn, turn.status, turn.first_line) for turn in session.history()]
    [(1, 'ok', 'x = 1')]
    """

    turn: int
    status: str
    first_line: str
    time: float


class Failure:
    """An answer that raises in the sandbox: `session.answer({id: Failure(ValueError("no"))})`.

    >>> call = session.start("approve('delete it')").calls[0]
    >>> session.answer({call.id: memex.Failure(PermissionError("no"))}).result.error.name
    'PermissionError'
    """

    def __init__(self, error: BaseException) -> None:
        self.name, self.message, _detail = _calls.refusal("answer", error)


class BaseSession:
    """What sessions and async sessions have in common: everything that does not wait."""

    def __init__(self, sandbox: Any, native: Any, lost_files: list[str]) -> None:
        self._sandbox = sandbox
        self._native = native
        self._turn: _calls.Turn | None = None
        self._struck_by: BaseException | None = None
        self._running = threading.Lock()
        self._last: Callable[[], Result | None] = _no_result
        self._code = ""
        # Number, status, the beginning of the code, and the time of each turn.
        self._history: deque[tuple[int, str, str, float]] = deque(maxlen=_RECORDS)
        # The states after the last turns, as many as are kept.
        self._keeps = 0
        self._kept: dict[int, Any] = {}
        #: Files that were open when the session was saved, and cannot be opened again.
        self.lost_files = lost_files
        _calls.sessions[native.name] = self
        sandbox._sessions.add(self)

    # Variables

    def get(self, name: str) -> Any:
        """The value of a variable. Raises `ValueNotData` for one that is not there or cannot cross.

        >>> session.set("x", [1, 2])
        >>> session.get("x")
        [1, 2]
        """
        self._settle()
        packed, refusal = self._native.get(_characters.checked(name, "the name", ValueNotData))
        if refusal is not None:
            kind, message = refusal
            raise ValueNotData(message if kind in ("TypeError", "ValueError") else f"{kind}: {message}")
        return _values.unpacked(packed)

    def set(self, name: str, value: Any) -> None:
        """Binds a variable to a value: data as in `Result.value`, arrays, tables, models by their fields.

        >>> session.set("day", datetime.date(2024, 2, 29))
        >>> session.run("day.year").value
        2024
        """
        if not (isinstance(name, str) and name.isidentifier()):
            raise ValueNotData(f"{name!r} is not a name that Python code can use")
        packed = _values.packed(value, name)
        self._settle()
        refusal = self._native.set(name, packed)
        if refusal is not None:
            raise ValueNotData(f"{name}: {refusal[1]}")

    def names(self) -> list[dict[str, Any]]:
        """The variables: name, type, preview, and shape or length. Raises `SessionError` where code changed what tells of them.

        >>> session.set("x", [1, 2])
        >>> [(one["name"], one["type"]) for one in session.names() if one["name"] == "x"]
        [('x', 'list')]
        """
        self._settle()
        answer = self._native.inspect(json.dumps({"op": "names"}))
        return _scope.names(answer)

    def complete(self, code: str, cursor: int | None = None) -> list[str]:
        """What may follow in a block up to the cursor, as at a prompt. Raises `SessionError` as `names` does.

        >>> session.set("population", 3)
        >>> session.complete("popul")
        ['population']
        """
        self._settle()
        request = {"op": "complete", "text": code, "cursor": len(code) if cursor is None else cursor}
        answer = self._native.inspect(json.dumps(request))
        return _scope.matches(answer)

    # State

    def snapshot(self) -> Snapshot:
        """The state now; the session goes on undisturbed.

        >>> before = session.snapshot()
        >>> session.set("x", 1)
        >>> session.rewind(before)
        []
        """
        self._settle()
        return Snapshot._of(self._native.snapshot())

    def rewind(self, to: Snapshot | None = None, *, turn: int | None = None) -> list[str]:
        """Goes back to a snapshot, or to how a turn left it.

        The latter takes a session that is saved by name, or that keeps its states:
        `Sandbox.session(keep=10)`. Returns the paths of files that were open then and cannot be opened again.

        >>> session = box.session(keep=10)
        >>> for n in range(3):
        ...     _ = session.run(f"x = {n}")
        >>> session.rewind(turn=2)
        []
        >>> session.get("x")
        1
        """
        if (to is None) == (turn is None):
            raise SessionError("rewind takes either a snapshot or a turn")
        self._settle()
        state = to._in(self._sandbox) if to is not None else self._state_after(turn)
        lost = self._native.rewind(state)
        self._history = deque((record for record in self._history if record[0] <= state.turn), maxlen=_RECORDS)
        self._kept = {number: kept for number, kept in self._kept.items() if number <= state.turn}
        return lost

    def _state_after(self, turn: int | None) -> Any:
        if turn in self._kept:
            return self._kept[turn]
        if self._is_saved:
            return self._native.saved_turn(turn, self._store)
        if not self._keeps:
            raise SessionError("the session keeps no states; make it with session(keep=10), or take snapshots")
        known = ", ".join(str(number) for number in self._kept)
        raise SessionError(f"the state after turn {turn} is not kept; those after these turns are: {known}")

    def _keep(self, count: int) -> None:
        """Has the states after the last turns kept, and the one now."""
        if count < 0:
            raise SessionError(f"a session keeps a number of states, not {count}")
        self._keeps = count
        self._keep_state()

    def _keep_state(self) -> None:
        if not self._keeps:
            return
        state = self._native.snapshot()
        self._kept[state.turn] = state
        while len(self._kept) > self._keeps + 1:
            del self._kept[min(self._kept)]

    def history(self) -> list[TurnRecord]:
        """The turns so far, oldest first, the last 10,000 of them; of a session that is saved by name, those in its store.

        >>> session.run("1 / 0").ok
        False
        >>> [turn.status for turn in session.history()]
        ['exception']
        """
        records = self._native.records(self._store)
        if records is None:
            return [TurnRecord(turn, status, _first_line(code), when) for turn, status, code, when in self._history]
        return [TurnRecord(turn, status, line, ms / 1000) for turn, status, line, ms in reversed(records)]

    def interrupt(self) -> bool:
        """Raises `KeyboardInterrupt` in the turn that runs in another thread; says whether there is one.

        >>> threading.Timer(0.2, session.interrupt).start()
        >>> session.run("while True: pass").error.name
        'KeyboardInterrupt'
        """
        return self._native.interrupt()

    def hibernate(self) -> bytes:
        """The session with the turn that waits, for `Sandbox.wake` in any process with the same image and tools.

        It holds the arguments and answers of calls, which are as secret as the heap. This session goes on
        waiting; close it if the other one is to answer.

        >>> step = session.start("approve('delete it')")
        >>> data = session.hibernate()
        >>> session.close()
        >>> box.wake(data).open_calls() == step.calls
        True
        """
        return self._native.hibernate()

    def open_calls(self) -> list[Call]:
        """The calls that wait for an answer.

        >>> step = session.start("approve('delete it')")
        >>> [call.name for call in session.open_calls()]
        ['approve']
        """
        return [Call(id, tool, arguments) for id, tool, arguments, _held in self._native.open_calls()]

    @property
    def closed(self) -> bool:
        """Whether the session was closed.

        >>> session.closed
        False
        """
        return self._native.closed

    def _close(self, patience: float = _PATIENCE) -> None:
        if not self._native.closed:
            try:
                self._settle()
            except SessionError:
                # It waits, or runs in another thread: what it would have said is gone.
                self._last = _no_result
        self._native.close(patience)

    # Turns

    # Where events go while a stream follows the session.
    _put: Callable[[Any], None] | None = None
    _store: str | None = None
    _is_saved = False

    def _begin(self, loop: Any = None, code: str | None = None) -> None:
        """A part of a turn begins: nobody else runs one until `_end`."""
        if code is not None and not isinstance(code, str):
            raise TypeError(f"code is a text, not {type(code).__name__}")
        if not self._running.acquire(blocking=False):
            raise SessionBusy(
                "the session runs a turn already; a session runs one turn at a time, "
                "so wait for it, or use a fork or another session"
            )
        try:
            self._settle()
        except BaseException:
            self._end()
            raise
        if code is not None:
            self._code = code
        self._struck_by = None
        if self._sandbox.tools:
            self._turn = _calls.Turn(loop)

    def _end(self) -> None:
        self._running.release()

    def _seen(self, step: Any) -> Result | list[Call]:
        if self._struck_by is not None:
            error, self._struck_by = self._struck_by, None
            raise error
        if type(step) is list:
            return [Call(id, tool, arguments) for id, tool, arguments, _held in step]
        result = Result(step, self, self._code)
        if step.text is not None:
            self._last = weakref.ref(result)
        if step.status != "refused":
            self._history.append((step.turn, step.status, self._code[:_FIRST_LINES], time.time()))
            if self._keeps:
                self._keep_state()
        return result

    def _settle(self) -> None:
        """Gets the value of the last turn, if somebody may still ask for it, before the session goes on."""
        last, self._last = self._last, _no_result
        result = last()
        if result is not None:
            result._fetch()

    def _last_value(self) -> tuple[bytes | None, tuple[str, str] | None]:
        found = self._native.get("_")
        self._last = _no_result
        return found

    def _struck(self, error: BaseException) -> None:
        """A tool was ended by something that is not the guest's to catch: the turn ends, and it is raised."""
        self._struck_by = error
        self._native.interrupt()

    def _packed_answers(self, answers: Mapping[str, Any]) -> list[tuple[str, str, Any, Any]]:
        packed: list[tuple[str, str, Any, Any]] = []
        for id, value in answers.items():
            _characters.checked(id, "the id of a call", AnswerError)
            if isinstance(value, Failure):
                packed.append((id, "error", value.name, value.message))
            else:
                try:
                    packed.append((id, "value", *_values.json_like(_values.plain(value), f"the answer to {id}")))
                except (TypeError, ValueError) as error:
                    raise ValueNotData(f"{error}".replace("passed to a tool", "an answer")) from None
        return packed

    def _repr_html_(self) -> str:
        """A table of the variables, for notebooks."""
        from html import escape

        rows = "".join(
            f"<tr><td>{escape(one['name'])}</td><td>{escape(one['type'])}</td><td>{escape(one.get('preview', ''))}</td></tr>"
            for one in self.names()
        )
        return f"<table><tr><th>name</th><th>type</th><th>value</th></tr>{rows}</table>"

    def __repr__(self) -> str:
        return f"<memex.{type(self).__name__} {self._native.name}{' (closed)' if self.closed else ''}>"

    def __reduce__(self):
        raise TypeError("a session cannot be pickled; pickle session.snapshot(), and restore it with Sandbox.restore()")


class Session(BaseSession):
    """One interpreter with a scope that lasts from turn to turn.

    Runs one turn at a time: a second thread that uses it meanwhile gets `SessionBusy`.
    Sessions on several threads run in parallel.

    >>> session = box.session()
    >>> session.run("x = 20").ok
    True
    >>> session.run("x + 22").value
    42
    """

    def run(self, code: str) -> Result:
        """Runs a block to its end. What goes wrong in it is in the result; nothing of that raises.

        >>> session.run("6 * 7").value
        42
        """
        found = self._started(code)
        if isinstance(found, list):
            self.cancel()
            names = ", ".join(sorted({call.name for call in found}))
            raise SessionError(
                f"the code called {names}, whose calls wait for an answer; use session.start(code) and session.answer(…)"
            )
        return found

    def stream(self, code: str) -> Iterator[Any]:
        """Runs a block and yields what happens as it happens: `Stdout`, `Stderr`, a `ToolCall` for each call of a function
        of this process; then each `Display`, and `Done`.

        >>> for event in session.stream("print('a')\\n6 * 7"):
        ...     match event:
        ...         case memex.Stdout(text): print(text, end="")
        ...         case memex.Done(result): print(result.value)
        a
        42
        """
        from memex._streams import stream

        return stream(self, code)

    def start(self, code: str) -> Done | Waiting:
        """Runs a block until it is over, or waits for answers to calls of tools that suspend.

        >>> step = session.start("approve('delete it')")
        >>> step.calls[0].args
        {'action': 'delete it'}
        """
        return _step(self._started(code))

    def answer(self, answers: Mapping[str, Any] | None = None) -> Done | Waiting:
        """Answers calls by their ids, with values or `Failure`s, and goes on with the turn that waits.

        >>> step = session.start("approve('delete it')")
        >>> session.answer({step.calls[0].id: True}).result.value
        True
        """
        packed = self._packed_answers(answers or {})
        self._begin()
        try:
            return _step(self._seen(self._native.answer(packed)))
        finally:
            self._end()

    def _started(self, code: str) -> Result | list[Call]:
        self._begin(code=code)
        try:
            return self._seen(self._native.start(_characters.block(code)))
        finally:
            self._end()

    def cancel(self) -> Result | None:
        """Gives up the turn that waits: its result, or `None` if it was rolled back instead.

        >>> step = session.start("approve('delete it')")
        >>> session.cancel().error.name
        'KeyboardInterrupt'
        """
        step = self._native.cancel()
        return None if step is None else _ended(self._seen(step))

    def fork(self, count: int = 1) -> list[Session]:
        """Sessions in this one's state, which go their own ways, with random generators of their own.

        >>> session.set("x", 1)
        >>> left, right = session.fork(2)
        >>> left.run("x += 1\\nx").value, right.run("x").value
        (2, 1)
        """
        if count < 0:
            raise SessionError(f"a session is forked a number of times, not {count}")
        self._settle()
        return [Session(self._sandbox, native, []) for native in self._native.fork(count)]

    def close(self) -> None:
        """Ends the session; a turn that runs in another thread is ended first.

        >>> session.close()
        >>> session.closed
        True
        """
        self._close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _ended(found: Result | list[Call]) -> Result | None:
    return None if isinstance(found, list) else found


def _step(found: Result | list[Call]) -> Done | Waiting:
    return Waiting(found) if isinstance(found, list) else Done(found)


def _first_line(code: str) -> str:
    return next((line.strip() for line in code.splitlines() if line.strip()), "")[:_FIRST_LINE]


def _no_result() -> None:
    return None
