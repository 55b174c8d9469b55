//! What survives: everything that lives in the heap.

use crate::{decode, restored, through_bytes};
use memex_runtime::Generators;
use memex_snapshots::{CHUNKS_MAX, HEAD_BYTES_MAX};
use memex_tests::{run, session, standard_sandbox, value_of};

/// What to set up, and what to ask of the copy with its answer. The original is
/// asked the same afterwards: being saved must not disturb it.
const CASES: &[(&str, &str, &str)] = &[
    (
        "def g():\n    x = 0\n    while True:\n        x += 1\n        yield x\ni = g(); next(i); next(i)",
        "next(i), next(i)",
        "(3, 4)",
    ),
    (
        "i = iter(range(10)); next(i)\nz = zip('ab', i); next(z)\ne = enumerate('xyz'); next(e)",
        "list(z), list(e)",
        "([('b', 2)], [(1, 'y'), (2, 'z')])",
    ),
    (
        "import itertools\nc = itertools.count(5); next(c)\nt1, t2 = itertools.tee(iter('abc')); next(t1)",
        "next(c), list(t1), list(t2)",
        "(6, ['b', 'c'], ['a', 'b', 'c'])",
    ),
    (
        "def make():\n    n = 10\n    def add(k):\n        nonlocal n\n        n += k\n        return n\n    return add\nadd = make(); add(1)",
        "add(2)",
        "13",
    ),
    (
        "class A:\n    count = 0\n    def __init__(self, v): self.v = v\n    @property\n    def double(self): return self.v * 2\n    @classmethod\n    def bump(cls): cls.count += 1; return cls.count\nclass B(A):\n    def __init__(self): super().__init__(21)\nb = B(); A.bump()",
        "b.double, isinstance(b, A), B.bump()",
        "(42, True, 2)",
    ),
    (
        "import enum\nclass C(enum.Enum):\n    RED = 1\n    BLUE = 2\nclass F(enum.Flag):\n    X = 1\n    Y = 2\nc = C.RED; f = F.X | F.Y",
        "c is C.RED, C(2).name, F.X in f",
        "(True, 'BLUE', True)",
    ),
    (
        "from dataclasses import dataclass, field\n@dataclass(order=True, slots=True)\nclass P:\n    x: int\n    tags: list = field(default_factory=list)\np = P(3, ['a'])",
        "p, p < P(4), p.tags.append('b') or p.tags",
        "(P(x=3, tags=['a', 'b']), True, ['a', 'b'])",
    ),
    (
        "import weakref\nclass W: pass\nw = W(); r = weakref.ref(w); d = weakref.WeakValueDictionary(a=w); gone = []\nweakref.finalize(w, gone.append, 1)",
        "alive = r() is w\ndel w\nalive, r() is None, len(d), gone",
        "(True, True, 0, [1])",
    ),
    (
        "import contextvars\nv = contextvars.ContextVar('v', default=0); v.set(7)\nctx = contextvars.copy_context()",
        "v.get(), ctx[v]",
        "(7, 7)",
    ),
    (
        "m = memoryview(bytearray(b'hello'))[1:4]",
        "m[0] = 69\nbytes(m), bytes(m.obj)",
        "(b'Ell', b'hEllo')",
    ),
    (
        "from functools import lru_cache, partial\ncalls = []\n@lru_cache\ndef f(n):\n    calls.append(n)\n    return n * n\nf(3); f(4)\nadd = partial(pow, 2)",
        "f(3), f(4), calls, f.cache_info().hits, add(5)",
        "(9, 16, [3, 4], 2, 32)",
    ),
    (
        "import decimal\ndecimal.getcontext().prec = 5",
        "str(decimal.Decimal(1) / 3)",
        "'0.33333'",
    ),
    (
        "import os\nos.environ['MEMEX_TEST'] = 'kept'\nos.chdir('/tmp')",
        "os.environ['MEMEX_TEST'], os.getcwd()",
        "('kept', '/tmp')",
    ),
    (
        "import json\njson.dumps_old = json.dumps\njson.dumps = lambda *a: 'patched'",
        "import json as j; j.dumps({})",
        "'patched'",
    ),
    (
        "try:\n    {}['missing']\nexcept KeyError as e:\n    kept = e",
        "import traceback\nkept.args, traceback.extract_tb(kept.__traceback__)[0].lineno",
        "(('missing',), 2)",
    ),
    (
        "deep = None\nfor n in range(20000): deep = (n, deep)",
        "k = 0\nd = deep\nwhile d is not None: k += 1; d = d[1]\nk",
        "20000",
    ),
    (
        "import numpy as np\na = np.arange(12.0).reshape(3, 4); view = a[1:, ::2]; b = np.ones(300000); s = np.array(['x', 'yy'])",
        "view[0, 0] = 99\na[1, 0].item(), view.base is a or view.base is a.base, float(b.sum()), s.tolist()",
        "(99.0, True, 300000.0, ['x', 'yy'])",
    ),
    (
        "import pandas as pd\ndf = pd.DataFrame({'g': ['a', 'b', 'a'], 'v': [1.5, 2.5, 3.5], 't': pd.date_range('2024-01-01', periods=3)})\ngrouped = df.groupby('g')",
        "grouped.v.sum().to_dict(), str(df.t.dt.day.tolist()), list(df.columns)",
        "({'a': 5.0, 'b': 2.5}, '[1, 2, 3]', ['g', 'v', 't'])",
    ),
    (
        "import asyncio\nseen = []\nasync def work():\n    for n in range(3):\n        seen.append(n)\n        await asyncio.sleep(0)\n    return 'done'\ntask = asyncio.create_task(work()) if False else None\nasync def spawn():\n    global task\n    task = asyncio.create_task(work())\n    await asyncio.sleep(0)\nawait spawn()",
        "first = len(seen)\nresult = await task\nfirst >= 1, result, seen",
        "(True, 'done', [0, 1, 2])",
    ),
    (
        "async def agen():\n    for n in range(5):\n        yield n\nag = agen()\nawait anext(ag)",
        "[await anext(ag), await anext(ag)]",
        "[1, 2]",
    ),
    (
        "import collections\nq = collections.deque(range(5), maxlen=5); q.rotate(2)\ncounter = collections.Counter('mississippi'); od = collections.OrderedDict(b=1, a=2); od.move_to_end('b')",
        "list(q), counter.most_common(1), list(od)",
        "([3, 4, 0, 1, 2], [('i', 4)], ['a', 'b'])",
    ),
    (
        "s = {'one', 'two', 'three'}; order = list(s); h = hash('one')",
        "list(s) == order, hash('one') == h",
        "(True, True)",
    ),
    (
        "import re, datetime as dt, fractions\nrx = re.compile(r'(\\d+)-(?P<x>\\w+)'); when = dt.datetime(2024, 2, 29, tzinfo=dt.UTC); fr = fractions.Fraction(1, 3)",
        "rx.match('12-ab')['x'], when.isoformat(), fr + fr",
        "('ab', '2024-02-29T00:00:00+00:00', Fraction(2, 3))",
    ),
    (
        "big = 7 ** 5000; text = 'é' * 100000; data = bytes(range(256)) * 1000",
        "big == 7 ** 5000, len(text), data[255:257]",
        "(True, 100000, b'\\xff\\x00')",
    ),
    (
        "import types, sys\nmod = types.ModuleType('mine'); mod.x = 5; sys.modules['mine'] = mod",
        "import mine; mine.x",
        "5",
    ),
    (
        "import sqlite3\ndb = sqlite3.connect(':memory:'); db.execute('create table t (x)'); db.executemany('insert into t values (?)', [(i,) for i in range(100)])",
        "db.execute('select sum(x) from t').fetchone()",
        "(4950,)",
    ),
    (
        "import matplotlib.pyplot as plt\nimport matplotlib\nmatplotlib.rcParams['lines.linewidth'] = 7",
        "matplotlib.rcParams['lines.linewidth']",
        "7.0",
    ),
];

