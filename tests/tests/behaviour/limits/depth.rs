//! Depth: recursion in Python and in C, and freeing what is nested deeply, end
//! in a value, an exception or a limit; the host lives, and so does the session.

use memex_policies::Policy;
use memex_runtime::{Sandbox, Status};
use memex_tests::{
    check_turns, each, prints, raises, run, session, session_of, still_works, value, value_of,
};
use std::collections::BTreeMap;

const CASES: &[&str] = &[
    "def f(): f()\nf()",
    "f = lambda n: f(n + 1) + 1\nf(0)",
    "def f(n): return [f(n + 1) for _ in (0,)]\nf(0)",
    "def f(n):\n    try: f(n + 1)\n    finally: f(n + 1)\nf(0)",
    "class A:\n    def __getattr__(self, n): return getattr(self, n)\nA().x",
    "class A:\n    def __repr__(self): return repr(self)\nA()",
    "class A:\n    def __eq__(self, o): return self == o\nA() == A()",
    "class A:\n    def __add__(self, o): return self + o\nA() + 1",
    "class A:\n    def __call__(self): return self()\nA()()",
    "class A:\n    def __hash__(self): return hash(self)\nhash(A())",
    "class A:\n    def __iter__(self): return iter(self)\nlist(A())",
    "class A: pass\nA.__call__ = A()\nA()()",
    "def g(): yield from g()\nnext(g())",
    "def g():\n    global it\n    it = map(next, it) if it else iter([it])\nit = iter([1])\nfor _ in range(10**5): it = map(abs, it)\nnext(it)",
    "import itertools\nx = iter(())\nfor _ in range(10**5): x = itertools.chain(x, ())\nlist(x)",
    "async def f(): await f()\nawait f()",
    "import asyncio\nasync def f(): await asyncio.create_task(f())\nawait f()",
    "x = []\nfor _ in range(10**6): x = [x]\nrepr(x)",
    "x = []\nfor _ in range(10**6): x = [x]\nx",
    "x = []\nfor _ in range(10**6): x = [x]\nx == [x]",
    "x = []\nfor _ in range(10**6): x = [x]\ndel x",
    "x = ()\nfor _ in range(10**6): x = (x,)\ndel x",
    "x = ()\nfor _ in range(10**6): x = (x,)\nhash(x)",
    "x = {}\nfor _ in range(10**6): x = {1: x}\ndel x",
    "class N: pass\nx = None\nfor _ in range(10**5):\n    n = N()\n    n.next = x\n    x = n\ndel x, n",
    "class N:\n    __slots__ = 'next',\nx = None\nfor _ in range(10**6):\n    n = N()\n    n.next = x\n    x = n\ndel x, n",
    "class N(list): pass\nx = None\nfor _ in range(10**5): x = N([x])\ndel x",
    "x = None\nfor _ in range(10**5): x = (lambda y: lambda: y)(x)\ndel x",
    "x = None\nfor _ in range(10**5): x = iter([x])\ndel x",
    "def g(x): yield x\nx = None\nfor _ in range(10**5):\n    x = g(x)\n    next(x)\ndel x",
    "x = None\nfor _ in range(10**5):\n    try: raise ValueError(x)\n    except ValueError as e: x = e\ndel x",
    "x = None\nfor i in range(10**5):\n    e = ValueError(i)\n    e.__cause__ = x\n    x = e\ndel x, e",
    "import functools\nx = print\nfor _ in range(10**5): x = functools.partial(x)\ndel x",
    "import functools\nx = abs\nfor _ in range(10**5): x = functools.partial(functools.partial, x)\nx()",
    "import copy\nx = []\nfor _ in range(10**5): x = [x]\ncopy.deepcopy(x)",
    "import pickle\nx = []\nfor _ in range(10**5): x = [x]\npickle.dumps(x)",
    "import pickle\npickle.loads(b'(' * 10**6 + b'l' * 10**6 + b'.')",
    "import marshal\nmarshal.loads(b'[\\x01\\0\\0\\0' * 10**6 + b'N')",
    "import marshal\nx = []\nfor _ in range(10**5): x = [x]\nmarshal.dumps(x)",
    "import json\njson.loads('[' * 10**6)",
    "import json\njson.loads('{\"a\":' * 10**6)",
    "import json\nx = []\nfor _ in range(10**5): x = [x]\njson.dumps(x)",
    "import json\nx = []\nfor _ in range(10**5): x = [x]\njson.dumps(x, indent=1)",
    "import ast\nast.parse('(' * 10**5)",
    "import ast\nast.parse('-' * 10**5 + '1')",
    "compile('1' + ' + 1' * 10**5, 'f', 'eval')",
    "compile('x' + '.x' * 10**5, 'f', 'eval')",
    "compile('x' + '(x' * 10**4 + ')' * 10**4, 'f', 'eval')",
    "compile('lambda: ' * 10**4 + '1', 'f', 'eval')",
    "eval('[' * 5000 + ']' * 5000)",
    "eval('not ' * 10**5 + '1')",
    "import ast\nx = ast.Constant(1)\nfor _ in range(10**5): x = ast.UnaryOp(ast.Not(), x)\ncompile(ast.fix_missing_locations(ast.Expression(x)), 'f', 'eval')",
    "import ast\nx = ast.Constant(1)\nfor _ in range(10**5): x = ast.UnaryOp(ast.Not(), x)\nast.dump(x)",
    "import ast\nast.literal_eval('[' * 10**4 + ']' * 10**4)",
    "import re\nre.compile('(' * 10**4 + ')' * 10**4)",
    "import re\nre.match('(?:a|b)*', 'ab' * 10**6).end()",
    "import re\nre.match('(a?){1000}' * 20, 'a' * 100)",
    "import xml.etree.ElementTree as E\nE.fromstring('<a>' * 10**5 + '</a>' * 10**5)",
    "import lxml.etree as E\nE.fromstring('<a>' * 10**5 + '</a>' * 10**5)",
    "x = list\nfor _ in range(10**5): x = list[x]\nrepr(x)",
    "x = int\nfor i in range(10**4): x = x | list[x]\nrepr(x)",
    "isinstance(1, eval('(' * 99 + 'int,' + '),' * 98 + ')'))",
    "t = (int,)\nfor _ in range(10**6): t = (t,)\nisinstance('', t)",
    "sorted([1, 2, 3], key=(f := lambda x: sorted([1, 2], key=f)))",
    "import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1)\nf(0)",
    "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(self): return repr([self])\nrepr(A())",
    "import sys\nsys.setrecursionlimit(10**9)\nf = lambda n: max((n,), key=lambda m: f(m + 1))\nf(0)",
    "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __getattr__(self, n): return getattr(self, n + 'x')\nA().x",
    "import sys\ndef f(*a):\n    sys.settrace(f)\n    return f\nsys.settrace(f)\ndef g(): g()\ng()",
    "exec(s := 'exec(s)')",
    "import functools\n@functools.cache\ndef f(n): return f(n + 1)\nf(0)",
    "import functools\n@functools.singledispatch\ndef f(n): return f(n)\nf(0)",
    "type('A', (), {'__getattribute__': lambda s, n: getattr(s, n)})().x",
    "class M(type):\n    def __instancecheck__(c, i): return isinstance(i, c)\nclass A(metaclass=M): pass\nisinstance(1, A)",
    "class D(dict):\n    def __missing__(self, k): return self[k]\nD()[1]",
    "import string\nstring.Formatter().format('{0' + '[0]' * 10**5 + '}', [])",
    "'{:{:{}}}'.format(1, 2, 3)",
    "import sqlite3\nsqlite3.connect(':memory:').execute('select ' + '(' * 10**4 + '1' + ')' * 10**4)",
    "x = memoryview(b'abc')\nfor _ in range(10**5): x = memoryview(x)\ndel x",
    "import types\nx = {}\nfor _ in range(10**5): x = types.MappingProxyType(x)\nrepr(x)",
    "import types\nx = {}\nfor _ in range(10**5): x = types.MappingProxyType(x)\nx.get(1)",
    "import weakref\nx = weakref.proxy(type('A', (), {})())\nrepr(x)",
    "import collections\nx = collections.ChainMap()\nfor _ in range(10**5): x = collections.ChainMap(x)\nx.get(1)",
    "import operator\nx = operator.itemgetter(0)\nl = []\nl.append(l)\nfor _ in range(10**6): l = x(l) if l is x(l) else l\n'end'",
    "import decimal\nx = decimal.Decimal(1)\nexec('x' + '+x' * 10**4)",
    "import numpy as np\nx = np.array(1)\nfor _ in range(10**4): x = np.array([x], dtype=object)\nrepr(x)",
    "x = []\nfor _ in range(10**5): x = [x]\nimport numpy as np\nnp.array(x)",
    "import pandas as pd\nx = []\nfor _ in range(10**5): x = [x]\npd.Series([x])",
];

