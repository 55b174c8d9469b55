//! Open calls of a session that was saved: they are held against all that a call is
//! held against when it is made.

use crate::plain::Fixed;
use crate::support::{Session, all, runtime, toolbox};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memex_channel::Reply;
use memex_host_tools::{
    Answer, Broker, Budget, ClientAnswer, Error, SavedCalls, Tool, ToolSpec, client_tool,
};
use serde_json::{Value, json};
use std::sync::Arc;

fn client(name: &str, returns: Option<Value>) -> Arc<dyn Tool> {
    Arc::new(client_tool(ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        parameters: json!({ "type": "object", "properties": { "v": {} } }),
        returns,
        timeout: None,
    }))
}

/// A budget in which every bound is met by what is not refused below.
fn budget() -> Budget {
    Budget {
        calls: 3,
        awaited: 2,
        answer_bytes: 2_000,
        held_bytes: 40_000,
        ..Budget::default()
    }
}

fn restored(saved: &Value) -> Result<Session, String> {
    let saved: SavedCalls = serde_json::from_value(saved.clone()).unwrap();
    let tools = vec![client("f", None), Fixed::tool("own", json!(1), vec![])];
    let runtime = runtime();
    let broker = Broker::builder(toolbox(tools), all(), runtime.handle().clone())
        .budget(budget())
        .restore(&saved);
    match broker {
        Ok(broker) => Ok(Session::around(broker, runtime)),
        Err(Error::SavedCalls { reason }) => Err(reason),
        Err(error) => panic!("{error}"),
    }
}

fn call(number: u64, value: Value) -> Value {
    json!({ "number": number, "tool": "f", "arguments": { "v": value } })
}

fn with(fields: Value, mut call: Value) -> Value {
    let fields = fields.as_object().unwrap().clone();
    call.as_object_mut().unwrap().extend(fields);
    call
}

fn saved(open: Vec<Value>, journal: Vec<Value>) -> Value {
    let awaited = open.iter().filter_map(|call| call["ticket"].as_u64()).max();
    json!({
        "version": 2, "stopped": true, "last": open.len(), "last_ticket": awaited.unwrap_or(0),
        "open": open, "lost": [], "journal": journal,
    })
}

fn entry(tool: &str, reply: &Reply) -> Value {
    let reply = STANDARD.encode(reply.encode());
    json!({ "key": STANDARD.encode([7; 32]), "tool": tool, "reply": reply })
}

/// So many lists in one another.
fn nested(depth: usize) -> Value {
    (1..depth).fold(json!([]), |inner, _| json!([inner]))
}

fn refused(saved: &Value, reason: &str) {
    match restored(saved) {
        Ok(_) => panic!("it was restored, and not refused with {reason:?}"),
        Err(found) => assert!(found.contains(reason), "{found}"),
    }
}

#[test]
fn open_calls_pass_every_check_of_calls_that_are_made() {
    let part = json!({ "$part": 0 });
    let parts = json!({ "parts": ["AAAA"] });
    let named = |times: usize| with(parts.clone(), call(1, json!(vec![part.clone(); times])));
    let text = |bytes: usize| call(1, json!("x".repeat(bytes)));
    let awaited = |number: u64| with(json!({ "ticket": number }), call(number, json!(1)));
    // Each with its control: what is just within the bound.
    for (within, beyond, reason) in [
        (vec![named(1)], vec![named(500)], "named twice"),
        (vec![named(1)], vec![call(1, part.clone())], "names no part"),
        (
            vec![call(1, nested(64))],
            vec![call(1, nested(65))],
            "nested too deeply",
        ),
        (vec![text(1_990)], vec![text(2_001)], "of 2000 allowed"),
        (
            vec![awaited(1), awaited(2)],
            vec![awaited(1), awaited(2), awaited(3)],
            "more calls are open than the 2 allowed",
        ),
        (
            vec![call(1, json!(vec![0; 100])), call(2, json!(1))],
            (1..20).map(|n| call(n, json!(vec![0; 200]))).collect(),
            "bytes allowed together",
        ),
    ] {
        let within = restored(&saved(within, vec![])).map(drop);
        assert_eq!(within, Ok(()), "the control of {reason:?}");
        refused(&saved(beyond, vec![]), reason);
    }
}

