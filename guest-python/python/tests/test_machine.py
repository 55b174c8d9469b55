"""What scripts ask of an operating system, where the library has no answer."""

import os
import signal
import sys
import unittest

import harness
from harness import run

from memex_guest import alarms, likeness, machine, maps, strands, threads


class Machine(unittest.TestCase):
    def tearDown(self):
        harness.calls.clear()
        harness.replies.clear()

    def test_what_is_there_already_stays(self):
        self.assertTrue(os.dup.__module__ in (None, "posix") or sys.platform == "wasi")

    def test_duplicates_are_asked_of_the_host(self):
        harness.replies.append(harness.frame_of(0, {"fd": 9}, ()))
        self.assertEqual(machine.dup(5), 9)
        harness.replies.append(harness.frame_of(0, {"fd": 7}, ()))
        self.assertEqual(machine.dup2(5, 7), 7)
        heads = [harness.channel.parse(frame)[1] for frame in harness.calls]
        self.assertEqual(heads, [{"duplicate": 5}, {"duplicate": 5, "to": 7}])
        for fd, number, words in ((99, 9, os.strerror(9)), (1, 95, "redirect_stdout")):
            harness.replies.append(harness.frame_of(0, {"errno": number}, ()))
            with self.assertRaises(OSError) as failed:
                machine.dup(fd)
            self.assertEqual(failed.exception.errno, number)
            self.assertIn(words, str(failed.exception))
        for wrong, error in (("5", AttributeError), (2**31, OverflowError)):
            self.assertRaises(error, machine.dup, wrong)

    def test_room_is_asked_of_the_host(self):
        for used, free in ((300, 700), (1200, 0)):
            harness.replies.append(harness.frame_of(0, {"total": 1000, "used": used}, ()))
            self.assertEqual(machine.disk_usage("/tmp"), (1000, used, free))
        harness.replies.append(harness.frame_of(0, {"total": 8192, "used": 4096}, ()))
        room = machine.statvfs("/tmp")
        self.assertEqual((room.f_blocks * room.f_frsize, room.f_bavail * room.f_frsize), (8192, 4096))
        self.assertRaises(FileNotFoundError, machine.disk_usage, "/no/such/place")

    def test_a_pipe_keeps_what_is_written(self):
        read, write = machine.pipe()
        try:
            self.assertEqual(os.read(read, 10), b"")
            os.write(write, b"one")
            os.write(write, b"two")
            self.assertEqual((os.read(read, 4), os.read(read, 10), os.read(read, 1)), (b"onet", b"wo", b""))
            self.assertEqual([name for name in os.listdir("/tmp") if name.startswith(".pipe-1-")], [])
        finally:
            os.close(read)
            os.close(write)

    def test_signals_to_oneself(self):
        seen = []
        before = signal.signal(signal.SIGTERM, lambda *arguments: seen.append(arguments[0]))
        try:
            machine.kill(os.getpid(), signal.SIGTERM)
            self.assertEqual(seen, [signal.SIGTERM])
        finally:
            signal.signal(signal.SIGTERM, before)
        with self.assertRaises(SystemExit) as left:
            machine.kill(os.getpid(), signal.SIGTERM)
        self.assertEqual(left.exception.code, 143)
        self.assertIsNone(machine.kill(0, 0))
        self.assertRaises(ProcessLookupError, machine.kill, 1 << 22, signal.SIGTERM)

    def test_users(self):
        self.assertEqual((machine.getpwuid(1000).pw_name, machine.getpwnam("user").pw_dir), ("user", "/home/user"))
        self.assertEqual(machine.getgrgid(1000).gr_name, "user")
        for function, value in ((machine.getpwuid, 5), (machine.getpwnam, "x"), (machine.getgrnam, "x")):
            self.assertRaises(KeyError, function, value)

    def test_the_mask_is_kept(self):
        self.assertEqual((machine.umask(0o77), machine.umask(0o22)), (0o22, 0o77))

    def test_nothing_changes_a_missing_file(self):
        self.assertIsNone(machine._change("/tmp", 1, 1))
        self.assertRaises(FileNotFoundError, machine._change, "/no/such/place", 1, 1)


