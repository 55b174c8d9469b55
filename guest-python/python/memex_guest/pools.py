"""Executors and pools whose workers are threads of the sandbox (see `strands`)."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import itertools
import multiprocessing
import multiprocessing.pool
import queue
import threading
import weakref
from collections import deque as _deque
from concurrent.futures import _base, process as _process, thread as _thread_pool

from memex_guest import strands, threads, twins

WORKERS_MAX = 61

_Future = _base.Future
_Wait = strands.Wait
_numbers = itertools.count()


def install():
    """Patches the executors in place, so that every reference to them is covered."""
    for executor in (_thread_pool.ThreadPoolExecutor, _process.ProcessPoolExecutor):
        executor.__init__ = _executor_init
        executor.submit = _submit
        executor.shutdown = _shutdown
    twins.steps.update({_shutdown: _shutdown_steps, _work: _work_steps})
    # The one for processes has a `map` of its own that sends chunks to workers.
    _process.ProcessPoolExecutor.map = _base.Executor.map
    multiprocessing.Process = Process
    multiprocessing.Pool = Pool
    multiprocessing.pool.Pool = multiprocessing.pool.ThreadPool = Pool
    multiprocessing.Queue = multiprocessing.JoinableQueue = _queue
    multiprocessing.SimpleQueue = queue.SimpleQueue
    multiprocessing.Lock = threads.Lock
    multiprocessing.RLock = threading.RLock
    multiprocessing.Event = threading.Event
    multiprocessing.Semaphore = threading.Semaphore
    multiprocessing.get_context = _context
    multiprocessing.set_start_method = _ignore


class Process(threading.Thread):
    """A process that is a thread: it shares the session's memory."""

    pid = 1
    _ended_by = None

    @property
    def exitcode(self):
        """0 when the target has ended, None before, and -15 when it was stopped."""
        if self._ended_by is not None:
            return self._ended_by
        return 0 if getattr(self, "_memex_done", False) else None

    def terminate(self):
        """Stops the target where it waits."""
        strand = getattr(self, "_memex_strand", None)
        if strand is not None and not getattr(self, "_memex_done", False):
            strands.remove(strand)
            threads.ended(self)
            self._ended_by = -15

    kill = terminate

    def close(self):
        """Does nothing: there are no resources of a process."""


class Result:
    """The outcome of a call that a pool makes."""

    def __init__(self, future, callback=None, error_callback=None):
        self._future = future
        self._callbacks = (callback, error_callback)
        future.add_done_callback(self._tell)

    def _tell(self, future):
        error = future.exception()
        tell = self._callbacks[error is not None]
        if tell is not None:
            tell(future.result() if error is None else error)

    def get(self, timeout=None):
        """The value, or the exception raised."""
        try:
            return self._future.result(timeout)
        except TimeoutError as error:
            if self._future.done():
                raise
            raise multiprocessing.TimeoutError from error

    def wait(self, timeout=None):
        """Waits until the call is over."""
        _base.wait([self._future], timeout)

    def ready(self):
        """Whether the call is over."""
        return self._future.done()

    def successful(self):
        """Whether the call returned."""
        if not self._future.done():
            raise ValueError(repr(self) + " not ready")
        return self._future.exception() is None


class Pool:
    """`multiprocessing.Pool` and `ThreadPool`."""

    def __init__(self, processes=None, initializer=None, initargs=(), *_args, **_kwargs):
        self._executor = _thread_pool.ThreadPoolExecutor(processes or 1, initializer=initializer, initargs=initargs)
        self._closed = False

    def apply(self, func, args=(), kwds=None):
        """Calls the function."""
        return self.apply_async(func, args, kwds).get()

    def apply_async(self, func, args=(), kwds=None, callback=None, error_callback=None):
        """Begins a call of the function."""
        self._check()
        return Result(self._executor.submit(func, *args, **(kwds or {})), callback, error_callback)

    def map(self, func, iterable, chunksize=None):
        """Calls the function with each element."""
        return self.starmap(func, ((one,) for one in iterable))

    def starmap(self, func, iterable, chunksize=None):
        """Calls the function with the members of each element."""
        self._check()
        return [future.result() for future in [self._executor.submit(func, *args) for args in iterable]]

    def map_async(self, func, iterable, chunksize=None, callback=None, error_callback=None):
        """Begins a `map`."""
        return self.starmap_async(func, [(one,) for one in iterable], None, callback, error_callback)

    def starmap_async(self, func, iterable, chunksize=None, callback=None, error_callback=None):
        """Begins a `starmap`."""
        self._check()
        return Result(_All([self._executor.submit(func, *args) for args in iterable]), callback, error_callback)

    def imap(self, func, iterable, chunksize=1):
        """Calls the function with each element; the results come in their order."""
        self._check()
        futures = [self._executor.submit(func, one) for one in iterable]
        return (future.result() for future in futures)

    def imap_unordered(self, func, iterable, chunksize=1):
        """Calls the function with each element; the results come as they are there."""
        self._check()
        futures = [self._executor.submit(func, one) for one in iterable]
        return (future.result() for future in _base.as_completed(futures))

    def close(self):
        """Refuses further calls."""
        self._closed = True

    def terminate(self):
        """Refuses further calls, and drops those that have not begun."""
        self._closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)

    def join(self):
        """Waits until all calls are over."""
        if not self._closed:
            raise ValueError("Pool is still running")
        self._executor.shutdown()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.terminate()

    def _check(self):
        if self._closed:
            raise ValueError("Pool not running")


