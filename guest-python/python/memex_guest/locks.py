"""Locks between strands. A wait for one lets the others run; see `strands`."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from threading import TIMEOUT_MAX as WAIT_MAX_SECONDS

from memex_guest import strands

_Wait = strands.Wait


class _Free:
    """Whether a lock can be taken."""

    __slots__ = ("lock",)
    is_lock = True

    def __init__(self, lock):
        self.lock = lock

    def __call__(self):
        return not self.lock._held


class Lock:
    """A lock. Its state is one field, so an interrupt cannot split a change."""

    __slots__ = ("_held", "__weakref__")

    def __init__(self):
        self._held = False

    def acquire(self, blocking=True, timeout=-1):
        """Takes the lock; others run until it is free."""
        if not self._held:
            self._held = True
            return True
        seconds = _seconds(blocking, timeout)
        if seconds == 0 or not strands.pause(_Free(self), seconds, "Lock.acquire"):
            return False
        self._held = True
        return True

    async def acquire_steps(self, blocking=True, timeout=-1):
        """`acquire` in a strand."""
        while self._held:
            seconds = _seconds(blocking, timeout)
            if seconds == 0 or not await _Wait(_Free(self), seconds, "Lock.acquire"):
                return False
        self._held = True
        return True

    def release(self):
        """Gives the lock back."""
        if not self._held:
            raise RuntimeError("release unlocked lock")
        self._held = False

    def locked(self):
        """Whether the lock is held."""
        return self._held

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_error):
        self.release()

    def __reduce__(self):
        raise TypeError("cannot pickle '_thread.lock' object")

    def __repr__(self):
        return "<" + ("locked" if self._held else "unlocked") + " lock object at " + hex(id(self)) + ">"

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked


class RLock:
    """A lock that its thread may take again; what it holds is (thread, count) or None."""

    __slots__ = ("_held", "__weakref__")

    def __init__(self):
        self._held = None

    def acquire(self, blocking=True, timeout=-1):
        """Takes the lock once more; others run until no other thread holds it."""
        if self._again():
            return True
        seconds = _seconds(blocking, timeout)
        if seconds == 0 or not strands.pause(_Free(self), seconds, "RLock.acquire"):
            return False
        return self._again()

    async def acquire_steps(self, blocking=True, timeout=-1):
        """`acquire` in a strand."""
        while not self._again():
            seconds = _seconds(blocking, timeout)
            if seconds == 0 or not await _Wait(_Free(self), seconds, "RLock.acquire"):
                return False
        return True

    def release(self):
        """Gives the lock back once."""
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")
        owner, count = self._held
        self._held = (owner, count - 1) if count > 1 else None

    def locked(self):
        """Whether any thread holds the lock."""
        return self._held is not None

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_error):
        self.release()

    def __reduce__(self):
        raise TypeError("cannot pickle '_thread.RLock' object")

    def __repr__(self):
        state = "unlocked" if self._held is None else "locked"
        return "<" + state + " _thread.RLock object at " + hex(id(self)) + ">"

    def _again(self):
        owner = strands.current() or strands.MAIN
        held = self._held
        if held is None:
            self._held = (owner, 1)
        elif held[0] is owner:
            self._held = (owner, held[1] + 1)
        else:
            return False
        return True

    # What `threading.Condition` asks of its lock.

    def _is_owned(self):
        return self._held is not None and self._held[0] is (strands.current() or strands.MAIN)

    def _release_save(self):
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")
        saved, self._held = self._held, None
        return saved

    def _acquire_restore(self, saved):
        if self._held is not None:
            strands.pause(_Free(self), None, "Condition.wait")
        self._held = saved

    def _recursion_count(self):
        return self._held[1] if self._is_owned() else 0


async def free(lock):
    """Waits in a strand until a lock of ours can be taken."""
    while type(lock) in (Lock, RLock) and lock._held:
        await _Wait(_Free(lock), None, "Condition.wait")


def _seconds(blocking, timeout):
    """How long to wait for a lock, None without an end."""
    if not blocking:
        if timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        return 0
    if timeout < 0:
        if timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        return None
    if timeout > WAIT_MAX_SECONDS:
        raise OverflowError("timeout value is too large")
    return timeout
