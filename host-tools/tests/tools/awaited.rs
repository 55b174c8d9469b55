//! Awaited calls: tickets, turns and what becomes of them.

use crate::plain::Fixed;
use crate::support::{Session, Turn, all, runtime, toolbox};
use memex_channel::{HostCalls, OP_CALL};
use memex_host_tools::{
    Answer, Arguments, Broker, Budget, CallContext, NoArguments, Tool, ToolError, ToolFuture,
    ToolSpec, function, immediate,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Number {
    n: u64,
}

/// Answers when a permit of `gate` is there; counts those that are dropped
/// unanswered, and tells when that happens.
struct Gate {
    open: Semaphore,
    given_up: AtomicUsize,
    told: Notify,
}

struct Watched(Arc<Gate>, CancellationToken, bool);

impl Watched {
    fn answered(&mut self) {
        self.2 = true;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.2 {
            assert!(self.1.is_cancelled(), "its token is cancelled before");
            self.0.given_up.fetch_add(1, Ordering::SeqCst);
            self.0.told.notify_one();
        }
    }
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            open: Semaphore::new(0),
            given_up: AtomicUsize::new(0),
            told: Notify::new(),
        })
    }

    fn tool(self: &Arc<Self>) -> Arc<dyn Tool> {
        let gate = Arc::clone(self);
        Arc::new(function(
            "gated",
            "Waits.",
            move |context: CallContext, number: Number| {
                let gate = Arc::clone(&gate);
                let mut watched = Watched(Arc::clone(&gate), context.cancelled, false);
                async move {
                    gate.open.acquire().await.unwrap().forget();
                    watched.answered();
                    Ok(number.n)
                }
            },
        ))
    }

    /// Waits until `count` calls have been given up.
    fn wait_given_up(&self, session: &tokio::runtime::Runtime, count: usize) {
        session.block_on(async {
            while self.given_up.load(Ordering::SeqCst) < count {
                self.told.notified().await;
            }
        });
        assert_eq!(self.given_up.load(Ordering::SeqCst), count);
    }
}

fn gated() -> (Arc<Gate>, Session) {
    let gate = Gate::new();
    let tool = gate.tool();
    (gate, Session::new(vec![tool]))
}

#[test]
fn what_is_ready_answers_at_once() {
    let double = immediate("double", "", |_, number: Number| Ok(2 * number.n));
    let mut session = Session::new(vec![Arc::new(double)]);
    assert_eq!(session.start("double", json!({ "n": 21 })), Err(json!(42)));
    assert_eq!(session.broker.pending(), 0);
    assert!(!session.broker.has_answers());
}

#[test]
fn a_hundred_calls_run_together() {
    let barrier = Arc::new(tokio::sync::Barrier::new(100));
    let meet = function("meet", "", move |_, number: Number| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            Ok(number.n)
        }
    });
    let mut session = Session::new(vec![Arc::new(meet)]);
    session.broker.begin_turn();
    let tickets: BTreeSet<u64> = (0..99)
        .map(|n| session.start("meet", json!({ "n": n })).unwrap())
        .collect();
    assert_eq!(tickets.len(), 99);
    assert!(!session.broker.has_answers());
    // The last to come finds all others there.
    assert_eq!(session.start("meet", json!({ "n": 99 })), Err(json!(99)));
    let mut answered = BTreeSet::new();
    let mut values = BTreeSet::new();
    while answered.len() < 99 {
        for (ticket, value) in session.take() {
            answered.insert(ticket);
            values.insert(value.unwrap().as_u64().unwrap());
        }
    }
    assert_eq!(answered, tickets);
    assert_eq!(values, (0..99).collect());
    assert_eq!(session.broker.pending(), 0);
}

#[test]
fn the_waker_that_stands_last_is_woken() {
    let (gate, mut session) = gated();
    let first = Turn::new();
    session.broker.wake_with(Arc::clone(&first).into());
    session.start("gated", json!({ "n": 1 })).unwrap();
    gate.open.add_permits(1);
    // Whether the answer came before or after this waker, it is told.
    assert_eq!(session.take().len(), 1);
}

