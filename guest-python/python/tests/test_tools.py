"""Tools as functions: binding, arguments, results, records, and the toolbox."""

import json
import sys
import unittest

import harness
from harness import output_of, run
from toolhost import SEARCH, TREE, serve, simple

HITS = [
    {"title": "a", "score": 1.5, "kind": "red", "found": "2024-05-06", "orig-name": "o", "extra": 1},
    {"title": "b", "kind": "any", "items": [{"title": "c", "kind": "green"}]},
]


class Tools(unittest.TestCase):
    def tearDown(self):
        harness.tools = None

    def check(self, cases):
        for source, expected in cases:
            with self.subTest(source):
                result = run(source)
                self.assertIsNone(result.error, result.traceback)
                self.assertEqual(result.value, expected)

    def refused(self, cases):
        for source, kind, message in cases:
            with self.subTest(source):
                result = run(source)
                self.assertEqual(result.type, kind, result.traceback)
                self.assertIn(message, result.message)

    def test_names_are_bound_when_they_are_mentioned(self):
        host = serve({"search": SEARCH, "echo": simple("echo")}, {"echo": lambda given, _: {"result": given["value"]}})
        self.check([
            ("x = 1\nx", "1"),
            ("import math\n[math.search for i in ()], len([i for i in range(3)])", "([], 3)"),
            ("def f(a):\n    return a.search + g(a)\ndef g(b):\n    return b", None),
            ("for echo in (5,):\n    pass\necho", "5"),
            ("del echo", None),
        ])
        self.assertEqual(host.asked, [])
        self.check([
            ("echo(4)", "4"),
            ("echo = echo\necho(5)", "5"),
            ("def h(v):\n    return [echo(w) for w in v]\nh([1, 2])", "[1, 2]"),
            ("(lambda: search.__name__)()", "'search'"),
            ("del echo, search", None),
            ("class C:\n    def m(self):\n        return echo\nC().m()(3)", "3"),
            ("await echo.aio(3) if False else echo(1)", "1"),
        ])
        self.assertEqual([question["names"] for question in host.asked], [["echo"], ["search"], ["echo"]])
        self.refused([("nothing_like_it", "NameError", "nothing_like_it")])

    def test_long_texts_go_apart(self):
        host = serve({"echo": simple("echo")}, {"echo": {"result": None}})
        run("one = 'é' * 200_000\ntwo = ['page %d ' % n * 60 for n in range(2000)]")
        self.check([("echo({'a': one, 'b': [two, 'short', 1], 'c': b'bytes'})", None), ("echo('é' * 100)", None)])
        (head, parts), (small, none) = host.called
        one, two = "é" * 200_000, ["page %d " % n * 60 for n in range(2000)]
        self.assertEqual(head["text"], 1)
        self.assertEqual(parts[0], b"bytes")
        self.assertEqual(parts[1].decode(), "".join([one, *two]))
        given = head["arguments"]["value"]
        self.assertEqual(given["a"], {"$text": 400_000})
        self.assertEqual(given["b"][0][7], {"$text": len(two[7])})
        self.assertEqual((given["b"][1:], given["c"]), (["short", 1], {"$part": 0}))
        self.assertEqual((small["arguments"]["value"], none), ("é" * 100, []))
        self.refused([
            ("echo(list(range(300_000)))", "ValueError", "bytes as JSON, of"),
            ("echo([one, {'$text': 3}])", "ValueError", "the key $text is reserved"),
        ])
        answer = {"result": {"a": {"$text": 3}, "b": [{"$text": 2}, {"$text": 0}], "n": 1}, "text": 0}
        serve({"echo": simple("echo")}, {"echo": lambda given, _: (0, answer, ["abcé".encode()])})
        self.check([("echo(1)", "{'a': 'abc', 'b': ['é', ''], 'n': 1}")])
        serve({"echo": simple("echo")}, {"echo": {"result": {"$text": 3}}})
        self.check([("echo(1)", "{'$text': 3}")])

    def test_functions_are_typed(self):
        serve({"search": SEARCH}, {"search": {"result": []}})
        shown = "(query: str, limit: int = 10, *, color: "
        result = run("import inspect\nstr(inspect.signature(search, eval_str=True))")
        self.assertIn(shown, result.value)
        self.assertIn("-> list[tools.SearchHit]", result.value)
        self.check([
            ("search.__doc__.splitlines()[0], search.__module__", "('Searches.', 'tools')"),
            ("search.stub.count('_call'), 'class SearchHit(Record)' in search.stub, search.spec['name']", "(0, True, 'search')"),
            ("search is tools.__getattr__('search') is tools['search']", "True"),
            ("inspect.getsource(search).strip()[:10]", "'def search'"),
        ])
        self.refused([
            ("search()", "TypeError", "missing 1 required positional argument: 'query'"),
            ("search('a', 1, 'red')", "TypeError", "takes from 1 to 2 positional arguments"),
            ("search('a', nonsense=1)", "TypeError", "unexpected keyword argument 'nonsense'"),
        ])
        if harness.can_capture:
            self.assertIn("Searches.", output_of("help(search)")[1])

    def test_arguments(self):
        host = serve({"search": SEARCH, "echo": simple("echo", "value=..., *, other=...")}, {"search": {"result": []}})
        run("import collections, datetime, decimal, uuid, pathlib, enum, dataclasses, array\nsearch('a')")
        cases = [
            ("echo()", {}, []),
            ("echo({'a': [1, 2.5, None, True, 'ü']}, other=())", {"value": {"a": [1, 2.5, None, True, "ü"]}, "other": []}, []),
            ("echo(datetime.date(2024, 1, 2))", {"value": "2024-01-02"}, []),
            ("echo([datetime.datetime(2024, 1, 2, 3), datetime.time(4, 5)])", {"value": ["2024-01-02T03:00:00", "04:05:00"]}, []),
            ("echo(decimal.Decimal('1.10'), other={3, 1, 2})", {"value": "1.10", "other": [1, 2, 3]}, []),
            ("echo(pathlib.PurePosixPath('a/b'), other=uuid.UUID(int=1))", {"value": "a/b", "other": "00000000-0000-0000-0000-000000000001"}, []),
            ("class E(enum.Enum):\n    A = 'a'\nclass I(enum.IntEnum):\n    B = 2\necho(E.A, other=I.B)", {"value": "a", "other": 2}, []),
            ("@dataclasses.dataclass\nclass P:\n    x: int\n    y: bytes\necho(P(1, b'z'))", {"value": {"x": 1, "y": {"$part": 0}}}, [b"z"]),
            ("echo(b'', other=[bytearray(b'a'), memoryview(b'bcd')[::2]])", {"value": {"$part": 0}, "other": [{"$part": 1}, {"$part": 2}]}, [b"", b"a", b"bd"]),
            ("echo(range(3), other={'b': 1, 'a': 2}.keys())", {"value": [0, 1, 2], "other": ["b", "a"]}, []),
            ("echo({'b': 1}.items(), other=collections.deque([{'x': 2}.values()]))", {"value": [["b", 1]], "other": [[2]]}, []),
            ("echo({1: 2, None: E.A})", {"value": {"1": 2, "None": "a"}}, []),
            ("class D(dict): pass\nclass S(str): pass\necho(D(a=S('b')), other=range)", None, "cannot be passed"),
            ("echo(float('nan'))", None, "echo: value: nan"),
            ("echo({'a': [0, float('inf')]})", None, "echo: value.a[1]: inf"),
            ("l = []\nl.append(l)\necho(l)", None, "contains itself"),
            ("echo({(1, 2): 3})", None, "key of type tuple"),
            ("echo(object())", None, "type object cannot be passed"),
        ]
        for source, arguments, parts in cases:
            with self.subTest(source):
                host.called.clear()
                result = run(source)
                if arguments is None:
                    self.assertIn(result.type, ("TypeError", "ValueError"), result.traceback)
                    self.assertIn(parts, result.message)
                    self.assertEqual(host.called, [])
                else:
                    self.assertIsNone(result.error, result.traceback)
                    self.assertEqual(host.called, [({"tool": "echo", "arguments": arguments}, parts)])
        host.called.clear()
        run("search('q', color='red', since=datetime.date(2024, 1, 2))")
        self.assertEqual(host.called[0][0]["arguments"], {"query": "q", "limit": 10, "color": "red", "since": "2024-01-02"})

    def test_results_are_records(self):
        serve({"search": SEARCH}, {"search": {"result": HITS}})
        run("import json, copy, pickle, datetime\nhits = search('x')")
        self.check([
            ("hits[0]", "SearchHit(title='a', score=1.5, kind=<Color.RED: 'red'>, found=datetime.date(2024, 5, 6), orig-name='o', extra=1)".replace("orig-name", "'orig-name'")),
            ("h = hits[0]\nh.title, h['title'], h.get('title'), h.orig_name, h['orig-name'], h.extra", "('a', 'a', 'a', 'o', 'o', 1)"),
            ("hits[1].score, hits[1].orig_name, hits[1].found, 'score' in hits[1]", "(None, None, None, False)"),
            ("h.kind == 'red', h.kind.name, f'{h.kind}', hits[1].kind", "(True, 'RED', 'red', 'any')"),
            ("hits[1].items[0].title, type(hits[1].items[0]).__name__, hits[1].items[0].kind", "('c', 'SearchHit', 'green')"),
            ("[n for n, _ in hits[1].items()]", "['title', 'kind', 'items']"),
            ("json.loads(json.dumps(hits, default=str))[1]['items'][0]['kind']", "'green'"),
            ("dict(h) == h, {**h}['title'], h._asdict()['extra'], list(h)[:2]", "(True, 'a', 1, ['title', 'score'])"),
            ("h == search('x')[0], h == hits[1]", "(True, False)"),
            ("[type(f(h)).__name__ for f in (copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r)))]", "['SearchHit', 'SearchHit', 'SearchHit']"),
            ("copy.deepcopy(h) == h, pickle.loads(pickle.dumps(h)).kind is h.kind, type(pickle.loads(pickle.dumps(hits[1]))['items'][0]).__name__", "(True, True, 'SearchHit')"),
            ("h.note = 5\nh.title = 'z'\nh['note'], h['title'], 'note' in dir(h), hasattr(h, 'absent')", "(5, 'z', True, False)"),
            ("match h:\n    case {'title': t}:\n        r = t\nr", "'z'"),
            ("isinstance(h, dict), type(hits).__name__", "(True, 'list')"),
            ("len(repr(type(h)(title='x' * 100_000))) < 20_000", "True"),
        ])
        self.refused([
            ("h.absent", "tools.MissingField", "no field 'absent'"),
            ("h['absent']", "tools.MissingField", "it has: title"),
        ])
        self.check([("try:\n    h['absent']\nexcept KeyError:\n    r = 1\ntry:\n    h.absent\nexcept AttributeError:\n    r += 1\nr", "2")])

    def test_results_are_converted_by_their_types(self):
        replies = [
            ({"type": "leaf", "value": "1.25"}, "(r.type, r.value)", "('leaf', Decimal('1.25'))"),
            ({"type": "branch", "children": [{"name": "n", "at": "2024-01-02T03:04:05"}]}, "type(r).__name__, r.children[0].at.year", "('Branch', 2024)"),
            ({"name": "n", "next": {"name": "m", "next": None}}, "r.next.name, r.next.next, type(r.next).__name__", "('m', None, 'Node')"),
            ({"name": "n", "ids": {"a": "00000000-0000-0000-0000-000000000001"}}, "r.ids['a'].int", "1"),
            ({"name": "n", "pair": [1, {"type": "leaf"}]}, "r.pair[0], type(r.pair).__name__, type(r.pair[1]).__name__", "(1, 'tuple', 'Leaf')"),
            ({"name": "n", "data": "aGk="}, "r.data", "b'hi'"),
            ({"name": "n", "at": "no date", "ids": [1], "pair": "x"}, "r.at, r.ids, r.pair", "('no date', [1], 'x')"),
            ({"other": 1}, "type(r).__name__, r", "('dict', {'other': 1})"),
            ([1, 2], "r", "[1, 2]"),
            (None, "r is None", "True"),
        ]
        host = serve({"grow": TREE}, {})
        for reply, source, expected in replies:
            with self.subTest(reply=reply):
                host.replies["grow"] = {"result": reply}
                self.check([("r = grow()\n" + source, expected)])

    def test_names_that_hide_types_and_other_arguments(self):
        source = (
            "class Day(Record):\n    date: date | None = None\n    str: str | None = None\n    next: date | None = None\n\n"
            "def days(int: int = 1, **arguments: Any) -> list[Day]:\n    \"\"\"Days.\"\"\"\n"
            '    return _call("days", {"int": int, **arguments}, days)\n'
        )
        host = serve({"days": source}, {"days": {"result": [{"date": "2024-01-02", "next": "2024-01-03"}]}})
        self.check([("d = days(2, more=3)[0]\nd.date.year, d.next.day, d.str, type(d).__name__", "(2024, 3, None, 'Day')")])
        self.assertEqual(host.called[0][0]["arguments"], {"int": 2, "more": 3})

    def test_names_that_python_has_not(self):
        source = (
            "class Node(Record):\n    items: list[Node]\n    date: datetime | None = None\n"
            '    orig_name: str | None = field("orig-name", None)\n    kind: Literal["a", "b"] | None = None\n    body: bytes | None = None\n\n'
            "def search_web(query: str, class_: str = ..., since: date = ..., n: int = 5, "
            'color: Literal["red", "green-ish"] = ..., *, x_y: int | None = ...) -> list[Node]:\n    """Does \\"it\\"."""\n'
            '    return _call("search-web", {"query": query, "class": class_, "since": since, "n": n, "color": color, "x-y": x_y}, search_web)\n'
        )
        reply = {"result": [{"items": [{"items": [], "date": "2024-01-02T03:04:05Z"}], "orig-name": "o", "body": {"$part": 0}}]}
        host = serve({"search_web": ("search-web", source)}, {"search-web": (0, reply, (b"raw",))})
        self.check([
            ("found = tools['search-web']('q', 'c', x_y=None)[0]\nfound.orig_name, found.body, found.kind", "('o', b'raw', None)"),
            ("found.items[0].date.year, found.items[0].items, len(found.items())", "(2024, [], 3)"),
            ("search_web.__doc__, search_web is tools['search-web']", "('Does \"it\".', True)"),
        ])
        self.assertEqual(host.called[0][0]["arguments"], {"query": "q", "class": "c", "n": 5, "x-y": None})

    def test_decimals_and_time_spans_take_the_form_that_the_parameter_has(self):
        source = "def put(n: float = None, any_: Any = None, span: str = None, all: list[float] = None, exact: Decimal = None):\n"
        source += "    return _call('put', {'n': n, 'any': any_, 'span': span, 'all': all, 'exact': exact}, put)\n"
        host = serve({"put": ("put", source)}, {"put": {"result": None}})
        cases = [
            ("n=decimal.Decimal('1.10')", {"n": 1.1}),
            ("n=decimal.Decimal('3')", {"n": 3}),
            ("all=[decimal.Decimal('0.5'), 2]", {"all": [0.5, 2]}),
            ("any_=decimal.Decimal('1.10')", {"any": "1.10"}),
            ("exact=decimal.Decimal('1.10')", {"exact": "1.10"}),
            ("span=datetime.timedelta(hours=1)", {"span": "PT1H"}),
            ("span=datetime.timedelta(days=1, seconds=61.5)", {"span": "P1DT1M1.5S"}),
            ("span=-datetime.timedelta(days=2)", {"span": "-P2D"}),
            ("span=datetime.timedelta()", {"span": "PT0S"}),
            ("any_=datetime.timedelta(hours=1)", {"any": 3600.0}),
        ]
        for given, expected in cases:
            with self.subTest(given):
                self.check([("import decimal, datetime\nput(" + given + ")", None)])
                told = {name: value for name, value in host.called[-1][0]["arguments"].items() if value is not None}
                self.assertEqual(told, expected)

    def test_refusals_of_arguments_name_them_and_nothing_else(self):
        serve({"echo": simple("echo")}, {"echo": {"result": None}})
        cases = [
            ("echo('\\ud83c')", "ValueError", "echo: value: the character at 0 is half of a surrogate pair ('\\ud83c'), which is no text; drop it, or pass bytes"),
            ("echo([{'k': 'a\\udc00'}])", "ValueError", "echo: value[0].k: the character at 1 is half of a surrogate pair ('\\udc00'), which is no text; drop it, or pass bytes"),
            ("l = []\nl.append(l)\necho(l)", "ValueError", "echo: value: a list in it contains itself, which has no form in JSON"),
            ("d = {}\nd['a'] = [d]\necho({'b': d})", "ValueError", "echo: value: a dict in it contains itself, which has no form in JSON"),
            ("deep = 1\nfor _ in range(20000): deep = [deep]\necho(deep)", "ValueError", "echo: value: it is nested more than 100 levels deep"),
            ("echo(float('nan'))", "ValueError", "echo: value: nan cannot be passed to a tool: it has no form in JSON; use None"),
        ]
        for source, kind, message in cases:
            with self.subTest(source):
                result = run(source)
                self.assertEqual((result.type, result.message), (kind, message))
                self.assertNotIn("another exception", result.traceback)
                self.assertNotIn("serializing", result.traceback)
        # Whole pairs are texts.
        self.check([("echo('\U0001f600')", None)])

    def test_errors_of_the_host(self):
        host = serve({"search": SEARCH}, {})
        for kind, message in [("TypeError", "search: limit: not an integer"), ("ValueError", "v"), ("PermissionError", "p"), ("TimeoutError", "t"), ("NoSuchThing", "n")]:
            with self.subTest(kind):
                host.replies["search"] = (1, {"type": kind, "message": message}, ())
                result = run("def f():\n    return search('x')\n\nf()")
                self.assertIn(message, result.message)
                self.assertEqual(result.type, kind if kind != "NoSuchThing" else "memex_guest.channel.HostError")
                self.assertEqual(result.traceback.count("File "), 2, result.traceback)
                self.assertEqual(result.error["line"], 2)

    def test_bytes_come_back(self):
        serve({"echo": simple("echo")}, {"echo": lambda given, parts: (0, {"result": {"got": given["value"]}}, parts)})
        self.check([
            ("echo(b'abc')", "{'got': b'abc'}"),
            ("echo([bytes(3), b''])", "{'got': [b'\\x00\\x00\\x00', b'']}"),
            ("echo('a \"$ sign')", "{'got': 'a \"$ sign'}"),
        ])

    def test_a_description_that_is_wrong_is_told_and_the_block_runs(self):
        serve({"bad": "def bad(:\n", "ok": simple("ok", returns="Nonsense[1]")}, {"ok": {"result": {"a": 1}}})
        self.check([("ok(1)", "{'a': 1}"), ("import inspect\nlen(inspect.signature(ok).parameters)", "1")])
        if harness.can_capture:
            result, _, noted = output_of("try:\n    bad\nexcept NameError:\n    r = 'none'\nr")
            self.assertEqual(result.value, "'none'")
            self.assertIn("the tool bad cannot be offered: SyntaxError", noted)

    def test_the_toolbox(self):
        host = serve({"search": SEARCH, "x_y": ("x-y", simple("x_y", tool="x-y"))}, {"x-y": {"result": 5}})
        self.check([
            ("tools.list()", "search()  # Does search.\nx_y()  # Does x-y."),
            ("tools", "search()  # Does search.\nx_y()  # Does x-y."),
            ("tools.search('sea')[0].name, len(tools.search('zzz')), tools.search('zzz')", "('search', 0, no tool fits; tools.list() names all)"),
            ("tools.describe('x-y'), tools.describe(tools['search'])", "(def x-y(), def search())"),
            ("tools['x-y'] is tools['x_y'] is tools.x_y, tools.x_y(1)", "(True, 5)"),
            ("'search' in tools, 'no' in tools, len(tools), list(tools), bool(tools)", "(True, False, 2, ['search', 'x_y'], True)"),
            ("[n for n in dir(tools) if n[0] != '_']", "['describe', 'list', 'search', 'x_y']"),
            ("tools.list(limit=1)", "search()  # Does search.\n… 1 of 2 tools; list(offset, limit) shows others"),
            ("from tools import x_y as xy\nimport tools as t\nxy is t.x_y, t.search('x')[0].identifier", "(True, 'x_y')"),
        ])
        self.refused([
            ("tools.nothing", "AttributeError", "no tool named 'nothing'"),
            ("tools['nothing']", "KeyError", "close: search"),
            ("tools.describe('nothing')", "KeyError", "close: search"),
        ])
        reply = json.loads(harness.entry.inspect(b'{"op":"complete","text":"sear"}'))
        self.assertEqual(reply["matches"], ["search"])
        self.assertEqual(json.loads(harness.entry.inspect(b'{"op":"complete","text":"tools.x"}'))["matches"], ["x_y"])
        host.sources.clear()
        self.check([("tools.list()", "this session has no tools")])

    def test_without_tools(self):
        sys.modules.pop("tools", None)
        self.check([
            ("tools.list()", "this session has no tools"),
            ("tools.search('x'), tools, bool(tools)", "(this session has no tools, this session has no tools, False)"),
        ])
        self.refused([
            ("tools.fetch", "AttributeError", "no tool named"),
            ("tools['fetch']", "KeyError", "this session has no tools"),
            ("tools.describe('fetch')", "KeyError", "this session has no tools"),
            ("import tools as t", "ModuleNotFoundError", "tools"),
        ])


if __name__ == "__main__":
    unittest.main()
