"""What it costs to put keys of somebody else's choice into a hash table of the interpreter.

    hashes, in order ──► the tables that they would fill ──► probes, of so many for each key

The hashes of numbers are no secret, and the secret of those of texts is every session's
of an image. So keys can be chosen that look at each other's places, one after the other,
with no two hashes alike. What that costs is counted, on a table of flags, before a
dictionary or a set is made of them.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys
from itertools import islice
from operator import eq

# Keys that share a hash, each of which is compared with those before it.
ALIKE_MAX = 64
# So many keys look at each other's places in no more time than reading them takes.
FEW = 512
# Multiples of a high power of two, as hashes of floats are, look at up to thirty places.
PROBES_PER_KEY = 48

# How many places beside the first a set looks at before it leaps; a dictionary leaps at once.
SET = 9
DICT = 0
# The largest part of a table that is filled before it grows.
_FILLED = {DICT: (2, 3), SET: (3, 5)}
_SHIFT = 5
_WORD = 2 * sys.maxsize + 1


class Colliding(ValueError):
    """Keys whose table takes too long to fill."""


def alike(hashes):
    """How many pairs of keys are compared, since they have the same hash.

    Raises `Colliding` where more than `ALIKE_MAX` share one.
    """
    found = sorted(hashes)
    if not any(map(eq, found, islice(found, 1, None))):
        return 0
    if any(map(eq, found, islice(found, ALIKE_MAX, None))):
        raise Colliding("too many of its keys have the same hash")
    pairs = run = 0
    for same in map(eq, found, islice(found, 1, None)):
        run = run + 1 if same else 0
        pairs += run
    return pairs


def check_keys(keys, beside=DICT):
    """Raises `Colliding` for keys, whose hashes are no code of a class, that a table takes too long for."""
    if len(keys) > ALIKE_MAX:
        hashes = list(map(hash, keys))
        alike(hashes)
        check(hashes, beside)


def check(hashes, beside=DICT):
    """Raises `Colliding` for hashes, in the order of their keys, whose table takes too long to fill."""
    if len(hashes) <= FEW:
        return
    used, whole = _FILLED[beside]
    size = 8
    while True:
        # Each table holds the first of them until it grows.
        count = min(len(hashes), size * used // whole)
        if count > FEW and probes(islice(hashes, count), size, beside, PROBES_PER_KEY * count) is None:
            raise Colliding("too many of its keys collide: their hashes lead to the same places of a table")
        if count == len(hashes):
            return
        size *= 2


def probes(hashes, size, beside, most):
    """How many places of a table of a size keys look at, or None if they are more than `most`.

    Places beside each other are one.
    """
    mask = size - 1
    taken = bytearray(size)
    left = most
    for value in hashes:
        at = value & mask
        if taken[at]:
            rest = value & _WORD
            while True:
                if beside and at + beside <= mask:
                    free = taken.find(0, at, at + beside + 1)
                    if free >= 0:
                        at = free
                        break
                elif not taken[at]:
                    break
                rest >>= _SHIFT
                at = (5 * at + rest + 1) & mask
                left -= 1
                if left < 0:
                    return None
        taken[at] = 1
        left -= 1
    return most - left if left >= 0 else None
