//! Deadlines in guest time and in wall time, soft and hard.

use memex_policies::Policy;
use memex_runtime::{Outcome, Sandbox, Status};
use memex_tests::{
    Text, check_turns, each, hits, nothing, raises, run, session_of, still_works, try_inspect,
    value, value_of,
};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What a machine under load may add to a deadline in these tests.
const SLACK: Duration = Duration::from_millis(1_500);

fn limited(guest_ms: u64, wall_ms: u64, grace_ms: u64) -> Sandbox {
    memex_tests::sandbox(|policy: &mut Policy| {
        policy.set_limit("guest_time_ms", guest_ms).unwrap();
        policy.set_limit("wall_time_ms", wall_ms).unwrap();
        policy.set_limit("grace_ms", grace_ms).unwrap();
    })
}

/// 300 ms to compute, 100 ms of grace.
fn brief() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| limited(300, 20_000, 100))
}

/// 300 ms to compute, and grace enough for a machine that is busy.
fn patient() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| limited(300, 60_000, 10_000))
}

/// 300 ms in all, 100 ms of grace.
fn hasty() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| limited(20_000, 300, 100))
}

fn timed(session: &mut memex_runtime::Session, code: &str, within: Duration) -> Outcome {
    let begun = Instant::now();
    let outcome = run(session, code);
    assert!(
        begun.elapsed() < within + SLACK,
        "{:?} for\n{code}\n{outcome:#?}",
        begun.elapsed()
    );
    outcome
}

/// A wait in the channel for longer than any turn, asked for by hand.
#[test]
fn the_wall_clock_ends_a_wait_for_answers() {
    let mut session = session_of(hasty());
    run(&mut session, "import _host, struct\nx = 1");
    for seconds in ["1e9", "4e9", "1e18"] {
        let code = format!(
            "head = b'{{\"timeout_s\":{seconds}}}'\n_host.call(b'\\x05' + struct.pack('<I', len(head)) + head)\nwhile True: pass"
        );
        let outcome = timed(&mut session, &code, Duration::from_millis(400));
        assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
        let hit = outcome.limit.expect("a limit");
        assert_eq!((hit.name.as_str(), hit.limit), ("wall_time_ms", 300));
        assert_eq!(value_of(&mut session, "x"), "1");
    }
    still_works(&mut session);
}

#[test]
fn a_soft_interrupt_keeps_scope_and_output() {
    each(
        [
            ("while True: pass", "TimeoutError"),
            ("for i in iter(int, 1): pass", "TimeoutError"),
            (
                "def f():\n    while True: g()\ndef g(): pass\nf()",
                "TimeoutError",
            ),
            ("[x for x in iter(int, 1)]", "TimeoutError"),
            (
                "while True:\n    try:\n        1/0\n    except ZeroDivisionError: pass",
                "TimeoutError",
            ),
            ("import json\nwhile True: json.loads('[1]')", "TimeoutError"),
            (
                "import pandas as pd\nd = pd.DataFrame({'a': range(100)})\nwhile True: d.a.sum()",
                "TimeoutError",
            ),
            (
                "import asyncio\nwhile True: await asyncio.sleep(0)",
                "TimeoutError",
            ),
            (
                "import asyncio\nasync def f():\n    while True: pass\nawait asyncio.gather(f(), f())",
                "TimeoutError",
            ),
            (
                "import asyncio\nasync def f():\n    while True: await asyncio.sleep(0)\nasyncio.run(f())",
                "TimeoutError",
            ),
            (
                "import threading\ndef f():\n    while True: pass\nt = threading.Thread(target=f)\nt.start()\nwhile True: pass",
                "TimeoutError",
            ),
            (
                "class A:\n    def __repr__(self):\n        while True: pass\nA()",
                "a value",
            ),
            (
                "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
                "E",
            ),
            (
                "class D:\n    def __del__(self):\n        while True: pass\nd = D()\ndel d\nwhile True: pass",
                "TimeoutError",
            ),
        ],
        |(code, class)| {
            let mut session = session_of(patient());
            run(&mut session, "kept = 1");
            let outcome = timed(
                &mut session,
                &format!("made = 2\nprint('said')\n{code}"),
                Duration::from_millis(400),
            );
            let ended = outcome.error.as_ref().map(|error| error.class.as_str());
            assert_eq!(outcome.stdout.text, "said\n", "{code}: {outcome:#?}");
            assert!(!outcome.rolled_back, "{code}: {outcome:#?}");
            let hit = outcome
                .limit
                .as_ref()
                .unwrap_or_else(|| panic!("{code}: {outcome:#?}"));
            assert_eq!(
                (hit.name.as_str(), hit.limit),
                ("guest_time_ms", 300),
                "{code}"
            );
            assert!(hit.actual >= 300, "{code}: {hit:?}");
            if *class == "TimeoutError" {
                assert_eq!(
                    (outcome.status, ended),
                    (Status::Limit, Some(*class)),
                    "{code}: {outcome:#?}"
                );
            }
            assert_eq!(value_of(&mut session, "kept + made"), "3", "{code}");
            still_works(&mut session);
        },
    );
}

