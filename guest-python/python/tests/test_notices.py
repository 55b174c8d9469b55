"""Warnings and import errors: where they point, and what they advise."""

import importlib.util
import os
import re
import sys
import unittest

import harness
from harness import has, output_of, run

from memex_guest import alternatives, figures, notices


@unittest.skipUnless(harness.can_capture, "descriptors cannot be redirected here")
class Warnings(unittest.TestCase):
    def test_none_points_at_this_package(self):
        _, _, err = output_of("async def f(): pass\nf();")
        self.assertRegex(err, r"^(<turn \d+>:2: )?RuntimeWarning: coroutine 'f' was never awaited\n")
        self.assertNotIn("memex", err)
        _, _, err = output_of("import warnings\nwarnings.warn('mine')")
        self.assertRegex(err, r"^<turn \d+>:2: UserWarning: mine\n")
        # A call of ours between the turn and the warning.
        code = "import warnings\nfrom memex_guest import text\nclass R:\n    def __repr__(self):\n        warnings.warn('deep', stacklevel=2)\n        return 'R'\nfound = text.safe_repr(R(), 9)"
        # In the sandbox these files have such names.
        own, notices._OWN_FILES = notices._OWN_FILES, os.path.dirname(notices.__file__)
        try:
            _, _, err = output_of(code)
        finally:
            notices._OWN_FILES = own
        self.assertRegex(err, r"^<turn \d+>:5: UserWarning: deep\n")
        self.assertNotIn("memex", err.splitlines()[0])


class Imports(unittest.TestCase):
    def check(self, source, *words):
        result = run(source)
        self.assertEqual(result.type, "ModuleNotFoundError", result.frame)
        for word in words:
            self.assertIn(word, result.message)
        self.assertNotIn("memex_guest", result.traceback)

    def test_the_error_names_the_remedy_wherever_the_import_stands(self):
        self.check("import torch", "No module named 'torch': ", "native code", "scikit-learn")
        self.check("def f():\n    from torch.nn import Module\nf()", "native code")
        self.check("import importlib\nimportlib.import_module('torch')", "native code")
        self.check("__import__('msvcrt')", "no terminal")
        self.check("import commands", "no longer part of Python")
        self.check("import setuptools.nothing_of_this_name" if not has("setuptools") else "import ensure_no_such", "No module named")
        self.check("import some_module_of_nobody", "--package NAME==VERSION")
        self.assertEqual(run("try:\n    import torch\nexcept ImportError as error:\n    name = error.name\nname").value, "'torch'")

    def test_submodules_say_what_python_says(self):
        self.assertEqual(run("import json.nothing").message, "No module named 'json.nothing'")

    def test_questions_are_answered_with_none(self):
        self.assertIsNone(importlib.util.find_spec("torch"))
        self.assertEqual(run("import importlib.util\nimportlib.util.find_spec('torch') is None").value, "True")

    def test_finders_that_come_later_are_asked(self):
        source = (
            "import sys, types, importlib.machinery\nclass Own:\n    @staticmethod\n    def find_spec(name, path=None, target=None):\n"
            "        if name == 'my_own_module': return importlib.machinery.ModuleSpec(name, Own)\n"
            "    @staticmethod\n    def create_module(spec): return None\n    @staticmethod\n    def exec_module(module): module.x = 5\n"
            "sys.meta_path.append(Own)\ntry:\n    import my_own_module\nfinally:\n    sys.meta_path.remove(Own)\nmy_own_module.x"
        )
        self.assertEqual(run(source).value, "5")

    def test_the_traceback_of_python_shows_the_import_alone(self):
        told = run("import traceback\ntry:\n    import torch\nexcept ImportError:\n    told = traceback.format_exc()\ntold.count('File'), 'find_spec' in told").value
        self.assertEqual(told, "(1, False)")

    def test_the_table_is_well_formed(self):
        kinds = set()
        names = []
        for line in alternatives.TABLE.strip().split("\n"):
            found, kind, words = line.split(" | ")
            names += found.split()
            kinds.add(kind)
            self.assertFalse(words.endswith("."), line)
        self.assertEqual(kinds, set(alternatives.REASONS))
        self.assertEqual(len(names), len(set(names)))
        for name in names:
            self.assertTrue(re.fullmatch(r"[A-Za-z_][\w.-]*", name), name)