@unittest.skipUnless(sys.version_info >= (3, 12), "classes with buffers and sys.monitoring are of 3.12")
class Maps(unittest.TestCase):
    PATH = "/tmp/memex-map"

    def setUp(self):
        with open(self.PATH, "wb") as file:
            file.write(b"line one\nline two\n")
        self.file = open(self.PATH, "r+b")

    def tearDown(self):
        self.file.close()
        os.remove(self.PATH)

    def written(self):
        with open(self.PATH, "rb") as file:
            return file.read()

    def test_reads_as_a_file_and_as_bytes(self):
        with maps.Map(self.file.fileno(), 0) as m:
            self.assertEqual((len(m), m[:4], m[0], m[-2:], m.find(b"two")), (18, b"line", 108, b"o\n", 14))
            self.assertEqual((m.readline(), m.read(4), m.tell(), m.read_byte()), (b"line one\n", b"line", 13, 32))
            self.assertEqual((m.seek(0), m.seek(-1, 2), m.seek(1, 1), m.size()), (0, 17, 18, 18))
            self.assertEqual((b"two" in m, list(m)[:2], bytes(memoryview(m)[:4])), (True, [108, 105], b"line"))
        self.assertTrue(m.closed)
        self.assertRaises(ValueError, len, m)

    def test_writes_back(self):
        m = maps.Map(self.file.fileno(), 0)
        m[:4] = b"LINE"
        m[5] = 79
        m.seek(9)
        m.write(b"LI")
        self.assertEqual(self.written()[:4], b"line")
        m.flush()
        self.assertEqual(self.written(), b"LINE One\nLIne two\n")
        m[:4] = b"last"
        self.file.close()
        m.close()
        self.assertEqual(self.written()[:4], b"last")

    def test_a_part(self):
        m = maps.Map(self.file.fileno(), 4, offset=9)
        m[:] = b"LINE"
        del m
        self.assertEqual(self.written(), b"line one\nLINE two\n")

    def test_moves_and_grows(self):
        m = maps.Map(self.file.fileno(), 0)
        m.move(0, 9, 4)
        m.resize(20)
        m[18:] = b"ok"
        m.close()
        self.assertEqual(self.written(), b"line one\nline two\nok")

    def test_what_may_not_be_written(self):
        m = maps.Map(self.file.fileno(), 0, access=maps._ACCESS_READ)
        self.assertRaises(TypeError, m.__setitem__, 0, 1)
        self.assertRaises(TypeError, m.write, b"x")
        self.assertTrue(memoryview(m).readonly)
        private = maps.Map(self.file.fileno(), 0, access=maps._ACCESS_COPY)
        private[:4] = b"mine"
        private.close()
        self.assertEqual(self.written()[:4], b"line")

    def test_refusals(self):
        for arguments in ((0, 100), (0, 0, 99), (100, 1)):
            length, offset = arguments[0] or 100, arguments[1]
            self.assertRaises(ValueError, maps.Map, self.file.fileno(), length, offset=offset)
        self.assertRaises(OverflowError, maps.Map, self.file.fileno(), -1)
        m = maps.Map(-1, 4)
        for wrong in (lambda: m.write(b"12345"), lambda: m.seek(9), lambda: m.move(0, 3, 4)):
            self.assertRaises(ValueError, wrong)
        self.assertRaises(IndexError, m.__setitem__, slice(0, 2), b"abc")


