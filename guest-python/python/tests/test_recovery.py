"""Whether a turn can run, and taking off what keeps it from running."""

import asyncio
import builtins
import gc
import io
import sys
import threading
import unittest
import warnings

import harness
from memex_guest import loop, recovery, streams, turn


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
            self.assertEqual(harness.entry.disarm(b""), b"+")
        ran.clear()
        self.assertEqual((turn.scope["_"], [type(name) for name in turn.scope if name == "_"]), (1, [str]))
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
        self.assertEqual(harness.entry.disarm(b""), b"+")
        self.assertEqual(harness.entry.disarm(b""), b"")
        self.assertEqual((sys.meta_path, sys.path_hooks, gc.callbacks), before)
        self.assertEqual([getattr(sys, name) for name in names], hooks)
        if tool is not None:
            self.assertIsNone(sys.monitoring.get_tool(tool))
        self.assertEqual(turn.scope["kept"], 41)
        recovery.exercise()

    def test_each_hook_by_itself_is_found_and_taken_off(self):
        def hook(*_args, **_more):
            raise AssertionError("a hook ran")

        class Finder:
            find_spec = hook

        def policy():
            asyncio.set_event_loop_policy(hook_policy)

        hook_policy = loop.GuestPolicy()
        for name, hang in {
            "trace of threads": lambda: setattr(threading, "_trace_hook", hook),
            "asyncgen": lambda: sys.set_asyncgen_hooks(hook, hook),
            "origin": lambda: sys.set_coroutine_origin_tracking_depth(5),
            "excepthook": lambda: setattr(sys, "excepthook", hook),
            "unraisablehook": lambda: setattr(sys, "unraisablehook", hook),
            "excepthook of threads": lambda: setattr(threading, "excepthook", hook),
            "import": lambda: setattr(builtins, "__import__", hook),
            "class": lambda: setattr(builtins, "__build_class__", hook),
            "warning": lambda: setattr(warnings, "showwarning", hook),
            "task factory": lambda: loop.loop.set_task_factory(hook),
            "exception handler": lambda: loop.loop.set_exception_handler(hook),
            "method of the loop": lambda: setattr(loop.loop, "call_soon", hook),
            "debug": lambda: loop.loop.set_debug(True),
            "policy": policy,
            "method of the policy": lambda: setattr(asyncio.get_event_loop_policy(), "new_event_loop", hook),
            "current loop": lambda: asyncio.set_event_loop(Finder()),
            "stdout": lambda: setattr(sys, "stdout", io.StringIO()),
        }.items():
            with self.subTest(name):
                self.assertEqual(harness.entry.disarm(b""), b"")
                hang()
                self.assertEqual(harness.entry.disarm(b""), b"+")
                self.assertEqual(harness.entry.disarm(b""), b"")
                self.assertEqual(harness.run("import asyncio\nasync def f(): return await asyncio.sleep(0, 5)\nawait f()").value, "5")
                self.assertEqual(harness.run("asyncio.run(f())").value, "5")

    def test_finders_of_paths_are_made_anew(self):
        class Finder:
            @staticmethod
            def find_spec(*_given):
                raise AssertionError("a hook ran")

        for entry in sys.path:
            sys.path_importer_cache[entry] = Finder()
        self.assertEqual(harness.run("import nothing_of_this_name").type, "AssertionError")
        self.assertEqual(harness.entry.disarm(b""), b"")
        self.assertEqual(harness.run("import nothing_of_this_name").type, "ModuleNotFoundError")

    def test_nothing_is_collected_meanwhile(self):
        collected = []
        kept = gc.get_threshold()
        gc.callbacks.append(lambda *_: collected.append(1))
        gc.set_threshold(1, 1, 1)
        try:
            collected.clear()
            self.assertEqual(harness.entry.disarm(b""), b"+")
            self.assertEqual(collected, [])
            self.assertTrue(gc.isenabled())
            gc.disable()
            self.assertEqual(harness.entry.disarm(b""), b"")
            self.assertFalse(gc.isenabled())
        finally:
            gc.set_threshold(*kept)
            gc.enable()

    def test_tasks_at_rest_and_names_stay(self):
        harness.run("import asyncio\nasync def tick():\n    await asyncio.sleep(0.01)\n    return 7\nt = asyncio.create_task(tick())\nawait asyncio.sleep(0)")
        turn.scope[1] = "one"
        loop.loop.set_task_factory(lambda *_given, **_more: None)
        try:
            self.assertEqual(harness.entry.disarm(b""), b"+")
            result = harness.run("await t")
            self.assertEqual(result.value, "7", result.error)
            self.assertEqual(turn.scope[1], "one")
        finally:
            del turn.scope[1]


if __name__ == "__main__":
    unittest.main()
