"""Threads as strands: each runs until it waits, and the others go on meanwhile.

    start ──> runs at once ──> waits ──> somebody else waits ──> runs on ──> done
                               (Wait)    (pause, or the turn's end)

The interpreter has one thread. A strand is a coroutine that hands its waits to whoever
steps it (see `twins` for how plain functions become coroutines), or a plain call, which
waits where it stands: `pause` steps the others meanwhile. Nothing is preempted.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

from asyncio import events as _events, tasks as _tasks
from collections import deque as _deque
from contextvars import Context as _Context
from time import monotonic as _monotonic, sleep as _sleep

_get_running = _events._get_running_loop
_set_running = _events._set_running_loop
# Since 3.12; the task that runs is no task of a thread's own loop.
_swap_task = getattr(_tasks, "_swap_current_task", None)

STRANDS_MAX = 4_096
# A strand that only computes lets others run after so long, at its next turn of a loop.
SLICE_SECONDS = 0.005
# How long a turn sleeps at its end for threads that are no daemons.
END_SECONDS = 5.0
# How long a question that is asked again and again waits for those that sleep.
GLANCE_SECONDS = 0.001
# How long daemons, and threads of earlier turns, that could go on do so at the end of a turn.
DAEMONS_SECONDS = 0.05
# No single sleep is longer, so that what a strand waits for is looked at again.
_SLEEP_MAX = 3600.0
_NAMES_MAX = 10

MAIN = 0

# Those that can be stepped, the next one first, and plain calls that nobody has needed yet.
_live = _deque()
_reserved = _deque()
# What runs now, and where plain code waits below it.
_current = None
_pauses = []
# Strands that are never stepped again. Freeing one would run its `finally` blocks.
_left = []
# What a deadlock in a thread said, for the end of the turn: at most one text.
_told = []
# All empty in a session without threads, which is what a turn looks at.
BUSY = (_live, _reserved, _told)
# Where `threading` lists its threads, under "active".
on_end = {}
_next_ident = MAIN + 1
# The moment at which a timer is due, and what is called then; see `alarms`.
alarm = None
# Seconds by which sleeping outran the clock, which a policy may fix.
_skew = 0.0


class Deadlock(RuntimeError):
    """Nothing is left that could end a wait."""


# A turn tells it as what it is.
Deadlock.__name__ = Deadlock.__qualname__ = "RuntimeError"
Deadlock.__module__ = "builtins"


class Wait:
    """What a strand waits for: a condition without side effects, or a moment."""

    __slots__ = ("ready", "deadline", "what")

    def __init__(self, ready, seconds, what):
        self.ready = ready
        self.deadline = None if seconds is None else now() + seconds
        self.what = what

    def __await__(self):
        return (yield self)


class Strand:
    """A thread that runs piece by piece."""

    __slots__ = ("thread", "ident", "send", "plain", "wait", "context", "is_daemon", "is_on_stack", "since", "is_library", "is_old")

    def __init__(self, thread, coroutine, plain, is_daemon, is_library=False):
        global _next_ident
        self.thread = thread
        self.ident = _next_ident
        _next_ident += 1
        self.send = None if coroutine is None else coroutine.send
        self.plain = plain
        self.wait = None
        self.context = _Context()
        self.is_daemon = is_daemon
        self.is_on_stack = False
        self.since = 0.0
        # Of a library, and nobody waits for it: `tqdm` and `rich` have such threads.
        self.is_library = is_library
        # Of an earlier turn, which has waited for it as long as it could.
        self.is_old = False


def now():
    """Seconds of the monotonic clock, which sleeping always moves."""
    return _monotonic() + _skew


def current():
    """The strand that runs, or None in the main thread."""
    return _current


def is_idle():
    """Whether there is no strand that could run."""
    return not _live and not _told and all(strand.is_library for strand in _reserved)


def add(strand, is_reserved):
    """Begins a strand: it runs to its first wait, or is kept until somebody waits.

    Raises `RuntimeError` when there are too many.
    """
    if len(_live) + len(_reserved) >= STRANDS_MAX:
        raise RuntimeError("can't start new thread: " + str(STRANDS_MAX) + " are running")
    if is_reserved:
        _reserved.append(strand)
        return
    _live.append(strand)
    _run(strand, True)


def remove(strand):
    """Takes a strand out for good."""
    for queue in (_live, _reserved):
        try:
            queue.remove(strand)
        except ValueError:
            continue
        _left.append(strand)


def need(strand):
    """Runs a reserved strand now."""
    try:
        _reserved.remove(strand)
    except ValueError:
        return
    _live.append(strand)
    _run(strand, True)


def pause(ready, seconds, what):
    """Waits in plain code, others running meanwhile; whether `ready` came true in time.

    Raises `RuntimeError` when nothing is left that could make it true.
    """
    if ready():
        return True
    deadline = None if seconds is None else now() + seconds
    _pauses.append((_current, what))
    try:
        while True:
            moment = now()
            if deadline is not None and moment >= deadline:
                return ready()
            if not step():
                _idle(deadline, moment)
            if alarm is not None and now() >= alarm[0]:
                alarm[1]()
            if ready():
                return True
    finally:
        _pauses.pop()


def age():
    """A turn begins: those that there are were waited for by the turns before."""
    _told.clear()
    for queue in (_live, _reserved):
        for strand in queue:
            strand.is_old = True


def step():
    """Lets one strand that can go on run to its next wait; whether there was one."""
    moment = now() if _live else 0.0
    for _ in range(len(_live)):
        strand = _live[0]
        _live.rotate(-1)
        if strand.is_on_stack:
            continue
        wait = strand.wait
        if wait is None or _is_ready(wait):
            _run(strand, True)
            return True
        if wait.deadline is not None and moment >= wait.deadline:
            _run(strand, False)
            return True
    for strand in _reserved:
        if not strand.is_daemon:
            need(strand)
            return True
    return False


def glance():
    """Somebody asks whether something has come about, and may ask again and again.

    Outside of threads that gives the others no other chance to bring it about.
    """
    if _current is not None or _pauses or is_idle() or step():
        return
    left = wait_seconds()
    if left is not None:
        _doze(min(left, GLANCE_SECONDS))


def wait_seconds():
    """Seconds until a strand can go on: 0 if one can now, None if none ever can by itself."""
    moment = now()
    soonest = None
    for strand in _live:
        wait = strand.wait
        if strand.is_on_stack:
            continue
        if wait is None or _is_ready(wait):
            return 0.0
        if wait.deadline is not None:
            left = max(0.0, wait.deadline - moment)
            soonest = left if soonest is None else min(soonest, left)
    return soonest


def settle():
    """What a turn ends with: its threads that are no daemons run, as far as they can.

    Returns a remark for the reader of the turn about those that still wait, or None. Raises
    `RuntimeError` for a deadlock.
    """
    waited = 0.0
    while True:
        holding = [strand for strand in _live if _holds_a_turn(strand)]
        if any(map(_can_run, holding)) or any(map(_holds_a_turn, _reserved)):
            step()
            continue
        # They wait, for a moment or for what others do.
        if not holding or waited > END_SECONDS:
            break
        before = now()
        if not step():
            moments = [strand.wait.deadline for strand in holding if strand.wait.deadline is not None]
            if not moments or waited + min(moments) - before > END_SECONDS:
                break
            _doze(max(0.0, min(moments) - before))
        waited += now() - before
    # Others that have something to do get a moment, so that what a turn hands them is done.
    moment = now()
    while _live and now() - moment < DAEMONS_SECONDS and step():
        pass
    told = _told.pop() if _told else None
    waiting = [strand for strand in _live if _holds_a_turn(strand)]
    stuck = [strand for strand in waiting if strand.wait.deadline is None and getattr(strand.wait.ready, "is_lock", False)]
    if stuck and len(stuck) == len(waiting) and told is None:
        told = _deadlocked([(strand, strand.wait.what) for strand in stuck])
        for strand in stuck:
            remove(strand)
            _end(strand)
    if told is not None:
        raise Deadlock(told)
    return _remark(waiting) if waiting else None


def forget():
    """Starts without strands, and without freeing those that there were."""
    global _current
    for strand in (*_live, *_reserved):
        _left.append(strand)
        _end(strand)
    _live.clear()
    _reserved.clear()
    _pauses.clear()
    _told.clear()
    _current = None


def _end(strand):
    """Notes that a strand's thread is over, which its own code will not do any more."""
    thread = strand.thread
    thread._memex_done = True
    on_end.get("active", {}).pop(getattr(thread, "_ident", None), None)


