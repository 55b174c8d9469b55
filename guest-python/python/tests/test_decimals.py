"""The short ways of `decimal` come to what the long ones come to, signals included."""

import importlib
import random
import sys
import unittest

import harness  # noqa: F401

from memex_guest import decimals


def in_python(is_short):
    """A copy of the module in Python, with the short ways or without."""
    kept = sys.modules.pop("_pydecimal", None)
    try:
        module = importlib.import_module("_pydecimal")
    finally:
        sys.modules.pop("_pydecimal", None)
        if kept is not None:
            sys.modules["_pydecimal"] = kept
    if is_short:
        decimals.shorten(module)
    return module


class Short(unittest.TestCase):
    def number(self, rng):
        if rng.random() < 0.1:
            return rng.choice("NaN Infinity -Infinity sNaN 0 -0 0E+5 -0E-5 0E-30".split())
        digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(1, rng.choice((3, 10, 28, 40)))))
        return rng.choice(("", "-")) + digits + "E" + str(rng.randint(*rng.choice(((-40, 40), (-5, 5), (-80, 80)))))

    def outcome(self, module, one, two, prec, emax, traps):
        context = module.Context(prec=prec, Emin=-emax, Emax=emax, traps=[getattr(module, name) for name in traps])
        module.setcontext(context)
        came = []
        for operation in (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: 3 + a, lambda a, b: b * 7):
            try:
                came.append(str(operation(module.Decimal(one), module.Decimal(two))))
            except Exception as error:
                came.append(type(error).__name__)
        return came, sorted(signal.__name__ for signal, is_set in context.flags.items() if is_set)

    def test_random_numbers_in_random_contexts(self):
        short, long, rng = in_python(True), in_python(False), random.Random(20)
        self.assertIsNot(short.Decimal.__add__, long.Decimal.__add__)
        for _ in range(3000):
            case = (self.number(rng), self.number(rng), rng.choice((28, 5, 1, 50)), rng.choice((999999, 30)), rng.choice((("InvalidOperation",), ("InvalidOperation", "Inexact", "Overflow"), ())))
            self.assertEqual(self.outcome(short, *case), self.outcome(long, *case), case)

    def test_names_are_those_of_the_methods(self):
        module = in_python(True)
        self.assertEqual(module.Decimal.__add__.__qualname__, "Decimal.__add__")
        self.assertNotIn("memex", module.Decimal.__mul__.__module__)
        self.assertTrue(module.Decimal.__add__.__doc__)


if __name__ == "__main__":
    unittest.main()
