"""Contexts of a code interpreter: several scopes in one session, of which one is current.

Their names change places with those of `__main__`, so that a block runs in its context
as any block does; files, modules and the environment are one for all of them.
"""

import json
import os
import sys

HOME = "/home/user"
DEFAULT = "default"

_scope = sys.modules["__main__"].__dict__
# Of each context but the current one: its names, and its working directory.
_kept = {}
# Of all, in the order in which they were made: the directory that they began in.
_folders = {DEFAULT: HOME}
_current = DEFAULT
_environments = []


def _own_names():
    return [name for name in _scope if not (name.startswith("__") and name.endswith("__"))]


def _take():
    return {name: _scope.pop(name) for name in _own_names()}


def enter(context):
    """Makes a context the current one."""
    global _current
    if context == _current:
        return
    names, folder = _kept.pop(context)
    _kept[_current] = (_take(), os.getcwd())
    _scope.update(names)
    _current = context
    # The folder may have gone since.
    os.chdir(folder if os.path.isdir(folder) else HOME)


def create(context, folder):
    """Makes a context that is empty."""
    os.makedirs(folder, exist_ok=True)
    _folders[context] = folder
    _kept[context] = ({}, folder)


def remove(context):
    """Forgets a context; of the default one, its names."""
    if context == DEFAULT:
        restart(context)
        return
    enter(DEFAULT)
    del _kept[context], _folders[context]


def restart(context):
    """Empties a context."""
    folder = _folders[context]
    if context == _current:
        _take()
        os.chdir(folder if os.path.isdir(folder) else HOME)
    else:
        _kept[context] = ({}, folder)


def ask():
    """Prints the contexts and their folders."""
    print(json.dumps(_folders))


def begin(variables):
    """Sets variables of the environment for one execution."""
    _environments.append(dict(os.environ))
    os.environ.update(variables)


def end():
    """Takes them back."""
    if _environments:
        kept = _environments.pop(0)
        _environments.clear()
        os.environ.clear()
        os.environ.update(kept)