#[test]
fn a_turn_that_is_rolled_back_takes_its_calls_with_it() {
    let (gate, mut session) = gated();
    session.broker.begin_turn();
    let kept = session.start("gated", json!({ "n": 1 })).unwrap();
    session.broker.begin_turn();
    session.start("gated", json!({ "n": 2 })).unwrap();
    session.start("gated", json!({ "n": 3 })).unwrap();
    assert_eq!(session.broker.pending(), 3);
    session.broker.roll_back();
    assert_eq!(session.broker.pending(), 1);
    gate.wait_given_up(&session.runtime, 2);
    gate.open.add_permits(3);
    assert_eq!(session.take(), [(kept, Ok(json!(1)))]);
    assert_eq!(session.broker.pending(), 0);
}

#[test]
fn answers_taken_in_a_turn_that_is_rolled_back_are_due_again() {
    let (gate, mut session) = gated();
    session.broker.begin_turn();
    let first = session.start("gated", json!({ "n": 1 })).unwrap();
    gate.open.add_permits(1);
    session.broker.begin_turn();
    let own = session.start("gated", json!({ "n": 2 })).unwrap();
    assert_eq!(session.take(), [(first, Ok(json!(1)))]);
    gate.open.add_permits(1);
    assert_eq!(session.take(), [(own, Ok(json!(2)))]);
    assert_eq!(session.broker.pending(), 0);
    session.broker.roll_back();
    // The call of the turn itself is gone with it.
    assert_eq!(session.broker.pending(), 1);
    assert_eq!(session.take(), [(first, Ok(json!(1)))]);
    // Once a new turn begins, what was handed out is out.
    session.broker.begin_turn();
    session.broker.roll_back();
    assert_eq!(session.broker.pending(), 0);
}

#[test]
fn an_answer_not_yet_taken_goes_with_its_turn() {
    let (gate, mut session) = gated();
    session.broker.begin_turn();
    session.start("gated", json!({ "n": 1 })).unwrap();
    gate.open.add_permits(1);
    let waker = Arc::clone(&session.turn);
    session.broker.wake_with(waker.into());
    session.runtime.block_on(async {
        while !session.broker.has_answers() {
            tokio::task::yield_now().await;
        }
    });
    session.broker.roll_back();
    assert!(!session.broker.has_answers());
    assert_eq!(session.broker.pending(), 0);
}

#[test]
fn a_broker_that_is_dropped_gives_its_calls_up() {
    let (gate, mut session) = gated();
    for n in 0..10 {
        session.start("gated", json!({ "n": n })).unwrap();
    }
    let Session {
        broker, runtime, ..
    } = session;
    drop(broker);
    gate.wait_given_up(&runtime, 10);
}

#[test]
fn a_runtime_that_ends_answers_for_its_tasks() {
    let (_gate, mut session) = gated();
    let ticket = session.start("gated", json!({ "n": 1 })).unwrap();
    let other = runtime();
    let ended = std::mem::replace(&mut session.runtime, other);
    drop(Arc::into_inner(ended).unwrap());
    let refusal = "InterruptedError: gated: the call was given up".to_owned();
    assert_eq!(session.take(), [(ticket, Err(refusal))]);
}

#[test]
fn time_and_errors_reach_the_awaiting_guest() {
    let fail = function("fail", "", |_, _: NoArguments| async {
        tokio::task::yield_now().await;
        Err::<(), _>(ToolError::new("LookupError", "nothing there"))
    });
    let hang = function("hang", "", |_, _: NoArguments| {
        std::future::pending::<Result<(), _>>()
    });
    let budget = Budget {
        tool_time: Duration::from_millis(20),
        ..Budget::default()
    };
    let tools: Vec<Arc<dyn Tool>> = vec![Arc::new(fail), Arc::new(hang)];
    let mut session = Session::with_budget(tools, budget);
    for (tool, expected) in [
        ("fail", "LookupError: nothing there"),
        ("hang", "TimeoutError: hang: no answer within 20ms"),
    ] {
        let ticket = session.start(tool, json!({})).unwrap();
        assert_eq!(session.take(), [(ticket, Err(expected.to_owned()))]);
    }
}

#[test]
fn calls_under_way_are_bounded_in_number() {
    let gate = Gate::new();
    let budget = Budget {
        awaited: 3,
        ..Budget::default()
    };
    let mut session = Session::with_budget(vec![gate.tool()], budget);
    let expected = json!(
        "PermissionError: gated: 3 calls are under way, the most allowed; await some of them first"
    );
    for n in 0..3 {
        session.start("gated", json!({ "n": n })).unwrap();
    }
    assert_eq!(
        session.start("gated", json!({ "n": 3 })),
        Err(expected.clone())
    );
    // Answers that wait count until they are taken.
    gate.open.add_permits(1);
    assert_eq!(session.take().len(), 1);
    session.start("gated", json!({ "n": 3 })).unwrap();
    assert_eq!(session.start("gated", json!({ "n": 4 })), Err(expected));
}