#[test]
fn heaps_survive_snapshot_and_restore() {
    let sandbox = standard_sandbox().clone();
    for (setup, question, answer) in CASES {
        let mut original = session();
        let outcome = run(&mut original, setup);
        assert!(outcome.is_ok(), "{setup}\n{outcome:?}");
        let snapshot = original.snapshot().unwrap();
        for generators in [Generators::Fresh, Generators::Keep] {
            let copy = through_bytes(&sandbox, &snapshot, generators);
            let mut copy = restored(&sandbox, &copy);
            assert_eq!(
                value_of(&mut copy, question),
                *answer,
                "a decoded copy of\n{setup}"
            );
        }
        let mut copy = restored(&sandbox, &snapshot);
        assert_eq!(value_of(&mut copy, question), *answer, "a copy of\n{setup}");
        assert_eq!(
            value_of(&mut original, question),
            *answer,
            "the original of\n{setup}"
        );
    }
}

/// A copy is a whole session: it computes, fails, imports and is saved again.
#[test]
fn copies_of_copies_go_on() {
    let sandbox = standard_sandbox().clone();
    let mut current = session();
    run(&mut current, "trail = []");
    for generation in 0..12 {
        let outcome = run(
            &mut current,
            "trail.append(len(trail))\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    import gc; gc.collect()",
        );
        assert!(outcome.is_ok(), "{outcome:?}");
        let snapshot = current.snapshot().unwrap();
        assert_eq!(snapshot.turn(), 2 + generation);
        current = restored(
            &sandbox,
            &through_bytes(&sandbox, &snapshot, Generators::Fresh),
        );
    }
    assert_eq!(
        value_of(&mut current, "trail"),
        "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]"
    );
}

