"""Whether a turn can run, and taking off what keeps it from running."""

import gc
import io
import sys
import unittest

import harness
from memex_guest import recovery, streams, turn


def setUpModule():
    # As the bootstrap does at the end of warming up: the importers of this process stay.
    recovery.install()


class Check(unittest.TestCase):
    def test_a_session_that_is_well_answers_with_nothing(self):
        self.assertEqual(harness.entry.check(b""), b"")
        self.assertNotIn("absent", turn.scope)

    def test_hooks_are_run_into(self):
        ran = []

        class Importer:
            @staticmethod
            def find_spec(name, *_):
                ran.append(name)

        class Name(str):
            __hash__ = str.__hash__

            def __eq__(self, other):
                ran.append("==")
                return str.__eq__(self, other)

        class Tee(io.StringIO):
            def write(self, shown):
                ran.append("write")
                return super().write(shown)

        collected = []
        turn.scope.pop("_", None)
        turn.scope[Name("_")] = 1
        sys.meta_path.insert(0, Importer)
        gc.callbacks.append(lambda *_: collected.append(1))
        sys.stdout = Tee()
        try:
            self.assertEqual(harness.entry.check(b""), b"")
            self.assertIn("memex_guest.absent", ran)
            self.assertIn("==", ran)
            self.assertIn("write", ran)
            self.assertTrue(collected)
        finally:
            self.assertEqual(harness.entry.disarm(b""), b"")
        ran.clear()
        collected.clear()
        self.assertEqual(harness.entry.check(b""), b"")
        gc.collect()
        self.assertEqual((ran, collected), ([], []))
        self.assertIs(sys.stdout, streams.out)
        self.assertEqual([name for name in turn.scope if type(name) is not str], [])


class Disarm(unittest.TestCase):
    def test_everything_is_as_in_the_image_and_the_scope_stays(self):
        def hook(*_args, **_more):
            raise AssertionError("a hook ran")

        turn.scope["kept"] = 41
        before = (list(sys.meta_path), list(sys.path_hooks), list(gc.callbacks))
        names = ("excepthook", "displayhook", "unraisablehook", "breakpointhook")
        hooks = [getattr(sys, name) for name in names]
        for name in names:
            setattr(sys, name, hook)
        sys.meta_path = [hook]
        sys.path_hooks.append(hook)
        gc.callbacks.append(hook)
        tool = turn.OBSERVERS[0] if turn.OBSERVERS else None
        if tool is not None:
            sys.monitoring.use_tool_id(tool, "x")
        self.assertEqual(harness.entry.disarm(b""), b"")
        self.assertEqual((sys.meta_path, sys.path_hooks, gc.callbacks), before)
        self.assertEqual([getattr(sys, name) for name in names], hooks)
        if tool is not None:
            self.assertIsNone(sys.monitoring.get_tool(tool))
        self.assertEqual(turn.scope["kept"], 41)
        recovery.exercise()


if __name__ == "__main__":
    unittest.main()
