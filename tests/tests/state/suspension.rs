//! Turns that wait for the other side of the API: answered, saved, woken elsewhere, and
//! run again.

mod restored;

use memex_host_tools::Broker;
use memex_host_tools::{
    Answer, AnswerError, BrokerBuilder, ClientAnswer, ClientCall, NoArguments, Tool, ToolSpec,
    Toolbox, client_tool, immediate,
};
use memex_policies::ToolGrants;
use memex_runtime::{Outcome, OutputSink, SessionOptions, Status, Stream};
use memex_sessions::{Suspendable, SuspendedStep, Suspension, SuspensionError};
use memex_tests::standard_sandbox;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::runtime::Runtime;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().unwrap()
    })
}

fn spec(name: &str, returns: Option<Value>) -> ToolSpec {
    ToolSpec {
        name: name.to_owned(),
        description: "Doubles a number.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": { "n": { "type": "integer" } },
            "required": ["n"],
        }),
        returns,
        timeout: None,
    }
}

/// How often the host's own tool ran.
#[derive(Clone, Default)]
struct Ran(Arc<AtomicU32>);

/// A broker with the client tools `f` and `typed`, and `own`, which the host runs.
fn broker(ran: &Ran) -> BrokerBuilder {
    broker_without(ran, &[])
}

/// As [`broker`], under a policy that denies some of them.
fn broker_without(ran: &Ran, denied: &[&str]) -> BrokerBuilder {
    let ran = ran.clone();
    let own = immediate("own", "Counts.", move |_, _: NoArguments| {
        Ok(ran.0.fetch_add(1, Ordering::SeqCst))
    });
    let typed = spec("typed", Some(json!({ "type": "integer" })));
    let tools: [Arc<dyn Tool>; 3] = [
        Arc::new(client_tool(spec("f", None))),
        Arc::new(client_tool(typed)),
        Arc::new(own),
    ];
    let toolbox = Toolbox::builder().tools(tools).build().unwrap();
    let grants = ToolGrants {
        allow: vec!["*".to_owned()],
        deny: denied.iter().map(|&tool| tool.to_owned()).collect(),
    };
    Broker::builder(toolbox, grants, runtime().handle().clone())
}

fn suspendable() -> Suspendable {
    let broker = broker(&Ran::default()).build();
    Suspendable::new(standard_sandbox(), broker, SessionOptions::default()).unwrap()
}

fn double(call: &ClientCall) -> (String, ClientAnswer) {
    let n = call.arguments.json["n"].as_i64().unwrap();
    (
        call.id.clone(),
        ClientAnswer::Value(Answer::json(json!(2 * n))),
    )
}

fn waiting(step: SuspendedStep) -> Vec<ClientCall> {
    match step {
        SuspendedStep::Waiting { calls, .. } => calls,
        SuspendedStep::Done(outcome) => panic!("it is over: {outcome:#?}"),
    }
}

fn done(step: SuspendedStep) -> Outcome {
    match step {
        SuspendedStep::Done(outcome) => *outcome,
        SuspendedStep::Waiting { calls, .. } => panic!("it waits for {calls:?}"),
    }
}

/// Answers every call with twice its argument until the turn is over.
fn finish(session: &mut Suspendable, mut step: SuspendedStep) -> Outcome {
    loop {
        match step {
            SuspendedStep::Done(outcome) => return *outcome,
            SuspendedStep::Waiting { calls, .. } => {
                assert!(!calls.is_empty(), "nobody can answer");
                step = session.answer(calls.iter().map(double)).unwrap();
            }
        }
    }
}

fn value(session: &mut Suspendable, code: &str) -> String {
    let step = session.start(code).unwrap();
    let outcome = finish(session, step);
    assert_eq!(outcome.status, Status::Ok, "{outcome:#?}");
    outcome.value.unwrap_or_default()
}

/// Saved as a store would, and woken with another broker.
fn moved(session: &mut Suspendable, ran: &Ran) -> Suspendable {
    let saved = session.save().unwrap();
    let turn = serde_json::to_string(&saved.turn).unwrap();
    let saved = Suspension {
        turn: serde_json::from_str(&turn).unwrap(),
        ..saved
    };
    let options = SessionOptions::default();
    Suspendable::restore(standard_sandbox(), &saved, broker(ran), options).unwrap()
}

