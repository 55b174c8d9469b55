//! `await` at the top level, tasks, timeouts, sleeping, and tasks at rest.

use memex_runtime::{SessionState, Step};
use memex_tests::{
    Text, check_all, check_turns, deadlock, nothing, prints, raises, run, session, still_works,
    value,
};
use std::time::{Duration, Instant};

#[test]
fn awaiting() {
    check_all(&[
        ("import asyncio\nawait asyncio.sleep(0)", nothing()),
        (
            "import asyncio\nawait asyncio.sleep(0.01, 'done')",
            value("'done'"),
        ),
        ("async def f(): return 5\nawait f()", value("5")),
        (
            "async def f(n): return n\n[await f(i) for i in range(3)]",
            value("[0, 1, 2]"),
        ),
        (
            "async def g():\n    for i in range(3): yield i\n[i async for i in g()]",
            value("[0, 1, 2]"),
        ),
        (
            "import asyncio\nasync def f(n):\n    await asyncio.sleep(0.01 * (3 - n))\n    print(n)\n    return n\nawait asyncio.gather(*map(f, range(3)))",
            prints("2\n1\n0\n").with_value(Text::Is("[0, 1, 2]")),
        ),
        (
            "import asyncio\nasync with asyncio.TaskGroup() as g:\n    a = g.create_task(asyncio.sleep(0.01, 1))\n    b = g.create_task(asyncio.sleep(0.02, 2))\na.result() + b.result()",
            value("3"),
        ),
        (
            "import asyncio\nasync def bad(): raise ValueError('x')\nasync with asyncio.TaskGroup() as g:\n    g.create_task(bad())",
            raises("ExceptionGroup", &["unhandled errors in a TaskGroup"]),
        ),
        (
            "import asyncio\nasync with asyncio.timeout(0.02):\n    await asyncio.sleep(5)",
            raises("TimeoutError", &[]),
        ),
        (
            "import asyncio\ntry:\n    await asyncio.wait_for(asyncio.sleep(5), 0.02)\nexcept TimeoutError:\n    print('late')",
            prints("late\n"),
        ),
        (
            "import asyncio\nasyncio.run(asyncio.sleep(0.01, 'run'))",
            value("'run'"),
        ),
        (
            "import asyncio\nasync def f():\n    return await asyncio.gather(*(asyncio.sleep(0.01, i) for i in range(5)))\nasyncio.run(f())",
            value("[0, 1, 2, 3, 4]"),
        ),
        (
            "import asyncio\nloop = asyncio.new_event_loop()\nloop.run_until_complete(asyncio.sleep(0, 3))",
            value("3"),
        ),
        (
            "import asyncio\nq = asyncio.Queue()\nasync def put():\n    for i in range(3): await q.put(i)\nt = asyncio.create_task(put())\n[await q.get() for _ in range(3)]",
            value("[0, 1, 2]"),
        ),
        (
            "import asyncio\nl = asyncio.Lock()\nasync with l:\n    print(l.locked())",
            prints("True\n"),
        ),
        (
            "import asyncio\ns = asyncio.Semaphore(2)\nn = 0\nmost = 0\nasync def f():\n    global n, most\n    async with s:\n        n += 1\n        most = max(n, most)\n        await asyncio.sleep(0.005)\n        n -= 1\nawait asyncio.gather(*(f() for _ in range(6)))\nmost",
            value("2"),
        ),
        (
            "import asyncio\nawait asyncio.to_thread(lambda: 7)",
            value("7"),
        ),
        (
            "import asyncio\nt = asyncio.create_task(asyncio.sleep(5))\nawait asyncio.sleep(0)\nt.cancel()\ntry:\n    await t\nexcept asyncio.CancelledError:\n    print('cancelled')",
            prints("cancelled\n"),
        ),
        (
            "import asyncio, warnings\nwarnings.simplefilter('ignore')\nasync def f():\n    return await asyncio.sleep(0.001, 3)\nasyncio.set_event_loop_policy(None)\nasyncio.run(f()), asyncio.EventLoop().run_until_complete(f())",
            value("(3, 3)"),
        ),
        ("import asyncio\nawait asyncio.Future()", deadlock()),
        ("import asyncio\nawait asyncio.Event().wait()", deadlock()),
        (
            "import asyncio\nasyncio.run(asyncio.Event().wait())",
            deadlock(),
        ),
        (
            "import asyncio\nasync def f(): pass\nf()",
            nothing().with_value(Text::Has(&["coroutine object f"])),
        ),
        ("import asyncio\nawait 5", raises("TypeError", &["await"])),
        (
            "import asyncio\nawait asyncio.create_subprocess_exec('ls')",
            raises("OSError", &["processes"]),
        ),
        (
            "import asyncio\nasync def f():\n    1/0\nt = asyncio.create_task(f())\nawait asyncio.sleep(0)\ndel t",
            nothing().with_stderr(Text::Has(&["never retrieved", "ZeroDivisionError"])),
        ),
    ]);
}