@unittest.skipUnless(hasattr(sys, "monitoring"), "sys.monitoring is of 3.12")
class Alarms(unittest.TestCase):
    HEAD = """
import signal, time, queue, threading, asyncio
_real = signal.alarm, signal.setitimer, signal.pause, signal.getitimer
signal.alarm, signal.setitimer, signal.pause, signal.getitimer = _alarms
rang = []
def late(number, frame):
    rang.append((number == signal.SIGALRM, frame is not None))
    raise TimeoutError('too late')
_before = signal.signal(signal.SIGALRM, late)
"""

    def setUp(self):
        strands.forget()
        harness.scope["_alarms"] = (alarms.alarm, alarms.setitimer, alarms.pause, alarms.getitimer)
        self.assertIsNone(run(self.HEAD).error)

    def tearDown(self):
        run("signal.signal(signal.SIGALRM, _before)\nsignal.alarm, signal.setitimer, signal.pause, signal.getitimer = _real")
        alarms.cancel()

    def check(self, source, expected):
        result = run(source)
        self.assertIsNone(result.error, result.traceback)
        self.assertEqual(result.value, expected)

    def test_it_ends_what_computes_and_what_waits(self):
        # CPython 3.13 does not find the handler of what a callback for jumps raises.
        loops = ("while True: pass", "for i in iter(int, 1): pass") if sys.version_info >= (3, 15) else ()
        for wait in (
            *loops,
            "sum(1 for _ in iter(int, 1))",
            "def f(): pass\nlist(map(lambda n: f(), iter(int, 1)))",
            "time.sleep(60)",
            "threading.Event().wait()",
            "queue.Queue().get()",
            "import threading\nt = threading.Thread(target=threading.Event().wait, daemon=True)\nt.start()\nt.join()",
        ):
            with self.subTest(wait):
                body = "\n".join("    " + line for line in wait.split("\n"))
                self.check(
                    "rang.clear()\nsignal.setitimer(0, 0.02)\ntry:\n" + body + "\n    found = 'not ended'\nexcept TimeoutError as error:\n    found = str(error)\nfound, rang",
                    "('too late', [(True, True)])",
                )

    def test_it_ends_an_await(self):
        result = harness.turn_once("signal.setitimer(0, 0.02)\nawait asyncio.sleep(60)")
        self.assertLess(result.json["timeout_s"], 0.03)
        while result.kind == "w":
            # The host waits, and no code of the guest runs.
            threads._plain_sleep(result.json["timeout_s"])
            result = harness.Result(harness.entry.resume(b""))
        self.assertEqual((result.type, result.message), ("TimeoutError", "too late"))
        self.assertFalse(alarms.is_set())

    def test_it_is_cancelled_and_read(self):
        self.check("signal.alarm(10), signal.alarm(0), signal.alarm(0)", "(0, 10, 0)")
        self.check("signal.setitimer(0, 5, 2)\na, b = signal.getitimer(0)\nsignal.setitimer(0, 0)\n4 < a <= 5, b", "(True, 2.0)")
        self.assertEqual(run("signal.setitimer(1, 1)").type, "OSError")
        self.assertEqual(run("signal.alarm(-1)").type, "OSError")
        self.assertEqual(run("signal.pause()").type, "RuntimeError")

    def test_a_handler_that_returns_is_called_again_and_again(self):
        self.check(
            "ticks = []\nsignal.signal(signal.SIGALRM, lambda *a: ticks.append(1))\nsignal.setitimer(0, 0.005, 0.005)\n"
            "while len(ticks) < 3: pass\ntime.sleep(0.02)\nsignal.pause()\nsignal.setitimer(0, 0)\nlen(ticks) >= 4",
            "True",
        )

    def test_without_a_handler(self):
        result = run("signal.signal(signal.SIGALRM, signal.SIG_DFL)\nsignal.setitimer(0, 0.01)\nwhile True: pass")
        self.assertEqual(result.type, "TimeoutError")
        self.assertIn("no handler", result.message)
        self.check("signal.signal(signal.SIGALRM, signal.SIG_IGN)\nsignal.setitimer(0, 0.005)\ntime.sleep(0.02)\n1", "1")

    def test_it_ends_with_its_turn(self):
        self.check("signal.setitimer(0, 0.01)\n1", "1")
        self.assertFalse(alarms.is_set())
        self.check("t = time.monotonic()\nwhile time.monotonic() - t < 0.03: pass\nrang", "[]")
        self.assertEqual(run("signal.setitimer(0, 0.01)\n1/0").type, "ZeroDivisionError")
        self.assertFalse(alarms.is_set())


class Likeness(unittest.TestCase):
    def test_replacements_have_no_names_of_this_package(self):
        found = []
        for owner, names in likeness._places():
            for name, value in names.items():
                if name.startswith("_") and not (name.startswith("__") and name.endswith("__")) or "memex" in name:
                    continue
                value = getattr(value, "__func__", value)
                for part in ("__module__", "__doc__", "__qualname__"):
                    if "memex" in str(getattr(value, part, "")):
                        found.append((owner, name, part))
        self.assertEqual(found, [])
        self.assertEqual(run("import time\ntime.sleep.__doc__.splitlines()[0]").value, "'sleep(seconds)'")
        self.assertEqual(run("import threading\nj = threading.Thread.join\nj.__module__, j.__qualname__, bool(j.__doc__)").value, "('threading', 'Thread.join', True)")



if __name__ == "__main__":
    unittest.main()
