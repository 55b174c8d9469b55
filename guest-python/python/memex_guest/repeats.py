"""The code of blocks that come again.

Compiling is three quarters of what a small turn costs. A block that comes twice within a few
turns is kept compiled; from the third time on its code is taken as it is, with the turn's own
name in it.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import re
from collections import deque
from types import CodeType as _Code

# Blocks that are kept, and the longest of them.
KEPT = 32
SOURCE_MAX = 500
# Blocks in which one that comes has to have come before.
RECENT = 4

# Between a literal and a bracket behind it.
_GAP = r"(?:\s|#[^\n]*+)*+"
# What the compiler warns of, or more: escapes, comparisons of identity, asserted tuples, leaving
# `finally`, literals that are called or indexed, numbers that run into a word, `~True`. Who
# repeats a block that is warned of is warned again.
_may_warn = re.compile(
    r"\\|\b(?:is|assert|finally)\b"
    r"|(?:[\"')\]}]|\b(?:None|True|False)|\.\.\.|(?<![\w.])[\d.][\w.]*+)" + _GAP + r"[(\[]"
    r"|(?<![\w.])[\d.][\w.]*?(?:and|else|for|if|in|is|not|or)\b"
    r"|~" + _GAP + r"(?:True|False)\b"
).search

# Source to code, and whether its value is in the scope (see `block`).
_known = {}
_recent = deque(maxlen=RECENT)


def code_of(source, name):
    """What `block.compiled` gives for a block that is kept, for a turn of this name; or None."""
    known = _known.get(source)
    if known is None:
        return None
    code, in_scope = known
    return code.replace(co_filename=name), in_scope


def note(source, code, in_scope):
    """Takes note of a block that was compiled, and keeps it if it came before."""
    if source not in _recent:
        if len(source) <= SOURCE_MAX:
            _recent.append(source)
        return
    # A function of the block has the turn's name too.
    if _Code in map(type, code.co_consts) or _may_warn(source):
        return
    if len(_known) >= KEPT:
        del _known[next(iter(_known))]
    _known[source] = code, in_scope


def forget():
    """Keeps nothing any more."""
    _known.clear()
    _recent.clear()
