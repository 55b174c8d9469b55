"""What follows on the import of a module: whoever adds to a module need not import it."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys

# Functions that take a module once it has been imported, by its name.
_following = {}


class Finder:
    """Finds nothing; calls what is to follow on modules once they have been imported."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """The specification that the other finders have, with another loader."""
        if name not in _following:
            return None
        for finder in sys.meta_path:
            spec = None if finder is Finder else finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


class _Loader:
    """Loads a module as its own loader does, and calls what is to follow."""

    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        for function in _following.get(module.__name__, ()):
            function(module)


def after(name, function):
    """Calls `function` with the module of that name once it has been imported."""
    _following.setdefault(name, []).append(function)


def forget(name):
    """Nothing follows on the import of that module any more."""
    _following.pop(name, None)


def install():
    """Registers the finder: it comes first."""
    sys.meta_path.insert(0, Finder)
