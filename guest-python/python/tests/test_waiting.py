"""Top-level await: waiting, resuming, cancelling, tasks at rest, nested loops."""

import time
import unittest

import harness
from harness import Result, run, turn_once

run("import asyncio")


class Waiting(unittest.TestCase):
    def test_values(self):
        cases = [
            ("await asyncio.sleep(0, 5)", "5"),
            ("await asyncio.sleep(0.001, 6)", "6"),
            ("async def f(n):\n    await asyncio.sleep(0.001)\n    return n\nawait asyncio.gather(f(1), f(2))", "[1, 2]"),
            ("x = await f(3)\nx", "3"),
            ("await f(3);", None),
            ("async with asyncio.TaskGroup() as g:\n    t = g.create_task(f(4))\nt.result()", "4"),
            ("async with asyncio.timeout(5):\n    r = await f(1)\nr", "1"),
            ("[i async for i in (x async for x in aiter_of(3))]", "[0, 1, 2]"),
            ("await asyncio.to_thread(pow, 2, 5)", "32"),
            ("asyncio.run(f(1)), await f(2), asyncio.run(f(3))", "(1, 2, 3)"),
            ("asyncio.get_event_loop().run_until_complete(f(4)), await f(5)", "(4, 5)"),
            ("import nest_asyncio\nnest_asyncio.apply()\nasyncio.run(f(6)), await f(7)", "(6, 7)"),
            ("async def deep(n):\n    return n if n == 0 else asyncio.run(deep(n - 1))\nawait deep(3)", "0"),
            ("t = asyncio.create_task(f(8))\nasyncio.run(f(9)), await t", "(9, 8)"),
            ("asyncio.run(f(7))", "7"),
            ("loop = asyncio.new_event_loop()\nr = loop.run_until_complete(f(8))\nloop.close()\nr", "8"),
            ("asyncio.get_event_loop().run_until_complete(f(9))", "9"),
            ("with asyncio.Runner() as r:\n    v = r.run(f(10))\nv", "10"),
            ("q = asyncio.Queue()\nasync def p():\n    for i in range(3):\n        await q.put(i)\nt = asyncio.create_task(p())\n[await q.get() for _ in range(3)]", "[0, 1, 2]"),
        ]
        run("async def aiter_of(n):\n    for i in range(n):\n        await asyncio.sleep(0)\n        yield i")
        for source, expected in cases:
            with self.subTest(source):
                result = run(source)
                self.assertIsNone(result.error, result.traceback)
                self.assertEqual(result.value, expected)

    def test_a_wait_returns_to_the_host(self):
        started = time.perf_counter()
        result = turn_once("await asyncio.sleep(30)\n'slept'")
        self.assertLess(time.perf_counter() - started, 1)
        self.assertAlmostEqual(result.json["timeout_s"], 30, delta=1)
        early = Result(harness.entry.resume(b""))
        self.assertEqual(early.kind, "w")
        ended = Result(harness.entry.cancel(b"TimeoutError: the deadline passed"))
        self.assertEqual((ended.type, ended.message, ended.error["line"]), ("TimeoutError", "the deadline passed", 1))

    def test_an_interrupt_that_strikes_twice_stays_the_interrupt(self):
        from asyncio import Runner, sleep

        from memex_guest import loop

        class Struck(loop.GuestLoop):
            """Struck while it waits, and again where `run_forever` notes that it ends."""

            strikes = 0
            _ending = False

            def select(self, timeout):
                if timeout is None or timeout > 1:
                    raise KeyboardInterrupt("first")
                return super().select(timeout)

            @property
            def _stopping(self):
                return self._ending

            @_stopping.setter
            def _stopping(self, ending):
                if not ending and getattr(self, "_thread_id", None) is not None and self.strikes < self.strikes_max:
                    self.strikes += 1
                    raise KeyboardInterrupt("again")
                self._ending = ending

        for strikes in range(3):
            with self.subTest(strikes):
                Struck.strikes_max = strikes
                made = []
                with self.assertRaises(KeyboardInterrupt):
                    with Runner(loop_factory=lambda: made.append(Struck()) or made[0]) as runner:
                        runner.run(sleep(60))
                self.assertEqual(made[0].strikes, strikes)
                self.assertFalse(made[0].is_running())
                self.assertTrue(made[0].is_closed())
                self.assertEqual(run("asyncio.run(asyncio.sleep(0, 5))").value, "5")

    def test_a_loop_that_runs_cannot_be_closed(self):
        # The control: `is_running` is asked here too.
        source = "async def g():\n    asyncio.get_running_loop().close()\n"
        for last in ("asyncio.run(g())", "await g()"):
            self.assertIn("Cannot close a running event loop", run(source + last).message)

    def test_cancelling(self):
        cases = [
            (b"TimeoutError", "await asyncio.sleep(30)", "TimeoutError"),
            (b"KeyboardInterrupt", "await asyncio.sleep(30)", "KeyboardInterrupt"),
            (b"Nonsense", "await asyncio.sleep(30)", "TimeoutError"),
            (b"TimeoutError", "try:\n    await asyncio.sleep(30)\nfinally:\n    cleaned = True", "TimeoutError"),
            (b"TimeoutError", "try:\n    await asyncio.sleep(30)\nexcept BaseException:\n    1/0", "ZeroDivisionError"),
            (b"TimeoutError", "deaf = True\nwhile deaf:\n    try:\n        await asyncio.sleep(0.3)\n    except BaseException:\n        pass", "TimeoutError"),
        ]
        for payload, source, kind in cases:
            with self.subTest(source=source, payload=payload):
                self.assertEqual(turn_once(source).kind, "w")
                ended = Result(harness.entry.cancel(payload))
                self.assertEqual((ended.status, ended.type), ("exception", kind))
                self.assertEqual(run("1 + 1").value, "2")
        self.assertEqual(run("cleaned").value, "True")
        run("deaf = False\nawait asyncio.sleep(0.4)")

    def test_nothing_waits(self):
        for name in (harness.entry.resume, harness.entry.cancel):
            self.assertEqual(Result(name(b"")).message, "no turn is waiting")

    def test_tasks_at_rest_go_on_when_a_later_turn_awaits(self):
        run("seen = []\nasync def tick():\n    for i in range(3):\n        await asyncio.sleep(0.001)\n        seen.append(i)\nticking = asyncio.create_task(tick())\nawait asyncio.sleep(0)")
        self.assertEqual(run("seen").value, "[]")
        self.assertEqual(run("await asyncio.sleep(0.05)\nseen").value, "[0, 1, 2]")

    def test_a_new_turn_leaves_the_waiting_one_at_rest(self):
        turn_once("await asyncio.sleep(0.01)\nleft = 'done'")
        self.assertEqual(run("2").value, "2")
        self.assertEqual(run("await asyncio.sleep(0.05)\nleft").value, "'done'")

    def test_deadlocks_are_told(self):
        for source in ("await asyncio.Event().wait()", "asyncio.run(asyncio.Event().wait())", "await asyncio.get_running_loop().create_future()"):
            with self.subTest(source):
                result = run(source)
                self.assertEqual(result.type, "RuntimeError")
                self.assertIn("deadlock", result.message)
        self.assertEqual(run("await asyncio.sleep(0, 1)").value, "1")

    def test_failures(self):
        cases = [
            ("async def bad():\n    raise KeyError('k')\nawait bad()", "exception", "KeyError"),
            ("async with asyncio.timeout(0.001):\n    await asyncio.sleep(5)", "exception", "TimeoutError"),
            ("async with asyncio.TaskGroup() as g:\n    g.create_task(bad())", "exception", "ExceptionGroup"),
            ("asyncio.run(bad())", "exception", "KeyError"),
            ("raise asyncio.CancelledError", "exception", "asyncio.exceptions.CancelledError"),
            ("await asyncio.sleep(0)\nraise KeyboardInterrupt", "exception", "KeyboardInterrupt"),
        ]
        for source, status, kind in cases:
            with self.subTest(source):
                result = run(source)
                self.assertEqual((result.status, result.type), (status, kind))
                self.assertNotIn("memex_guest", result.traceback)
                self.assertEqual(run("await asyncio.sleep(0, 1)").value, "1")

    @unittest.skipUnless(harness.can_capture, "descriptors cannot be redirected here")
    def test_forgotten_failures_are_told_without_our_frames(self):
        source = "async def lost():\n    1/0\nt = asyncio.create_task(lost())\nawait asyncio.sleep(0)\nawait asyncio.sleep(0)\ndel t\nimport gc\ngc.collect();"
        _, _, err = harness.output_of(source)
        self.assertIn("ZeroDivisionError", err)
        self.assertNotIn("entry.py", err)

    def test_a_turn_inside_a_running_loop_gets_a_new_one(self):
        # A fork made in the middle of a turn enters like this: the parent's task never returns.
        source = (
            "import struct\nfrom memex_guest import entry as _entry\n"
            "def _enter(s):\n    return _entry.run(struct.pack('<I', 90000) + s.encode())\n"
            "await asyncio.sleep(0)\n[_enter('await asyncio.sleep(0, 3)'), _enter('asyncio.run(asyncio.sleep(0, 4))')]"
        )
        turn_once(source)
        self.assertEqual(run("await asyncio.sleep(0, 'later')").value, "'later'")


if __name__ == "__main__":
    unittest.main()