/// Code that catches every exception, nested so often that the interrupt,
/// which is repeated, never leaves the outermost loop.
fn swallowing(loop_body: &str) -> String {
    let mut code = String::new();
    for depth in 0..8 {
        let indent = "  ".repeat(depth);
        code.push_str(&format!("{indent}while True:\n{indent} try:\n"));
    }
    code.push_str(&format!("{}while True: {loop_body}\n", "  ".repeat(8)));
    for depth in (0..8).rev() {
        code.push_str(&format!(
            "{} except BaseException: pass\n",
            "  ".repeat(depth)
        ));
    }
    code
}

#[test]
fn code_that_swallows_the_interrupt_is_rolled_back() {
    let import = "import asyncio, contextlib, sys, itertools\n";
    each(
        [
            swallowing("pass"),
            format!("{import}{}", swallowing("asyncio.run(asyncio.sleep(0))")),
            format!("{import}sum(itertools.repeat(0))"),
            format!(
                "{import}with contextlib.suppress(BaseException):\n    sum(itertools.repeat(0))"
            ),
            format!(
                "{import}class A:\n    def __del__(self): sum(itertools.repeat(0))\na = A()\ndel a"
            ),
            format!("{import}class A:\n    def __repr__(self): sum(itertools.repeat(0))\nA()"),
            format!(
                "{import}class E(Exception):\n    def __str__(self): sum(itertools.repeat(0))\nraise E"
            ),
            format!(
                "{import}def t(*a): sum(itertools.repeat(0))\nsys.settrace(t)\ndef g(): pass\ng()"
            ),
            format!(
                "{import}def g():\n    try: yield\n    finally: sum(itertools.repeat(0))\nx = g()\nnext(x)\ndel x"
            ),
            format!(
                "{import}async def f():\n    try: await asyncio.sleep(5)\n    finally: sum(itertools.repeat(0))\nasyncio.run(asyncio.wait_for(f(), 0.01))"
            ),
        ],
        |code| {
            let mut session = session_of(brief());
            run(
                &mut session,
                "kept = 1\n_ = open('/tmp/kept', 'w').write('old')\nopen('/tmp/gone', 'w').close()",
            );
            let spoil = "kept = 2\nimport os\n_ = open('/tmp/kept', 'w').write('new')\nopen('/tmp/made', 'w').close()\nos.remove('/tmp/gone')\nprint('said')\n";
            let outcome = timed(
                &mut session,
                &format!("{spoil}{code}"),
                Duration::from_millis(500),
            );
            let told = hits("guest_time_ms", "TimeoutError")
                .rolled_back()
                .with_stdout(Text::Is("said\n"))
                .with_stderr(Text::Any);
            told.compare(&outcome)
                .unwrap_or_else(|what| panic!("{what}"));
            let message = outcome.error.unwrap().message;
            assert!(
                message.contains("100 ms") && message.contains("before the turn"),
                "{message}"
            );
            check_turns(
                &mut session,
                &[
                    ("kept", value("1")),
                    (
                        "import os\nopen('/tmp/kept').read(), sorted(n for n in os.listdir('/tmp') if len(n) < 6)",
                        value("('old', ['gone', 'kept'])"),
                    ),
                ],
            );
            still_works(&mut session);
        },
    );
}

/// A plain `except BaseException` in a loop may be struck outside of its
/// `try`; then the turn ends softly.
#[test]
fn code_that_swallows_a_little_ends_either_way() {
    each(
        [
            "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
            "def f():\n    try:\n        while True: pass\n    finally:\n        f()\nf()",
            "class A:\n    def __del__(self):\n        while True: pass\nwhile True:\n    try: A()\n    except BaseException: pass",
            "import asyncio\nwhile True:\n    try:\n        while True: await asyncio.sleep(0)\n    except BaseException: pass",
        ],
        |code| {
            let mut session = session_of(brief());
            run(&mut session, "kept = 1");
            let outcome = timed(
                &mut session,
                &format!("kept = 2\n{code}"),
                Duration::from_millis(500),
            );
            let expect = hits("guest_time_ms", "TimeoutError").with_stderr(Text::Any);
            let expect = if outcome.rolled_back {
                expect.rolled_back()
            } else {
                expect
            };
            expect
                .compare(&outcome)
                .unwrap_or_else(|what| panic!("{what}"));
            assert_eq!(
                value_of(&mut session, "kept"),
                if outcome.rolled_back { "1" } else { "2" }
            );
            still_works(&mut session);
        },
    );
}

