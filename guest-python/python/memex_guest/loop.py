"""The event loop: one that the dispatcher steps, so that waiting returns to the host.

    turn with `await` ──> step ──> done ──────────────> result
                           │
                           └─> nothing ready ─> idle ──> host waits ──> step …

The persistent loop never blocks. The loops that `asyncio.run` makes inside a plain
block are of the same class and sleep for real, for the block holds its frame anyway.
Threads of the sandbox run while they wait.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import asyncio
import errno
import sys
from asyncio import events as _events, runners as _runners, tasks as _tasks
from heapq import heappop as _heappop

from memex_guest import strands, streams, text, traces

_set_running = _events._set_running_loop
_get_running = _events._get_running_loop
_get_hooks = sys.get_asyncgen_hooks
_set_hooks = sys.set_asyncgen_hooks
_Task = asyncio.Task
_is_coroutine = asyncio.iscoroutine
_plain_run = _runners.run
# Since 3.12; a task that runs is no task of the loop inside.
_swap_task = getattr(_tasks, "_swap_current_task", None)
_eager = {"eager_start": True} if sys.version_info >= (3, 12) else {}

# How many answers of the host are on their way; while there are any, a wait without
# a timer is no deadlock. Whoever starts such a call adds one and takes it off again.
host_answers = 0

# Waits inside the host for answers, at most so many seconds; `calls` sets it.
wait_for_answers = None

# The loop that carries turns and the tasks at rest between them.
loop = None

# What gives plain blocks their loops; `install` sets it.
_policy = None
# Code that runs one of our loops: with one of these among the frames, it is running.
_own_runs = ()


class GuestLoop(asyncio.BaseEventLoop):
    """An event loop without descriptors: only timers, callbacks and the host wake it."""

    def __init__(self):
        super().__init__()
        self.stepped = False
        self._selector = self
        self.interrupt = None
        self.struck = None
        self.set_exception_handler(_report)

    def select(self, timeout):
        """What the base class calls to wait; returns no events."""
        if self.stepped:
            return ()
        if self.interrupt is not None:
            error = self.struck = self.interrupt
            self.interrupt = None
            raise error
        if host_answers and not self._ready and (timeout is None or timeout > 0):
            wait_for_answers(timeout)
        elif timeout is None:
            if not self._ready:
                if self.struck is None and not strands.is_idle():
                    strands.pause(self._is_ready, None, "an event loop")
                    return ()
                # The task that was struck is never scheduled again, and waiting for it
                # while tidying up is a deadlock of the interrupt's making.
                raise self.struck or RuntimeError(DEADLOCK)
        elif timeout > 0:
            strands.pause(self._is_ready, timeout, "an event loop")
        return ()

    def _is_ready(self):
        return bool(self._ready)

    def wait_seconds(self):
        """The seconds until the next timer: 0 if something is ready, None without any."""
        if self._ready:
            return 0.0
        scheduled = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            # The base class drops these too, but only when it runs next.
            _heappop(scheduled)._scheduled = False
            self._timer_cancelled_count -= 1
        return max(0.0, scheduled[0]._when - self.time()) if scheduled else None

    def step(self, task):
        """Runs what is ready until the task is done (True) or must wait (False)."""
        self.enter()
        try:
            while not task.done():
                self._run_once()
                if self.interrupt is not None:
                    error = self.interrupt
                    self.interrupt = None
                    raise error
                if task.done():
                    return True
                if not self._ready:
                    wait = self.wait_seconds()
                    # Below the clock's resolution the base class counts a timer as due.
                    if wait is None or wait > self._clock_resolution:
                        return False
            return True
        finally:
            self.leave()

    def start(self, coroutine):
        """Begins a coroutine as a task; it may be done at once."""
        self.enter()
        try:
            return _Task(coroutine, loop=self, **_eager)
        finally:
            self.leave()

    def enter(self):
        """Makes this the running loop, as `run_forever` does."""
        self._thread_id = 1
        self.stepped = True
        self._hooks = _get_hooks()
        _set_hooks(firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook)
        _set_running(self)

    def leave(self):
        """Undoes `enter`."""
        _set_running(None)
        self._thread_id = None
        self.stepped = False
        _set_hooks(*self._hooks)

    def run_forever(self):
        """As in the base class; what ends it by force is remembered for what tidies up after it."""
        try:
            super().run_forever()
        except BaseException as error:
            self.struck = error
            raise

    def run_until_complete(self, future):
        """As in the base class; in code that this loop runs, a coroutine runs in a loop of its own."""
        if _is_coroutine(future) and _get_running() is self:
            return run(future)
        return super().run_until_complete(future)

    def is_running(self):
        """Whether it runs. An interrupt can strike where the base class notes that it does not any more."""
        if self._thread_id is None:
            return False
        if _is_on_stack(self):
            return True
        self._thread_id = None
        self.stepped = False
        if _get_running() is self:
            _set_running(None)
            _set_hooks(None, None)
        return False

    def run_in_executor(self, executor, func, *args):
        """Runs the function at once: there are no threads to run it elsewhere."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except (SystemExit, KeyboardInterrupt):
            raise
        except StopIteration as error:
            future.set_exception(RuntimeError("the function raised StopIteration: " + str(error)))
        except BaseException as error:
            future.set_exception(error)
        return future

    async def subprocess_exec(self, *_args, **_kwargs):
        """Refused: there are no processes."""
        raise OSError(errno.ENOTSUP, NO_PROCESSES)

    subprocess_shell = subprocess_exec

    def add_signal_handler(self, *_args):
        """Refused: no signals arrive here."""
        raise NotImplementedError("no signals reach the sandbox")

    def _process_events(self, _events_found):
        pass

    def _write_to_self(self):
        pass


