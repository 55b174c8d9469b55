//! Sessions without a slot.

use memex_runtime::{
    Error, Frame, HostCalls, Reply, SessionOptions, SessionState, Step, TurnHandle,
};
use memex_tests::{run, sandbox, standard_sandbox, value_of};

struct Echo;

impl HostCalls for Echo {
    fn call(&mut self, frame: &Frame<'_>, _turn: &dyn TurnHandle) -> Reply {
        Reply::answer(frame.head.to_vec())
    }
}

#[test]
fn a_woken_session_is_the_same_one() {
    let sandbox = standard_sandbox().clone();
    let options = SessionOptions {
        calls: Some(Box::new(Echo)),
        ..Default::default()
    };
    let mut session = sandbox.session(options).unwrap();
    run(
        &mut session,
        "import random, _host\nrandom.seed(5)\ng = (n for n in range(9)); next(g)",
    );
    let twin = session.snapshot().unwrap();
    let asleep = session.hibernate().unwrap();
    assert!(asleep.bytes() < 64_000, "{} bytes", asleep.bytes());
    let (mut awake, lost) = asleep.wake().unwrap();
    assert!(lost.is_empty());
    assert_eq!(awake.turns(), 1);
    let frame = "_host.call(b'\\x02\\x02\\x00\\x00\\x0042')";
    assert_eq!(
        value_of(&mut awake, frame),
        "b'\\x00\\x02\\x00\\x00\\x0042'"
    );
    let (mut replay, _) = sandbox
        .restore(&twin, memex_runtime::Generators::Keep, Default::default())
        .unwrap();
    let draw = "random.random(), next(g)";
    assert_eq!(value_of(&mut awake, draw), value_of(&mut replay, draw));
}

/// A session that cannot be woken sleeps on, with its tools and its turn.
#[test]
fn a_session_that_cannot_be_woken_sleeps_on() {
    let sandbox = sandbox(|policy| policy.set_limit("live_sessions", 1).unwrap());
    let options = SessionOptions {
        calls: Some(Box::new(Echo)),
        ..Default::default()
    };
    let mut session = sandbox.session(options).unwrap();
    run(&mut session, "import asyncio, _host\nx = 7");
    session.start("await asyncio.sleep(0.01)\nx += 1").unwrap();
    assert!(matches!(session.state(), SessionState::Waiting { .. }));
    let mut asleep = session.hibernate().unwrap();
    let other = sandbox.session(Default::default()).unwrap();
    for _ in 0..3 {
        let failure = asleep.wake().map(|_| ()).unwrap_err();
        assert!(matches!(failure.error, Error::TooManySessions { .. }));
        asleep = *failure.session;
        assert!(asleep.is_waiting());
    }
    drop(other);
    let (mut session, _) = asleep.wake().unwrap();
    while let Step::Waiting { .. } = session.wait_and_resume().unwrap() {}
    let frame = "x, _host.call(b'\\x02\\x02\\x00\\x00\\x0042')";
    let value = value_of(&mut session, frame);
    assert_eq!(value, "(8, b'\\x00\\x02\\x00\\x00\\x0042')");
}

/// A lost session cannot hibernate, and is handed back.
#[test]
fn a_lost_session_is_handed_back() {
    struct Panics;
    impl HostCalls for Panics {
        fn call(&mut self, _: &Frame<'_>, _: &dyn TurnHandle) -> Reply {
            panic!("the embedder's own");
        }
    }
    let options = SessionOptions {
        calls: Some(Box::new(Panics)),
        ..Default::default()
    };
    let mut session = standard_sandbox().session(options).unwrap();
    let frame = "import _host\n_host.call(b'\\x02\\x02\\x00\\x00\\x0042')";
    assert!(session.run(frame).is_err());
    let failure = session.hibernate().map(|_| ()).unwrap_err();
    assert!(failure.to_string().contains("lost"), "{failure}");
    assert_eq!(failure.session.state(), SessionState::Lost);
}
