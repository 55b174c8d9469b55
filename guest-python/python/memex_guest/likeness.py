"""What takes the place of a library's function has its name, module and documentation.

    remember ──> the shims are installed ──> take_over

`help(time.sleep)` then shows what it shows elsewhere, and no name of this package.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys
from types import FunctionType as _Function

_OWN = "memex_guest"
# The modules whose names are replaced, and classes in them whose methods are.
_MODULES = """
os time signal shutil threading _thread queue subprocess socket platform builtins sys warnings mmap
multiprocessing multiprocessing.pool concurrent.futures._base concurrent.futures.thread
concurrent.futures.process http.client urllib.request asyncio asyncio.runners asyncio.events
asyncio.tasks asyncio.base_events asyncio.threads
""".split()

_before = {}


def remember():
    """Keeps what the names mean before the shims are installed."""
    for owner, names in _places():
        _before[id(owner)] = names


def take_over():
    """Gives each replacement the looks of what it replaced."""
    for owner, names in _places():
        old = _before.get(id(owner), {})
        home = owner.__name__ if isinstance(owner, type(sys)) else owner.__module__
        for name, value in names.items():
            if name[:1] == "_" and name[:2] != "__":
                continue
            _like(value, old.get(name), home, name, owner)
    _before.clear()


def _places():
    for name in _MODULES:
        module = sys.modules.get(name)
        if module is None:
            continue
        names = dict(vars(module))
        yield module, names
        for value in names.values():
            if isinstance(value, type) and value.__module__ == name:
                yield value, dict(vars(value))


def _like(value, old, home, name, owner):
    if type(value) in (staticmethod, classmethod):
        value = value.__func__
        old = getattr(old, "__func__", old)
    if type(value) is property:
        value, old = value.fget, getattr(old, "fget", None)
    if not (type(value) is _Function or isinstance(value, type)):
        kind = type(value)
        if str(getattr(kind, "__module__", "")).startswith(_OWN) and not isinstance(value, type(sys)):
            _rename(kind, home)
        return
    if not str(value.__module__).startswith(_OWN):
        return
    if isinstance(value, type):
        _rename(value, home)
        return
    is_method = isinstance(owner, type)
    value.__module__ = getattr(old, "__module__", None) or home
    value.__name__ = getattr(old, "__name__", None) or name
    value.__qualname__ = getattr(old, "__qualname__", None) or (owner.__qualname__ + "." + name if is_method else name)
    if getattr(old, "__doc__", None) and old is not value:
        value.__doc__ = old.__doc__


def _rename(kind, home):
    kind.__module__ = home
    for name, method in vars(kind).items():
        function = getattr(method, "__func__", getattr(method, "fget", method))
        if type(function) is _Function and str(function.__module__).startswith(_OWN):
            function.__module__ = home
