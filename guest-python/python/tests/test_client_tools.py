"""Plain calls of client tools become awaits wherever the code can await, and stay calls elsewhere."""

import unittest

import harness
from harness import Result, entry, turn_once
from memex_guest import definitions
from toolhost import answers, serve, simple

# A block by the place of the call, with the value it ends with and whether the call there
# is awaited (True) or holds its frame (False). `f(x)` answers twice its argument.
PLACES = {
    "statement": ("f(1)\n5", "5", True),
    "value": ("f(1)", "2", True),
    "assignment": ("x = f(1)\nx", "2", True),
    "annotated assignment": ("x: int = f(1)\nx", "2", True),
    "augmented assignment": ("x = 1\nx += f(1)\nx", "3", True),
    "walrus": ("(y := f(1)) + y", "4", True),
    "argument": ("max(f(1), 1)", "2", True),
    "keyword argument": ("dict(a=f(1))", "{'a': 2}", True),
    "starred arguments": ("print(*[f(1)], end='')\n1", "1", True),
    "argument of itself": ("f(f(1))", "4", True),
    "attribute of the result": ("f(1).bit_length()", "2", True),
    "subscript": ("[5, 6, 7][f(1)]", "7", True),
    "slice": ("'abcd'[f(1):]", "'cd'", True),
    "target of an assignment": ("d = {}\nd[f(1)] = f(2)\nd", "{2: 4}", True),
    "target of an augmented assignment": ("d = {2: 1}\nd[f(1)] += f(2)\nd", "{2: 5}", True),
    "del": ("d = {2: 1}\ndel d[f(1)]\nd", "{}", True),
    "operators": ("-f(1) + f(2) * f(3), not f(0), f(1) < f(2) < 9", "(22, True, True)", True),
    "boolean operators": ("f(0) or f(1) and f(3)", "6", True),
    "conditional": ("f(1) if f(2) else f(3)", "2", True),
    "f-string": ("f'{f(1)} {f(2):>{f(2)}}'", "'2    4'", True),
    "displays": ("[f(1)], (f(1),), {f(1)}, {f(1): f(2)}", "([2], (2,), {2}, {2: 4})", True),
    "unpacking": ("a, *b = [f(1), *[f(2)]]\na, b", "(2, [4])", True),
    "list comprehension": ("[f(x) for x in range(3) if f(x)]", "[2, 4]", True),
    "iterable of a comprehension": ("[x for x in range(f(1))]", "[0, 1]", True),
    "nested comprehension": ("[[f(y) for y in range(x)] for x in range(3)]", "[[], [0], [0, 2]]", True),
    "second iterable": ("[y for x in range(2) for y in range(f(x))]", "[0, 1]", True),
    "set comprehension": ("{f(x) for x in (1, 1)}", "{2}", True),
    "dict comprehension": ("{f(x): f(x + 1) for x in (1,)}", "{2: 4}", True),
    "generator that is used up": ("sum(f(x) for x in range(3))", "6", True),
    "generator that is joined": ("','.join(str(f(x)) for x in range(3))", "'0,2,4'", True),
    "generator": ("any(f(x) for x in range(3))", "True", False),
    "iterable of a generator": ("any(x for x in range(f(1)))", "True", True),
    "if": ("if f(1):\n    y = f(2)\nelse:\n    y = 0\ny", "4", True),
    "while": ("n = 0\nwhile f(n) < 3:\n    n += 1\nn", "2", True),
    "for": ("t = 0\nfor i in range(f(1)):\n    t += f(i)\nelse:\n    t += f(5)\nt", "12", True),
    "with": (
        "import contextlib\nwith contextlib.nullcontext(f(1)) as h:\n    h += f(2)\nh",
        "6",
        True,
    ),
    "try": (
        "s = []\ntry:\n    s.append(f(1))\n    1 / 0\nexcept ZeroDivisionError:\n    s.append(f(2))\nfinally:\n    s.append(f(3))\ns",
        "[2, 4, 6]",
        True,
    ),
    "raise": ("try:\n    raise ValueError(f(1))\nexcept ValueError as error:\n    r = error.args\nr", "(2,)", True),
    "assert": ("assert f(1) == 2, f(3)\n1", "1", True),
    "match": ("match f(1):\n    case n if f(n) == 4:\n        r = f(3)\nr", "6", True),
    "decorator": ("def keep(n):\n    return lambda g: n\n@keep(f(1))\ndef h(): pass\nh", "2", True),
    "default": ("def h(a=f(1), *, b=f(2)):\n    return a + b\nh()", "6", True),
    "lambda": ("(lambda: f(1))()", "2", False),
    "default of a lambda": ("(lambda a=f(1): a)()", "2", True),
    "function": ("def h():\n    return f(1)\nh()", "2", False),
    "generator function": ("def h():\n    yield f(1)\nlist(h())", "[2]", False),
    "async function": ("async def h():\n    return f(1) + sum([f(x) for x in (1,)])\nawait h()", "4", True),
    "function in an async function": ("async def h():\n    def g():\n        return f(1)\n    return g()\nawait h()", "2", False),
    "async generator": ("async def h():\n    yield f(1)\n[x async for x in h()]", "[2]", True),
    "class body": ("class A:\n    x = f(1)\nA.x", "2", False),
    "base of a class": ("class A(*[object][f(1) - 2:]):\n    pass\nA.__mro__[1].__name__", "'object'", True),
    "method": ("class A:\n    def m(self):\n        return f(1)\nA().m()", "2", False),
    "async method": ("class A:\n    async def m(self):\n        return f(1)\nawait A().m()", "2", True),
    "map": ("list(map(f, [1, 2]))", "[2, 4]", False),
    "key": ("sorted([2, 1], key=f)", "[1, 2]", False),
    "another name": ("h = f\nh(1)", "2", False),
    "member of tools": ("tools.f(1) + tools['f'](2)", "6", True),
    "a name that is bound anew": ("def g(f):\n    return f\nf(1)", "2", False),
}

