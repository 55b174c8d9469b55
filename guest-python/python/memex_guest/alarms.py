"""`signal.alarm` and `signal.setitimer`: a handler that is called when time is up.

No signal arrives here. While a timer runs, the interpreter reports jumps and the
beginnings of functions (`sys.monitoring`), and every so many of them the clock is
looked at; waits of every kind end when it is due. A turn ends with its timer.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import math as _math
import signal
import sys

from memex_guest import strands

# How many events pass between two looks at the clock.
_EVENTS = 32
_OWN_FILES = "<memex_guest"

_monitoring = getattr(sys, "monitoring", None)
_getframe = sys._getframe
_SIGALRM = getattr(signal, "SIGALRM", 14)
_REAL = 0

# The moment at which the timer is due, the seconds after which it is again, and the
# tool of `sys.monitoring` that looks.
_due = None
_interval = 0.0
_tool = None
_seen = 0


def install():
    """Adds the functions where the library lacks them."""
    if hasattr(signal, "setitimer") or _monitoring is None:
        return
    for function in (alarm, setitimer, getitimer, pause, siginterrupt):
        setattr(signal, function.__name__, function)
    signal.ITIMER_REAL = _REAL
    signal.ITIMER_VIRTUAL = 1
    signal.ITIMER_PROF = 2
    signal.ItimerError = OSError


def alarm(seconds, /):
    """Arrange for SIGALRM to arrive after the given number of seconds."""
    return _math.ceil(setitimer(_REAL, seconds.__index__())[0])


def setitimer(which, seconds, interval=0.0, /):
    """Set a timer; it is due after so many seconds, and then again after each interval.

    Its signal is SIGALRM. Timers of processor time are not supported.
    """
    global _due, _interval
    _checked(which)
    seconds, interval = float(seconds), float(interval)
    if not (0 <= seconds < _math.inf and 0 <= interval < _math.inf):
        raise OSError(22, "Invalid argument")
    last = getitimer(which)
    _due = strands.now() + seconds if seconds else None
    _interval = interval
    _arm()
    return last


def getitimer(which, /):
    """Return the seconds after which the timer is due, and its interval."""
    _checked(which)
    return (0.0, 0.0) if _due is None else (max(1e-6, _due - strands.now()), _interval)


def pause():
    """Wait until the timer's signal arrives."""
    if _due is None:
        raise RuntimeError("signal.pause() would wait for ever: no signal can arrive but that of a timer")
    due = _due
    strands.pause(lambda: _due != due, None, "signal.pause")


def siginterrupt(signalnum, flag, /):
    """Does nothing: waits go on after a handler has returned."""


def _checked(which):
    if which != _REAL:
        raise OSError(22, "only ITIMER_REAL is supported")


def is_set():
    """Whether a timer runs."""
    return _due is not None


def cancel():
    """Stops the timer: its turn is over."""
    global _due
    _due = None
    _arm()


def rearm():
    """Looks at the clock again: between turns nothing observes."""
    _arm()


def ring_if_due():
    """Calls the handler if the timer is due: for what waits."""
    if _due is not None and strands.now() >= _due:
        _ring(_getframe(1))


def _arm():
    global _tool
    strands.alarm = None if _due is None else (_due, ring_if_due)
    if _tool is not None and _monitoring.get_tool(_tool) != "alarm":
        _tool = None
    if _due is None:
        if _tool is not None:
            _monitoring.set_events(_tool, 0)
            _monitoring.free_tool_id(_tool)
            _tool = None
        return
    if _tool is None:
        for number in (5, 4, 3, 2, 1, 0):
            if _monitoring.get_tool(number) is None:
                _monitoring.use_tool_id(number, "alarm")
                _tool = number
                break
        else:
            raise RuntimeError("no tool of sys.monitoring is left for a timer")
    events = _monitoring.events
    for event in (events.JUMP, events.PY_START):
        _monitoring.register_callback(_tool, event, _look)
    _monitoring.set_events(_tool, events.JUMP | events.PY_START)


def _look(code, *_places):
    global _seen
    _seen += 1
    if _seen < _EVENTS:
        return
    _seen = 0
    # Code of the dispatcher is no place for what a handler raises.
    if _due is not None and strands.now() >= _due and not code.co_filename.startswith(_OWN_FILES):
        _ring(_getframe(1))


def _ring(frame):
    global _due
    _due = strands.now() + _interval if _interval else None
    _arm()
    handler = signal.getsignal(_SIGALRM)
    if handler == signal.SIG_IGN:
        return
    if callable(handler):
        handler(_SIGALRM, frame)
        return
    raise TimeoutError("the timer of signal.alarm is due, and SIGALRM has no handler")