/// A heap that has grown past the image, in layers and on top of them.
#[test]
fn large_heaps_survive() {
    let sandbox = standard_sandbox().clone();
    let mut original = session();
    run(
        &mut original,
        "import numpy as np\na = np.arange(4_000_000, dtype='f8'); total = float(a.sum())",
    );
    let first = original.snapshot().unwrap();
    // On top of a frozen layer: a page of zeros, and pages of something else.
    run(
        &mut original,
        "a[100_000:200_000] = 0\na[300_000] = -1\nb = bytearray(8 << 20)",
    );
    let second = original.snapshot().unwrap();
    let question = "float(a.sum()), float(a[100_000:200_000].sum()), float(a[300_000])";
    let answer = value_of(&mut original, question);
    for snapshot in [
        &second,
        &through_bytes(&sandbox, &second, Generators::Fresh),
    ] {
        let mut copy = restored(&sandbox, snapshot);
        assert_eq!(value_of(&mut copy, question), answer);
        assert_eq!(
            value_of(&mut copy, "len(b), b.count(0)"),
            "(8388608, 8388608)"
        );
    }
    let mut copy = restored(
        &sandbox,
        &through_bytes(&sandbox, &first, Generators::Fresh),
    );
    assert_eq!(value_of(&mut copy, "float(a.sum()) == total"), "True");
}

/// Heaps that were no snapshot once: parts that each are small when compressed,
/// and changes in more places than a table has rows.
#[test]
fn heaps_of_many_parts_are_saved() {
    let cases = [
        (
            "import os\nx = b''.join(os.urandom(48 << 10) + bytes(208 << 10) for _ in range(512))",
            "hash(x), len(x)",
        ),
        (
            "import os\nx = bytearray(560 << 20)\nfor at in range(0, len(x), 8192): x[at:at + 4096] = os.urandom(4096)",
            "hash(bytes(x[::4093])), len(x), x.count(0)",
        ),
    ];
    for (code, question) in cases {
        let mut original = session();
        run(&mut original, code);
        let snapshot = original.snapshot().unwrap();
        let answer = value_of(&mut original, question);
        drop(original);
        let sandbox = standard_sandbox();
        let encoded = sandbox.encode(&snapshot, Generators::Keep).unwrap();
        let chunks = encoded.chunks.len();
        assert!(
            encoded.head.len() <= HEAD_BYTES_MAX,
            "{}",
            encoded.head.len()
        );
        assert!(chunks <= CHUNKS_MAX, "{chunks}");
        let mut copy = restored(sandbox, &decode(sandbox, &encoded).unwrap());
        assert_eq!(value_of(&mut copy, question), answer);
    }
}