def note_deadlock(message):
    """Remembers a deadlock that ended a thread: the turn fails with it at its end."""
    _told[:] = (message,)


async def breathe():
    """Lets others run if this strand has run for long."""
    strand = _current
    if strand is not None and now() - strand.since > SLICE_SECONDS:
        await Wait(_always, None, "its turn")


def _holds_a_turn(strand):
    return not strand.is_daemon and not strand.is_old


def _can_run(strand):
    wait = strand.wait
    return wait is None or _is_ready(wait) or wait.deadline is not None and now() >= wait.deadline


def _is_ready(wait):
    """Whether a wait is over. Where code of a class says so and fails, the strand is to meet that."""
    try:
        return wait.ready()
    except Exception:
        return True


def _always():
    return True


def _run(strand, answer):
    """Steps a strand once, as the thread that it is."""
    global _current
    outer = _current
    loop = _get_running()
    task = None
    if loop is not None:
        task = _swap_task(loop, None) if _swap_task is not None else None
        _set_running(None)
    is_done = True
    try:
        _current = strand
        strand.is_on_stack = True
        strand.since = now()
        if strand.send is None:
            strand.context.run(strand.plain)
        else:
            begun = strand.wait is not None
            strand.wait = strand.context.run(strand.send, answer if begun else None)
            is_done = False
    except StopIteration:
        pass
    finally:
        strand.is_on_stack = False
        _current = outer
        if loop is not None:
            _set_running(loop)
            if task is not None:
                _swap_task(loop, task)
        if is_done:
            try:
                _live.remove(strand)
            except ValueError:
                # A fork has taken it away.
                pass


