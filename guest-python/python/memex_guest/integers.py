"""Integers as on a 64-bit machine, where numpy decides in Python.

The guest's pointers have 32 bits, and numpy's default integer is as wide as a
pointer. The manifest's patches make the compiled part of numpy take 64 bits; this
does it for the names that numpy derives from the pointer in Python, for counts, and
for compiled functions of other packages that take a pointer-sized array and nothing
else. Where pointers have 64 bits, it changes nothing.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import functools
import sys

from memex_guest import later

_modules = sys.modules

# Names of the default integer, signed and unsigned.
_SIGNED = ("int", "int_", "long")
_UNSIGNED = ("uint", "ulong")


def install():
    """Says what follows on the imports of numpy, pandas and scikit-learn."""
    for name, function in (("numpy", _numpy), ("pandas", _pandas), ("sklearn.utils.random", _sampling)):
        later.after(name, function)


def is_wide(numpy):
    """Whether integers are wider than pointers."""
    return numpy.dtype(int).itemsize > numpy.dtype(numpy.intp).itemsize


def _numpy(numpy):
    if not is_wide(numpy):
        return
    core = numpy._core
    types = core.numerictypes
    for names, kind in ((_SIGNED, numpy.int64), (_UNSIGNED, numpy.uint64)):
        for name in names:
            core._type_aliases.sctypeDict[name] = kind
    for module in (numpy, core, types):
        module.int_ = numpy.int64
        module.uint = numpy.uint64
    # The types that are not named where an array is shown.
    shown = core.arrayprint._typelessdata
    shown[:] = [numpy.int64 if kind is numpy.intp else kind for kind in shown]
    _fitting(numpy, "bincount", 0, "x")
    _fitting(numpy, "partition", 1, "kth")
    _fitting(numpy, "argpartition", 1, "kth")
    _wrap(numpy, "bincount", _wide)
    _wrap(numpy, "histogram", _first_wide)
    _wrap(numpy, "count_nonzero", _wide)
    _wrap(numpy, "unique", _counts_wide)
    random = numpy.random
    for name in ("binomial", "multinomial"):
        _wrap(random, name, _wide)


def _pandas(pandas):
    if not is_wide(_modules["numpy"]):
        return
    _narrowed(pandas._libs.lib, "maybe_indices_to_slice")
    manager = pandas.core.internals.managers.BlockManager
    insert = getattr(manager, "_insert_update_blklocs_and_blknos", None)
    if insert is None:
        return

    @functools.wraps(insert)
    def narrow_insert(self, loc):
        # It appends Python integers to arrays of positions, which compiled code reads.
        insert(self, loc)
        self._blklocs, self._blknos = _narrow(self._blklocs), _narrow(self._blknos)

    manager._insert_update_blklocs_and_blknos = narrow_insert


def _sampling(module):
    if is_wide(_modules["numpy"]):
        _wrap(module, "sample_without_replacement", _wide)


def _wrap(module, name, change):
    function = getattr(module, name, None)
    if function is None:
        return

    @functools.wraps(function)
    def wrapped(*arguments, **options):
        return change(function(*arguments, **options), arguments, options)

    setattr(module, name, wrapped)


def _fitting(module, name, place, keyword):
    """Refuses an argument that the compiled function would cut to the width of a pointer."""
    function = getattr(module, name, None)
    if function is None:
        return

    @functools.wraps(function)
    def fitting(*arguments, **options):
        given = arguments[place] if len(arguments) > place else options.get(keyword)
        numpy = _modules["numpy"]
        array = given if type(given) is numpy.ndarray else numpy.asarray(given)
        if array.dtype in (numpy.int64, numpy.uint64) and array.size:
            highest, lowest = int(array.max()), int(array.min())
            if highest >= 2**31 or lowest < -(2**31):
                raise ValueError(
                    name + "(): " + str(highest if highest >= 2**31 else lowest) + " does not fit into 32 bits, "
                    "as a position has to here"
                )
        return function(*arguments, **options)

    setattr(module, name, fitting)


def _narrowed(module, name):
    function = getattr(module, name, None)
    if function is None:
        return

    @functools.wraps(function)
    def narrowed(*arguments, **options):
        return function(*map(_narrow, arguments), **{name: _narrow(value) for name, value in options.items()})

    setattr(module, name, narrowed)


def _narrow(value):
    """An array of pointer-sized integers in the place of wider ones that fit."""
    numpy = _modules["numpy"]
    if type(value) is numpy.ndarray and value.dtype == numpy.int64:
        narrow = value.astype(numpy.intp)
        if (narrow == value).all():
            return narrow
    return value


def _wide(result, *_call):
    """Counts as the default integer: they are multiplied and added up."""
    numpy = _modules["numpy"]
    if isinstance(result, numpy.ndarray) and result.dtype == numpy.intp:
        return result.astype(numpy.int64)
    return result


def _first_wide(result, *_call):
    counts, *rest = result
    return (_wide(counts), *rest)


def _counts_wide(result, arguments, options):
    # The fourth argument.
    if type(result) is tuple and (options.get("return_counts") or (len(arguments) > 3 and arguments[3])):
        *rest, counts = result
        return (*rest, _wide(counts))
    return result
