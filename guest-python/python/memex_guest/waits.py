"""How `threading`, `queue` and `concurrent.futures` wait, as steps of a strand.

What is here stands for a function of the library when a strand calls it (see `twins`).
Plain code calls the library's own, which come down to `Lock.acquire`.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import queue
import threading
from concurrent.futures import _base

from memex_guest import locks, strands, twins

_Wait = strands.Wait
_call = twins.call


def install():
    """Fills the table; the classes of `threading` are as they will stay."""
    twins.steps.update(
        {
            locks.Lock.acquire: locks.Lock.acquire_steps,
            locks.RLock.acquire: locks.RLock.acquire_steps,
            threading.Condition.wait: _condition_wait,
            threading.Condition.wait_for: _condition_wait_for,
            threading.Event.wait: _event_wait,
            threading.Semaphore.acquire: _semaphore_acquire,
            threading.Barrier.wait: _barrier_wait,
            threading.Thread.run: _thread_run,
            threading.Timer.run: _timer_run,
            queue.Queue.get: _queue_get,
            queue.Queue.put: _queue_put,
            queue.Queue.join: _queue_join,
            queue._PySimpleQueue.get: _simple_get,
            _base.Future.result: _future_result,
            _base.Future.exception: _future_exception,
        }
    )
    twins.locks.update(
        {
            locks.Lock: _itself,
            locks.RLock: _itself,
            threading.Condition: _lock_of,
            threading.Semaphore: _itself,
            threading.BoundedSemaphore: _itself,
        }
    )


def _itself(lock):
    return lock


def _lock_of(condition):
    lock = condition._lock
    return lock if type(lock) in (locks.Lock, locks.RLock) else None


async def _condition_wait(self, timeout=None):
    if not self._is_owned():
        raise RuntimeError("cannot wait on un-acquired lock")
    waiter = locks.Lock()
    waiter.acquire()
    self._waiters.append(waiter)
    saved = self._release_save()
    woken = False
    try:
        seconds = None if timeout is None else max(0.0, timeout)
        woken = await _Wait(lambda: not waiter._held, seconds, "Condition.wait")
        return woken
    finally:
        await locks.free(self._lock)
        self._acquire_restore(saved)
        if not woken and waiter in self._waiters:
            self._waiters.remove(waiter)


async def _condition_wait_for(self, predicate, timeout=None):
    end = None if timeout is None else strands.now() + timeout
    while not (found := twins.checked(await _call(predicate))):
        left = None if end is None else end - strands.now()
        if left is not None and left <= 0:
            break
        await _condition_wait(self, left)
    return found


async def _event_wait(self, timeout=None):
    with self._cond:
        return self._flag or await _condition_wait(self._cond, timeout)


async def _semaphore_acquire(self, blocking=True, timeout=None):
    if not blocking and timeout is not None:
        raise ValueError("can't specify timeout for non-blocking acquire")
    with self._cond:
        if blocking:
            await _condition_wait_for(self._cond, lambda: self._value > 0, timeout)
        if self._value == 0:
            return False
        self._value -= 1
        return True


async def _barrier_wait(self, timeout=None):
    seconds = self._timeout if timeout is None else timeout
    with self._cond:
        # Those of the last round leave first.
        await _condition_wait_for(self._cond, lambda: self._state not in (-1, 1))
        if self._state < 0:
            raise threading.BrokenBarrierError
        place = self._count
        self._count = place + 1
        try:
            if self._count == self._parties:
                self._release()
            elif not await _condition_wait_for(self._cond, lambda: self._state != 0, seconds):
                self._break()
            if self._state < 0:
                raise threading.BrokenBarrierError
            return place
        finally:
            self._count -= 1
            self._exit()


async def _thread_run(self):
    try:
        if self._target is not None:
            return await _call(self._target, *self._args, **self._kwargs)
    finally:
        del self._target, self._args, self._kwargs


async def _timer_run(self):
    await _event_wait(self.finished, self.interval)
    result = None
    if not self.finished._flag:
        result = await _call(self.function, *self.args, **self.kwargs)
    self.finished.set()
    return result


def _end(timeout):
    if timeout is None:
        return None
    if timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    return strands.now() + timeout


def _left(end):
    return None if end is None else max(0.0, end - strands.now())


async def _queue_get(self, block=True, timeout=None):
    end = _end(timeout) if block else None
    while True:
        try:
            return queue.Queue.get(self, False)
        except queue.Empty:
            if not block or not await _Wait(lambda: _is_shut(self) or self._qsize() > 0, _left(end), "Queue.get"):
                raise


async def _queue_put(self, item, block=True, timeout=None):
    end = _end(timeout) if block else None
    while True:
        try:
            return queue.Queue.put(self, item, False)
        except queue.Full:
            room = lambda: _is_shut(self) or self._qsize() < self.maxsize  # noqa: E731
            if not block or not await _Wait(room, _left(end), "Queue.put"):
                raise


def _is_shut(self):
    return getattr(self, "is_shutdown", False)


async def _queue_join(self):
    while self.unfinished_tasks:
        await _Wait(lambda: not self.unfinished_tasks, None, "Queue.join")


async def _simple_get(self, block=True, timeout=None):
    if timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    if not await _semaphore_acquire(self._count, block, timeout if block else None):
        raise queue.Empty
    return self._queue.popleft()


async def _future_result(self, timeout=None):
    await _Wait(self.done, timeout, "Future.result")
    return _base.Future.result(self, 0)


async def _future_exception(self, timeout=None):
    await _Wait(self.done, timeout, "Future.exception")
    return _base.Future.exception(self, 0)
