"""A missing module's error says why it is missing and what serves instead.

Asked last of all finders, it raises the error itself, but only for an `import`:
`importlib.util.find_spec` and its like ask whether there is a module, and get None.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys

from memex_guest import alternatives

_getframe = sys._getframe
_remedy = alternatives.remedy
# The import system's function between an `import` and the finders.
_IMPORTING = "_find_and_load_unlocked"
# Tracebacks leave out the import system's own frames, and this one with them.
_FILE = "<frozen importlib._bootstrap>"


class Finder:
    """Finds nothing."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """None, or the error if a top-level module is imported that nothing has."""
        if path is not None or target is not None:
            return None
        frame = _getframe(2)
        if frame is None or frame.f_code.co_name != _IMPORTING:
            return None
        finders = list(sys.meta_path)
        if Finder in finders:
            # Those that were added later are asked later.
            for finder in finders[finders.index(Finder) + 1 :]:
                find = getattr(finder, "find_spec", None)
                spec = None if find is None else find(name, path, target)
                if spec is not None:
                    return spec
        raise ModuleNotFoundError("No module named " + repr(name) + ": " + _remedy(name), name=name)


def install():
    """Registers the finder, behind all others."""
    function = Finder.find_spec
    function.__code__ = function.__code__.replace(co_filename=_FILE)
    sys.meta_path.append(Finder)
