"""`decimal` in Python, which is what there is here, with short ways for what is exact.

A sum, a difference or a product of finite numbers is exact as long as its digits fit the
context: nothing is rounded, signalled or trapped. Those are computed at once; everything else takes the way
that it took before.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import decimal

_TENS = [10**exponent for exponent in range(64)]
_SHIFT_MAX = len(_TENS) - 1


def install():
    """Puts the short ways in front of the long ones, where `decimal` is the one in Python."""
    if hasattr(decimal.Decimal, "_is_special"):
        shorten(decimal)


def shorten(module):
    """Does so in a module."""
    kind = module.Decimal
    for name, shortened in _SHORTENED.items():
        setattr(kind, name, shortened(kind, getattr(kind, name), module.getcontext))


def _named_as(function, original):
    function.__name__, function.__qualname__, function.__doc__, function.__module__ = original.__name__, original.__qualname__, original.__doc__, original.__module__
    return function


def _sum(kind, original, current, sign=0):
    new = object.__new__

    def add(self, other, context=None):
        if type(other) is kind and context is None and not self._is_special and not other._is_special:
            shift = self._exp - other._exp
            if -_SHIFT_MAX <= shift <= _SHIFT_MAX:
                one = -int(self._int) if self._sign else int(self._int)
                two = int(other._int) if other._sign == sign else -int(other._int)
                if shift > 0:
                    total, exponent = one * _TENS[shift] + two, other._exp
                else:
                    total, exponent = one + two * _TENS[-shift], self._exp
                if total:
                    digits = str(total) if total > 0 else str(-total)
                    context = current()
                    if len(digits) <= context.prec and context.Emin <= exponent + len(digits) - 1 <= context.Emax and exponent >= context.Emin - context.prec + 1:
                        result = new(kind)
                        result._sign, result._int, result._exp, result._is_special = 0 if total > 0 else 1, digits, exponent, False
                        return result
                    context = None
        return original(self, other, context)

    return _named_as(add, original)


def _difference(kind, original, current):
    return _sum(kind, original, current, 1)


def _product(kind, original, current):
    new = object.__new__

    def multiply(self, other, context=None):
        if type(other) is kind and context is None and not self._is_special and not other._is_special:
            product = int(self._int) * int(other._int)
            if product:
                digits, exponent, context = str(product), self._exp + other._exp, current()
                if len(digits) <= context.prec and context.Emin <= exponent + len(digits) - 1 <= context.Emax and exponent >= context.Emin - context.prec + 1:
                    result = new(kind)
                    result._sign, result._int, result._exp, result._is_special = self._sign ^ other._sign, digits, exponent, False
                    return result
                context = None
        return original(self, other, context)

    return _named_as(multiply, original)


_SHORTENED = {"__add__": _sum, "__radd__": _sum, "__sub__": _difference, "__mul__": _product, "__rmul__": _product}
