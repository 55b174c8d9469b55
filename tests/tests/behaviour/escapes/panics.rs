//! Code of the embedder that panics in a turn: the turn ends, the session is
//! lost, and nothing of it reaches another session.

use memex_runtime::{
    Error, Forks, Frame, HostCalls, MidTurnFork, NoProgress, OutputSink, Reply, Runtime, Sandbox,
    Session, SessionOptions, SessionState, Status, Stream, Ticket, TurnHandle,
};
use memex_tests::{each, image, run, session_of, still_works, value_of};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::thread;

/// Written backwards, so that the text itself is in no session's code.
const SECRET: &str = "'terces ylniatrec si siht'[::-1]";

fn sandbox() -> (Runtime, Sandbox) {
    let mut policy = memex_policies::Policy::default();
    policy.set_limit("guest_time_ms", 10_000).unwrap();
    policy.set_limit("grace_ms", 100).unwrap();
    let runtime = Runtime::new().unwrap();
    let sandbox = Sandbox::new(&runtime, image(), Arc::new(policy), &mut NoProgress).unwrap();
    (runtime, sandbox)
}

/// Where it panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Nowhere,
    Sink,
    Call,
    BeginTurn,
    Pending,
    HasAnswers,
    TakeAnswers,
    WakeWith,
    RollBack,
    Fork,
}

/// Panics in one place, once it may.
#[derive(Clone)]
struct Fragile {
    place: Place,
    may: Arc<AtomicBool>,
}

impl Fragile {
    fn reach(&self, place: Place) {
        if self.place == place && self.may.load(Ordering::SeqCst) {
            panic!("fragile at {place:?}");
        }
    }
}

impl OutputSink for Fragile {
    fn write(&mut self, _: Stream, _: &[u8]) {
        self.reach(Place::Sink);
    }
}

impl HostCalls for Fragile {
    fn call(&mut self, _: &Frame<'_>, _: &dyn TurnHandle) -> Reply {
        self.reach(Place::Call);
        Reply::answer(b"null".to_vec())
    }

    fn begin_turn(&mut self) {
        self.reach(Place::BeginTurn);
    }

    fn roll_back(&mut self) {
        self.reach(Place::RollBack);
    }

    fn pending(&self) -> usize {
        self.reach(Place::Pending);
        0
    }

    fn has_answers(&self) -> bool {
        self.reach(Place::HasAnswers);
        self.place == Place::TakeAnswers
    }

    fn take_answers(&mut self) -> Vec<(Ticket, Reply)> {
        self.reach(Place::TakeAnswers);
        Vec::new()
    }

    fn wake_with(&mut self, _: Waker) {
        self.reach(Place::WakeWith);
    }
}

impl Forks for Fragile {
    fn fork(&mut self, _: &Frame<'_>, _: MidTurnFork, _: &dyn TurnHandle) -> Reply {
        self.reach(Place::Fork);
        Reply::answer(b"null".to_vec())
    }
}

/// A session with code that panics at `place` after the first turn.
fn fragile(sandbox: &Sandbox, place: Place) -> Session {
    let fragile = Fragile {
        place,
        may: Arc::default(),
    };
    let options = SessionOptions {
        calls: Some(Box::new(fragile.clone())),
        sink: Some(Box::new(fragile.clone())),
        forks: Some(Box::new(fragile.clone())),
    };
    let mut session = sandbox.session(options).unwrap();
    let hide = format!(
        "import asyncio, _host\nsecret = {SECRET}\ncopies = [secret + str(i) for i in range(20_000)]\nblob = secret.encode() * 100_000"
    );
    assert!(run(&mut session, &hide).is_ok());
    fragile.may.store(true, Ordering::SeqCst);
    session
}

/// Spoils pages in the very turn that panics, goes everywhere, and ends softly.
const EVERYWHERE: &str = "more = [secret + str(i) for i in range(20_000)]
print('said')
_host.call(b'\\x09\\0\\0\\0\\0')
_host.call(b'\\x04\\0\\0\\0\\0')
_host.call(b'\\x05\\x0f\\0\\0\\0{\"timeout_s\":0}')";
/// The same from outside of the guest.
const WAITING: &str = "more = [secret + str(i) for i in range(20_000)]\nawait asyncio.sleep(0.001)";
/// Does not end softly.
const STUBBORN: &str = "more = [secret + str(i) for i in range(20_000)]\nimport os\nos.abort()";

