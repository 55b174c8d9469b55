"""The modules of the guest's own package that both sides share.

They pack and unpack values and tables. They are loaded from the sources in the
extension module, under names that nothing else can import: the guest of this
version and this process read and write the same form.
"""

from __future__ import annotations

import builtins
import threading
from types import ModuleType

from memex import _memex

_PACKAGE = "memex_guest"
# In the order in which they refer to each other.
_VALUES = ("isolation", "text", "channel", "columns", "arguments", "hashing", "costs", "values", "containers", "kinds", "arrays", "labels", "dtypes", "frames")

_modules: dict[str, ModuleType] = {}
_lock = threading.Lock()


def module(name: str) -> ModuleType:
    """A module of the guest's package, which this process runs as well."""
    if not _modules:
        with _lock:
            if not _modules:
                _modules.update(_loaded())
    return _modules[name]


def _loaded() -> dict[str, ModuleType]:
    sources = dict(_memex.guest_sources())
    package = ModuleType(_PACKAGE)
    found = {"_host": _door()}
    own = dict(vars(builtins))

    def importing(name, scope=None, _locals=None, names=(), level=0):
        if name == "_host":
            return found["_host"]
        if name == _PACKAGE:
            return package
        if name.startswith(_PACKAGE + "."):
            return found[name.removeprefix(_PACKAGE + ".")]
        return builtins.__import__(name, scope, _locals, names, level)

    own["__import__"] = importing
    for name in _VALUES:
        made = ModuleType(f"memex._guest.{name}")
        made.__dict__["__builtins__"] = own
        if name == "isolation":
            made.__dict__["BUILTINS"] = own
        else:
            exec(compile(sources[name], f"<memex {name}>", "exec"), made.__dict__)
        found[name] = made
        setattr(package, name, made)
    return found


def _door() -> ModuleType:
    """What is the way out of the sandbox in a guest; here there is none."""
    door = ModuleType("_host")

    def call(_frame):
        raise RuntimeError("this process is no guest")

    door.__dict__["call"] = call
    return door
