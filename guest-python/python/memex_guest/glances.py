"""Questions that code asks again and again until the answer is yes: `while not f.done(): pass`.

Asked outside of threads, and answered no, each lets the others run.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import queue
import threading
from concurrent.futures import _base

from memex_guest import locks, strands

_glance = strands.glance
_done = _base.Future.done
_empty = queue.Queue.empty
_qsize = queue.Queue.qsize
_full = queue.Queue.full
_simple_empty = queue._PySimpleQueue.empty
_simple_qsize = queue._PySimpleQueue.qsize


def install():
    """Patches the classes."""
    _base.Future.done = done
    threading.Event.is_set = is_set
    queue.Queue.empty = empty
    queue.Queue.qsize = qsize
    queue.Queue.full = full
    queue._PySimpleQueue.empty = simple_empty
    queue._PySimpleQueue.qsize = simple_qsize
    locks.Lock.locked = locks.Lock.locked_lock = locked


def done(self):
    """Return True if the future was cancelled or finished executing."""
    if not _done(self):
        _glance()
    return _done(self)


def is_set(self):
    """Return true if and only if the internal flag is true."""
    if not self._flag:
        _glance()
    return self._flag


def empty(self):
    """Return True if the queue is empty, False otherwise (not reliable!)."""
    if _empty(self):
        _glance()
    return _empty(self)


def qsize(self):
    """Return the approximate size of the queue (not reliable!)."""
    if not _qsize(self):
        _glance()
    return _qsize(self)


def full(self):
    """Return True if the queue is full, False otherwise (not reliable!)."""
    if _full(self):
        _glance()
    return _full(self)


def simple_empty(self):
    """Return True if the queue is empty, False otherwise (not reliable!)."""
    if _simple_empty(self):
        _glance()
    return _simple_empty(self)


def simple_qsize(self):
    """Return the approximate size of the queue (not reliable!)."""
    if not _simple_qsize(self):
        _glance()
    return _simple_qsize(self)


def locked(self):
    """Whether the lock is held."""
    if self._held:
        _glance()
    return self._held
