//! Turns that run again elsewhere, and what was saved of them, which is not trusted.

use super::{
    Ran, broker, broker_without, done, double, finish, in_a_moment, moved, sleep_until,
    suspendable, value, waiting,
};
use memex_host_tools::BrokerBuilder;
use memex_runtime::SessionOptions;
use memex_sessions::{Suspendable, SuspendedStep, Suspension, SuspensionError};
use memex_tests::standard_sandbox;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;

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