#[test]
fn between_turns_the_session_is_at_hand() {
    let mut session = suspendable();
    value(&mut session, "x = f(2)");
    let before = session
        .with(memex_runtime::Session::snapshot)
        .unwrap()
        .unwrap();
    value(&mut session, "x = 'changed'");
    let state = before.clone();
    session
        .with(move |session| session.rewind(&state))
        .unwrap()
        .unwrap();
    assert_eq!(value(&mut session, "x"), "4");
    let step = session.start("y = f(1)").unwrap();
    let refused = session.with(memex_runtime::Session::snapshot);
    assert!(matches!(refused, Err(SuspensionError::State { .. })));
    let outcome = finish(&mut session, step);
    assert_eq!(outcome.status, Status::Ok);
    assert!(
        session
            .with(memex_runtime::Session::snapshot)
            .unwrap()
            .is_ok()
    );
}

#[test]
fn a_plain_call_at_the_top_of_a_block_parks_the_turn() {
    let mut session = suspendable();
    let calls = waiting(session.start("x = f(4)\nprint('then')\nx + f(x)").unwrap());
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].tool.as_str(), calls[0].is_held), ("f", false));
    assert_eq!(
        calls[0].arguments.json,
        json!({ "n": 4 }).as_object().unwrap().clone()
    );
    let step = session.answer([double(&calls[0])]).unwrap();
    let outcome = finish(&mut session, step);
    assert_eq!(outcome.value.as_deref(), Some("24"));
    assert_eq!(
        (outcome.stdout.text.as_str(), outcome.host_calls),
        ("then\n", 2)
    );
    assert_eq!(value(&mut session, "x"), "8");
}

#[test]
fn calls_side_by_side_are_open_together_and_answered_in_any_order() {
    let mut session = suspendable();
    let code = "import asyncio\nawait asyncio.gather(*[f(n) for n in range(50)])";
    let mut calls = waiting(session.start(code).unwrap());
    assert_eq!(calls.len(), 50);
    calls.reverse();
    let first: Vec<_> = calls.drain(..20).collect();
    let left = waiting(session.answer(first.iter().map(double)).unwrap());
    assert_eq!(left.len(), 30);
    let outcome = done(session.answer(left.iter().map(double)).unwrap());
    assert!(outcome.value.unwrap().ends_with("96, 98]"));
}

#[test]
fn a_plain_call_in_a_function_holds_its_frames() {
    let mut session = suspendable();
    let code = "def g(n):\n    return f(n) + 1\n[g(1), g(2)]";
    let calls = waiting(session.start(code).unwrap());
    assert!(calls[0].is_held);
    let step = session.answer([double(&calls[0])]).unwrap();
    assert_eq!(finish(&mut session, step).value.as_deref(), Some("[3, 5]"));
}

#[test]
fn a_call_that_holds_too_long_is_let_go_and_its_block_runs_again_once() {
    let ran = Ran::default();
    let shown = Shown::default();
    let options = SessionOptions {
        sink: Some(Box::new(shown.clone())),
        ..SessionOptions::default()
    };
    let mut session = Suspendable::new(standard_sandbox(), broker(&ran).build(), options).unwrap();
    session.set_hold(Duration::from_millis(20));
    value(&mut session, "log = []");
    let code = "def g():\n    log.append(own())\n    print('once')\n    return f(1) + f(2)\nf(0), g(), log";
    let calls = waiting(session.start(code).unwrap());
    assert!(!calls[0].is_held, "the first call is awaited");
    let calls = waiting(session.answer([double(&calls[0])]).unwrap());
    assert!(calls[0].is_held);
    std::thread::sleep(Duration::from_millis(200));
    let open = session.open_calls();
    assert_eq!((open.len(), &open[0].id), (1, &calls[0].id));
    assert!(!open[0].is_held, "the turn was rolled back");
    session.set_hold(Duration::from_secs(60));
    let step = session.answer([double(&calls[0])]).unwrap();
    let outcome = finish(&mut session, step);
    assert_eq!(
        outcome.value.as_deref(),
        Some("(0, 6, [0])"),
        "{outcome:#?}"
    );
    assert_eq!(outcome.stdout.text, "once\n");
    assert_eq!(ran.0.load(Ordering::SeqCst), 1, "the host's tool ran once");
    assert_eq!(shown.text(), "once\n", "output is shown once");
    assert_eq!(value(&mut session, "log"), "[0]");
}