/// Whatever a client may answer, the session can be saved and taken back with it: an answer
/// that the guest would not be given is kept as the exception that it will see.
#[test]
fn what_a_client_answered_can_always_be_restored() {
    let value = |json: Value| ClientAnswer::Value(Answer::json(json));
    let error = |class: &str, chars: usize| ClientAnswer::Error {
        class: class.to_owned(),
        message: "m".repeat(chars),
    };
    let told = |answer: ClientAnswer| {
        let open = vec![call(1, json!(1)), call(2, json!(1))];
        let session = restored(&saved(open, vec![])).unwrap();
        let calls = session.broker.client_calls().unwrap();
        calls.answer("call_1", answer).unwrap();
        let mut state = serde_json::to_value(calls.save()).unwrap();
        let kept = state["open"][0]["answer"].clone();
        // A file that somebody else wrote is taken with the same bounds.
        let again = restored(&state).map(drop);
        assert_eq!(again, Ok(()), "{}", state.to_string().len());
        state["open"][0]["answer"] =
            json!({ "error": { "class": "E", "message": "m".repeat(1 << 20) } });
        assert_eq!(restored(&state).map(drop), Ok(()));
        kept
    };
    let kept = |json: Value| json!({ "value": { "json": json, "parts": [] } });
    for (within, beyond, reason) in [
        (
            json!("x".repeat(1_900)),
            json!("x".repeat(2_000)),
            "ask for less",
        ),
        (
            json!(vec!["\u{1}"; 150]),
            json!(vec!["\u{1}"; 300]),
            "ask for less",
        ),
        (nested(100), nested(2_000), "nested too deeply"),
        (json!([]), json!({ "$part": 0 }), "names no part"),
    ] {
        assert_eq!(told(value(within.clone())), kept(within));
        let error = told(value(beyond));
        let message = error["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(reason), "{error}");
    }
    let short = told(error("ValueError", 10));
    assert_eq!(short["error"]["message"], "m".repeat(10));
    let long = [
        told(error("ValueError", 1 << 20)),
        told(error(&"E".repeat(1 << 20), 1 << 20)),
    ];
    for long in long {
        assert!(long["error"]["message"].as_str().unwrap().len() < 17_000);
    }
}

#[test]
fn recorded_replies_are_bounded_as_answers_are() {
    let answer = |bytes: usize| {
        let head = json!({ "result": "x".repeat(bytes) }).to_string();
        Reply::answer(head.into_bytes())
    };
    let one = || vec![call(1, json!(1))];
    for tool in ["f", "own"] {
        let restored = restored(&saved(one(), vec![entry(tool, &answer(1_900))]));
        assert_eq!(restored.map(drop), Ok(()), "the control");
        let beyond = saved(one(), vec![entry(tool, &answer(2_100))]);
        refused(&beyond, "more than the 2000 bytes");
        let other = saved(
            one(),
            vec![entry(tool, &Reply::answer(b"{\"ticket\":1}".to_vec()))],
        );
        refused(&other, "it is no answer");
    }
    // An exception is no answer, and has bounds of its own.
    let error = |chars: usize| Reply::error("ValueError", &"x".repeat(chars));
    let restored = restored(&saved(one(), vec![entry("own", &error(16_384))]));
    assert_eq!(restored.map(drop), Ok(()), "the control");
    let beyond = saved(one(), vec![entry("own", &error(200_000))]);
    refused(&beyond, "a saved reply of \"own\" has more");
}

/// A number in a saved session becomes an exception in words: so many that they would hold
/// more than answers may are refused before there is one of them.
#[test]
fn calls_that_stayed_behind_are_bounded_by_what_they_will_hold() {
    let left_behind = |count: usize| {
        let mut state = saved(vec![call(1, json!(1))], vec![]);
        state["last_ticket"] = json!(count);
        state["lost"] = json!((1..=count).collect::<Vec<_>>());
        state
    };
    // A reply takes 512 bytes, rounded up, of the 40,000 that may be held.
    let restored = restored(&left_behind(78)).map(drop);
    assert_eq!(restored, Ok(()), "the control");
    refused(&left_behind(79), "too many calls stayed behind");
    refused(&left_behind(1_000_000), "too many calls stayed behind");
}

/// A session that is saved and restored again and again makes no more calls than one
/// that is not.
#[test]
fn calls_before_a_session_was_saved_count() {
    for (made, left) in [(1, 2), (2, 1), (3, 0)] {
        let open = (1..=made).map(|number| call(number, json!(1))).collect();
        let mut state = saved(open, vec![]);
        state["stopped"] = json!(false);
        let mut session = restored(&state).unwrap();
        for _ in 0..left {
            assert_eq!(session.call("own", json!({})), Ok(json!(1)));
        }
        let reason = session.call("own", json!({})).unwrap_err();
        assert!(reason.ends_with("has made its 3 tool calls"), "{reason}");
    }
}