# Blocks that await calls themselves, with their values and the calls under way at once.
AWAITED = {
    "await": ("await f(1)", "2", 1),
    "gather": ("import asyncio\nawait asyncio.gather(f(1), f(2))", "[2, 4]", 2),
    "gather of a comprehension": ("import asyncio\nawait asyncio.gather(*[f(x) for x in range(3)])", "[0, 2, 4]", 3),
    "gather of a generator": ("import asyncio\nawait asyncio.gather(*(f(x) for x in range(3)))", "[0, 2, 4]", 3),
    "gather of map": ("import asyncio\nawait asyncio.gather(*map(f, [1, 2]))", "[2, 4]", 2),
    "gather of a list": ("import asyncio\njobs = [f(x) for x in (1, 2)]\nawait asyncio.gather(*jobs)", "[2, 4]", 2),
    "gather of what a loop collects": (
        "import asyncio\njobs = []\nfor x in (1, 2):\n    jobs.append(f(x))\nawait asyncio.gather(*jobs)",
        "[2, 4]",
        2,
    ),
    "gather of a dictionary": (
        "import asyncio\njobs = {x: f(x) for x in (1, 2)}\ndict(zip(jobs, await asyncio.gather(*jobs.values())))",
        "{1: 2, 2: 4}",
        2,
    ),
    "gather of functions": (
        "import asyncio\nasync def g(x):\n    return f(x) + 1\nawait asyncio.gather(*[g(x) for x in (1, 2)])",
        "[3, 5]",
        2,
    ),
    "gather of plain functions": (
        "import asyncio\ndef g(x):\n    return f(x)\nawait asyncio.gather(*[g(x) for x in (1, 2)])",
        "[2, 4]",
        2,
    ),
    "tasks": ("import asyncio\nts = [asyncio.create_task(f(x)) for x in (1, 2)]\n[await t for t in ts]", "[2, 4]", 2),
    "task group": (
        "import asyncio\nasync with asyncio.TaskGroup() as group:\n    a = group.create_task(f(1))\n    b = group.create_task(f(2))\na.result() + b.result()",
        "6",
        2,
    ),
    "kept and awaited": ("a, b = f(1), f(2)\n(await a) + (await b)", "6", 1),
    "zip": (
        "xs = list(range(f(1)))\njobs = [f(x) for x in xs]\n[(x, await job) for x, job in zip(xs, jobs)]",
        "[(0, 0), (1, 2)]",
        1,
    ),
    "map over values": (
        "import asyncio\nasync def g(row):\n    return row + 1\nrows = [f(x) for x in (1, 2)]\nawait asyncio.gather(*map(g, rows))",
        "[3, 5]",
        1,
    ),
    "values through a queue": (
        "import asyncio\nq = asyncio.Queue()\nfor x in (1, 2):\n    q.put_nowait(f(x))\nawait q.get() + await q.get()",
        "6",
        1,
    ),
    "keyword": ("import asyncio\nawait asyncio.create_task(coro=f(1))", "2", 1),
    "run": ("import asyncio\nasync def main():\n    return await asyncio.gather(f(1), f(2))\nasyncio.run(main())", "[2, 4]", 2),
}

