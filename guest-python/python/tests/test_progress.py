"""Progress bars of packages: each has a thread of its own that wakes up for ever."""

import time
import unittest

from harness import has, run

from memex_guest import strands


@unittest.skipUnless(has("rich"), "rich is not here")
class Rich(unittest.TestCase):
    def check(self, source):
        strands.forget()
        started = time.perf_counter()
        result = run("import contextlib, io, threading, time\nout = io.StringIO()\nfrom rich.console import Console\nconsole = Console(file=out)\n" + source)
        self.assertIsNone(result.error, result.traceback)
        self.assertLess(time.perf_counter() - started, 5)
        return result.value

    def test_bars(self):
        self.assertEqual(self.check("from rich.progress import track\nlist(track(range(5), console=console))"), "[0, 1, 2, 3, 4]")
        self.assertEqual(
            self.check("from rich.progress import Progress\nwith Progress(console=console) as p:\n    t = p.add_task('a', total=4)\n    while not p.finished:\n        p.advance(t)\n        time.sleep(0.002)\n'100%' in out.getvalue()"),
            "True",
        )
        # The thread that draws it does so while the turn waits.
        self.assertEqual(
            self.check("from rich.live import Live\ndrawn = []\nclass Counted:\n    def __rich__(self):\n        drawn.append(1)\n        return str(len(drawn))\nwith Live(Counted(), console=Console(file=out, force_terminal=True), refresh_per_second=100):\n    time.sleep(0.4)\nlen(drawn) > 4"),
            "True",
        )
        self.assertEqual(self.check("with console.status('working'):\n    time.sleep(0.01)\n1"), "1")

    def test_bars_beside_threads(self):
        source = (
            "from rich.progress import Progress\nfrom concurrent.futures import ThreadPoolExecutor\nwith Progress(console=console) as p:\n"
            "    tasks = [p.add_task(str(n), total=5) for n in range(3)]\n    def work(task):\n        for _ in range(5):\n            time.sleep(0.002)\n            p.advance(task)\n"
            "    with ThreadPoolExecutor(3) as ex: list(ex.map(work, tasks))\n[task.finished for task in p.tasks]"
        )
        self.assertEqual(self.check(source), "[True, True, True]")

    def test_one_that_is_never_stopped_holds_no_turn_up(self):
        self.check("from rich.progress import Progress\np = Progress(console=console)\np.start()\np.add_task('a')")
        self.check("1")


@unittest.skipUnless(has("tqdm"), "tqdm is not here")
class Tqdm(unittest.TestCase):
    def test_forms(self):
        for form in ("from tqdm import tqdm", "from tqdm.auto import tqdm", "from tqdm.std import tqdm", "from tqdm.asyncio import tqdm"):
            result = run("import io\n" + form + "\nout = io.StringIO()\nr = [n for n in tqdm([1, 2], file=out)]\nr, '100%' in out.getvalue()")
            self.assertEqual(result.value, "([1, 2], True)", result.frame)


if __name__ == "__main__":
    unittest.main()
