"""Modules that stand for packages which are not installed; found last, so that real ones win."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import http
import sys
from importlib.machinery import ModuleSpec
from types import FunctionType as _Function, ModuleType as _Module, SimpleNamespace as _Names

from memex_guest import contexts, definitions, lettering, replies, requests, toolbox, webp, zstandard, zstd

_PARTS = ("adapters", "api", "auth", "exceptions", "models", "sessions", "structures")
_NAMES = frozenset(("requests", *("requests." + part for part in _PARTS)))
# Compiled modules that the host stands in for, and where what they define is found by its users.
_COMPILED = {
    webp.MODULE: (webp, webp.MODULE),
    lettering.MODULE: (lettering, lettering.MODULE),
    zstandard.MODULE: (zstandard, zstandard.MODULE),
    zstd.MODULE: (zstd, "compression.zstd"),
    contexts.MODULE: (contexts, "ssl"),
}


class Finder:
    """Finds `requests`, compiled modules that are missing, and the tools of the session as `tools`."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """The specification of one of the modules, or None."""
        if name in _NAMES:
            return ModuleSpec(name, Finder, is_package=name == "requests")
        if name in _COMPILED:
            return ModuleSpec(name, Finder)
        if name == definitions.MODULE and len(toolbox.tools):
            return ModuleSpec(name, Finder)
        return None

    @staticmethod
    def create_module(spec):
        """Leaves it to the import system."""
        return None

    @staticmethod
    def exec_module(module):
        """Fills the module."""
        if module.__name__ in _COMPILED:
            _fill(module, *_COMPILED[module.__name__])
            return
        if module.__name__ == definitions.MODULE:
            module.__getattr__ = _tool
            module.__dir__ = toolbox.tools.__dir__
            return
        for name, value in _PUBLIC.items():
            setattr(module, name, value)
        module.HTTPAdapter = _Ignored
        if module.__name__ == "requests":
            module.__version__ = requests.__version__
            module.codes = _codes
            module.session = requests.Session
            for part in _PARTS:
                setattr(module, part, sys.modules.get("requests." + part) or __import__("requests." + part, fromlist=("*",)))


# What has no public name, and is imported all the same.
_SHOWN = ("__version__", "_SSLContext", "_DEFAULT_CIPHERS", "_OPENSSL_API_VERSION")


def _fill(module, source, public):
    """Gives a module what another one defines, under its public name."""
    for name, value in vars(source).items():
        if name[:1] == "_" and name not in _SHOWN or name in ("MODULE", "install") or isinstance(value, _Module):
            continue
        if getattr(value, "__module__", None) == source.__name__:
            value.__module__ = public
        setattr(module, name, value)


class _Ignored:
    """What configures connections: the host makes them in its own way."""

    def __init__(self, *_arguments, **_options):
        pass


_PUBLIC = {
    name: value
    for module in (replies, requests)
    for name, value in vars(module).items()
    if name[:1] != "_" and name != "response_of" and isinstance(value, (type, _Function))
}


def install():
    """Registers the finder."""
    sys.meta_path.append(Finder)


def _tool(name):
    # The toolbox's own methods come first, as they do without the import.
    return getattr(toolbox.tools, name)


_codes = _Names(**{status.name.lower(): status.value for status in http.HTTPStatus}, okay=200)