/// Each case twice: with the standard depth, and with the greatest a policy
/// can ask for, where C comes first.
#[test]
fn every_depth_has_an_end() {
    let deep = memex_tests::sandbox(|policy| {
        policy.set_limit("recursion_depth", 100_000).unwrap();
        policy.set_limit("guest_time_ms", 3_000).unwrap();
    });
    let shallow = memex_tests::sandbox(|policy| policy.set_limit("guest_time_ms", 3_000).unwrap());
    let mut ends = BTreeMap::new();
    for (sandbox, depth) in [(&shallow, "1,000"), (&deep, "100,000")] {
        each(CASES, |code| {
            let mut session = session_of(sandbox);
            run(&mut session, "kept = 1");
            let outcome = run(&mut session, code);
            let end = match (&outcome.error, outcome.rolled_back) {
                (None, _) => "a value",
                (Some(_), false) => "an exception",
                (Some(error), true) if error.class == "RecursionError" => "a full stack",
                (Some(error), true) if error.class == "TimeoutError" => "a hard deadline",
                // An iterator without a check of its own runs into the guard
                // behind the guard, which only aborts.
                (Some(_), true) if outcome.stderr.text.contains("stack overflow") => "an abort",
                (Some(_), true) => panic!("{depth} deep: {code}\n{outcome:#?}"),
            };
            *ends.entry((depth, end)).or_insert(0_u32) += 1;
            // A turn that the clock ended first is told as that, whatever its
            // code raised on the way out.
            let timed_out = outcome
                .limit
                .as_ref()
                .is_some_and(|limit| limit.name == "guest_time_ms");
            if !timed_out
                && outcome
                    .error
                    .as_ref()
                    .is_some_and(|error| error.class == "RecursionError")
            {
                // The interpreter's own exception is one like others; a stack that is
                // full is what the host has met.
                let (status, limit) = match outcome.rolled_back {
                    true => (Status::Limit, Some("wasm_stack_bytes".to_owned())),
                    false => (Status::Exception, None),
                };
                assert_eq!(
                    (outcome.status, outcome.limit.map(|limit| limit.name)),
                    (status, limit),
                    "{depth} deep: {code}"
                );
            }
            assert_eq!(value_of(&mut session, "kept"), "1", "{depth} deep: {code}");
            still_works(&mut session);
        });
    }
    assert!(ends[&("1,000", "an exception")] > 20, "{ends:?}");
    assert!(ends[&("1,000", "a value")] > 10, "{ends:?}");
}

