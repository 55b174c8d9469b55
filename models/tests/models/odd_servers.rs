//! Replies of servers that keep to no protocol in full.

use memex_models::{ModelError, Protocol, Reply, StopReason, Usage};
use serde_json::{Value, json};

use super::protocols::{ALL, events, stream};

#[test]
fn servers_that_are_almost_compatible_are_understood() {
    let chunk = |delta: Value| events(&[json!({ "choices": [{ "delta": delta }] })]);
    let done = events(&[json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] })]);
    let function = |arguments: Value| json!({ "name": "f", "arguments": arguments });
    type Case<'a> = (&'a str, Vec<Value>, Vec<(&'a str, &'a str)>);
    let cases: &[Case<'_>] = &[
        (
            "no index",
            vec![
                json!([{ "id": "a", "function": function(json!("{\"x\":")) }]),
                json!([{ "function": { "arguments": "1}" } }]),
                json!([{ "id": "b", "function": function(json!("{}")) }]),
            ],
            vec![("a", "{\"x\":1}"), ("b", "{}")],
        ),
        (
            "one index for all",
            vec![
                json!([{ "index": 0, "id": "a", "function": function(json!("{}")) }]),
                json!([{ "index": 0, "id": "b", "function": function(json!("{}")) }]),
            ],
            vec![("a", "{}"), ("b", "{}")],
        ),
        (
            "the id again in every piece",
            vec![
                json!([{ "index": 0, "id": "a", "function": function(json!("{")) }]),
                json!([{ "index": 0, "id": "a", "function": { "arguments": "}" } }]),
            ],
            vec![("a", "{}")],
        ),
        (
            "arguments as an object",
            vec![json!([{ "index": 0, "id": "a", "function": function(json!({ "x": 1 })) }])],
            vec![("a", "{\"x\":1}")],
        ),
    ];
    for (what, pieces, calls) in cases {
        let mut bytes = Vec::new();
        for piece in pieces {
            bytes.extend(chunk(json!({ "tool_calls": piece })));
        }
        bytes.extend(&done);
        let (reply, _) = stream(Protocol::ChatCompletions, &bytes).unwrap();
        let made: Vec<(&str, &str)> = reply
            .message
            .tool_calls()
            .map(|call| (call.id.as_str(), call.arguments.as_str()))
            .collect();
        assert_eq!(&made, calls, "{what}");
        assert_eq!(reply.stop, StopReason::ToolCalls, "{what}");
        assert_eq!(
            reply.usage,
            Usage::default(),
            "figures are left to the estimate"
        );
    }
}

