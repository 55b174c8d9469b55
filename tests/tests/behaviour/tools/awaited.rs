//! Calls that are awaited.

use super::{TOOLS, session};
use memex_runtime::{SessionState, Step};
use memex_tests::{check_turns, prints, raises, still_works, value};
use std::time::{Duration, Instant};

#[test]
fn awaited_calls_run_side_by_side() {
    let (mut session, log) = session(TOOLS);
    check_turns(
        &mut session,
        &[
            ("await echo.aio(1)", value("1")),
            (
                "import asyncio\nawait asyncio.gather(*(echo.aio(i) for i in range(20)))",
                value("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]"),
            ),
            (
                "[(await search.aio('x'))[0].title, await quick.aio(b'y'), len(await table.aio())]",
                value("['x of 10', b'y', 3]"),
            ),
            (
                "t = asyncio.create_task(echo.aio(2))\nawait asyncio.sleep(0)\nawait asyncio.wait_for(t, 5)",
                value("2"),
            ),
            (
                "async with asyncio.TaskGroup() as g:\n    a, b = g.create_task(echo.aio('a')), g.create_task(quick.aio('b'))\na.result() + b.result()",
                value("'ab'"),
            ),
            (
                "async def f():\n    return await asyncio.gather(echo.aio(3), quick.aio(4))\nasyncio.run(f())",
                value("[3, 4]"),
            ),
            (
                "import inspect\ninspect.iscoroutinefunction(echo.aio), str(inspect.signature(echo.aio))",
                value("(True, '(value: Any = Ellipsis) -> Any')"),
            ),
            ("search.aio()", raises("TypeError", &["missing 1 required"])),
        ],
    );
    let log = log.lock().unwrap();
    assert_eq!(
        log.taken[..2],
        [1, 20],
        "each round of waiting takes all answers"
    );
    let awaited = log
        .called
        .iter()
        .filter(|head| head["await"] == true)
        .count();
    let plain = log.called.len() - awaited;
    // Those inside `asyncio.run` too, which waits inside the host.
    assert_eq!((awaited, plain), (29, 0));
}

#[test]
fn answers_that_stayed_behind() {
    let (mut session, _) = session(TOOLS);
    check_turns(
        &mut session,
        &[
            (
                "await lost.aio(1)",
                raises(
                    "ConnectionAbortedError",
                    &["the call of lost stayed behind", "call it again"],
                ),
            ),
            (
                "import asyncio\nr = await asyncio.gather(lost.aio(1), echo.aio(2), return_exceptions=True)\n[type(e).__name__ for e in r]",
                value("['ConnectionAbortedError', 'int']"),
            ),
            (
                "await asyncio.Event().wait()",
                raises("RuntimeError", &["deadlock"]),
            ),
        ],
    );
    still_works(&mut session);
}

#[test]
fn a_call_that_is_not_answered_can_be_given_up() {
    let (mut session, _) = session(TOOLS);
    check_turns(
        &mut session,
        &[(
            "import asyncio\ntry:\n    await asyncio.wait_for(never.aio(), 0.02)\nexcept TimeoutError:\n    print('late')",
            prints("late\n"),
        )],
    );
    let begun = Instant::now();
    let Step::Waiting { until: None } = session
        .start("try:\n    await never.aio()\nfinally:\n    print('tidy')")
        .unwrap()
    else {
        panic!("it does not wait for the host");
    };
    assert!(matches!(session.state(), SessionState::Waiting { .. }));
    let Step::Done(outcome) = session.cancel("KeyboardInterrupt").unwrap() else {
        panic!("it waits still");
    };
    assert_eq!(outcome.error.unwrap().class, "KeyboardInterrupt");
    assert_eq!(outcome.stdout.text, "tidy\n");
    assert!(begun.elapsed() < Duration::from_secs(20));
    still_works(&mut session);
}
