"""Sessions whose state is a part of somebody else's: of a graph's, which saves it, forks it and goes back in it."""

from __future__ import annotations

import hashlib
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


class _Live:
    def __init__(self, session: memex.Session) -> None:
        self.session = session
        self.lock = threading.Lock()


class Checkpoints:
    """Runs turns in the state that is given, and gives the state after them.

    Sessions stay live by the mark of their state, so that what goes straight on costs
    nothing; from any other state one is restored.
    """

    def __init__(self, sandbox: memex.Sandbox, state_bytes: int) -> None:
        self._sandbox, self._state_bytes = sandbox, state_bytes
        self._lock = threading.Lock()
        # By the mark of their state, and by the step whose calls they run.
        self._live: OrderedDict[str, _Live] = OrderedDict()

    def run(self, saved: Saved | None, step: str, turn: Callable[[memex.Session], memex.Result]) -> tuple[memex.Result, Saved, bool]:
        """The result, the state after it, and whether the state before was lost."""
        live, lost = self._found(saved, step)
        with live.lock:
            result = turn(live.session)
            return result, self._save(live), lost

    def _found(self, saved: Saved | None, step: str) -> tuple[_Live, bool]:
        with self._lock:
            live = self._live.get(step) or self._live.pop(saved["mark"] if saved else "", None)
            lost = False
            if live is None or live.session.closed:
                if saved and saved["state"]:
                    live = _Live(self._sandbox.restore(saved["state"], keep_generators=True))
                else:
                    live, lost = _Live(self._sandbox.session()), saved is not None
            self._keep(step, live)
            return live, lost

    def _save(self, live: _Live) -> Saved:
        snapshot = live.session.snapshot()
        data = bytes(snapshot)
        mark = hashlib.sha256(data).hexdigest()
        with self._lock:
            self._keep(mark, live)
        return {"mark": mark, "turn": snapshot._native.turn, "state": data if len(data) <= self._state_bytes else None}

    def _keep(self, key: str, live: _Live) -> None:
        self._live[key] = live
        self._live.move_to_end(key)
        while len(self._live) > 2 * _LIVE:
            _, dropped = self._live.popitem(last=False)
            if all(other is not dropped for other in self._live.values()) and dropped.lock.acquire(blocking=False):
                dropped.session.close()
