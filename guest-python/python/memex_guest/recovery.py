"""After a turn that went wrong: going where hooks lie in wait, and taking them off.

    check ──> an empty turn runs, and `exercise` ends ──> well
    disarm ─> hooks of earlier turns are gone, the scope stays

Code can hang itself into the interpreter where every later turn passes. Whether it
ends is the host's business, which stops what takes too long; here nothing is timed.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import builtins as _builtins
import gc as _gc
import sys as _sys
import threading as _threading

from memex_guest import block, figures, streams, turn

# A module that no importer has.
_ABSENT = "memex_guest.absent"

_scope = turn.scope
_collect = _gc.collect
_callbacks = _gc.callbacks
_meta_path = _sys.meta_path
_path_hooks = _sys.path_hooks
_set_asyncgen_hooks = _sys.set_asyncgen_hooks
_set_origin_depth = _sys.set_coroutine_origin_tracking_depth
_settrace = _sys.settrace
_setprofile = _sys.setprofile
_import = _builtins.__import__

# What the image itself has of each; `install` takes it.
_own_callbacks = ()
_own_meta_path = ()
_own_path_hooks = ()
_own_hooks = {}


def install():
    """Remembers what there is; called again when the image is built, after the warm-up."""
    global _own_callbacks, _own_meta_path, _own_path_hooks, _own_hooks
    _own_callbacks = tuple(_callbacks)
    _own_meta_path = tuple(_meta_path)
    _own_path_hooks = tuple(_path_hooks)
    names = ("excepthook", "displayhook", "unraisablehook", "breakpointhook")
    _own_hooks = {name: getattr(_sys, name) for name in names}


def exercise():
    """Does what usual turns do: reads names, collects garbage, imports, writes.

    What that raises is for the code that meets it; a hook that lets nothing end does
    not come back from here.
    """
    for step in (_read_names, _collect_some, _import_nothing, _write_nothing):
        try:
            step()
        except Exception:
            continue


def disarm():
    """Takes off what turns have hung into the interpreter, and lets the scope be."""
    _settrace(None)
    _setprofile(None)
    _threading._trace_hook = _threading._profile_hook = None
    for observer in turn.OBSERVERS:
        turn.free_observer(observer)
    _set_asyncgen_hooks(None, None)
    _set_origin_depth(0)
    _callbacks[:] = _own_callbacks
    _meta_path[:] = _own_meta_path
    _path_hooks[:] = _own_path_hooks
    _sys.meta_path = _meta_path
    _sys.path_hooks = _path_hooks
    _builtins.__import__ = _import
    for name, hook in _own_hooks.items():
        setattr(_sys, name, hook)
    streams.reset()
    figures.forget()
    _drop_strange_names()


def _read_names():
    for name in ("_", block.VALUE, "__builtins__"):
        _scope.get(name)


def _collect_some():
    if len(_callbacks) > len(_own_callbacks):
        _collect(0)


def _import_nothing():
    _builtins.__import__(_ABSENT)


def _write_nothing():
    _sys.stdout.write("")
    _sys.stderr.write("")


def _drop_strange_names():
    """Keys that are no plain text decide by their own code whether they equal a name."""
    kept = [(name, value) for name, value in _scope.items() if type(name) is str]
    if len(kept) < len(_scope):
        _scope.clear()
        _scope.update(kept)
    _scope["__builtins__"] = _builtins


install()
