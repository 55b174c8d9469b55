//! Plain calls: they answer, hang, panic, and are given up.

use crate::support::{Session, head};
use memex_channel::OP_CALL;
use memex_host_tools::{
    Answer, Arguments, Blob, Budget, CallContext, NoArguments, Tool, ToolError, ToolFuture,
    ToolSpec, function, immediate,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[derive(Deserialize, JsonSchema)]
struct Sum {
    a: i64,
    b: i64,
}

#[derive(Serialize, JsonSchema)]
struct Total {
    total: i64,
}

fn add() -> Arc<dyn Tool> {
    Arc::new(immediate("add", "Adds.", |_, sum: Sum| {
        Ok(Total {
            total: sum.a + sum.b,
        })
    }))
}

/// Never answers; tells when it is dropped, and with its token cancelled.
fn hang(dropped: Arc<AtomicBool>) -> Arc<dyn Tool> {
    struct Guard(Arc<AtomicBool>, CancellationToken);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.store(self.1.is_cancelled(), Ordering::SeqCst);
        }
    }
    Arc::new(function(
        "hang",
        "Hangs.",
        move |context: CallContext, _: NoArguments| {
            let guard = Guard(Arc::clone(&dropped), context.cancelled.clone());
            async move {
                std::future::pending::<()>().await;
                drop(guard);
                Ok(())
            }
        },
    ))
}

#[test]
fn typed_functions_answer_at_once_or_later() {
    let slow = function("slow", "Sleeps.", |_, sum: Sum| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        tokio::spawn(async move { sum.a * sum.b })
            .await
            .map_err(|error| ToolError::new("RuntimeError", error.to_string()))
    });
    let mut session = Session::new(vec![add(), Arc::new(slow)]);
    let sum = json!({ "a": 2, "b": 40 });
    assert_eq!(session.call("add", sum.clone()), Ok(json!({ "total": 42 })));
    assert_eq!(session.call("slow", sum), Ok(json!(80)));
}

#[test]
fn bytes_cross_as_parts() {
    #[derive(Deserialize, JsonSchema)]
    struct Input {
        data: Blob,
        more: Option<Vec<Blob>>,
    }
    #[derive(Serialize, JsonSchema)]
    struct Output {
        reversed: Blob,
        count: usize,
    }
    let reverse = immediate("reverse", "Reverses.", |_, input: Input| {
        let mut bytes = input.data.into_vec();
        bytes.reverse();
        let count = input
            .more
            .map_or(0, |more| more.iter().map(|b| b.len()).sum());
        Ok(Output {
            reversed: bytes.into(),
            count,
        })
    });
    let mut session = Session::new(vec![Arc::new(reverse)]);
    let big: Vec<u8> = (0..1_000_000_u32).map(|i| i as u8).collect();
    let call = json!({
        "tool": "reverse",
        "arguments": { "data": { "$part": 1 }, "more": [{ "$part": 0 }, { "$part": 2 }] },
    });
    let reply = session.frame(
        OP_CALL,
        call.to_string().as_bytes(),
        &[b"xyz", &big, b"abc"],
    );
    let answer = head(&reply).unwrap();
    assert_eq!(
        answer,
        json!({ "result": { "reversed": { "$part": 0 }, "count": 6 } })
    );
    let reversed: Vec<u8> = big.into_iter().rev().collect();
    assert_eq!(reply.parts, [reversed]);
}

#[test]
fn a_tool_that_hangs_is_given_up_when_its_time_is_over() {
    let dropped = Arc::new(AtomicBool::new(false));
    let budget = Budget {
        tool_time: Duration::from_millis(20),
        ..Budget::default()
    };
    let mut session = Session::with_budget(vec![hang(Arc::clone(&dropped)), add()], budget);
    let refusal = session.call("hang", json!({})).unwrap_err();
    assert_eq!(refusal, "TimeoutError: hang: no answer within 20ms");
    assert!(dropped.load(Ordering::SeqCst), "cancelled, then dropped");
    assert!(session.call("add", json!({ "a": 1, "b": 1 })).is_ok());
}

