"""States of sessions, which go on in others, in this process or as bytes."""

from __future__ import annotations

from typing import Any

from memex._errors import SnapshotError


class Snapshot:
    """A session's state between turns. `bytes(snapshot)` leaves the process, and so does a pickle.

    >>> session.set("x", 1)
    >>> data = bytes(session.snapshot())
    >>> box.restore(data).run("x").value
    1
    """

    __slots__ = ("_native", "_bytes")

    def __init__(self, data: bytes) -> None:
        self._native: Any = None
        self._bytes: bytes | None = bytes(data)

    @classmethod
    def _of(cls, native: Any) -> Snapshot:
        made = cls.__new__(cls)
        made._native, made._bytes = native, None
        return made

    def __bytes__(self) -> bytes:
        if self._bytes is None:
            self._bytes = self._native.encode()
        return self._bytes

    def __reduce__(self):
        return Snapshot, (bytes(self),)

    def __repr__(self) -> str:
        if self._native is None:
            return f"Snapshot({len(self._bytes or b'')} bytes)"
        return f"Snapshot(turn={self._native.turn})"

    def _in(self, sandbox: Any) -> Any:
        """The state for a session of a sandbox."""
        if self._native is not None:
            return self._native
        # Anew for each: the bytes are held against the sandbox's own limits.
        return sandbox._open().decode(self._bytes)


def snapshot_of(state: Any) -> Snapshot:
    """A snapshot of what a user gives."""
    if isinstance(state, Snapshot):
        return state
    if isinstance(state, (bytes, bytearray, memoryview)):
        return Snapshot(bytes(state))
    raise SnapshotError(f"a snapshot, or the bytes of one, is needed, not {type(state).__name__}")