/// Loops in C see no exception: they end by the hard interrupt, or by the soft
/// one when they end first.
#[test]
fn loops_in_c_end() {
    each(
        [
            "sum(range(10**12))",
            "7 ** (7 ** 9)",
            "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')",
            "import numpy as np\na = np.ones((3000, 3000))\na @ a @ a @ a",
            "import numpy as np\nnp.sort(np.random.default_rng(1).random(2 * 10**7))",
            "s = 'a' * 10**6\nwhile True: s.replace('a', 'bb')",
            "import random\nr = list(range(10**6))\nwhile True: sorted(r, key=hash, reverse=True)",
            "import itertools\nmax(itertools.count())",
            "import collections, itertools\ncollections.deque(itertools.count(), maxlen=0)",
            "import hashlib\nb = bytes(10**8)\nwhile True: hashlib.sha256(b)",
            "import math\nmath.factorial(10**7)",
            "'a' * 10**6 in ('a' * 10**7)[::-1] + 'b'; x = int('9' * 4000) ** 100000; str(x)[:1]",
            "import sqlite3\nsqlite3.connect(':memory:').execute('with recursive r(n) as (select 1 union all select n + 1 from r) select max(n) from r').fetchall()",
            "any(itertools.repeat(False)) if (itertools := __import__('itertools')) else 0",
            "import zlib\nzlib.compress(bytes(3 * 10**8), 9)",
            "import numpy as np\nnp.linalg.svd(np.random.default_rng(1).random((2000, 2000)))",
            "import itertools\nlist(itertools.permutations(range(12)))",
            "import bz2\nbz2.compress(bytes(range(256)) * 10**6)",
            "import csv\nsum(1 for _ in csv.reader(iter(lambda: 'a,b', 0)))",
            "x = [1] * 10**6\nwhile True: x == list(x)",
            "import decimal\ndecimal.getcontext().prec = 10**6\ndecimal.Decimal(2).sqrt() ** decimal.Decimal('0.3')",
            "import os\nwhile True: os.urandom(10**7)",
        ],
        |code| {
            let mut session = session_of(brief());
            run(&mut session, "kept = 1");
            let outcome = timed(&mut session, code, Duration::from_millis(400));
            assert_eq!(outcome.status, Status::Limit, "{code}: {outcome:#?}");
            let hit = outcome.limit.as_ref().unwrap();
            // Some of these need more memory than time.
            assert!(
                matches!(hit.name.as_str(), "guest_time_ms" | "memory_bytes"),
                "{code}: {hit:?}"
            );
            assert_eq!(value_of(&mut session, "kept"), "1", "{code}");
            still_works(&mut session);
        },
    );
}

#[test]
fn waits_are_not_guest_time() {
    let sandbox = limited(500, 20_000, 100);
    for code in [
        "import time\ntime.sleep(1.5)",
        "import asyncio\nawait asyncio.sleep(1.5)",
        "import asyncio\nasyncio.run(asyncio.sleep(1.5))",
        "import asyncio\nawait asyncio.gather(*(asyncio.sleep(1.4) for _ in range(50)))",
        "import threading\nthreading.Event().wait(1.5)",
        "import time\nfor _ in range(30): time.sleep(0.05)",
    ] {
        let outcome = run(&mut session_of(&sandbox), code);
        assert_eq!(outcome.status, Status::Ok, "{code}: {outcome:#?}");
        assert!(
            outcome.wall_time >= Duration::from_millis(1_400),
            "{code}: {outcome:#?}"
        );
        assert!(
            outcome.guest_time < Duration::from_millis(500),
            "{code}: {outcome:#?}"
        );
    }
    // Computing between waits adds up, over waits in the host too.
    let outcome = run(
        &mut session_of(&sandbox),
        "import time, asyncio\nwhile True:\n    t = time.perf_counter()\n    while time.perf_counter() - t < 0.04: pass\n    time.sleep(0.01)\n    await asyncio.sleep(0.01)",
    );
    hits("guest_time_ms", "TimeoutError")
        .compare(&outcome)
        .unwrap();
    assert!(
        outcome.guest_time < Duration::from_millis(800),
        "{outcome:#?}"
    );
}

