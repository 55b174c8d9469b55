"""Keys and labels that are chosen to collide: refused, or read, in the time that others take."""

import random
import struct
import time
import unittest

import harness
import test_forged_values
from test_forged_values import HAS_NUMPY, HAS_PANDAS, forged

from memex_guest import answers, fitting, forms, hashing, values

if HAS_NUMPY:
    import numpy as np
if HAS_PANDAS:
    import pandas as pd

COLLIDING = "collide: their hashes lead to the same places of a table"


def table_of(count, beside=hashing.DICT):
    """The size of the table that so many keys fill."""
    used, whole = hashing._FILLED[beside]
    size = 8
    while size * used // whole < count:
        size *= 2
    return size


def colliding(count):
    """Integers whose dictionary looks at hundreds of places for each: no two hashes are alike.

    The first of them fill places that lead to each other; the others begin there and walk.
    """
    size = table_of(count)
    mask = size - 1
    walk, at = [], 0
    for _ in range(count * 2 // 3):
        walk.append(at)
        at = (5 * at + 1) & mask
    taken = set(walk)
    early = set(walk[: len(walk) // 3])
    draw = random.Random(count)
    found = dict.fromkeys(walk)
    while len(found) < count:
        key = rest = draw.randrange(size, 2**31 - 2)
        at = key & mask
        while at in taken and rest:
            rest >>= 5
            at = (5 * at + rest + 1) & mask
        if at in early:
            found[key] = None
    return list(found)


def labels_of_one_hash(count):
    """Integers of 64 bits, not in order, that pandas' function of 32 bits makes one hash of."""
    found = []
    for high in range(count):
        low = wanted = high >> 1
        for _ in range(3):
            low = wanted ^ (low << 11 & 0xFFFFFFFF)
        found.append(high << 32 | low)
    random.Random(1).shuffle(found)
    return found


class Timed(unittest.TestCase):
    def seconds(self, function, *given):
        best = float("inf")
        for _ in range(3):
            began = time.perf_counter()
            function(*given)
            best = min(best, time.perf_counter() - began)
        return best


class Keys(Timed):
    """Dictionaries and sets of keys that were chosen."""

    @classmethod
    def setUpClass(cls):
        test_forged_values.Forged.setUpClass.__func__(cls)
        cls.keys = colliding(1300)
        cls.many = [hash for hash in colliding(5000)]

    tearDownClass = classmethod(test_forged_values.Forged.tearDownClass.__func__)

    def test_such_keys_take_the_interpreter_long(self):
        # The control: the model of a table is the interpreter's.
        others = random.Random(1).sample(range(2**31 - 2), len(self.many))
        self.assertGreater(self.seconds(dict.fromkeys, self.many), 8 * self.seconds(dict.fromkeys, others))
        self.assertEqual(len(set(map(hash, self.many))), len(self.many))

    def test_dictionaries_of_such_keys_are_refused(self):
        for keys in (self.keys, self.many, [float(key) for key in self.keys]):
            nothing = [0] * len(keys)
            for node in (
                ["dict", keys, nothing], ["ordered", keys, nothing], ["counter", keys, nothing], ["defaultdict", "list", keys, nothing],
                ["record", "", "Record", keys, nothing],
            ):
                with self.subTest(node[0], keys=repr(keys[-1])), self.assertRaisesRegex(ValueError, COLLIDING):
                    values.unpacked(forged([node]))
        # Each by a node: tuples and other numbers have such hashes, too.
        for nodes in (
            [["int", format(key, "x")] for key in self.keys],
            [["decimal", str(key)] for key in self.keys],
            [["complex", float(key), 0.0] for key in self.keys],
            [["fraction", key, 1] for key in self.keys],
        ):
            refers = [[at] for at in range(len(nodes))]
            with self.subTest(nodes[0]), self.assertRaisesRegex(ValueError, COLLIDING):
                values.unpacked(forged([*nodes, ["dict", refers, [0] * len(refers)]]))
        if HAS_NUMPY:
            nodes = [["scalar", "<i8", struct.pack("<q", key).hex()] for key in self.keys]
            refers = [[at] for at in range(len(nodes))]
            with self.assertRaisesRegex(ValueError, COLLIDING):
                values.unpacked(forged([*nodes, ["dict", refers, [0] * len(refers)]]))

    def test_other_keys_are_read_however_many_and_however_regular(self):
        draw = random.Random(2)
        for keys in (
            list(range(50_000)), draw.sample(range(2**60), 20_000), [key << 12 for key in range(20_000)], [key << 40 for key in range(20_000)],
            [key / 8 for key in range(20_000)], [key / 1000 for key in range(20_000)], [-key << 16 for key in range(1, 20_000)],
            [str(key) for key in range(20_000)], [1_700_000_000_000_000_000 + key * 10**9 for key in range(20_000)], [key << 50 for key in range(2000)],
        ):
            for node, kind in ((["dict", keys, keys], dict), (["set", keys], set)):
                with self.subTest(kind.__name__, last=keys[-1]):
                    self.assertEqual(len(values.unpacked(forged([node]))), len(keys))
        self.assertEqual(len(values.unpacked(forged([["tuple", [at, at % 7]] for at in range(2000)] + [["set", [[at] for at in range(2000)]]]))), 2000)

    def test_a_table_is_counted_as_it_is_filled(self):
        # Without an interpreter's own count: each walk, step by step.
        for beside in (hashing.DICT, hashing.SET):
            for keys in (self.keys, random.Random(3).sample(range(2**31), 900), [key << 20 for key in range(900)]):
                size = table_of(len(keys), beside)
                self.assertEqual(hashing.probes(keys, size, beside, 10**9), self.slowly(keys, size, beside))
        self.assertIsNone(hashing.probes(self.keys, table_of(len(self.keys)), hashing.DICT, 5000))

    @staticmethod
    def slowly(keys, size, beside):
        taken, looks = set(), 0
        for key in keys:
            at, rest = key % size, key
            while True:
                looks += 1
                near = range(at, at + beside + 1) if at + beside < size else [at]
                free = [place for place in near if place not in taken]
                if free:
                    taken.add(free[0])
                    break
                rest >>= 5
                at = (5 * at + rest + 1) % size
        return looks

    def test_keys_of_one_hash_are_few_and_their_comparisons_are_paid_for(self):
        import sys

        same = [1 + at * sys.hash_info.modulus for at in range(hashing.ALIKE_MAX + 1)]
        self.assertEqual(len(values.unpacked(forged([["set", same[:-1]]]))), hashing.ALIKE_MAX)
        with self.assertRaisesRegex(ValueError, "too many of its keys have the same hash"):
            values.unpacked(forged([["set", same]]))
        self.assertEqual(hashing.alike([5, 5, 5, 1, 2, 2]), 4)
        # Objects of a class are compared by code that `dataclasses` has made.
        objects = [["object", "Key", ["a", "b"], [one, 0]] for one in same[:-1]]
        one = ["set", [[at] for at in range(len(objects))]]
        self.assertEqual(len(values.unpacked(forged([*objects, one]))), hashing.ALIKE_MAX)
        with self.assertRaisesRegex(ValueError, "takes too long"):
            values.unpacked(forged([*objects, *[one] * 500]))

    def test_answers_with_such_keys_stay_json(self):
        for keys in (self.keys, self.many):
            value = {str(key): 1 for key in keys}
            self.assertEqual(fitting.fitted(dict[int, int], value, value), value)
            self.assertEqual(fitting.fitted(dict[int, int], {"5": 1}, {"5": 1}), {5: 1})
        # A set looks beside a place before it leaps, and has other keys that collide.
        listed = [1 + at * __import__("sys").hash_info.modulus for at in range(200)]
        self.assertIs(fitting.fitted(set[int], listed, listed), listed)
        self.assertEqual(fitting.fitted(set[int], [1, 2], [1, 2]), {1, 2})

    def test_the_texts_of_keys_are_looked_at_where_they_become_keys(self):
        seen = []
        kept, hashing.check_keys = hashing.check_keys, lambda keys, *more: seen.append(keys)
        try:
            forms.form_of({5: 1, "x": {7: 2}})
            fitting.fitted(dict, {"5": 1}, collections_ordered({5: 1}))
        finally:
            hashing.check_keys = kept
        self.assertEqual(seen, [["5", "x"], ["7"], ["5"]])
        self.assertFalse(answers.is_of_call({2**2000: 1}, "0" * 64))
        # A key of many digits is not written as text, which takes quadratic time.
        self.assertEqual(fitting.fitted(dict, {"5": 1}, collections_ordered({2**2000: 1})), {"5": 1})
        self.assertEqual(fitting.fitted(dict[int, int], {"9" * 5000: 1}, {}), {"9" * 5000: 1})


def collections_ordered(pairs):
    import collections

    return collections.OrderedDict(pairs)


@unittest.skipUnless(HAS_PANDAS, "pandas is not installed")
class Labels(Timed):
    """Categories and levels that were chosen."""

    setUpClass = classmethod(test_forged_values.Forged.setUpClass.__func__)
    tearDownClass = classmethod(test_forged_values.Forged.tearDownClass.__func__)

    def nodes(self, made, count):
        code = ["array", "<i8", [1], False, 1]
        for node in (["category", [2], [1], False], ["multi index", [[1]], [[2]], [None]]):
            yield [["array", "<i8", [count], False, 0], made, code, node]

    def test_labels_are_read_in_linear_time(self):
        count = 30_000
        labels = np.array(labels_of_one_hash(count))
        # The control: pandas looks at each label for each.
        few = pd.Index(labels[: count // 10])
        began = time.perf_counter()
        self.assertTrue(few.is_unique)
        control = 100 * (time.perf_counter() - began)
        for nodes in self.nodes(["index", [0], None, None], count):
            data = forged(nodes, parts=[labels.tobytes(), bytes(8)])
            began = time.perf_counter()
            made = values.unpacked(data)
            took = time.perf_counter() - began
            self.assertLess(took, control / 4)
            self.assertEqual(len(made), 1)
            again = values.unpacked(values.packed(made, "it"))
            self.assertTrue((again == made).all())

    def test_labels_that_are_twice_there_are_refused_however_many(self):
        days = np.arange(2000).astype("M8[s]")
        for labels in (
            np.arange(2000)[::-1].copy(), np.arange(2000.0)[::-1].copy(), days[::-1].copy(), days.astype("i8").view("m8[s]")[::-1].copy(),
            np.arange(600, dtype="u1").astype("u2")[:256][::-1].copy(),
        ):
            for twice in (False, True):
                given = labels.copy()
                if twice:
                    given[-1] = given[0]
                for nodes in self.nodes(["index", [0], None, None], len(given)):
                    nodes[0] = ["array", given.dtype.str, [len(given)], False, 0]
                    data = forged(nodes, parts=[given.tobytes(), bytes(8)])
                    with self.subTest(given.dtype.str, twice=twice, of=nodes[-1][0]):
                        if twice:
                            with self.assertRaisesRegex(ValueError, "must be unique"):
                                values.unpacked(data)
                        else:
                            self.assertEqual(len(values.unpacked(data)), 1)

    def test_labels_of_every_kind_cross_in_any_number_and_order(self):
        names = ["n" + str(at) for at in range(1000)][::-1]
        for labels in (
            pd.Index(names), pd.Index(names, dtype=object), pd.Index([1, "x", 2.5, (1, 2)] + names, dtype=object, tupleize_cols=False),
            pd.date_range("2024", periods=1000, tz="UTC")[::-1], pd.period_range("2024", periods=1000, freq="D")[::-1],
            pd.interval_range(0, 1000)[::-1], pd.Index(range(1000))[::-1].astype("Int64"), pd.timedelta_range("1s", periods=1000)[::-1],
            pd.Index([at / 7 for at in range(1000)])[::-1],
        ):
            codes = np.arange(len(labels))
            for made in (pd.Categorical.from_codes(codes, categories=labels), pd.MultiIndex(levels=[labels], codes=[codes], names=["n"])):
                with self.subTest(str(labels.dtype), of=type(made).__name__):
                    again = values.unpacked(values.packed(made, "it"))
                    if type(made) is pd.Categorical:
                        self.assertTrue(again.categories.equals(labels))
                    else:
                        self.assertTrue(again.levels[0].equals(labels))
                    self.assertEqual(list(again), list(made))
            self.assertTrue(labels.is_unique)

    def test_objects_as_labels_are_looked_at_however_few(self):
        # They may be compared by code of a library, which pandas does for all of them.
        import sys

        same = [["fraction", 1 + at * sys.hash_info.modulus, 1] for at in range(200)]
        objects = ["objects", [200], [[at] for at in range(200)]]
        nodes = [*same, objects, ["index", [200], None, None], ["array", "<i8", [1], False, 0]]
        for node in (["category", [202], [201], False], ["multi index", [[201]], [[202]], [None]]):
            with self.assertRaisesRegex(ValueError, "same hash"):
                values.unpacked(forged([*nodes, node], parts=[bytes(8)]))

    def test_an_index_has_a_label_as_often_as_it_likes(self):
        series = pd.Series(range(200), index=pd.Index([1, "a"] * 100, dtype=object))
        self.assertTrue(values.unpacked(values.packed(series, "it")).equals(series))


if __name__ == "__main__":
    unittest.main()
