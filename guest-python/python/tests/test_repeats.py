"""Blocks that come again: their code is kept, and what they do is the same every time."""

import time
import unittest
import warnings

import harness
from harness import run
from memex_guest import block, repeats


class Repeats(unittest.TestCase):
    def setUp(self):
        repeats.forget()

    def compilations(self, sources):
        """How many of the blocks were compiled."""
        compiled = []
        real = harness.turn._compiled

        def counting(source, name):
            compiled.append(source)
            return real(source, name)

        harness.turn._compiled = counting
        try:
            self.results = [run(source) for source in sources]
        finally:
            harness.turn._compiled = real
        return len(compiled)

    def test_the_third_time_takes_the_code_of_the_second(self):
        run("n = 0")
        self.assertEqual(self.compilations(["n += 1"] * 5), 2)
        self.assertEqual(run("n").value, "5")

    def test_values_are_shown_each_time(self):
        for source, value in (("m", "3"), ("y = m\ny * 2", "6"), ("'a' 'b'", "'ab'")):
            run("m = 3")
            with self.subTest(source):
                self.assertEqual(self.compilations([source] * 4), 2)
                self.assertEqual([result.value for result in self.results], [value] * 4)

    def test_a_block_that_comes_seldom_is_not_kept(self):
        others = ["a%d = 1" % number for number in range(repeats.RECENT)]
        self.assertEqual(self.compilations(["n = 1", *others] * 3), 3 * (1 + len(others)))
        self.assertEqual(repeats._known, {})

    def test_what_is_kept_is_bounded(self):
        for number in range(3 * repeats.KEPT):
            self.compilations(["b%d = 1" % number] * 2)
        self.assertEqual(len(repeats._known), repeats.KEPT)
        long = "c = '" + "x" * repeats.SOURCE_MAX + "'"
        self.assertEqual(self.compilations([long] * 4), 4)

    def test_the_turn_that_asks_whether_turns_run_is_compiled_each_time(self):
        compiled = []
        real = harness.turn._compiled
        harness.turn._compiled = lambda source, name: compiled.append(source) or real(source, name)
        try:
            answers = [harness.entry.check(b"") for _ in range(4)]
        finally:
            harness.turn._compiled = real
        self.assertEqual((answers, compiled), ([b""] * 4, ["pass"] * 4))

    def test_an_error_names_its_own_turn(self):
        results = [run("k = 1\nunknown_name + k") for _ in range(4)]
        numbers = set()
        for result in results:
            self.assertEqual((result.type, result.error["line"]), ("NameError", 2))
            self.assertIn("unknown_name + k", result.traceback)
            numbers.add(result.traceback.split('"')[1] if '"' in result.traceback else result.traceback)
        self.assertEqual(len(numbers), 4, numbers)

    def test_functions_and_what_is_warned_of_are_compiled_each_time(self):
        for source in (
            "def f(): return 1",
            "f = lambda: 1",
            "p = '\\d'",
            "q = 5 is 5",
            "assert (1, 2)",
            "r = 0or 1",
            "for _ in (1,):\n    try: pass\n    finally: continue",
        ):
            with self.subTest(source), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.assertEqual(self.compilations([source] * 4), 4)

    def test_every_block_that_the_compiler_warns_of_is_recognised(self):
        warned = [
            "'a'(1)", "1(2)", "(1, 2)(3)", "[1][1, 2]", "'a'['b']", "None(1)", "...(1)", "{1}[0]",
            "(x for x in y)(1)", "f'{x}'(1)", "('a' # (\n (1))", "(1, 2) [3.0]", "1.5(2)", "x is 1",
            "x is not 'a'", "1if x else 2", "0x1for x in y", "1or 2", "assert (x, 'm')", "b'\\d'",
            "'\\8'", "1_0in y", "1.if x else 2", "~True", "~ False",
        ]
        for source in warned:
            with self.subTest(source):
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    try:
                        block.compiled(source, "<turn 1>")
                    except SyntaxError:
                        pass
                if caught:
                    self.assertTrue(repeats._may_warn(source), caught[0].message)
        for source in ("x += 1", "df.head()", "x[0] = f(2)", "df2[df2.a > 3]", "print(1.5, 'a')", "this = his + 0x1f"):
            with self.subTest(source):
                self.assertFalse(repeats._may_warn(source))

    def test_the_look_at_a_hostile_block_is_short(self):
        for source in ("'" + " #" * 240, "1" * 499, "." * 499, "1.a" * 160, "~" + " #\n" * 160):
            begun = time.perf_counter()
            repeats._may_warn(source)
            self.assertLess(time.perf_counter() - begun, 0.05, source[:9])


if __name__ == "__main__":
    unittest.main()
