//! Interrupts from other threads: soft is an exception, hard is a rollback.

use memex_runtime::{Outcome, Session, Status};
use memex_tests::{run, runtime, session, session_of, still_works, try_run, value_of};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Runs a turn while `harm` gets the interrupter of its session, 200 ms later.
fn interrupted(
    session: &mut Session,
    code: &str,
    harm: impl FnOnce(memex_runtime::Interrupter) + Send,
) -> Outcome {
    let interrupter = session.interrupter();
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(200));
            harm(interrupter);
        });
        run(session, code)
    })
}

#[test]
fn soft_raises_keyboard_interrupt() {
    for code in [
        "while True: pass",
        "import time\ntime.sleep(60)",
        "import asyncio\nawait asyncio.sleep(60)",
        "import asyncio\nasyncio.run(asyncio.sleep(60))",
        "import asyncio\nasync with asyncio.TaskGroup() as g:\n    g.create_task(asyncio.sleep(60))",
        "import threading\nthreading.Event().wait(60)",
        "import pandas as pd\nwhile True: pd.Series([1]).sum()",
    ] {
        let mut session = session();
        run(&mut session, "kept = 1");
        let begun = Instant::now();
        let outcome = interrupted(
            &mut session,
            &format!("print('said')\nmade = 2\n{code}"),
            |handle| {
                assert!(handle.soft());
            },
        );
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{code}: {:?}",
            begun.elapsed()
        );
        let class = outcome.error.as_ref().map(|error| error.class.as_str());
        assert_eq!(
            (outcome.status, class),
            (Status::Exception, Some("KeyboardInterrupt")),
            "{code}: {outcome:#?}"
        );
        assert_eq!(
            (outcome.stdout.text.as_str(), outcome.rolled_back),
            ("said\n", false),
            "{code}: {outcome:#?}"
        );
        assert_eq!(outcome.limit, None, "{code}");
        assert_eq!(value_of(&mut session, "kept + made"), "3", "{code}");
        still_works(&mut session);
    }
}

#[test]
fn hard_rolls_back() {
    for code in [
        "while True: pass",
        "sum(range(10**12))",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import time\nwhile True:\n    try: time.sleep(60)\n    except BaseException: pass",
        "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')",
    ] {
        let mut session = session();
        run(&mut session, "kept = 1");
        let begun = Instant::now();
        let outcome = interrupted(
            &mut session,
            &format!("print('said')\nkept = 2\n{code}"),
            |handle| {
                assert!(handle.hard());
            },
        );
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{code}: {:?}",
            begun.elapsed()
        );
        let class = outcome.error.as_ref().map(|error| error.class.as_str());
        assert_eq!(
            (outcome.status, class),
            (Status::Exception, Some("KeyboardInterrupt")),
            "{code}: {outcome:#?}"
        );
        assert_eq!(
            (outcome.stdout.text.as_str(), outcome.rolled_back),
            ("said\n", true),
            "{code}: {outcome:#?}"
        );
        assert_eq!(value_of(&mut session, "kept"), "1", "{code}");
        still_works(&mut session);
    }
}

/// A hard interrupt of a turn that waits in the host ends it as well.
#[test]
fn hard_ends_an_awaiting_turn() {
    let mut session = session();
    let begun = Instant::now();
    let outcome = interrupted(
        &mut session,
        "import asyncio\nawait asyncio.sleep(60)",
        |handle| {
            assert!(handle.hard());
        },
    );
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(outcome.error.unwrap().class, "KeyboardInterrupt");
    still_works(&mut session);
}

/// Ctrl-C, and Ctrl-C again because nothing happened.
#[test]
fn soft_then_hard() {
    let sandbox = memex_tests::sandbox(|policy| policy.set_limit("grace_ms", 60_000).unwrap());
    let mut session = session_of(&sandbox);
    run(&mut session, "kept = 1");
    let begun = Instant::now();
    let outcome = interrupted(&mut session, "kept = 2\nsum(range(10**12))", |handle| {
        assert!(handle.soft());
        thread::sleep(Duration::from_millis(200));
        assert!(handle.hard());
    });
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    assert!(outcome.rolled_back, "{outcome:#?}");
    assert_eq!(value_of(&mut session, "kept"), "1");
}