#[test]
fn recursion_depth_at_the_bound() {
    let down = "def down(n): return n and down(n - 1)";
    for depth in [100_u64, 1_000, 5_000] {
        let sandbox = memex_tests::sandbox(|policy: &mut Policy| {
            policy.set_limit("recursion_depth", depth).unwrap();
        });
        let mut session = session_of(&sandbox);
        run(&mut session, down);
        // The dispatcher and the module have frames of their own.
        let outcome = run(&mut session, &format!("down({})", depth - 20));
        assert_eq!(outcome.value.as_deref(), Some("0"), "{depth}: {outcome:#?}");
        let outcome = run(&mut session, &format!("down({depth})"));
        raises("RecursionError", &["maximum recursion depth exceeded"])
            .compare(&outcome)
            .unwrap();
        still_works(&mut session);
    }
}

/// The least that a policy can ask for is what the guest gets.
#[test]
fn the_least_recursion_depth() {
    let sandbox = memex_tests::sandbox(|policy| policy.set_limit("recursion_depth", 50).unwrap());
    let mut session = session_of(&sandbox);
    still_works(&mut session);
    assert_eq!(
        value_of(&mut session, "import sys\nsys.getrecursionlimit()"),
        "50"
    );
    let outcome = run(
        &mut session,
        "def down(n): return n and down(n - 1)\ndown(60)",
    );
    raises("RecursionError", &["maximum recursion depth exceeded"])
        .compare(&outcome)
        .unwrap();
    still_works(&mut session);
}

#[test]
fn an_exception_of_the_codes_own_is_no_limit() {
    check_turns(
        &mut session(),
        &[
            (
                "raise RecursionError('mine')",
                raises("RecursionError", &["mine"]),
            ),
            (
                "def f(): f()\ntry: f()\nexcept RecursionError: print('caught')",
                prints("caught\n"),
            ),
            (
                "import json\nx = json.loads('[' * 3000 + ']' * 3000)\nlen(x)",
                value("1"),
            ),
        ],
    );
}

/// The native stack under the guest is a limit of its own.
#[test]
fn wasm_stack_bytes() {
    let code = "import sys\nsys.setrecursionlimit(10**9)\nf = lambda n: max((n,), key=lambda m: f(m + 1))\nf(0)";
    let stack = |bytes: u64| -> Sandbox {
        memex_tests::sandbox(|policy: &mut Policy| {
            policy.set_limit("wasm_stack_bytes", bytes).unwrap();
        })
    };
    for bytes in [1 << 20, 2 << 20, 16 << 20, 64 << 20] {
        let mut session = session_of(&stack(bytes));
        run(&mut session, "kept = 1");
        let outcome = run(&mut session, code);
        match (outcome.rolled_back, outcome.limit) {
            (true, Some(hit)) => {
                assert_eq!((hit.name.as_str(), hit.limit), ("wasm_stack_bytes", bytes));
            }
            // The guest's own guard came first.
            (false, None) => assert_eq!(outcome.error.unwrap().class, "RecursionError"),
            (_, limit) => panic!("{bytes}: {limit:?}"),
        }
        assert_eq!(value_of(&mut session, "kept"), "1");
        still_works(&mut session);
    }
    // Little stack: the guest's own guard stands too high, and the trap comes first.
    let mut session = session_of(&stack(1 << 20));
    let outcome = run(&mut session, "import json\njson.loads('[' * 30000)");
    assert!(
        outcome.rolled_back || outcome.error.is_some(),
        "{outcome:#?}"
    );
    still_works(&mut session);
}
