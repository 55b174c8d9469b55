"""Sessions whose state is a part of somebody else's: of a graph's, which saves it, forks it and goes back in it."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from typing import Any, Callable

from typing_extensions import TypedDict

import memex

STATE_BYTES = 32 << 20
_LIVE = 32


class Saved(TypedDict):
    """A session in a graph's state: what it is known by, its turns, and its bytes unless they are too many."""

    mark: str
    turn: int
    state: bytes | None


def later(old: Saved | None, new: Saved | None) -> Saved | None:
    """Of two states of one session, as calls of one step leave them, the later one."""
    return old if old is not None and new is not None and old["turn"] > new["turn"] else new


class Used:
    """The session that a call runs in, for who may have to interrupt it."""

    def __init__(self) -> None:
        self._session: Any = None

    def by(self, session: Any) -> Any:
        """Keeps the session, and returns it."""
        self._session = session
        return session

    def interrupt(self) -> None:
        """Ends what runs, if anything does."""
        if self._session is not None:
            self._session.interrupt()


class Step:
    """The calls of one message, which use one session one after the other.

    A message and its calls are named by whoever serves the model, so that no two threads are
    told apart by that. Where there is no thread, the message itself is meant, as long as it lives.
    """

    def __init__(self, thread: str | None, message: Any, name: str) -> None:
        self._thread, self._message, self._name = thread, message, name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Step) or (self._thread, self._name) != (other._thread, other._name):
            return False
        return self._thread is not None or self._message is other._message

    def __hash__(self) -> int:
        return hash((self._thread, self._name))


class _Live:
    """A session, the mark of its state while nothing runs in it, and the step that it is used by."""

    def __init__(self, session: memex.Session) -> None:
        self.session = session
        self.lock = threading.Lock()
        self.mark: str | None = None
        self.step: tuple[Step, str] | None = None
        # The calls of the step that are over.
        self.calls: set[str] = set()


class Checkpoints:
    """Runs turns in the state that is given, and gives the state after them.

    Sessions stay live by the mark of their state, so that what goes straight on costs
    nothing; from any other state one is restored.
    """

    def __init__(self, sandbox: memex.Sandbox, state_bytes: int) -> None:
        self._sandbox, self._state_bytes = sandbox, state_bytes
        self._lock = threading.Lock()
        # The least recent one first.
        self._live: OrderedDict[_Live, None] = OrderedDict()
        self._by_mark: dict[str, _Live] = {}
        self._by_step: dict[tuple[Step, str], _Live] = {}

    def run(self, saved: Saved | None, step: Step, call: str, turn: Callable[[memex.Session], memex.Result]) -> tuple[memex.Result, Saved, bool]:
        """The result, the state after it, and whether the state before was lost."""
        live, lost = self._found(saved, step, call)
        with live.lock:
            self._marked(live, None)
            result = turn(live.session)
            kept = self._save(live)
            live.calls.add(call)
            return result, kept, lost

    def _found(self, saved: Saved | None, step: Step, call: str) -> tuple[_Live, bool]:
        mark = saved["mark"] if saved else ""
        with self._lock:
            live = self._by_step.get((step, mark))
            # A call that is over is run again where a graph goes back: in the state that it began in.
            if live is None or live.session.closed or call in live.calls:
                live = self._by_mark.get(mark)
            lost = False
            if live is None or live.session.closed:
                if saved and saved["state"]:
                    live = _Live(self._sandbox.restore(saved["state"], keep_generators=True))
                else:
                    live, lost = _Live(self._sandbox.session()), saved is not None
            self._keep(live, (step, mark))
            return live, lost

    def _save(self, live: _Live) -> Saved:
        snapshot = live.session.snapshot()
        data = bytes(snapshot)
        # Sessions of two threads may be alike.
        mark = secrets.token_hex(16)
        self._marked(live, mark)
        return {"mark": mark, "turn": snapshot._native.turn, "state": data if len(data) <= self._state_bytes else None}

    def _marked(self, live: _Live, mark: str | None) -> None:
        with self._lock:
            if live.mark is not None:
                self._by_mark.pop(live.mark, None)
            live.mark = mark
            if mark is not None and live in self._live:
                self._by_mark[mark] = live

    def _keep(self, live: _Live, step: tuple[Step, str]) -> None:
        if live.step != step or self._by_step.get(step) is not live:
            self._left(live)
            live.step, live.calls = step, set()
            self._by_step[step] = live
        self._live[live] = None
        self._live.move_to_end(live)
        while len(self._live) > _LIVE:
            dropped, _ = self._live.popitem(last=False)
            self._left(dropped)
            self._by_mark.pop(dropped.mark or "", None)
            if dropped.lock.acquire(blocking=False):
                dropped.session.close()

    def _left(self, live: _Live) -> None:
        if live.step is not None and self._by_step.get(live.step) is live:
            del self._by_step[live.step]