#[test]
fn what_awaited_calls_hold_is_bounded() {
    let budget = Budget {
        held_bytes: 1_000,
        ..Budget::default()
    };
    let large = Fixed::later("large", json!("x".repeat(988)));
    let tools = vec![large, Fixed::later("small", json!("x".repeat(987)))];
    let mut session = Session::with_budget(tools, budget);
    let call = json!({ "tool": "small", "arguments": { "data": { "$part": 0 } }, "await": true });
    let call = call.to_string();
    let reply = session.frame(OP_CALL, call.as_bytes(), &[&[0; 1_000]]);
    let refusal = crate::support::result(&reply).unwrap_err();
    assert_eq!(
        refusal,
        "PermissionError: small: the calls under way hold 1000 bytes, the most allowed; await them first"
    );
    for _ in 0..3 {
        let ticket = session.start("large", json!({})).unwrap();
        let refusal = "PermissionError: large: the answers that wait hold 1000 bytes, \
            the most allowed; await fewer calls at a time";
        assert_eq!(session.take(), [(ticket, Err(refusal.to_owned()))]);
        // What has been taken is held no longer.
        let ticket = session.start("small", json!({})).unwrap();
        assert_eq!(session.take(), [(ticket, Ok(json!("x".repeat(987))))]);
    }
}

/// Keeps its arguments, and never answers.
struct Keeper(ToolSpec);

impl Tool for Keeper {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: CallContext, arguments: Arguments) -> ToolFuture {
        Box::pin(async move {
            std::future::pending::<()>().await;
            let Arguments { json, parts } = arguments;
            let json = json.into();
            Ok(Answer { json, parts })
        })
    }
}

/// Arguments are held as values: the text `{"":0}` takes hundreds of bytes.
#[test]
fn awaited_calls_are_counted_by_what_they_take() {
    let refused = |data: &str| {
        let keeper: Arc<dyn Tool> = Arc::new(Keeper(ToolSpec {
            name: "keep".to_owned(),
            description: String::new(),
            parameters: json!({ "type": "object" }),
            returns: None,
            timeout: None,
        }));
        let mut session = Session::with_budget(vec![keeper], Budget::default());
        let head = format!(r#"{{"tool":"keep","arguments":{{"data":{data}}},"await":true}}"#);
        assert!(head.len() <= 1 << 20, "{}", head.len());
        for taken in 0..100 {
            let reply = session.frame(OP_CALL, head.as_bytes(), &[]);
            if let Err(refusal) = crate::support::result(&reply) {
                assert_eq!(
                    refusal,
                    "PermissionError: keep: the calls under way hold 268435456 bytes, \
                     the most allowed; await them first"
                );
                return taken;
            }
        }
        100
    };
    // The control: as many bytes of text are taken 100 times.
    let text = format!("\"{}\"", "x".repeat(1_000_000));
    assert_eq!(refused(&text), 100);
    let many = |element: &str| {
        format!(
            "[{}]",
            vec![element; 1_000_000 / (element.len() + 1)].join(",")
        )
    };
    // Each of these takes more than 16 times its text.
    for element in ["{\"\":0}", "{}", "[]", "[0]", "0", "\"\""] {
        let taken = refused(&many(element));
        assert!(taken <= 256 / 16, "{element}: {taken}");
    }
}

#[test]
fn two_sessions_do_not_meet() {
    let gate = Gate::new();
    let runtime = runtime();
    let tools = toolbox(vec![gate.tool()]);
    let session = || {
        let broker = Broker::builder(tools.clone(), all(), runtime.handle().clone()).build();
        Session::around(broker, Arc::clone(&runtime))
    };
    let (mut one, mut other) = (session(), session());
    let ticket = one.start("gated", json!({ "n": 1 })).unwrap();
    assert_eq!(other.broker.pending(), 0);
    gate.open.add_permits(1);
    assert_eq!(one.take(), [(ticket, Ok(json!(1)))]);
    assert!(!other.broker.has_answers());
    assert!(other.broker.take_answers().is_empty());
}