#[test]
fn tasks_rest_between_turns() {
    check_turns(
        &mut session(),
        &[
            (
                "import asyncio\nlog = []\nasync def tick():\n    while True:\n        log.append(len(log))\n        await asyncio.sleep(0.01)\ntask = asyncio.create_task(tick())\nawait asyncio.sleep(0)",
                nothing(),
            ),
            ("len(log)", nothing().with_value(Text::Any)),
            (
                "before = len(log)\nawait asyncio.sleep(0.1)\nlen(log) > before",
                value("True"),
            ),
            (
                "count = len(log)\nimport time\ntime.sleep(0.05)\nlen(log) == count",
                value("True"),
            ),
            ("task.cancel()", value("True")),
            (
                "await asyncio.sleep(0)\ntask.cancelled() or task.done()",
                value("True"),
            ),
        ],
    );
}

#[test]
fn a_future_outlives_the_turn_that_made_it() {
    check_turns(
        &mut session(),
        &[
            (
                "import asyncio\nloop = asyncio.get_running_loop() if False else None\nasync def make():\n    return asyncio.get_running_loop().create_future()\nf = await make()",
                nothing(),
            ),
            ("f.set_result(9)", nothing()),
            ("await f", value("9")),
            (
                "e = asyncio.Event()\nasync def waiter():\n    await e.wait()\n    return 'woken'\nt = asyncio.ensure_future(waiter(), loop=f.get_loop())",
                nothing(),
            ),
            ("await asyncio.sleep(0)\ne.set()\nawait t", value("'woken'")),
        ],
    );
}

#[test]
fn sleeping_takes_its_time_and_no_guest_time() {
    let mut session = session();
    for code in [
        "import time\ntime.sleep(0.3)",
        "import asyncio\nawait asyncio.sleep(0.3)",
    ] {
        let outcome = run(&mut session, code);
        assert!(outcome.is_ok(), "{outcome:#?}");
        assert!(
            outcome.wall_time >= Duration::from_millis(300),
            "{outcome:#?}"
        );
        assert!(
            outcome.guest_time < Duration::from_millis(150),
            "{outcome:#?}"
        );
    }
    check_turns(
        &mut session,
        &[
            (
                "import time\nt = time.perf_counter()\ntime.sleep(0.1)\n0.09 < time.perf_counter() - t < 1",
                value("True"),
            ),
            (
                "time.sleep(-1)",
                raises("ValueError", &["must be non-negative"]),
            ),
            (
                "import threading\nthreading.Event().wait(0.05)",
                value("False"),
            ),
        ],
    );
}

