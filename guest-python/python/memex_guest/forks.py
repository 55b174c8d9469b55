"""The fork of a session in the middle of a turn: asking for one, and becoming one.

    parent                                       child
    ask ── flush ── host.call ──► captured ──► enter ── turns, as in any session
     ◄──────── reply ────────┘

What the parent's turn was doing goes on in the parent only. The child never returns
into its frames; the host has taken the interpreter back to its outermost frame before
it calls `enter`, and this file does the same for what Python code keeps of a turn.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import gc
import importlib
import sys
import threading
from _frozen_importlib import ModuleSpec as _ModuleSpec, _module_locks
from asyncio import events as _events
from contextvars import ContextVar as _ContextVar, copy_context as _copy_context
from sys import setprofile as _setprofile, settrace as _settrace
from types import ModuleType as _Module

from memex_guest import calls, channel, figures, loop as loops, strands, streams, turn

FORK = 4

_policy = getattr(_events, "_get_event_loop_policy", None) or _events.get_event_loop_policy
_modules = sys.modules
_module_dict = _Module.__dict__["__dict__"].__get__
_active = threading._active
_get_ident = threading.get_ident
_main_thread = threading.main_thread()

# The objects whose `repr` is under way, as the interpreter keeps them.
_reprs = []
# Loops that the parent was using. A task that is destroyed while it waits says so on
# stderr, and the child has nothing to do with the parent's tasks.
_parents_loops = []


def install():
    """Finds where the interpreter notes what it is showing; called when the image is built."""
    global _reprs
    # Made when it is first written to. The host takes a child back to the one of the image.
    _ContextVar("memex").set(None)
    repr([None])
    for found in gc.get_objects():
        if type(found) is dict and type(found.get("Py_Repr")) is list:
            _reprs = found["Py_Repr"]
            return


def ask(head, parts=()):
    """Asks the host for a fork at this point; returns its reply's head and parts.

    What was printed belongs to the parent and is written out first. Raises what the
    host refuses with.
    """
    streams.flush()
    return channel.call(FORK, head, parts)


def enter():
    """Makes a copy of a running guest a session at rest."""
    # The host has changed the context; values that variables remember of the parent's
    # are given up when one is entered.
    _copy_context().run(int)
    _settrace(None)
    _setprofile(None)
    for observer in turn.OBSERVERS:
        turn.free_observer(observer)
    _reprs.clear()
    # The parent's threads go on in the parent.
    strands.forget()
    _active.clear()
    _active[_get_ident()] = _main_thread
    _forget_imports()
    _forget_tasks()
    figures.adopt()
    if figures.pending:
        # The parent shows them at the end of its turn.
        figures.close_all()
    # The parent's text that was not written out: the host drops what is written here.
    streams.flush()


def _forget_imports():
    """Removes modules that were being imported, so that they are imported anew."""
    # A lock lives as long as an import of that name is under way.
    for name in list(_module_locks):
        module = _modules.get(name)
        if isinstance(module, _Module):
            spec = _module_dict(module).get("__spec__")
            if type(spec) is _ModuleSpec and getattr(spec, "_initializing", False):
                del _modules[name]
    importlib._RELOADING.clear()


def _forget_tasks():
    """Starts with a loop of its own: the parent's tasks go on in the parent."""
    policy = _policy()
    if type(policy) is loops.GuestPolicy:
        _parents_loops.append(policy._current)
        policy._current = None
    _parents_loops.append(loops.loop)
    loops.loop = loops.GuestLoop()
    calls.forget_answers()
