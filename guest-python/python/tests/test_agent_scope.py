"""The scope of an agent: what is in it, how it is described, and tools by every way to name them."""

import unittest

import harness
import toolhost
from memex_guest import agents, inventory, preview, records, turn

DRAW = '''class Circle(Record):
    kind: Literal["c"]
    r: float

class Color(Enum):
    RED = "red"

def draw(shape: Circle, color: Color = None) -> Any:
    return _call("draw", {"shape": shape, "color": ... if color is None else color}, draw)
'''


def run(source):
    return harness.run(source)


def run_helper(source, *, limit=3):
    return source[:limit]


class Scope(unittest.TestCase):
    def setUp(self):
        host = toolhost.serve(
            {"draw": ("draw", DRAW), "add": ("add", toolhost.simple("add")), "open_": ("open", toolhost.simple("open_", tool="open"))},
            {"draw": lambda given, parts: {"result": given}, "add": {"result": 3}, "open": {"result": "opened"}},
        )
        self.addCleanup(setattr, harness, "tools", None)
        self.host = host

    def check(self, source, value):
        result = run(source)
        self.assertIsNone(result.error, result.traceback)
        self.assertEqual(result.value, value)

    def test_classes_of_a_stub_are_in_the_scope(self):
        self.check("draw(Circle(kind='c', r=2))['shape']", "{'kind': 'c', 'r': 2}")

    def test_optional_arguments_that_are_none_are_left_out(self):
        self.check("draw({'kind': 'c', 'r': 1}, color=None)", "{'shape': {'kind': 'c', 'r': 1}}")

    def test_tools_that_only_a_text_names(self):
        self.check("eval('add(1)')", "3")

    def test_a_tool_named_like_a_builtin(self):
        self.check("open_('x'), tools['open']('x'), 'open' in tools", "('opened', 'opened', True)")

    def test_what_a_scope_holds_is_told_in_a_line_each(self):
        scope = {
            "json": harness.json,
            "_hidden": 1,
            "text": "words " * 100,
            "rows": [{"a": 1, "b": "x"}] * 1200,
            "reports": {"a.md": "abc", "b.md": "defg"},
            "many": {"%d.md" % at: "x" * at for at in range(40)},
            "tree": {"a": [1, 2], "b": None},
            "prices": {at: float(at) for at in range(20)},
            "mixed": [1, "x", None],
            "n": 7,
            "helper": run_helper,
            "empty": {},
        }
        told = dict(line.split(": ", 1) for line in inventory.lines(scope))
        self.assertEqual(
            told,
            {
                "text": "str, 600 characters",
                "rows": "list[1 200] of {'a': int, 'b': str}",
                "reports": "dict[str, str] of 2, 7 characters: 'a.md' (3), 'b.md' (4)",
                "many": "dict[str, str] of 40, 780 characters: '0.md' (0), '1.md' (1), '2.md' (2), … '39.md' (39)",
                "tree": "dict of {'a': list[2], 'b': NoneType}",
                "prices": "dict[int, float] of 20",
                "mixed": "list[3] of int | str | NoneType",
                "n": "int",
                "helper": "function(source, limit)",
                "empty": "dict, empty",
            },
        )

    def test_what_values_hold_is_told_of_nothing_that_was_not_handed_over(self):
        secret = "s3cret"

        class Odd(list):
            def __iter__(self):
                raise ValueError(secret)

        scope = {
            "key": secret,
            "keys": [secret],
            "by_name": {"name": secret},
            "by_value": {("a", secret): 1},
            "odd": Odd([secret]),
            "raw": secret.encode(),
            "number": 73313,
        }
        told = "\n".join(inventory.lines(scope))
        self.assertNotIn(secret, told)
        self.assertNotIn("73313", told)
        self.assertEqual(len(told.splitlines()), len(scope))
        self.addCleanup(setattr, inventory, "handed", frozenset())
        inventory.handed = frozenset(("key", "keys", "number"))
        told = "\n".join(inventory.lines(scope))
        self.assertIn("key: str, 6 characters = 's3cret'", told)
        self.assertIn("keys: list[1] of str = ['s3cret']", told)
        self.assertIn("number: int = 73313", told)
        self.assertEqual(told.count(secret), 2)

    def test_lines_about_a_scope_are_bounded(self):
        scope = {"name_%d" % at: "x\n" * 10_000 for at in range(500)}
        lines = inventory.lines(scope)
        self.assertEqual(len(lines), inventory.NAMES_MAX + 1)
        self.assertTrue(all(len(line) <= inventory.LINE_MAX and "\n" not in line for line in lines))

    def test_a_child_uses_its_parents_functions_that_call_the_harness(self):
        toolhost.serve({"llm": ("llm", toolhost.simple("llm"))}, {"llm": {"result": "yes"}})
        run("llm('first')")
        before = turn.scope["llm"]
        # A child's host has a function of its own.
        toolhost.serve({"llm": ("llm", toolhost.simple("llm", "value, more=1"))}, {"llm": {"result": "child"}})
        run("def helper():\n    return llm('ok?')\nclass Asker:\n    def ask(self):\n        return llm('ok?')")
        turn.scope["llm"] = before
        agents.begin_child("null")
        self.assertIsNot(turn.scope["llm"], before)
        self.check("helper(), Asker().ask()", "('child', 'child')")

    def test_records_are_shown_one_on_a_line_with_what_all_share_said_once(self):
        kind = type("Entry", (records.Record,), {})
        rows = [kind(database="shop", table=name, rows=at, keys=[]) for at, name in enumerate(("a", "b", "c"))]
        self.assertIn("Entry(database='shop', table='a'", preview.preview(rows))
        self.addCleanup(setattr, preview, "for_readers", False)
        preview.for_readers = True
        shown = "Entry × 3, each with database='shop':\n(table='a', rows=0, keys=[])\n(table='b', rows=1, keys=[])\n(table='c', rows=2, keys=[])"
        self.assertEqual(preview.preview(rows), shown)
        self.assertEqual(preview.preview(rows[:1]), "Entry × 1:\n(database='shop', table='a', rows=0, keys=[])")
        alike = [kind(a=1) for _ in range(3)]
        self.assertEqual(preview.preview(alike), "Entry × 3:\n(a=1)\n(a=1)\n(a=1)")

    def test_a_run_begins_with_modules_and_shows_texts_as_texts(self):
        self.assertEqual(run("'a\\nb'").value, repr("a\nb"))
        self.addCleanup(setattr, preview, "for_readers", False)
        turn.scope.pop("json", None)
        turn.scope["re"] = "mine"
        agents.begin_run()
        self.assertEqual(turn.scope.pop("re"), "mine")
        self.check("json.dumps([asyncio.__name__, datetime.__name__])", repr('["asyncio", "datetime"]'))
        self.assertEqual(run("'a\\nb'").value, "a\nb")


if __name__ == "__main__":
    unittest.main()