def _idle(deadline, moment):
    """Nothing can run: sleeps until something can, or finds that nothing ever will."""
    moments = [strand.wait.deadline for strand in _live if not strand.is_on_stack and strand.wait.deadline is not None]
    if deadline is not None:
        moments.append(deadline)
    if alarm is not None:
        moments.append(alarm[0])
    if moments:
        _doze(max(0.0, min(moments) - moment))
        return
    for strand in _reserved:
        if not strand.is_library:
            need(strand)
            return
    waits = [(strand, what) for strand, what in _pauses]
    waits += [(strand, strand.wait.what) for strand in _live if not strand.is_on_stack]
    raise Deadlock(_deadlocked(waits))


def _doze(seconds):
    global _skew
    before = now()
    seconds = min(seconds, _SLEEP_MAX)
    _sleep(seconds)
    late = before + seconds - now()
    if late > 0:
        _skew += late


def _deadlocked(waits):
    told = [_name(strand) + " waits in " + what for strand, what in waits[:_NAMES_MAX]]
    if len(waits) > _NAMES_MAX:
        told.append("and " + str(len(waits) - _NAMES_MAX) + " more threads wait")
    return "deadlock: " + "; ".join(told) + "; nothing is left that could wake " + ("it" if len(waits) == 1 else "them")


def _remark(waiting):
    told = [_name(strand) + " in " + strand.wait.what for strand in waiting[:_NAMES_MAX]]
    more = ", …" if len(waiting) > _NAMES_MAX else ""
    count = "1 thread has" if len(waiting) == 1 else str(len(waiting)) + " threads have"
    return count + " not ended, and can go on in later turns: " + ", ".join(told) + more


def _name(strand):
    name = "MainThread" if strand is None else strand.thread._name
    return name[:200] if type(name) is str else "a thread"