#[test]
fn failures_inside_an_answer_keep_their_code() {
    let failed = json!({ "type": "response.failed", "response": {
        "status": "failed", "error": { "code": "server_error", "message": "sorry" } } });
    let error = |code: &str| json!({ "error": { "type": code, "message": "sorry" } });
    let flat = json!({ "type": "error", "code": "rate_limit_exceeded", "message": "sorry" });
    let numbered = json!({ "error": { "code": 502, "message": "sorry" } });
    for (protocol, event, code, retryable) in [
        (
            Protocol::ChatCompletions,
            error("server_error"),
            "server_error",
            true,
        ),
        (Protocol::ChatCompletions, numbered, "502", true),
        (Protocol::Responses, failed, "server_error", true),
        (Protocol::Responses, flat, "rate_limit_exceeded", true),
        (
            Protocol::Messages,
            error("overloaded_error"),
            "overloaded_error",
            true,
        ),
        (
            Protocol::Messages,
            error("invalid_request_error"),
            "invalid_request_error",
            false,
        ),
    ] {
        let error = stream(protocol, &events(&[event])).unwrap_err();
        let ModelError::Reported {
            code: said,
            message,
            retryable: may,
            ..
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!(
            (said.as_str(), message.as_str(), *may),
            (code, "sorry", retryable)
        );
    }
}

/// A chunk of chat completions.
fn chunk(delta: Value, finish: Value) -> Value {
    json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
}

/// Ids and arguments of the calls of a reply.
fn calls_of(reply: &Reply) -> Vec<(&str, &str)> {
    let calls = reply.message.tool_calls();
    calls
        .map(|call| (call.id.as_str(), call.arguments.as_str()))
        .collect()
}

#[test]
fn calls_without_ids_are_kept_apart() {
    let piece = |name: Value, arguments: &str| {
        let function = json!({ "name": name, "arguments": arguments });
        chunk(
            json!({ "tool_calls": [{ "index": 0, "function": function }] }),
            Value::Null,
        )
    };
    let end = chunk(json!({}), json!("tool_calls"));
    let read = |pieces: &[Value]| {
        let (reply, _) = stream(Protocol::ChatCompletions, &events(pieces)).unwrap();
        reply
    };
    let whole = read(&[
        piece(json!("echo"), r#"{"a":"}"}"#),
        piece(json!("echo"), r#"{"a":2}"#),
        piece(json!("other"), "{}"),
        end.clone(),
    ]);
    let three = [
        ("call_1", r#"{"a":"}"}"#),
        ("call_2", r#"{"a":2}"#),
        ("call_3", "{}"),
    ];
    assert_eq!(calls_of(&whole), three);
    // A name that is repeated with every piece begins nothing.
    let pieces = read(&[
        piece(json!("echo"), ""),
        piece(json!("echo"), r#"{"a""#),
        piece(json!("echo"), ":1}"),
        piece(json!("echo"), "{}"),
        end.clone(),
    ]);
    let two = [("call_1", r#"{"a":1}"#), ("call_2", "{}")];
    assert_eq!(calls_of(&pieces), two);
    let unnamed = read(&[
        piece(json!("echo"), r#"{"a""#),
        piece(Value::Null, ":1}"),
        piece(json!(""), ""),
        end,
    ]);
    assert_eq!(calls_of(&unnamed), [("call_1", r#"{"a":1}"#)]);
    let function = |name: &str| json!({ "name": name, "arguments": "{}" });
    let same = json!({ "choices": [{ "message": { "tool_calls": [
        { "id": "x", "function": function("a") },
        { "id": "x", "function": function("b") },
        { "function": function("c") },
    ] } }] });
    let body = same.to_string();
    let reply = Protocol::ChatCompletions.decode(body.as_bytes()).unwrap();
    let all = [("x", "{}"), ("call_2", "{}"), ("call_3", "{}")];
    assert_eq!(calls_of(&reply), all);
}

#[test]
fn failures_in_odd_places_are_failures() {
    let chat = Protocol::ChatCompletions;
    let said = || chunk(json!({ "content": "half" }), json!(""));
    // Empty words are no reason to end.
    let cut = stream(chat, &events(&[said()])).unwrap_err();
    assert!(matches!(cut, ModelError::Cut { .. }), "{cut}");
    let whole = stream(chat, &events(&[said(), chunk(json!({}), json!("stop"))]));
    assert_eq!(whole.unwrap().0.message.text(), "half");

    let mut inside = chunk(json!({}), json!("error"));
    inside["choices"][0]["error"] = json!({ "code": 502, "message": "Upstream" });
    let object = json!({ "object": "error", "message": "busy", "type": "x", "code": 503 });
    for (failure, expected) in [
        (inside, "502"),
        (chunk(json!({}), json!("error")), "error"),
        (object, "503"),
    ] {
        let error = stream(chat, &events(&[said(), failure.clone()])).unwrap_err();
        let ModelError::Reported {
            code, retryable, ..
        } = error
        else {
            panic!("{failure}: {error:?}");
        };
        assert_eq!(code, expected, "{failure}");
        assert!(retryable, "{failure}");
    }
    for protocol in ALL {
        for data in [
            r#"{"message":"sorry","code":500}"#,
            "sorry",
            r#"{"error":"sorry"}"#,
        ] {
            let event = format!("event: error\ndata: {data}\n\n");
            let error = stream(protocol, event.as_bytes()).unwrap_err();
            let is_told =
                matches!(&error, ModelError::Reported { message, .. } if message == "sorry");
            assert!(is_told, "{protocol:?} {data}: {error:?}");
        }
    }
}

#[test]
fn too_long_is_understood_in_many_words() {
    let said = |status: u16, message: &str| {
        let error = ModelError::Status {
            peer: "x".into(),
            status,
            code: None,
            message: message.into(),
            retryable: false,
            retry_after_ms: None,
        };
        error.is_context_overflow()
    };
    for message in [
        "This model's maximum context length is 8192 tokens.",
        "prompt is too long: 200001 tokens > 200000 maximum",
        "the request exceeds the available context size, try increasing it",
        "Input token count (5) exceeds the maximum number of tokens allowed (4).",
        "The decoder prompt (length 9) is longer than the maximum model length of 8.",
        "The input (9 tokens) is longer than the model's context length (8 tokens).",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096.",
        "Your input exceeds the context window of this model.",
        "Please reduce the length of the messages or completion.",
        "Input is too long for requested model.",
    ] {
        assert!(said(400, message), "{message}");
    }
    assert!(!said(400, "The model does not exist."));
    let limited = "Rate limit reached: please reduce the length of the messages.";
    assert!(!said(429, limited));
}