#[test]
fn a_tools_own_time_is_within_the_sessions() {
    let own = function("own", "", |_, _: NoArguments| {
        std::future::pending::<Result<(), _>>()
    })
    .with_timeout(Duration::from_millis(10));
    let long = function("long", "", |_, _: NoArguments| {
        std::future::pending::<Result<(), _>>()
    })
    .with_timeout(Duration::MAX);
    let budget = Budget {
        tool_time: Duration::from_millis(30),
        ..Budget::default()
    };
    let mut session = Session::with_budget(vec![Arc::new(own), Arc::new(long)], budget);
    for (name, time) in [("own", "10ms"), ("long", "30ms")] {
        let refusal = session.call(name, json!({})).unwrap_err();
        assert_eq!(
            refusal,
            format!("TimeoutError: {name}: no answer within {time}")
        );
    }
}

#[test]
fn an_interrupt_gives_a_call_up() {
    let dropped = Arc::new(AtomicBool::new(false));
    let started = Arc::new(tokio::sync::Notify::new());
    let mut session = Session::new(vec![hang(Arc::clone(&dropped))]);
    let (turn, begun) = (Arc::clone(&session.turn), Arc::clone(&started));
    session.runtime.spawn(async move {
        begun.notified().await;
        turn.interrupt();
    });
    started.notify_one();
    let refusal = session.call("hang", json!({})).unwrap_err();
    assert_eq!(refusal, "InterruptedError: hang: the call was given up");
    assert!(dropped.load(Ordering::SeqCst), "cancelled, then dropped");
}

#[test]
fn a_tool_that_is_always_ready_to_go_on_is_stopped() {
    let busy = || {
        function("busy", "", |_, _: NoArguments| {
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                Poll::<Result<(), ToolError>>::Pending
            })
        })
    };
    let budget = Budget {
        tool_time: Duration::from_millis(20),
        ..Budget::default()
    };
    let mut session = Session::with_budget(vec![Arc::new(busy())], budget);
    let refusal = session.call("busy", json!({})).unwrap_err();
    assert!(refusal.starts_with("TimeoutError"), "{refusal}");
    let mut session = Session::new(vec![Arc::new(busy())]);
    session.turn.interrupt();
    let refusal = session.call("busy", json!({})).unwrap_err();
    assert!(refusal.starts_with("InterruptedError"), "{refusal}");
}

/// A tool that panics where it is told to.
struct Panics {
    spec: ToolSpec,
    place: &'static str,
}

impl Tool for Panics {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, _: CallContext, _: Arguments) -> ToolFuture {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                if !std::thread::panicking() {
                    panic!("secret of the host, dropped");
                }
            }
        }
        assert!(self.place != "call", "secret of the host");
        let place = self.place;
        Box::pin(async move {
            let bomb = (place == "drop").then_some(Bomb);
            assert!(place != "poll", "secret of the host");
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(place != "later", "secret of the host");
            drop(bomb);
            Ok(Answer::default())
        })
    }
}

#[test]
fn a_panic_is_an_exception_without_details() {
    for place in ["call", "poll", "later", "drop"] {
        let spec = ToolSpec {
            name: "bad".to_owned(),
            description: String::new(),
            parameters: json!({}),
            returns: None,
            timeout: None,
        };
        let mut session = Session::new(vec![Arc::new(Panics { spec, place }), add()]);
        let expected =
            "RuntimeError: bad: the tool failed on the host; this is a fault of the tool";
        assert_eq!(
            session.call("bad", json!({})).unwrap_err(),
            expected,
            "{place}"
        );
        let awaited = match session.start("bad", json!({})) {
            Ok(_) => session.take().remove(0).1.unwrap_err(),
            Err(refusal) => refusal.as_str().unwrap().to_owned(),
        };
        assert_eq!(awaited, expected, "{place}");
        assert!(session.call("add", json!({ "a": 1, "b": 1 })).is_ok());
    }
}

