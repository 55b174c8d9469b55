"""Asking for a fork, and what a copy forgets of the turn it was made in."""

import importlib.machinery
import json
import sys
import unittest

import harness
from harness import frame_of

from memex_guest import channel, forks, loop as loops, threads


class Asking(unittest.TestCase):
    def setUp(self):
        harness.calls.clear()

    def test_a_request_is_a_frame_with_its_answer(self):
        harness.replies.append(frame_of(0, {"child": 7}, (b"raw",)))
        self.assertEqual(forks.ask({"task": "x"}, (b"part",)), ({"child": 7}, [b"raw"]))
        operation, head, parts = channel.parse(harness.calls[-1])
        self.assertEqual((operation, head, parts), (4, {"task": "x"}, [b"part"]))

    def test_a_refusal_is_an_exception(self):
        harness.replies.append(frame_of(1, {"type": "PermissionError", "message": "no"}, ()))
        with self.assertRaisesRegex(PermissionError, "no"):
            forks.ask({})


class Entering(unittest.TestCase):
    def test_nothing_of_the_turn_is_left(self):
        half, whole = (importlib.machinery.ModuleSpec(name, None) for name in ("half", "whole"))
        half._initializing = True
        for spec in (half, whole):
            module = type(sys)(spec.name)
            module.__spec__ = spec
            sys.modules[spec.name] = module
            forks._module_locks[spec.name] = None
        before = loops.loop
        seen = []
        sys.settrace(lambda *what: seen.append(what))
        try:
            self.assertEqual(harness.entry.after_fork(b""), b"")
            self.assertIsNone(sys.gettrace())
            self.assertNotIn("half", sys.modules)
            self.assertIn("whole", sys.modules)
            self.assertIsNot(loops.loop, before)
            self.assertIs(threads._active[threads.get_ident()], forks._main_thread)
        finally:
            sys.settrace(None)
            for name in ("half", "whole"):
                sys.modules.pop(name, None)
                del forks._module_locks[name]
        self.assertEqual(harness.run("import asyncio\nawait asyncio.sleep(0, 3)").value, "3")

    def test_a_failure_is_a_frame(self):
        kept, forks._reprs = forks._reprs, None
        try:
            frame = harness.entry.after_fork(b"")
        finally:
            forks._reprs = kept
        self.assertEqual(json.loads(frame[1:])["error"]["type"], "AttributeError")


if __name__ == "__main__":
    unittest.main()