#[test]
fn a_panic_ends_the_turn_and_the_session() {
    let (runtime, sandbox) = sandbox();
    each(
        [
            (Place::Nowhere, EVERYWHERE),
            (Place::Nowhere, WAITING),
            (Place::Sink, EVERYWHERE),
            (Place::Call, EVERYWHERE),
            (Place::BeginTurn, EVERYWHERE),
            (Place::Pending, EVERYWHERE),
            (Place::HasAnswers, EVERYWHERE),
            (Place::HasAnswers, WAITING),
            (Place::TakeAnswers, EVERYWHERE),
            (Place::TakeAnswers, WAITING),
            (Place::WakeWith, EVERYWHERE),
            (Place::WakeWith, WAITING),
            (Place::RollBack, STUBBORN),
            (Place::Fork, EVERYWHERE),
        ],
        |&(place, code)| {
            let mut session = fragile(&sandbox, place);
            let interrupter = session.interrupter();
            let ended = session.run(code);
            if place == Place::Nowhere {
                // Where nothing panics the same turn runs to its end.
                assert_eq!(ended.unwrap().status, Status::Ok);
                assert_eq!(value_of(&mut session, "len(copies)"), "20000");
                return;
            }
            let error = ended.expect_err("the panic did not reach the host");
            assert!(
                matches!(&error, Error::Panicked(words) if *words == format!("fragile at {place:?}")),
                "{error}"
            );
            assert_eq!(session.state(), SessionState::Lost);
            assert!(matches!(session.run("1"), Err(Error::State { .. })));
            assert!(matches!(session.inspect("{}"), Err(Error::State { .. })));
            assert!(!interrupter.hard() && !interrupter.soft());
            drop(session);
            // In the slot that was used, or in another: nothing is left.
            let mut next = session_of(&sandbox);
            let walk = format!(
                "import gc\n[type(o) for o in gc.get_objects() if isinstance(o, (str, list, dict)) and {SECRET} in o]"
            );
            assert_eq!(value_of(&mut next, &walk), "[]");
            still_works(&mut next);
        },
    );
    // No place among the live sessions was kept.
    assert_eq!(runtime.live_sessions(), 0);
}

/// The interrupter of a session that panicked does nothing to the next one,
/// however often it is used while that runs.
#[test]
fn an_interrupter_outlives_a_panic_harmlessly() {
    let (_, sandbox) = sandbox();
    let mut session = fragile(&sandbox, Place::Sink);
    let interrupter = session.interrupter();
    assert!(session.run(EVERYWHERE).is_err());
    drop(session);
    let mut next = session_of(&sandbox);
    let stop = Arc::new(AtomicBool::new(false));
    let attacker = thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let mut met = 0;
            while !stop.load(Ordering::SeqCst) {
                met += u32::from(interrupter.hard()) + u32::from(interrupter.soft());
                thread::yield_now();
            }
            met
        }
    });
    for _ in 0..3 {
        let outcome = run(&mut next, "sum(i * i for i in range(300_000))");
        assert_eq!(outcome.value.as_deref(), Some("8999955000050000"));
        assert!(!outcome.rolled_back, "{outcome:#?}");
    }
    // The control: its own interrupter ends its turn.
    let own = next.interrupter();
    let ended = thread::spawn(move || {
        while !own.hard() {
            thread::yield_now()
        }
    });
    let outcome = run(&mut next, "while True: pass");
    assert!(outcome.rolled_back, "{outcome:#?}");
    ended.join().unwrap();
    stop.store(true, Ordering::SeqCst);
    assert_eq!(attacker.join().unwrap(), 0, "it met a turn");
}

/// A question that has to be taken back, where taking back fails: the session
/// is lost, and says so.
#[test]
fn a_question_whose_rollback_fails_loses_the_session() {
    let (_, sandbox) = sandbox();
    for place in [Place::Nowhere, Place::RollBack] {
        let mut session = fragile(&sandbox, place);
        run(
            &mut session,
            "import os\nclass A:\n    def __repr__(self): os.abort()\na = A()",
        );
        let answer = session.inspect(r#"{"op":"names"}"#);
        if place == Place::Nowhere {
            assert_eq!(answer.unwrap(), None);
            assert_eq!(session.state(), SessionState::Ready);
            assert_eq!(value_of(&mut session, "len(copies)"), "20000");
        } else {
            assert!(matches!(answer, Err(Error::Panicked(_))), "{answer:?}");
            assert_eq!(session.state(), SessionState::Lost);
            assert!(matches!(session.run("1"), Err(Error::State { .. })));
        }
    }
}