/// Code that swallows a soft interrupt is stopped when its grace is over.
#[test]
fn soft_becomes_hard() {
    let sandbox = memex_tests::sandbox(|policy| policy.set_limit("grace_ms", 100).unwrap());
    let mut session = session_of(&sandbox);
    let begun = Instant::now();
    let outcome = interrupted(&mut session, "sum(range(10**12))", |handle| {
        assert!(handle.soft());
    });
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert!(outcome.rolled_back, "{outcome:#?}");
    assert_eq!(outcome.error.unwrap().class, "KeyboardInterrupt");
    still_works(&mut session);
}

#[test]
fn code_may_handle_a_soft_interrupt() {
    let mut session = session();
    let outcome = interrupted(
        &mut session,
        "try:\n    while True: pass\nexcept KeyboardInterrupt:\n    print('tidy')\n    result = 5\nresult",
        |handle| {
            assert!(handle.soft());
        },
    );
    // The exception is stored again until the turn ends, so tidying up may be
    // interrupted once more; what must not happen is that the session suffers.
    assert!(
        outcome.stdout.text.is_empty() || outcome.stdout.text == "tidy\n",
        "{outcome:#?}"
    );
    still_works(&mut session);
}

#[test]
fn idle_sessions_take_no_interrupt() {
    let mut session = session();
    let handle = session.interrupter();
    for _ in 0..3 {
        assert!(!handle.soft());
        assert!(!handle.hard());
        still_works(&mut session);
    }
    run(&mut session, "x = 1");
    assert!(!handle.soft() && !handle.hard());
    let snapshot = session.snapshot().unwrap();
    assert!(!handle.hard());
    session.rewind(&snapshot).unwrap();
    assert_eq!(value_of(&mut session, "x"), "1");
    drop(session);
    assert!(!handle.soft() && !handle.hard());
}

/// Interrupts at every moment of short turns: one of them may end a turn, none
/// may end a session or leak into the next turn.
#[test]
fn a_storm_of_interrupts() {
    let mut session = session();
    run(&mut session, "count = 0\nimport asyncio, time");
    let handle = session.interrupter();
    let done = AtomicBool::new(false);
    let codes = [
        "count += 1",
        "print(count)",
        "x = [i for i in range(2000)]",
        "1/0",
        "await asyncio.sleep(0.001)",
        "time.sleep(0.001)",
        "def f(): pass",
        "import json\njson.dumps([1])",
    ];
    let classes: Vec<Option<String>> = thread::scope(|scope| {
        scope.spawn(|| {
            let mut step = 0_u64;
            while !done.load(Ordering::Relaxed) {
                step += 1;
                let _ = if step.is_multiple_of(7) {
                    handle.hard()
                } else {
                    handle.soft()
                };
                thread::sleep(Duration::from_micros(step * 37 % 900));
            }
        });
        let outcomes = codes
            .iter()
            .cycle()
            .take(400)
            .map(|code| try_run(&mut session, code));
        let classes = outcomes
            .map(|outcome| Some(outcome.ok()?.error?.class))
            .collect();
        done.store(true, Ordering::Relaxed);
        classes
    });
    let mut struck = 0;
    for class in classes {
        match class.as_deref() {
            None | Some("ZeroDivisionError") => {}
            // An interrupt may strike while an exception is being told.
            Some("KeyboardInterrupt" | "RuntimeError") => struck += 1,
            Some(other) => panic!("{other}"),
        }
    }
    assert!(struck > 0, "no interrupt struck");
    still_works(&mut session);
    still_works(&mut session);
    assert_eq!(value_of(&mut session, "type(count).__name__"), "'int'");
}

#[test]
fn other_sessions_are_not_interrupted() {
    let mut other = session();
    let mut victim = session();
    let handle = victim.interrupter();
    thread::scope(|scope| {
        let calm = scope.spawn(|| run(&mut other, "import time\nt = time.perf_counter()\nwhile time.perf_counter() - t < 0.5: pass\n'calm'"));
        let struck = scope.spawn(|| run(&mut victim, "while True: pass"));
        thread::sleep(Duration::from_millis(150));
        assert!(handle.soft());
        assert_eq!(
            struck.join().unwrap().error.unwrap().class,
            "KeyboardInterrupt"
        );
        assert_eq!(calm.join().unwrap().value.as_deref(), Some("'calm'"));
    });
    assert!(runtime().live_sessions() >= 2);
}