@unittest.skipUnless(has("matplotlib"), "matplotlib is not here")
class Figures(unittest.TestCase):
    HEAD = "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\nplt.close('all')"

    def setUp(self):
        run(self.HEAD)
        harness.calls.clear()

    def tearDown(self):
        run("plt.close('all')")

    def shown(self, source):
        result = run(source)
        self.assertIsNone(result.error, result.traceback)
        return [(head["data"]["text/plain"], len(parts)) for head, parts in harness.displayed()]

    ONE = [("<Figure size 640x480 with 1 Axes>", 1)]

    def test_a_figure_lives_on_until_it_is_shown_or_closed(self):
        self.assertEqual(self.shown("plt.plot([1, 2]);"), self.ONE)
        self.assertEqual(self.shown("1;"), [])
        self.assertEqual(self.shown("plt.title('later');"), self.ONE)
        self.assertEqual(run("plt.gca().get_title(), len(plt.gca().lines)").value, "('later', 1)")
        self.assertEqual(self.shown("plt.gcf().number;"), [])
        self.assertEqual(self.shown("plt.show()"), self.ONE)
        self.assertEqual(self.shown("plt.get_fignums()[:] == [] or 1/0;"), [])
        self.assertEqual(self.shown("plt.plot([3]);\nplt.close()"), [])

    def test_any_artist_counts_as_a_change(self):
        self.shown("fig, ax = plt.subplots()\nline, = ax.plot([1, 2])")
        for change in ("line.set_color('red')", "ax.set_xlabel('x')", "ax.legend(['a'])", "fig.suptitle('s')", "line.set_data([1], [2])", "ax.text(0, 0, 't')"):
            with self.subTest(change):
                self.assertEqual(self.shown(change + ";"), self.ONE)
        self.assertEqual(self.shown("fig.savefig('/tmp/memex-figure.png')\nimport os\nos.remove('/tmp/memex-figure.png')"), [])
        self.assertEqual(self.shown("plt.savefig('/tmp/memex-figure.png')\nplt.draw()\nos.remove('/tmp/memex-figure.png')"), [])
        self.assertEqual(self.shown("ax.set_title('x')\nfig.savefig('/tmp/memex-figure.png')\nos.remove('/tmp/memex-figure.png')"), self.ONE)

    def test_a_figure_that_is_a_value_is_shown_once(self):
        self.assertEqual(self.shown("fig, ax = plt.subplots()\nax.plot([1])\nfig"), self.ONE)
        self.assertEqual(self.shown("fig"), self.ONE)
        self.assertEqual(self.shown("display(fig)"), self.ONE)
        self.assertEqual(self.shown("ax.set_title('x');"), self.ONE)

    def test_old_figures_are_closed(self):
        for _ in range(figures.KEPT_MAX + 5):
            self.assertEqual(self.shown("plt.figure()\nplt.plot([1]);"), self.ONE)
        self.assertEqual(run("len(plt.get_fignums())").value, str(figures.KEPT_MAX))

    @unittest.skipUnless(harness.can_capture, "descriptors cannot be redirected here")
    def test_missing_glyphs_are_one_line(self):
        _, _, err = output_of("plt.title('\\u7b2c\\u4e00\\u7ae0');")
        harness.calls.clear()
        lines = err.splitlines()
        self.assertEqual(len(lines), 1, err)
        self.assertIn("has no glyphs for \u7b2c\u4e00\u7ae0", err)
        self.assertIn("--font", err)
        self.assertNotIn("memex", err)


if __name__ == "__main__":
    unittest.main()
