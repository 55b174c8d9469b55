"""What is added to modules once they have been imported."""

import importlib
import sys
import tempfile
import unittest
from pathlib import Path

import harness  # noqa: F401

from memex_guest import integers, later


class LaterTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        (Path(folder.name) / "later_module.py").write_text("value = 1\n")
        sys.path.insert(0, folder.name)
        self.addCleanup(sys.path.remove, folder.name)
        self.addCleanup(sys.modules.pop, "later_module", None)
        importlib.invalidate_caches()

    def test_what_follows_comes_after_the_module_and_leaves_its_loader(self):
        seen = []
        later.after("later_module", lambda module: seen.append((module.__name__, module.value)))
        self.addCleanup(later.forget, "later_module")
        module = importlib.import_module("later_module")
        self.assertEqual(seen, [("later_module", 1)])
        for loader in (module.__loader__, module.__spec__.loader):
            self.assertNotIsInstance(loader, later._Loader)

    def test_other_modules_are_left_to_the_other_finders(self):
        self.assertIs(sys.meta_path.count(later.Finder), 1)
        self.assertIsNone(later.Finder.find_spec("later_module"))
        self.assertEqual(importlib.import_module("later_module").value, 1)

    def test_a_module_that_is_not_there_is_missing_as_ever(self):
        later.after("no_such_module", self.fail)
        self.addCleanup(later.forget, "no_such_module")
        with self.assertRaises(ModuleNotFoundError):
            importlib.import_module("no_such_module")

    def test_where_pointers_are_wide_nothing_changes(self):
        try:
            import numpy
        except ImportError:
            self.skipTest("no numpy")
        self.assertFalse(integers.is_wide(numpy))
        for function in (numpy.bincount, numpy.histogram, numpy.unique):
            self.assertFalse(function.__module__.startswith("memex_guest"))


if __name__ == "__main__":
    unittest.main()