#[test]
fn a_block_that_takes_another_way_the_second_time_is_refused_and_undone() {
    let mut session = suspendable();
    session.set_hold(Duration::from_millis(10));
    value(&mut session, "seen = 1");
    let code = "import time\nseen = 2\ndef g():\n    return f(time.monotonic_ns())\ng()";
    let calls = waiting(session.start(code).unwrap());
    std::thread::sleep(Duration::from_millis(150));
    let answer = (
        calls[0].id.clone(),
        ClientAnswer::Value(Answer::json(json!(1))),
    );
    let error = session.answer([answer]).unwrap_err();
    assert!(matches!(error, SuspensionError::Diverged), "{error}");
    assert!(session.open_calls().is_empty());
    assert_eq!(value(&mut session, "seen"), "1");
}

#[test]
fn a_parked_turn_is_saved_and_goes_on_elsewhere() {
    let mut session = suspendable();
    value(&mut session, "kept = [1]");
    let code = "import asyncio\nprint('before')\nkept.append(2)\nr = await asyncio.gather(f(1), f(2))\nprint('after')\nkept, r";
    let calls = waiting(session.start(code).unwrap());
    let mut other = moved(&mut session, &Ran::default());
    assert_eq!(other.open_calls(), calls);
    let outcome = done(other.answer(calls.iter().map(double)).unwrap());
    assert_eq!(outcome.value.as_deref(), Some("([1, 2], [2, 4])"));
    assert_eq!(
        (outcome.stdout.text.as_str(), outcome.turn),
        ("before\nafter\n", 2)
    );
    // The first one waits as before, and the two do not see each other.
    assert_eq!(value(&mut other, "kept.append(3)\nkept"), "[1, 2, 3]");
    let outcome = done(session.answer(calls.iter().map(double)).unwrap());
    assert_eq!(outcome.value.as_deref(), Some("([1, 2], [2, 4])"));
}

#[test]
fn a_held_turn_is_saved_and_runs_again_elsewhere() {
    let ran = Ran::default();
    let mut session =
        Suspendable::new(standard_sandbox(), broker(&ran).build(), Default::default()).unwrap();
    let code = "def g():\n    return own(), f(1), f(2)\ng()";
    let calls = waiting(session.start(code).unwrap());
    let calls = waiting(session.answer([double(&calls[0])]).unwrap());
    let mut other = moved(&mut session, &ran);
    assert_eq!(other.open_calls().len(), 1);
    assert_eq!(other.open_calls()[0].id, calls[0].id);
    let outcome = done(other.answer([double(&calls[0])]).unwrap());
    assert_eq!(outcome.value.as_deref(), Some("(0, 2, 4)"), "{outcome:#?}");
    assert_eq!(ran.0.load(Ordering::SeqCst), 1);
    // So does the one that was saved.
    let outcome = done(session.answer([double(&calls[0])]).unwrap());
    assert_eq!(outcome.value.as_deref(), Some("(0, 2, 4)"), "{outcome:#?}");
    assert_eq!(ran.0.load(Ordering::SeqCst), 1);
}

#[test]
fn a_rollback_of_a_woken_turn_returns_to_its_beginning() {
    let mut session = suspendable();
    value(&mut session, "kept = 1");
    let calls = waiting(
        session
            .start("import os\nkept = 2\nf(1)\nos.abort()")
            .unwrap(),
    );
    let mut other = moved(&mut session, &Ran::default());
    let outcome = done(other.answer(calls.iter().map(double)).unwrap());
    assert!(outcome.rolled_back, "{outcome:#?}");
    assert_eq!(value(&mut other, "kept"), "1");
}

#[test]
fn answers_that_fit_no_call_change_nothing() {
    let mut session = suspendable();
    let calls = waiting(session.start("[f(1), typed(3)]").unwrap());
    let first = calls[0].id.clone();
    let good = || double(&calls[0]);
    let of = |id: &str| (id.to_owned(), ClientAnswer::Value(Answer::json(json!(1))));
    for id in [
        "",
        "call_",
        "call_0",
        "call_2",
        "call_01",
        "call_1 ",
        "call_-1",
        "f",
        "call_99999999999999999999",
    ] {
        let error = session.answer([good(), of(id)]).unwrap_err();
        let is_unknown = matches!(&error, SuspensionError::Answer(AnswerError::Unknown { .. }));
        assert!(is_unknown, "{id}: {error}");
        assert_eq!(session.open_calls().len(), 1, "no answer was taken");
    }
    let error = session.answer([good(), good()]).unwrap_err();
    assert!(error.to_string().contains("not open any more"), "{error}");
    let calls = waiting(session.answer([good()]).unwrap());
    let error = session.answer([of(&first)]).unwrap_err();
    assert!(
        matches!(&error, SuspensionError::Answer(AnswerError::Closed { .. })),
        "{error}"
    );
    let wrong = ClientAnswer::Value(Answer::json(json!("three")));
    let error = session.answer([(calls[0].id.clone(), wrong)]).unwrap_err();
    assert!(
        matches!(&error, SuspensionError::Answer(AnswerError::Type { .. })),
        "{error}"
    );
    let outcome = done(session.answer([double(&calls[0])]).unwrap());
    assert_eq!(outcome.value.as_deref(), Some("[2, 6]"));
    let error = session.answer([double(&calls[0])]).unwrap_err();
    assert!(matches!(error, SuspensionError::State { .. }), "{error}");
}

