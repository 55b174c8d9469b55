"""`threading` over strands: a thread runs inside `start()` until it first waits."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import _thread
import _threading_local
import builtins
import queue
import sys
import threading
import time
from time import sleep as _plain_sleep

from memex_guest import generators, glances, locks, rewriting, strands, streams, text, traces, twins, waits

_plain_hook = threading.excepthook
_Thread = threading.Thread
_active = threading._active
_main_ident = threading.get_ident()
Lock = locks.Lock
RLock = locks.RLock


def _made(kind):
    """Makes one of a class that no one meets: what goes through the builtins takes a type for Python's own."""

    def make(*arguments, **named):
        return kind(*arguments, **named)

    return make


# What twins call.
_BUILTINS = {
    rewriting.CALL: twins.call,
    rewriting.TWIN: twins.twin,
    rewriting.ENTERED: _made(twins.entered),
    rewriting.BREATHE: strands.breathe,
    rewriting.EACH: _made(generators.each),
    rewriting.CHECKED: twins.checked,
    rewriting.STOP: StopIteration,
    rewriting.STOPPED: twins.stopped,
}


def install():
    """Patches `threading`, `queue` and `time`; what imported a real lock before keeps it, uncontended."""
    threading.Lock = threading._allocate_lock = _thread.allocate_lock = Lock
    threading.RLock = threading._PyRLock = _thread.RLock = RLock
    threading._CRLock = None
    threading.local = _threading_local.local
    threading.get_ident = _thread.get_ident = _threading_local.get_ident = get_ident
    threading.get_native_id = get_ident
    _Thread.start = _start
    _Thread.join = _join
    _Thread.is_alive = _is_alive
    # The C queue waits on a real lock, for ever.
    queue.SimpleQueue = queue._PySimpleQueue
    _thread.start_new_thread = _thread.start_new = _start_new
    time.sleep = sleep
    strands.on_end["active"] = _active
    waits.install()
    glances.install()
    twins.steps.update({_join: _join_steps, sleep: _sleep_steps})
    generators.install()
    for name, value in _BUILTINS.items():
        setattr(builtins, name, value)


def get_ident():
    """The number of the thread that runs."""
    strand = strands.current()
    return _main_ident if strand is None else _main_ident + strand.ident


def sleep(seconds, /):
    """sleep(seconds)

    Suspends the thread for so many seconds; others run meanwhile.
    """
    if strands.is_idle() and strands.alarm is None:
        return _plain_sleep(seconds)
    seconds = _checked(seconds)
    if not seconds:
        strands.step()
    else:
        strands.pause(_never, seconds, "time.sleep")


sleep.__module__ = "time"


async def _sleep_steps(seconds, /):
    """`sleep(0)` lets the others run as well."""
    await strands.Wait(_never, _checked(seconds), "time.sleep")


def _never():
    return False


def _checked(seconds):
    if type(seconds) in (int, float) and seconds > 0:
        return seconds
    # It refuses what is no number of seconds, in its own words.
    if not hasattr(seconds, "__float__") or not float(seconds) > 0:
        _plain_sleep(seconds)
    return float(seconds)


def begin(thread):
    """Makes a strand of a thread that has not started: it runs to its first wait."""
    twins.look_again()
    run = thread.run
    body = twins.twin(run)
    target = getattr(thread, "_target", None)
    inner = target if getattr(run, "__func__", None) is _Thread.run else run
    is_reserved = twins.twin(inner) is None and twins.waits(inner)
    coroutine = None
    if body is None or is_reserved:
        is_library = is_reserved and thread.daemon and twins.is_library(inner)
        strand = strands.Strand(thread, None, lambda: _plain(thread), thread.daemon, is_library)
    else:
        coroutine = _stepped(thread, body)
        strand = strands.Strand(thread, coroutine, None, thread.daemon)
    thread._ident = _main_ident + strand.ident
    thread._memex_strand = strand
    _active[thread._ident] = thread
    try:
        strands.add(strand, is_reserved)
    except RuntimeError:
        if coroutine is not None:
            coroutine.close()
        ended(thread)
        raise


def _start(self):
    if not getattr(self, "_initialized", False):
        raise RuntimeError("thread.__init__() not called")
    if self._started._flag:
        raise RuntimeError("threads can only be started once")
    self._started.set()
    begin(self)


async def _stepped(thread, body):
    try:
        twins.checked(await body())
    except SystemExit:
        return
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        _report(thread, error)
    finally:
        ended(thread)


def _plain(thread):
    try:
        thread.run()
    except SystemExit:
        return
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        _report(thread, error)
    finally:
        ended(thread)


def ended(thread):
    """Notes that a thread is over."""
    thread._memex_done = True
    _active.pop(thread._ident, None)


def _is_done(thread):
    return getattr(thread, "_memex_done", False)


def _checked_join(self, timeout):
    if not getattr(self, "_initialized", False):
        raise RuntimeError("Thread.__init__() not called")
    if not self._started._flag:
        raise RuntimeError("cannot join thread before it is started")
    strand = getattr(self, "_memex_strand", None)
    if strand is strands.current():
        raise RuntimeError("cannot join current thread")
    if strand is not None and not _is_done(self):
        strands.need(strand)
    return lambda: _is_done(self), None if timeout is None else max(0.0, timeout), "Thread.join"


def _join(self, timeout=None):
    strands.pause(*_checked_join(self, timeout))


async def _join_steps(self, timeout=None):
    wait = strands.Wait(*_checked_join(self, timeout))
    if not wait.ready():
        await wait


def _is_alive(self):
    if isinstance(self, threading._MainThread):
        return True
    if not self._started._flag or _is_done(self):
        return False
    strands.glance()
    return not _is_done(self)


def _start_new(function, args, kwargs=None, /):
    thread = _Thread(target=function, args=args, kwargs=kwargs, daemon=True)
    thread.start()
    return thread.ident


def _report(thread, error):
    if isinstance(error, strands.Deadlock):
        strands.note_deadlock(str(error))
    hook = threading.excepthook
    if hook is not _plain_hook:
        hook(threading.ExceptHookArgs((type(error), error, error.__traceback__, thread)))
        return
    stream = sys.stderr if sys.stderr is not None else streams.err
    name = text.safe_str(thread.name, 200)
    stream.write("Exception in thread " + name + ":\n" + traces.formatted(error))