#[test]
fn errors_of_tools_keep_details_from_the_guest() {
    let fail = immediate("fail", "", |_, _: NoArguments| {
        Err::<(), _>(ToolError::new("FileNotFoundError", "no such page").with_detail("/srv/x"))
    });
    let mut session = Session::new(vec![Arc::new(fail)]);
    let refusal = session.call("fail", json!({})).unwrap_err();
    assert_eq!(refusal, "FileNotFoundError: no such page");
}

/// Answers with whatever it was made with.
pub(crate) struct Fixed {
    spec: ToolSpec,
    answer: Answer,
    later: bool,
}

impl Fixed {
    pub(crate) fn tool(name: &str, json: Value, parts: Vec<Vec<u8>>) -> Arc<dyn Tool> {
        Arc::new(Self::answering(name, Answer { json, parts }, false))
    }

    /// One whose answer is not ready when it is first asked for.
    pub(crate) fn later(name: &str, json: Value) -> Arc<dyn Tool> {
        Arc::new(Self::answering(name, Answer::json(json), true))
    }

    fn answering(name: &str, answer: Answer, later: bool) -> Self {
        let spec = ToolSpec {
            name: name.to_owned(),
            description: format!("Answers as {name}."),
            parameters: json!({ "type": "object" }),
            returns: None,
            timeout: None,
        };
        Self {
            spec,
            answer,
            later,
        }
    }
}

impl Tool for Fixed {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, _: CallContext, _: Arguments) -> ToolFuture {
        let (answer, later) = (self.answer.clone(), self.later);
        Box::pin(async move {
            if later {
                tokio::task::yield_now().await;
            }
            Ok(answer)
        })
    }
}

#[test]
fn answers_are_bounded() {
    let budget = Budget {
        answer_bytes: 1_000,
        ..Budget::default()
    };
    // {"result":"…"} is 13 bytes around the text, {"result":{"$part":0}} is 22.
    let cases: [(&str, Value, Vec<Vec<u8>>, bool); 6] = [
        ("fits", json!("x".repeat(987)), vec![], true),
        ("text", json!("x".repeat(988)), vec![], false),
        ("escapes", json!("\n".repeat(600)), vec![], false),
        ("part", json!({ "$part": 0 }), vec![vec![0; 978]], true),
        ("large", json!({ "$part": 0 }), vec![vec![0; 979]], false),
        ("huge", json!(null), vec![vec![0; 1 << 24]], false),
    ];
    for (name, json, parts, fits) in cases {
        let mut session =
            Session::with_budget(vec![Fixed::tool(name, json, parts)], budget.clone());
        let refusal = format!(
            "ValueError: {name}: the answer has more than the 1000 bytes allowed; ask for less"
        );
        match session.call(name, json!({})) {
            Ok(_) => assert!(fits, "{name} is let through"),
            Err(error) => assert_eq!((error, fits), (refusal, false)),
        }
    }
}

#[test]
fn reserved_keys_of_an_answer_must_mean_what_they_say() {
    let table = |data: Value| {
        let column = json!({ "name": "a", "type": "int8", "data": data });
        json!({ "$table": { "rows": 1, "columns": [column] } })
    };
    let mut deep = json!({ "$part": 0 });
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let cases: [(Value, bool); 10] = [
        (json!({ "$part": 0 }), true),
        (json!([{ "x": { "$part": 0 } }]), true),
        (table(json!(0)), true),
        (json!({ "$part": 0, "note": 1 }), true),
        (json!({ "$part": 1 }), false),
        (json!({ "$part": "0" }), false),
        (json!([{ "x": { "$part": -1 } }]), false),
        (json!({ "$table": [] }), false),
        (table(json!(1)), false),
        (deep, false),
    ];
    for (json, fits) in cases {
        let mut session = Session::new(vec![Fixed::tool("t", json.clone(), vec![vec![1]])]);
        match session.call("t", json!({})) {
            Ok(_) => assert!(fits, "{json} is let through"),
            Err(error) => {
                assert!(!fits, "{json}: {error}");
                let start = "RuntimeError: t: the tool's answer cannot be used: ";
                assert!(error.starts_with(start), "{error}");
            }
        }
    }
}
