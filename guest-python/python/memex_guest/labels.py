"""Labels of pandas that are there once: categories, and levels of an index.

pandas looks for labels that are twice there by a table of hashes, which are no secret of
a session's, so that labels can be chosen that it takes minutes for. Where there are
many, they are sorted instead, and pandas is told what was found.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import sys

from memex_guest import arrays, hashing

# Steps for each label that Python looks at by itself.
_STEPS = 4
_SORTED = "biufcmM"


def check(reader, index):
    """Raises `ValueError` for an index that has a label twice, in the time that it takes to sort it."""
    reader.copy(8 * len(index))
    # Objects may be compared by code of a library, which takes long for few.
    if len(index) <= hashing.FEW and index.dtype != object:
        return
    kept = getattr(index, "_cache", None)
    if type(kept) is not dict:
        raise ValueError("an index of so many labels cannot be looked at with this version of pandas")
    if kept.get("is_unique") is not True:
        if not _is_unique(reader, index):
            raise ValueError("labels must be unique, and some of these are not")
        # What pandas keeps of an index that it has looked at itself.
        kept["is_unique"] = True


def _is_unique(reader, index):
    pandas = sys.modules["pandas"]
    numpy = arrays.numpy()
    if int(index.isna().sum()) > 1:
        return False
    if type(index) is pandas.IntervalIndex:
        ends = [_sortable(end) for end in (index.left, index.right)]
        order = numpy.lexsort(ends)
        alike = [end[order][1:] == end[order][:-1] for end in ends]
        return not (alike[0] & alike[1]).any()
    found = _sortable(index)
    if found is None:
        reader.charge(_STEPS * len(index))
        given = index.tolist()
        return len(set(reader.hashed(given, hashing.SET, own=False))) == len(given)
    found = numpy.sort(found)
    return not (found[1:] == found[:-1]).any()


def _sortable(index):
    """An array that sorts as the labels do, or None where their hashes are needed."""
    pandas = sys.modules["pandas"]
    if type(index) in (pandas.DatetimeIndex, pandas.TimedeltaIndex, pandas.PeriodIndex):
        return index.asi8
    if type(index) is pandas.CategoricalIndex:
        # Its categories are there once.
        return arrays.numpy().asarray(index.codes)
    found = index.dtype
    return index.to_numpy() if isinstance(found, arrays.numpy().dtype) and found.kind in _SORTED else None