/// Stepping by hand: no frame of the guest is on a stack while it waits.
#[test]
fn a_waiting_turn_is_driven_by_its_owner() {
    let mut session = session();
    let begun = Instant::now();
    let Step::Waiting { until: Some(until) } = session
        .start("import asyncio\nprint('a')\nawait asyncio.sleep(0.2)\n'b'")
        .unwrap()
    else {
        panic!("the turn did not wait");
    };
    assert!(begun.elapsed() < Duration::from_millis(200));
    assert!(matches!(session.state(), SessionState::Waiting { .. }));
    assert!(session.start("1").is_err(), "two turns at once");
    assert!(session.run("1").is_err(), "two turns at once");
    assert!(
        session.snapshot().is_err(),
        "a waiting session has no turn boundary"
    );
    std::thread::sleep(until.saturating_duration_since(Instant::now()));
    let Step::Done(outcome) = session.resume().unwrap() else {
        panic!("it waits still")
    };
    assert_eq!(
        (outcome.value.as_deref(), outcome.stdout.text.as_str()),
        (Some("'b'"), "a\n")
    );
    assert!(session.resume().is_err(), "nothing waits");
    still_works(&mut session);
}

#[test]
fn a_waiting_turn_can_be_resumed_too_early() {
    let mut session = session();
    let Step::Waiting { .. } = session
        .start("import asyncio\nawait asyncio.sleep(0.1, 'x')")
        .unwrap()
    else {
        panic!("the turn did not wait");
    };
    let begun = Instant::now();
    let outcome = loop {
        match session.resume().unwrap() {
            Step::Done(outcome) => break outcome,
            Step::Waiting { .. } => std::thread::sleep(Duration::from_millis(10)),
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
    };
    assert_eq!(outcome.value.as_deref(), Some("'x'"));
    assert!(begun.elapsed() >= Duration::from_millis(90));
}

#[test]
fn cancelling_a_waiting_turn() {
    for (code, class, outcome_class) in [
        (
            "await asyncio.sleep(60)",
            "KeyboardInterrupt",
            Some("KeyboardInterrupt"),
        ),
        (
            "await asyncio.sleep(60)",
            "TimeoutError",
            Some("TimeoutError"),
        ),
        (
            "async with asyncio.TaskGroup() as g:\n    g.create_task(asyncio.sleep(60))",
            "TimeoutError",
            Some("TimeoutError"),
        ),
        (
            "try:\n    await asyncio.sleep(60)\nfinally:\n    print('tidy')",
            "TimeoutError",
            Some("TimeoutError"),
        ),
        (
            "while True:\n    try:\n        await asyncio.sleep(60)\n    except BaseException:\n        pass",
            "TimeoutError",
            Some("TimeoutError"),
        ),
    ] {
        let mut session = session();
        run(&mut session, "import asyncio\nkept = 1");
        let Step::Waiting { .. } = session.start(code).unwrap() else {
            panic!("{code}")
        };
        let mut step = session.cancel(class).unwrap();
        let outcome = loop {
            match step {
                Step::Done(outcome) => break outcome,
                Step::Waiting { .. } => step = session.cancel(class).unwrap(),
            }
        };
        assert_eq!(
            outcome.error.as_ref().map(|e| e.class.as_str()),
            outcome_class,
            "{code}: {outcome:#?}"
        );
        assert_eq!(
            outcome.stdout.text,
            if code.contains("tidy") { "tidy\n" } else { "" }
        );
        assert_eq!(memex_tests::value_of(&mut session, "kept"), "1");
        still_works(&mut session);
    }
    let mut session = session();
    assert!(session.cancel("TimeoutError").is_err(), "nothing waits");
    still_works(&mut session);
}

#[test]
fn dropping_a_waiting_session_destroys_it() {
    let mut session = session();
    let Step::Waiting { .. } = session
        .start("import asyncio\nawait asyncio.sleep(60)")
        .unwrap()
    else {
        panic!("the turn did not wait");
    };
    let begun = Instant::now();
    drop(session);
    assert!(begun.elapsed() < Duration::from_secs(5));
}
