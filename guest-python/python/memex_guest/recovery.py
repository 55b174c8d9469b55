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
import warnings as _warnings

from memex_guest import block, figures, loop as _loops, strands, streams, text, turn

# A module that no importer has.
_ABSENT = "memex_guest.absent"

_scope = turn.scope
_collect = _gc.collect
_callbacks = _gc.callbacks
_is_collecting = _gc.isenabled
_start_collecting = _gc.enable
_stop_collecting = _gc.disable
_meta_path = _sys.meta_path
_path_hooks = _sys.path_hooks
_get_asyncgen_hooks = _sys.get_asyncgen_hooks
_set_asyncgen_hooks = _sys.set_asyncgen_hooks
_get_origin_depth = _sys.get_coroutine_origin_tracking_depth
_set_origin_depth = _sys.set_coroutine_origin_tracking_depth
_gettrace = _sys.gettrace
_getprofile = _sys.getprofile
_settrace = _sys.settrace
_setprofile = _sys.setprofile
_sys_names = _sys.__dict__
_get_tool = _sys.monitoring.get_tool if turn.OBSERVERS else None
# Where there is one function to a name: code that replaces it runs in later turns.
_PLACES = (
    (_sys, ("excepthook", "displayhook", "unraisablehook", "breakpointhook")),
    (_threading, ("excepthook",)),
    (_builtins, ("__import__", "__build_class__")),
    (_warnings, ("showwarning", "formatwarning")),
)
# Keys of the scope that no code of a class compares.
_PLAIN_KEYS = frozenset((str, bytes, int, float, bool, type(None)))

# What the image itself has of each; `install` takes it.
_own_callbacks = ()
_own_meta_path = ()
_own_path_hooks = ()
_own_hooks = ()


def install():
    """Remembers what there is; called again when the image is built, after the warm-up."""
    global _own_callbacks, _own_meta_path, _own_path_hooks, _own_hooks
    _own_callbacks = tuple(_callbacks)
    _own_meta_path = tuple(_meta_path)
    _own_path_hooks = tuple(_path_hooks)
    _own_hooks = tuple((place, name, getattr(place, name)) for place, names in _PLACES for name in names)


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
    """Takes off what turns have hung into the interpreter, and lets the scope be.

    Says whether there was anything.
    """
    # A collection would run callbacks and finalizers, which are code of turns, too.
    is_collecting = _is_collecting()
    _stop_collecting()
    try:
        return _disarm()
    finally:
        if is_collecting:
            _start_collecting()


def _disarm():
    before = _hooks()
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
    # Importers make their finders anew; looking at each of the many would read pages all over the heap.
    _sys.path_importer_cache = {}
    for place, name, hook in _own_hooks:
        setattr(place, name, hook)
    _loops.disarm()
    streams.reset()
    figures.forget()
    were_strange = _rename_strange_names()
    had_threads = not strands.is_idle()
    strands.forget()
    return were_strange or had_threads or before != _hooks()


def _hooks():
    """The identities of all that can be hung into the interpreter, which nobody's code compares."""
    found = [_gettrace(), _getprofile(), *_get_asyncgen_hooks(), _get_origin_depth()]
    found += [_get_tool(observer) for observer in turn.OBSERVERS]
    # A turn may have deleted any of the names.
    found += [getattr(_threading, name, None) for name in ("_trace_hook", "_profile_hook")]
    found += [_sys_names.get(name) for name in ("stdout", "stderr", "meta_path", "path_hooks")]
    found += [*_callbacks, None, *_meta_path, None, *_path_hooks]
    found += [getattr(place, name, None) for place, name, _hook in _own_hooks]
    found += _loops.hooks()
    return list(map(id, found))


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


def _rename_strange_names():
    """Keys of other types decide by their own code whether they equal a name.

    Texts become plain ones; what else there is goes. Says whether there were any.
    """
    strange = [(name, value) for name, value in _scope.items() if type(name) not in _PLAIN_KEYS]
    if strange:
        kept = [(name, value) for name, value in _scope.items() if type(name) in _PLAIN_KEYS]
        _scope.clear()
        _scope.update(kept)
        for name, value in strange:
            if str in type.__dict__["__mro__"].__get__(type(name)):
                _scope.setdefault(text.plain(name), value)
    _scope["__builtins__"] = _builtins
    return bool(strange)


install()
