//! Turns that wait for the other side of the API: answered, saved, woken elsewhere, and
//! run again.

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
fn what_was_saved_is_not_trusted() {
    let mut session = suspendable();
    waiting(session.start("f(1)").unwrap());
    let saved = session.save().unwrap();
    let turn = serde_json::to_value(&saved.turn).unwrap();
    let damages: [(&str, Value); 9] = [
        ("/version", json!(2)),
        ("/turn", json!("")),
        ("/turn", json!("AAAA")),
        ("/calls/version", json!(9)),
        ("/calls/stopped", json!(true)),
        ("/calls/last", json!(0)),
        ("/calls/last_ticket", json!(0)),
        ("/calls/open/0/tool", json!("own")),
        ("/calls/open/0/arguments", json!({ "n": "one" })),
    ];
    for (place, value) in damages {
        let mut turn = turn.clone();
        *turn.pointer_mut(place).unwrap() = value;
        let saved = Suspension {
            turn: serde_json::from_value(turn).unwrap(),
            ..saved.clone()
        };
        let broker = broker(&Ran::default());
        let restored = Suspendable::restore(
            standard_sandbox(),
            &saved,
            broker,
            SessionOptions::default(),
        );
        assert!(restored.is_err(), "{place}");
    }
    // As it was saved, it goes on.
    let mut woken = moved(&mut session, &Ran::default());
    let calls = woken.open_calls();
    assert_eq!(
        done(woken.answer([double(&calls[0])]).unwrap())
            .value
            .as_deref(),
        Some("2")
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

/// Runs a block to its plain call of `f(9)`, which is let go and answered after `moment`.
fn run_again(
    session: &mut Suspendable,
    code: &str,
    moment: std::time::Instant,
) -> Result<SuspendedStep, SuspensionError> {
    session.set_hold(Duration::from_millis(20));
    let mut calls = waiting(session.start(code).unwrap());
    while !calls[0].is_held {
        calls = waiting(session.answer(calls.iter().map(double)).unwrap());
    }
    assert!(
        std::time::Instant::now() < moment,
        "the machine is too slow for this test"
    );
    sleep_until(moment);
    assert!(
        session.open_calls().iter().all(|call| !call.is_held),
        "it was rolled back"
    );
    session.set_hold(Duration::from_secs(60));
    session.answer([double(&calls[0])])
}

#[test]
fn a_new_call_of_the_host_does_not_run_while_calls_are_left_over() {
    let block = |first: &str| {
        format!(
            "import asyncio, time\ndef g():\n    return f(9)\n{first}\nr = await asyncio.gather(f(1), f(2))\nr, g()"
        )
    };
    let (late, moment) = in_a_moment();
    let ran = Ran::default();
    let mut session =
        Suspendable::new(standard_sandbox(), broker(&ran).build(), Default::default()).unwrap();
    value(&mut session, "kept = 1");
    let another_way = block(&format!("kept = 2\nif time.time() > {late}:\n    own()"));
    let error = run_again(&mut session, &another_way, moment).unwrap_err();
    assert!(matches!(error, SuspensionError::Diverged), "{error}");
    assert_eq!(
        ran.0.load(Ordering::SeqCst),
        0,
        "it ran before it was refused"
    );
    assert_eq!(value(&mut session, "kept"), "1");
    // Made in both runs, it runs in the first.
    let (_, moment) = in_a_moment();
    let step = run_again(&mut session, &block("own()"), moment).unwrap();
    let outcome = finish(&mut session, step);
    assert_eq!(
        outcome.value.as_deref(),
        Some("([2, 4], 18)"),
        "{outcome:#?}"
    );
    assert_eq!(ran.0.load(Ordering::SeqCst), 1);
}

/// Tasks that await a client and call the host then are no other way, though their answers
/// are there at once in the second run.
#[test]
fn tasks_beside_a_held_call_come_to_their_calls_in_the_same_order() {
    let ran = Ran::default();
    let mut session =
        Suspendable::new(standard_sandbox(), broker(&ran).build(), Default::default()).unwrap();
    session.set_hold(Duration::from_millis(20));
    let code = "import asyncio\nasync def job(n):\n    a = await f(n)\n    return own(), a\ndef g():\n    return f(9)\nasync def holder():\n    return g()\nawait asyncio.gather(job(1), job(2), holder())";
    let calls = waiting(session.start(code).unwrap());
    assert_eq!(calls.len(), 3);
    std::thread::sleep(Duration::from_millis(300));
    assert!(
        session.open_calls().iter().all(|call| !call.is_held),
        "it was rolled back"
    );
    session.set_hold(Duration::from_secs(60));
    // One of them later: what is answered goes on meanwhile.
    let left = waiting(
        session
            .answer([double(&calls[0]), double(&calls[2])])
            .unwrap(),
    );
    assert_eq!(left.len(), 1);
    assert_eq!(ran.0.load(Ordering::SeqCst), 1, "the first task went on");
    let outcome = done(session.answer(left.iter().map(double)).unwrap());
    assert_eq!(
        outcome.value.as_deref(),
        Some("[(0, 2), (1, 4), 18]"),
        "{outcome:#?}"
    );
}

#[test]
fn a_turn_that_runs_again_is_saved_as_such() {
    let (late, moment) = in_a_moment();
    let mut session = suspendable();
    let code = format!(
        "import time\ndef g():\n    return f(9)\nif time.time() > {late}:\n    f(7)\na = f(1)\na, g()"
    );
    let calls = waiting(run_again(&mut session, &code, moment).unwrap());
    assert_eq!(calls.len(), 1, "a new call of a client tool is taken");
    assert_eq!(calls[0].arguments.json["n"], json!(7));
    let mut other = moved(&mut session, &Ran::default());
    assert_eq!(other.open_calls(), calls);
    // What was answered in the first run is not asked for again.
    let outcome = done(other.answer([double(&calls[0])]).unwrap());
    assert_eq!(outcome.value.as_deref(), Some("(2, 18)"), "{outcome:#?}");
}

#[test]
fn calls_of_earlier_turns_survive_a_rollback_elsewhere() {
    let mut session = suspendable();
    let code = "import asyncio\nasync def w():\n    return f(1)\nt = asyncio.create_task(w())\nawait asyncio.sleep(0)";
    done(session.start(code).unwrap());
    let calls = waiting(session.start("import os\nf(2)\nos.abort()").unwrap());
    assert_eq!(calls.len(), 2);
    let mut other = moved(&mut session, &Ran::default());
    let outcome = done(other.answer([double(&calls[1])]).unwrap());
    assert!(outcome.rolled_back, "{outcome:#?}");
    assert_eq!(other.open_calls(), calls[..1]);
    let left = waiting(other.start("await t").unwrap());
    let outcome = done(other.answer(left.iter().map(double)).unwrap());
    assert_eq!(outcome.value.as_deref(), Some("2"), "{outcome:#?}");
}

/// The turn of a session that was stopped, in which `own` and `typed` were answered.
fn stopped_turn() -> Suspension {
    let mut session = suspendable();
    let calls = waiting(
        session
            .start("def g():\n    return own(), typed(3), f(1)\ng()")
            .unwrap(),
    );
    waiting(session.answer([double(&calls[0])]).unwrap());
    session.save().unwrap()
}

fn restored(saved: &Suspension, broker: BrokerBuilder) -> Result<Suspendable, SuspensionError> {
    Suspendable::restore(standard_sandbox(), saved, broker, SessionOptions::default())
}

fn changed(saved: &Suspension, place: &str, value: Value) -> Suspension {
    let mut turn = serde_json::to_value(&saved.turn).unwrap();
    let (parent, key) = place.rsplit_once('/').unwrap();
    turn.pointer_mut(parent).unwrap()[key] = value;
    Suspension {
        turn: serde_json::from_value(turn).unwrap(),
        ..saved.clone()
    }
}

fn refusal(saved: &Suspension, broker: BrokerBuilder) -> String {
    match restored(saved, broker) {
        Ok(_) => panic!("it was restored"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn recorded_replies_are_held_against_the_tools_and_the_policy() {
    use base64::Engine as _;
    let saved = stopped_turn();
    let ran = Ran::default();
    for tool in ["own", "typed", "f"] {
        let reason = refusal(&saved, broker_without(&ran, &[tool]));
        assert!(
            reason.contains(&format!("does not grant \"{tool}\"")),
            "{reason}"
        );
    }
    let reply = memex_runtime::Reply::answer(br#"{"result":"three"}"#.to_vec()).encode();
    let reply = json!(base64::engine::general_purpose::STANDARD.encode(reply));
    let damages = [
        ("/calls/journal/1/reply", reply, "does not fit its tool"),
        (
            "/calls/journal/1/reply",
            json!("AAEAAAB7"),
            "a saved reply of",
        ),
        ("/calls/journal/0/tool", json!("gone"), "no tool called"),
        ("/calls/journal/2/call", json!(99), "is not open"),
        ("/calls/journal/1/call", json!(2), "twice"),
    ];
    for (place, value, wanted) in damages {
        let reason = refusal(&changed(&saved, place, value), broker(&ran));
        assert!(reason.contains(wanted), "{place}: {reason}");
    }
    // A reply that passes under the name of another tool is found when it is asked for.
    let forged = changed(&saved, "/calls/journal/0/tool", json!("f"));
    let mut session = restored(&forged, broker(&ran)).unwrap();
    let calls = session.open_calls();
    let error = session.answer([double(&calls[0])]).unwrap_err();
    assert!(matches!(error, SuspensionError::Diverged), "{error}");
    // More than the broker may hold.
    let budget = memex_host_tools::Budget {
        held_bytes: 700,
        ..Default::default()
    };
    let reason = refusal(&saved, broker(&ran).budget(budget));
    assert!(reason.contains("700 bytes"), "{reason}");
    // As it was saved, it goes on, and the host's tool does not run again.
    let mut session = restored(&saved, broker(&ran)).unwrap();
    let calls = session.open_calls();
    let outcome = done(session.answer([double(&calls[0])]).unwrap());
    assert_eq!(outcome.value.as_deref(), Some("(0, 6, 2)"), "{outcome:#?}");
    assert_eq!(ran.0.load(Ordering::SeqCst), 0);
}

#[test]
fn an_answer_that_was_saved_is_checked_again() {
    let mut session = suspendable();
    waiting(session.start("def g():\n    return typed(3)\ng()").unwrap());
    let saved = session.save().unwrap();
    let answered = |json: Value| {
        let answer = json!({ "value": { "json": json, "parts": [] } });
        changed(&saved, "/calls/open/0/answer", answer)
    };
    let reason = refusal(&answered(json!("three")), broker(&Ran::default()));
    assert!(reason.contains("does not fit its tool"), "{reason}");
    let mut session = restored(&answered(json!(6)), broker(&Ran::default())).unwrap();
    assert_eq!(done(session.go_on().unwrap()).value.as_deref(), Some("6"));
}

/// Thousands of chunks that nothing names are no work, and more than there can be are
/// refused.
#[test]
fn forged_chunks_are_bounded() {
    let saved = stopped_turn();
    let chunk = |n: u32| {
        let mut digest = [7; 32];
        digest[..4].copy_from_slice(&n.to_le_bytes());
        memex_runtime::Chunk {
            digest,
            bytes: Vec::new(),
        }
    };
    let mut many = saved.clone();
    many.start.chunks.extend((0..100_000).map(chunk));
    assert!(restored(&many, broker(&Ran::default())).is_ok());
    many.start.chunks.extend((100_000..140_000).map(chunk));
    let reason = refusal(&many, broker(&Ran::default()));
    assert!(reason.contains("chunks, of"), "{reason}");
}