_SLOW = "import asyncio\nasync def slow(x):\n    await asyncio.sleep(0)\n    return x\n"

# Names that hold a value here and an awaitable there, with the values of the blocks. `g(x)` answers
# a dictionary with its argument.
REUSED = {
    "bound anew": (_SLOW + "x = g(1)\ny = x['id']\nx = asyncio.create_task(slow(y))\nawait x", "1"),
    "bound anew to another call": ("r = g(1)\ny = r['id']\nr = g(2)\n(y, (await r)['id'])", "(1, 2)"),
    "the awaitable first": ("r = g(1)\na = (await r)['id']\nr = g(2)\n(a, r['id'])", "(1, 2)"),
    "in a loop": (_SLOW + "s = []\nfor i in (1, 2):\n    r = g(i)\n    y = r['id']\n    r = slow(y)\n    s.append(await r)\ns", "[1, 2]"),
    "around a loop": ("r = None\ns = []\nfor i in (1, 2):\n    if r is not None:\n        s.append(r['id'])\n    r = g(i)\n(s, r['id'])", "([1], 2)"),
    "of a function and of the block": (
        "async def get(data):\n    return (await data)['id']\ndata = g(1)\n(data['id'], await get(g.aio(2)))",
        "(1, 2)",
    ),
    "of two functions": (
        "async def one():\n    r = g(1)\n    return r['id']\nasync def two():\n    r = g(2)\n    return (await r)['id']\n(await one(), await two())",
        "(1, 2)",
    ),
    "of a comprehension and of the block": (
        "import asyncio\nr = g(1)\njobs = [g(x) for x in (2, 3)]\n(r['id'], [(await r)['id'] for r in jobs])",
        "(1, [2, 3])",
    ),
    "of a loop and of the block": ("jobs = [g(2)]\nfor r in jobs:\n    a = (await r)['id']\nr = g(1)\n(a, r['id'])", "(2, 1)"),
    "members of a dictionary": ("d = {}\nd['a'] = g(1)\nd['b'] = g(2)\n(d['a']['id'], (await d['b'])['id'])", "(1, 2)"),
    "members of a display": ("d = {'a': g(1), 'b': g(2)}\n(d['a']['id'], (await d['b'])['id'])", "(1, 2)"),
    "members of a tuple": ("d = g(1), g(2)\n(d[0]['id'], (await d[-1])['id'])", "(1, 2)"),
    "one way or the other": (
        _SLOW + "r = g(1)\nif r['id'] == 1:\n    r = g(2)\nelse:\n    r = slow({'id': 5})\n(await r)['id']",
        "2",
    ),
    "after an error": ("r = g(1)\ntry:\n    n = r['id']\n    r = g(2)\n    1 / 0\nexcept ZeroDivisionError:\n    n += (await r)['id']\nn", "3"),
    "attributes": ("class A: pass\na = A()\na.r = g(1)\na.r['id']", "1"),
    "an import of that name": ("import json as r\nr.dumps(1)\nr = g(1)\n(await r)['id']", "1"),
    "a walrus": ("n = (r := g(1))['id']\nr = g(2)\n(n, (await r)['id'])", "(1, 2)"),
    "another list of that name": (
        "import asyncio\nrows = [g(x) for x in (1, 2)]\nn = sum(row['id'] for row in rows)\nrows = [g(x) for x in (3, 4)]\n(n, len(await asyncio.gather(*rows)))",
        "(3, 2)",
    ),
    "a value that no await can read": ("r = g(1)\nn = r['id']\nif n == 2:\n    await r\nn", "1"),
    "of a class and of the block": (
        "def h():\n    class A:\n        r = f(1)\n    return A.r\nr = g(2)\n(h(), (await r)['id'])",
        "(2, 2)",
    ),
    "a global of a function": (
        "def make():\n    global r\n    r = g.aio(2)\nr = g(1)\nn = r['id']\nmake()\n(n, (await r)['id'])",
        "(1, 2)",
    ),
}