#[test]
fn the_wall_clock_ends_waits() {
    let swallow_sleep = swallowing("time.sleep(60)");
    let swallow_naps = swallowing("time.sleep(0)");
    each(
        [
            ("import time\ntime.sleep(60)", false),
            ("import asyncio\nawait asyncio.sleep(60)", false),
            ("import asyncio\nasyncio.run(asyncio.sleep(60))", false),
            (
                "import asyncio\nasync with asyncio.TaskGroup() as g:\n    for _ in range(5): g.create_task(asyncio.sleep(60))",
                false,
            ),
            ("import threading\nthreading.Event().wait(60)", false),
            ("while True: pass", false),
            ("import time\nwhile True: time.sleep(0.01)", false),
            (
                "import asyncio\nwhile True: await asyncio.sleep(0.01)",
                false,
            ),
            ("import select\nselect.select([], [], [], 60)", false),
            // A wait of no end is a wait like any other.
            ("import asyncio\nawait asyncio.sleep(float('inf'))", false),
            ("import asyncio\nawait asyncio.sleep(1e300)", false),
            (
                "import asyncio\nasyncio.run(asyncio.sleep(float('inf')))",
                false,
            ),
            (
                "import asyncio\nawait asyncio.wait([asyncio.ensure_future(asyncio.sleep(float('inf')))])",
                false,
            ),
            (&swallow_sleep, true),
            (&swallow_naps, true),
        ],
        |(code, is_hard)| {
            let is_hard = *is_hard;
            let mut session = session_of(hasty());
            run(&mut session, "kept = 1");
            let outcome = timed(
                &mut session,
                &format!("import time\nkept = 2\n{code}"),
                Duration::from_millis(500),
            );
            let expect = hits("wall_time_ms", "TimeoutError");
            let expect = if is_hard {
                expect.rolled_back()
            } else {
                expect
            };
            expect
                .compare(&outcome)
                .unwrap_or_else(|what| panic!("{code}\n{what}"));
            assert_eq!(
                value_of(&mut session, "kept"),
                if is_hard { "1" } else { "2" },
                "{code}"
            );
            still_works(&mut session);
        },
    );
}

/// A waiting turn that swallows its cancellation again and again has to end too.
#[test]
fn awaiting_code_that_swallows_the_end_is_stopped() {
    let mut session = session_of(hasty());
    run(&mut session, "import asyncio");
    let outcome = timed(
        &mut session,
        &swallowing("await asyncio.sleep(60)"),
        Duration::from_millis(500),
    );
    assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
    assert_eq!(outcome.limit.unwrap().name, "wall_time_ms");
    still_works(&mut session);
}

#[test]
fn a_turn_that_ends_in_time_is_not_touched() {
    let sandbox = limited(2_000, 4_000, 0);
    check_turns(
        &mut session_of(&sandbox),
        &[
            (
                "import time\nt = time.perf_counter()\nwhile time.perf_counter() - t < 0.5: pass",
                nothing(),
            ),
            (
                "raise TimeoutError('mine')",
                raises("TimeoutError", &["mine"]),
            ),
            ("1", value("1")),
        ],
    );
}

/// Without grace the hard interrupt comes with the soft one.
#[test]
fn no_grace() {
    let sandbox = limited(200, 5_000, 0);
    let mut session = session_of(&sandbox);
    run(&mut session, "kept = 1");
    let outcome = timed(
        &mut session,
        "kept = 2\nsum(range(10**12))",
        Duration::from_millis(200),
    );
    hits("guest_time_ms", "TimeoutError")
        .rolled_back()
        .compare(&outcome)
        .unwrap();
    assert_eq!(value_of(&mut session, "kept"), "1");
}

#[test]
fn asking_about_the_scope_is_limited_too() {
    let mut session = session_of(brief());
    run(
        &mut session,
        "kept = 1\nclass A:\n    def __repr__(self): sum(range(10**12))\na = A()",
    );
    let begun = Instant::now();
    let answer = try_inspect(&mut session, r#"{"op":"names"}"#).unwrap();
    assert!(
        begun.elapsed() < Duration::from_millis(400) + SLACK,
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(answer, None, "the hostile __repr__ was not asked");
    run(&mut session, "del a");
    let answer = try_inspect(&mut session, r#"{"op":"names"}"#)
        .unwrap()
        .unwrap();
    assert!(answer.contains("kept"), "{answer}");
    assert_eq!(value_of(&mut session, "kept"), "1");
    still_works(&mut session);
}