class GuestPolicy(_events._AbstractEventLoopPolicy if hasattr(_events, "_AbstractEventLoopPolicy") else _events.AbstractEventLoopPolicy):
    """Gives plain blocks loops of our kind, and one to whoever asks before making one."""

    _current = None

    def get_event_loop(self):
        """The loop set last, or a new one if there is none that can be used."""
        if self._current is None or self._current.is_closed():
            self._current = GuestLoop()
        return self._current

    def set_event_loop(self, current):
        """Remembers a loop."""
        self._current = current

    def new_event_loop(self):
        """A loop that sleeps while it waits."""
        return GuestLoop()


DEADLOCK = (
    "deadlock: this waits for something that nothing can bring about any more "
    "(no timer, no other task and no host call is left)"
)
NO_PROCESSES = "the sandbox cannot start processes: use Python libraries instead (pathlib, shutil, zipfile, …)"


def run(main, **options):
    """`asyncio.run`, also in code that awaits: the coroutine then runs in a loop inside.

    Programs mix both, and in a block the outer loop is ours. Tasks of the outer loop rest
    meanwhile.
    """
    outer = _get_running()
    if type(outer) is not GuestLoop:
        return _plain_run(main, **options)
    task = _swap_task(outer, None) if _swap_task is not None else None
    hooks = _get_hooks()
    _set_running(None)
    try:
        return _plain_run(main, **options)
    finally:
        _set_hooks(*hooks)
        _set_running(outer)
        if task is not None:
            _swap_task(outer, task)


run.__module__ = "asyncio.runners"


def _no_need(_loop=None):
    """Does nothing: `asyncio.run` works inside of a running loop here."""


def install():
    """Makes the persistent loop and sets the policy."""
    global loop, _policy, _own_runs
    loop = GuestLoop()
    _policy = GuestPolicy()
    _own_runs = tuple(
        method.__code__
        for method in (asyncio.BaseEventLoop.run_forever, GuestLoop.run_forever, GuestLoop.step, GuestLoop.start)
    )
    _set_policy(_policy)
    # Whoever resets the policy, or names a loop of the system, gets ours as well.
    system = sys.modules.get("asyncio.unix_events")
    if hasattr(system, "_DefaultEventLoopPolicy"):
        system._DefaultEventLoopPolicy = GuestPolicy
    asyncio.EventLoop = asyncio.SelectorEventLoop = GuestLoop
    asyncio.run = _runners.run = run
    # What programs import to the same end.
    nested = sys.modules["nest_asyncio"] = type(sys)("nest_asyncio", _no_need.__doc__)
    nested.apply = _no_need


def disarm():
    """Takes off what code has hung into the loops; their tasks and timers stay."""
    _set_policy(_policy)
    # A loop of somebody else's class is that code.
    current = _policy._current if type(_policy._current) is GuestLoop else None
    _policy.__dict__.clear()
    _policy._current = current
    for one in (loop, current):
        if one is None:
            continue
        one._task_factory = None
        one._exception_handler = _report
        one._debug = False
        for name in list(one.__dict__):
            if _shadows(name):
                del one.__dict__[name]


def hooks():
    """What there is of what `disarm` takes off."""
    found = [getattr(_events, "_event_loop_policy", None), _policy._current, *map(_policy.__dict__.get, sorted(_policy.__dict__))]
    for one in (loop, _policy._current):
        if type(one) is GuestLoop:
            found += [one.__dict__.get(name) for name in ("_task_factory", "_exception_handler", "_debug")]
            found += [value for name, value in one.__dict__.items() if _shadows(name)]
    return found


def _shadows(name):
    """Whether an attribute of a loop takes the place of a method."""
    return any(callable(base.__dict__.get(name)) for base in GuestLoop.__mro__)


def _set_policy(policy):
    setter = getattr(_events, "_set_event_loop_policy", None) or _events.set_event_loop_policy
    setter(policy)


def _is_on_stack(one):
    """Whether a frame that stands runs a loop."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if any(code is own for own in _own_runs) and frame.f_locals.get("self") is one:
            return True
        frame = frame.f_back
    return False


def settle():
    """Leaves a loop that an interrupted turn, or the parent of a fork, was still inside.

    The task that was running never ends, so its loop cannot be stepped again: the
    turns that follow get a new one.
    """
    global loop
    running = _get_running()
    if running is None:
        return
    try:
        # In this order: a task can only be left while its loop counts as running.
        current = _tasks.current_task(running)
        if current is not None:
            _tasks._leave_task(running, current)
            loop = GuestLoop() if running is loop else loop
        running._thread_id = None
        running.stepped = False
    except Exception:
        loop = GuestLoop()
    _set_running(None)
    _set_hooks(None, None)


def _report(loop, context):
    """Says on stderr that a task failed with nobody waiting for it, without our frames."""
    try:
        message = text.safe_str(context.get("message", "asyncio reported an error"), 1000)
        error = context.get("exception")
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            # These leave the loop and end the turn; the turn's outcome tells them.
            return
        if "handle" in context and isinstance(error, (TimeoutError, MemoryError)):
            # It struck between two tasks, in the loop itself: it ends the turn.
            loop.interrupt = error
            return
        task = context.get("task") or context.get("future")
        name = ""
        if isinstance(task, _Task):
            name = " (" + text.safe_str(task.get_name(), 200) + ")"
        trace = traces.formatted(error) if isinstance(error, BaseException) else ""
        streams.err.write(message + name + "\n" + trace)
    except Exception:
        return