#[test]
fn errors_of_the_client_are_exceptions_where_the_call_stands() {
    let mut session = suspendable();
    let error = |class: &str| ClientAnswer::Error {
        class: class.to_owned(),
        message: "no such thing".to_owned(),
    };
    for (class, shown) in [
        ("KeyError", "KeyError"),
        ("SystemExit", "RuntimeError"),
        ("MyError", "RuntimeError"),
    ] {
        let calls = waiting(
            session
                .start("try:\n    f(1)\nexcept Exception as e:\n    r = type(e).__name__\nr")
                .unwrap(),
        );
        let step = session
            .answer([(calls[0].id.clone(), error(class))])
            .unwrap();
        assert_eq!(done(step).value, Some(format!("'{shown}'")));
    }
}

#[test]
fn a_turn_that_waits_can_be_cancelled() {
    let mut session = suspendable();
    waiting(
        session
            .start("try:\n    f(1)\nfinally:\n    tidy = True")
            .unwrap(),
    );
    assert!(session.start("1").is_err(), "a turn waits");
    let outcome = done(session.cancel("KeyboardInterrupt").unwrap());
    assert_eq!(outcome.error.unwrap().class, "KeyboardInterrupt");
    assert_eq!(value(&mut session, "tidy"), "True");
    waiting(session.start("def g():\n    return f(1)\ng()").unwrap());
    let outcome = done(session.cancel("KeyboardInterrupt").unwrap());
    assert!(outcome.error.is_some(), "{outcome:#?}");
}

#[test]
fn a_timer_beside_a_call_goes_on_without_an_answer() {
    let mut session = suspendable();
    let code = "import asyncio\ntry:\n    r = await asyncio.wait_for(f(1), 0.05)\nexcept TimeoutError:\n    r = 'late'\nr";
    let SuspendedStep::Waiting {
        until: Some(until), ..
    } = session.start(code).unwrap()
    else {
        panic!("it has a timer");
    };
    std::thread::sleep(until.saturating_duration_since(std::time::Instant::now()));
    assert_eq!(
        done(session.go_on().unwrap()).value.as_deref(),
        Some("'late'")
    );
}

#[test]
fn a_waiting_session_is_small() {
    let mut session = suspendable();
    waiting(session.start("f(1)").unwrap());
    let saved = session.save().unwrap();
    let size = |encoded: &memex_runtime::Encoded| {
        let chunks: usize = encoded.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        encoded.head.len() + chunks
    };
    let bytes = size(&saved.start)
        + saved.state.as_ref().map_or(0, size)
        + serde_json::to_vec(&saved.turn).unwrap().len();
    assert!(bytes < 64_000, "{bytes} bytes");
}

/// Keeps what it is shown.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Shown {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl OutputSink for Shown {
    fn write(&mut self, _stream: Stream, bytes: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(bytes);
    }
}

/// What the block has cleared stays cleared, though the state before it had it.
#[test]
fn pages_that_are_the_images_again_stay_so_in_a_woken_session() {
    let mut session = suspendable();
    value(&mut session, "a = bytearray(b'\\x01' * 4_000_000)");
    let calls = waiting(session.start("a[:] = bytes(4_000_000)\nf(1)").unwrap());
    let mut other = moved(&mut session, &Ran::default());
    done(other.answer(calls.iter().map(double)).unwrap());
    let calls = waiting(other.start("f(2)").unwrap());
    let mut third = moved(&mut other, &Ran::default());
    done(third.answer(calls.iter().map(double)).unwrap());
    assert_eq!(value(&mut third, "any(a)"), "False");
}

/// The time in a moment, as the code of a block sees it: what ran before it runs another
/// way after it.
fn in_a_moment() -> (f64, std::time::Instant) {
    let moment = Duration::from_millis(1_500);
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    (
        (since + moment).as_secs_f64(),
        std::time::Instant::now() + moment,
    )
}

fn sleep_until(moment: std::time::Instant) {
    let left = moment.saturating_duration_since(std::time::Instant::now());
    std::thread::sleep(left + Duration::from_millis(50));
}