class _All(_Future):
    """The results of several calls as one list."""

    def __init__(self, futures):
        super().__init__()
        self._parts = futures
        self._open = len(futures)
        self.set_running_or_notify_cancel()
        if not futures:
            self.set_result([])
        for future in futures:
            future.add_done_callback(self._one_is_done)

    def _one_is_done(self, _future):
        self._open -= 1
        if self._open:
            return
        failed = next((one.exception() for one in self._parts if one.exception() is not None), None)
        if failed is not None:
            self.set_exception(failed)
        else:
            self.set_result([one.result() for one in self._parts])


class _Work:
    """What an executor and its workers share; workers do not hold the executor."""

    __slots__ = ("items", "threads", "begun", "is_closed", "prefix", "initializer", "owner")

    def __init__(self, executor, prefix, initializer):
        self.items = _deque()
        # Its workers, and for each whether it makes a call.
        self.threads = {}
        self.begun = 0
        self.is_closed = False
        self.prefix = prefix
        self.initializer = initializer
        self.owner = weakref.ref(executor)

    def alive(self):
        """The workers that there are: a fork has none of its parent's."""
        for thread in [one for one in self.threads if getattr(one, "_memex_done", False)]:
            del self.threads[thread]
        return self.threads

    def has_news(self):
        """Whether an idle worker has something to do, or to end for."""
        return bool(self.items) or self.is_closed or self.owner() is None


def _executor_init(self, max_workers=None, thread_name_prefix="", initializer=None, initargs=(), **_kwargs):
    if type(thread_name_prefix) is not str:
        # Of processes, this is the context.
        thread_name_prefix = ""
    if max_workers is not None and max_workers <= 0:
        raise ValueError("max_workers must be greater than 0")
    if initializer is not None and not callable(initializer):
        raise TypeError("initializer must be a callable")
    self._max_workers = min(max_workers or WORKERS_MAX, WORKERS_MAX)
    prefix = thread_name_prefix or type(self).__name__ + "-" + str(next(_numbers))
    self._memex_work = _Work(self, prefix, (initializer, initargs))


def _submit(self, fn, /, *args, **kwargs):
    work = self._memex_work
    if work.is_closed:
        raise RuntimeError("cannot schedule new futures after shutdown")
    future = _Future()
    work.items.append((future, fn, args, kwargs))
    workers = work.alive()
    if all(workers.values()) and len(workers) < self._max_workers:
        name = work.prefix + "_" + str(work.begun)
        work.begun += 1
        thread = threading.Thread(target=_work, args=(work,), name=name, daemon=True)
        workers[thread] = False
        thread.start()
    else:
        strands.step()
    return future


def _work(work):
    raise RuntimeError("a worker runs in steps")


async def _work_steps(work):
    """A worker: takes calls until there will be no more."""
    strand = strands.current()
    initializer, initargs = work.initializer
    try:
        if initializer is not None:
            twins.checked(await twins.call(initializer, *initargs))
        while True:
            while work.items:
                future, fn, args, kwargs = work.items.popleft()
                # A turn does not end while its calls are being made.
                strand.is_daemon = False
                work.threads[strand.thread] = True
                try:
                    await _answer(future, fn, args, kwargs)
                finally:
                    work.threads[strand.thread] = False
                    strand.is_daemon = True
                del future, fn, args, kwargs
            if work.is_closed or work.owner() is None:
                return
            await _Wait(work.has_news, None, "an executor's queue")
    except BaseException as error:
        # Only an initializer raises here: nobody will make the calls.
        work.is_closed = True
        while work.items:
            work.items.popleft()[0].set_exception(_thread_pool.BrokenThreadPool(str(error)))
        raise
    finally:
        work.threads.pop(strand.thread, None)


async def _answer(future, fn, args, kwargs):
    if not future.set_running_or_notify_cancel():
        return
    try:
        value = twins.checked(await twins.call(fn, *args, **kwargs))
    except KeyboardInterrupt as error:
        future.set_exception(error)
        raise
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(value)


def _close(self, cancel_futures):
    work = self._memex_work
    work.is_closed = True
    if cancel_futures:
        while work.items:
            work.items.popleft()[0].cancel()
    return lambda: not work.alive()


def _shutdown(self, wait=True, *, cancel_futures=False):
    is_done = _close(self, cancel_futures)
    if wait:
        strands.pause(is_done, None, "Executor.shutdown")


async def _shutdown_steps(self, wait=True, *, cancel_futures=False):
    is_done = _close(self, cancel_futures)
    if wait:
        await _Wait(is_done, None, "Executor.shutdown")


def _queue(maxsize=0):
    return queue.Queue(max(maxsize, 0))


def _context(method=None):
    return multiprocessing


def _ignore(*_args, **_kwargs):
    return None