class ClientTools(unittest.TestCase):
    def setUp(self):
        double = {"f": lambda given, parts: {"result": 2 * given["value"]}}
        self.host = serve({"f": simple("f")}, double, clients=["f"])
        self.at_once = 0

    def tearDown(self):
        harness.tools = None
        definitions.clients.clear()

    def answered(self, source):
        """The block's end, with every call answered when the turn waits for it."""
        result = turn_once(source)
        while result.kind == "w":
            waiting, self.host.tickets = self.host.tickets, {}
            self.at_once = max(self.at_once, len(waiting))
            result = Result(entry.resume(answers(waiting)))
        return result

    def test_places(self):
        for place, (source, value, is_awaited) in PLACES.items():
            with self.subTest(place):
                self.setUp()
                result = self.answered(source)
                self.assertEqual(result.value, value, result.error)
                self.assertEqual({bool(head.get("await")) for head, _ in self.host.called}, {is_awaited})

    def test_blocks_that_await_calls_themselves(self):
        for way, (source, value, at_once) in AWAITED.items():
            with self.subTest(way):
                self.setUp()
                result = self.answered(source)
                self.assertEqual(result.value, value, result.error)
                self.assertEqual(self.at_once, at_once)
                self.assertTrue(all(head.get("await") for head, _ in self.host.called))

    def test_a_name_that_is_a_value_here_and_awaited_there_is_both(self):
        for way, (source, value) in REUSED.items():
            with self.subTest(way):
                replies = {
                    "f": lambda given, parts: {"result": 2 * given["value"]},
                    "g": lambda given, parts: {"result": {"id": given["value"]}},
                }
                self.host = serve({name: simple(name) for name in replies}, replies, clients=["f", "g"])
                result = self.answered(source)
                self.assertEqual(result.value, value, result.error)
                self.assertTrue(all(head.get("await") for head, _ in self.host.called if head["tool"] == "g"))

    def test_a_tool_of_the_host_stays_a_call(self):
        double = {"f": lambda given, parts: {"result": 2 * given["value"]}}
        self.host = serve({"f": simple("f")}, double)
        self.assertEqual(self.answered("f(1) + tools.f(2)").value, "6")
        self.assertEqual([head.get("await") for head, _ in self.host.called], [None, None])

    def test_a_run_of_what_an_earlier_block_defined_waits_too(self):
        self.answered("import asyncio\nasync def main():\n    return f(1)")
        self.assertEqual(self.answered("asyncio.run(main())").value, "2")
        self.assertEqual([head.get("await") for head, _ in self.host.called], [True])

    def test_errors_name_the_line_of_the_call(self):
        self.host.replies["f"] = (1, {"type": "ValueError", "message": "f: wrong"}, ())
        result = self.answered("x = 1\ny = [f(x)]")
        self.assertEqual((result.type, result.message, result.error["line"]), ("ValueError", "f: wrong", 2))
        self.assertIn("y = [f(x)]", result.traceback)
        self.assertNotIn("aio", result.traceback)

    def test_a_block_that_is_nested_too_deeply_runs_as_it_is_written(self):
        deep = "(" * 150 + "f(1)" + ")" * 150
        self.assertEqual(self.answered(deep).value, "2")
        self.assertEqual(self.answered("+".join(["f(1)"] + ["1"] * 900)).value, "902")


if __name__ == "__main__":
    unittest.main()
