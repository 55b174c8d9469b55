//! Replies in the words of each protocol: whole, and event by event.

use memex_models::{
    Delta, Message, ModelError, NoSink, Opaque, Part, Protocol, Reply, Role, StopReason, Usage,
};
use serde_json::{Value, json};

use super::fixtures::call;

fn events(list: &[Value]) -> Vec<u8> {
    let lines = list.iter().map(|event| match event {
        Value::String(text) => format!("data: {text}\n\n"),
        event => format!("data: {event}\n\n"),
    });
    lines.collect::<String>().into_bytes()
}

fn stream(protocol: Protocol, bytes: &[u8]) -> Result<(Reply, Vec<Delta>), ModelError> {
    let mut deltas = Vec::new();
    let mut stream = protocol.stream();
    stream.push(bytes, &mut deltas)?;
    let reply = stream.finish(&mut deltas)?;
    Ok((reply, deltas))
}

fn assistant(parts: Vec<Part>) -> Message {
    Message {
        role: Role::Assistant,
        parts,
    }
}

/// Parallel calls, reasoning, text and every figure, in each protocol.
fn rich_reply(protocol: Protocol) -> (Vec<u8>, Value, Reply) {
    let reasoning = |value| Part::Reasoning {
        text: "Think twice.".into(),
        opaque: Some(Opaque {
            protocol: protocol.name().into(),
            value,
        }),
    };
    let mut expected = Reply {
        message: assistant(vec![
            Part::text("Calling — both."),
            call("a", "weather", "{\"town\":\"Oslo\"}"),
            call("b", "weather", "{}"),
        ]),
        stop: StopReason::ToolCalls,
        usage: Usage {
            input: 100,
            cached_input: 60,
            cache_write: 0,
            output: 20,
            reasoning: 8,
            estimated: false,
        },
        model: "m-1".into(),
        id: "r-1".into(),
    };
    match protocol {
        Protocol::ChatCompletions => {
            expected.message.parts.insert(
                0,
                Part::Reasoning {
                    text: "Think twice.".into(),
                    opaque: None,
                },
            );
            let usage = json!({
                "prompt_tokens": 100, "completion_tokens": 20,
                "prompt_tokens_details": { "cached_tokens": 60 },
                "completion_tokens_details": { "reasoning_tokens": 8 },
            });
            let chunk = |delta: Value, finish: Value| {
                json!({ "id": "r-1", "model": "m-1", "usage": null,
                    "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
            };
            let calls = |list: Value| chunk(json!({ "tool_calls": list }), Value::Null);
            let streamed = events(&[
                chunk(json!({ "role": "assistant", "content": "" }), Value::Null),
                chunk(json!({ "reasoning_content": "Think " }), Value::Null),
                chunk(json!({ "reasoning_content": "twice." }), Value::Null),
                chunk(json!({ "content": "Calling — " }), Value::Null),
                chunk(json!({ "content": "both." }), Value::Null),
                calls(json!([{ "index": 0, "id": "a", "type": "function",
                    "function": { "name": "weather", "arguments": "" } }])),
                calls(json!([{ "index": 0, "function": { "arguments": "{\"town\":" } }])),
                calls(json!([
                    { "index": 0, "function": { "arguments": "\"Oslo\"}" } },
                    { "index": 1, "id": "b", "type": "function",
                      "function": { "name": "weather", "arguments": "{}" } },
                ])),
                chunk(json!({}), json!("tool_calls")),
                json!({ "id": "r-1", "model": "m-1", "choices": [], "usage": usage }),
                json!("[DONE]"),
            ]);
            let whole = json!({
                "id": "r-1", "model": "m-1", "usage": usage,
                "choices": [{ "index": 0, "finish_reason": "tool_calls", "message": {
                    "role": "assistant", "content": "Calling — both.", "refusal": null,
                    "reasoning_content": "Think twice.",
                    "tool_calls": [
                        { "id": "a", "type": "function",
                          "function": { "name": "weather", "arguments": "{\"town\":\"Oslo\"}" } },
                        { "id": "b", "type": "function",
                          "function": { "name": "weather", "arguments": "{}" } },
                    ],
                }}],
            });
            (streamed, whole, expected)
        }
        Protocol::Responses => {
            let thought = json!({ "type": "reasoning", "id": "rs", "encrypted_content": "x",
                "summary": [{ "type": "summary_text", "text": "Think twice." }] });
            expected.message.parts.insert(0, reasoning(thought.clone()));
            let said = json!({ "type": "message", "id": "ms", "role": "assistant",
                "content": [{ "type": "output_text", "text": "Calling — both." }] });
            let called = |id: &str, arguments: &str| {
                json!({ "type": "function_call", "id": format!("fc_{id}"), "call_id": id,
                    "name": "weather", "arguments": arguments })
            };
            let output = [
                thought,
                said,
                called("a", "{\"town\":\"Oslo\"}"),
                called("b", "{}"),
            ];
            let whole = json!({
                "id": "r-1", "model": "m-1", "status": "completed", "error": null,
                "incomplete_details": null, "output": output,
                "usage": { "input_tokens": 100, "input_tokens_details": { "cached_tokens": 60 },
                    "output_tokens": 20, "output_tokens_details": { "reasoning_tokens": 8 } },
            });
            let event = |name: &str, index: usize, member: &str, value: Value| json!({ "type": name, "output_index": index, member: value });
            let mut list = vec![json!({ "type": "response.created", "response": { "id": "r-1" } })];
            let pieces: [(&str, &[&str]); 4] = [
                (
                    "response.reasoning_summary_text.delta",
                    &["Think ", "twice."],
                ),
                ("response.output_text.delta", &["Calling — ", "both."]),
                (
                    "response.function_call_arguments.delta",
                    &["{\"town\":", "\"Oslo\"}"],
                ),
                ("response.function_call_arguments.delta", &["{}"]),
            ];
            for (index, (item, (name, pieces))) in output.iter().zip(pieces).enumerate() {
                list.push(event(
                    "response.output_item.added",
                    index,
                    "item",
                    item.clone(),
                ));
                for piece in pieces {
                    list.push(event(name, index, "delta", json!(piece)));
                }
                list.push(event(
                    "response.output_item.done",
                    index,
                    "item",
                    item.clone(),
                ));
            }
            list.push(json!({ "type": "response.completed", "response": whole }));
            (events(&list), whole, expected)
        }
        Protocol::Messages => {
            expected.usage.cache_write = 10;
            let thought =
                json!({ "type": "thinking", "thinking": "Think twice.", "signature": "sig" });
            expected.message.parts.insert(0, reasoning(thought.clone()));
            let usage = |output: u64| {
                json!({ "input_tokens": 30, "cache_read_input_tokens": 60,
                    "cache_creation_input_tokens": 10, "output_tokens": output,
                    "output_tokens_details": { "thinking_tokens": output.min(8) } })
            };
            let used = |id: &str, input: Value| json!({ "type": "tool_use", "id": id, "name": "weather", "input": input });
            let whole = json!({
                "id": "r-1", "type": "message", "role": "assistant", "model": "m-1",
                "content": [
                    thought, { "type": "text", "text": "Calling — both." },
                    used("a", json!({ "town": "Oslo" })), used("b", json!({})),
                ],
                "stop_reason": "tool_use", "stop_sequence": null, "usage": usage(20),
            });
            let start = |index: u64, block: Value| json!({ "type": "content_block_start", "index": index, "content_block": block });
            let delta = |index: u64, kind: &str, member: &str, text: &str| {
                json!({ "type": "content_block_delta", "index": index,
                    "delta": { "type": kind, member: text } })
            };
            let stop = |index: u64| json!({ "type": "content_block_stop", "index": index });
            let streamed = events(&[
                json!({ "type": "message_start", "message": {
                    "id": "r-1", "model": "m-1", "content": [], "usage": usage(1) } }),
                start(
                    0,
                    json!({ "type": "thinking", "thinking": "", "signature": "" }),
                ),
                json!({ "type": "ping" }),
                delta(0, "thinking_delta", "thinking", "Think "),
                delta(0, "thinking_delta", "thinking", "twice."),
                delta(0, "signature_delta", "signature", "sig"),
                stop(0),
                start(1, json!({ "type": "text", "text": "" })),
                delta(1, "text_delta", "text", "Calling — "),
                delta(1, "text_delta", "text", "both."),
                stop(1),
                start(2, used("a", json!({}))),
                delta(2, "input_json_delta", "partial_json", ""),
                delta(2, "input_json_delta", "partial_json", "{\"town\":"),
                delta(2, "input_json_delta", "partial_json", "\"Oslo\"}"),
                stop(2),
                start(3, used("b", json!({}))),
                delta(3, "input_json_delta", "partial_json", "{}"),
                stop(3),
                json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" },
                    "usage": { "output_tokens": 20,
                        "output_tokens_details": { "thinking_tokens": 8 } } }),
                json!({ "type": "message_stop" }),
            ]);
            (streamed, whole, expected)
        }
    }
}

const ALL: [Protocol; 3] = [
    Protocol::ChatCompletions,
    Protocol::Responses,
    Protocol::Messages,
];

#[test]
fn a_rich_reply_is_the_same_whole_and_streamed() {
    for protocol in ALL {
        let (bytes, whole, expected) = rich_reply(protocol);
        let decoded = protocol.decode(whole.to_string().as_bytes()).unwrap();
        assert_eq!(decoded, expected, "{protocol:?} whole");
        let (reply, deltas) = stream(protocol, &bytes).unwrap();
        assert_eq!(reply, expected, "{protocol:?} streamed");
        assert_eq!(
            told(&deltas),
            (
                "Calling — both.".to_owned(),
                "Think twice.".to_owned(),
                vec![
                    ("a".to_owned(), "{\"town\":\"Oslo\"}".to_owned()),
                    ("b".to_owned(), "{}".to_owned()),
                ],
            ),
            "{protocol:?} told"
        );
        assert_eq!(deltas.last(), Some(&Delta::Usage(expected.usage)));
    }
}

/// What a sink was told: text, reasoning, and each call's arguments.
fn told(deltas: &[Delta]) -> (String, String, Vec<(String, String)>) {
    let (mut said, mut thought, mut calls) = (String::new(), String::new(), Vec::new());
    for delta in deltas {
        match delta {
            Delta::Text(piece) => said += piece,
            Delta::Reasoning(piece) => thought += piece,
            Delta::ToolCall { id, index, .. } => {
                assert_eq!(*index, calls.len());
                calls.push((id.clone(), String::new()));
            }
            Delta::ToolArguments { index, text } => calls[*index].1 += text,
            _ => {}
        }
    }
    (said, thought, calls)
}

#[test]
fn a_stream_cut_at_any_byte_is_cut_or_whole() {
    for protocol in ALL {
        let (bytes, _, expected) = rich_reply(protocol);
        let mut whole = 0;
        for end in 0..bytes.len() {
            match stream(protocol, &bytes[..end]) {
                Err(error) => {
                    assert!(
                        matches!(error, ModelError::Cut { .. }),
                        "{protocol:?} {end}: {error}"
                    );
                    assert!(error.is_retryable());
                }
                Ok((reply, _)) => {
                    whole += 1;
                    assert_eq!(reply.message, expected.message, "{protocol:?} {end}");
                }
            }
        }
        // From the last word of the answer on; figures may still be missing.
        let tail = match protocol {
            Protocol::ChatCompletions => 300,
            _ => 3,
        };
        assert!((1..tail).contains(&whole), "{protocol:?}: {whole}");
    }
}

#[test]
fn replies_end_for_many_reasons() {
    let chat = |message: Value, finish: Value| json!({ "choices": [{ "message": message, "finish_reason": finish }] });
    let responses = |status: &str, reason: Value, content: Value| {
        json!({ "status": status, "incomplete_details": { "reason": reason },
            "output": [{ "type": "message", "content": [content] }] })
    };
    let messages = |reason: &str| json!({ "content": [{ "type": "text", "text": "x" }], "stop_reason": reason });
    let x = json!({ "content": "x" });
    let text = json!({ "type": "output_text", "text": "x" });
    let refusal = json!({ "type": "refusal", "refusal": "x" });
    let other = |text: &str| StopReason::Other(text.into());
    use Protocol::{ChatCompletions, Messages, Responses};
    for (protocol, body, stop) in [
        (
            ChatCompletions,
            chat(x.clone(), json!("stop")),
            StopReason::EndTurn,
        ),
        (
            ChatCompletions,
            chat(x.clone(), Value::Null),
            StopReason::EndTurn,
        ),
        (
            ChatCompletions,
            chat(x.clone(), json!("length")),
            StopReason::MaxTokens,
        ),
        (
            ChatCompletions,
            chat(x.clone(), json!("content_filter")),
            StopReason::ContentFilter,
        ),
        (ChatCompletions, chat(x, json!("abort")), other("abort")),
        (
            ChatCompletions,
            chat(json!({ "refusal": "x" }), json!("stop")),
            StopReason::Refusal,
        ),
        (
            Responses,
            responses("completed", Value::Null, text.clone()),
            StopReason::EndTurn,
        ),
        (
            Responses,
            responses("completed", Value::Null, refusal),
            StopReason::Refusal,
        ),
        (
            Responses,
            responses("incomplete", json!("max_output_tokens"), text.clone()),
            StopReason::MaxTokens,
        ),
        (
            Responses,
            responses("incomplete", json!("content_filter"), text.clone()),
            StopReason::ContentFilter,
        ),
        (
            Responses,
            responses("cancelled", Value::Null, text),
            other("cancelled"),
        ),
        (Messages, messages("end_turn"), StopReason::EndTurn),
        (Messages, messages("max_tokens"), StopReason::MaxTokens),
        (
            Messages,
            messages("stop_sequence"),
            StopReason::StopSequence,
        ),
        (Messages, messages("refusal"), StopReason::Refusal),
        (Messages, messages("pause_turn"), StopReason::Pause),
        (Messages, messages("new_reason"), other("new_reason")),
    ] {
        let reply = protocol.decode(body.to_string().as_bytes()).unwrap();
        assert_eq!(reply.stop, stop, "{body}");
        assert_eq!(reply.message.text(), "x", "{body}");
    }
}

#[test]
fn what_is_no_answer_is_said_to_be_none() {
    for protocol in ALL {
        for body in [
            "",
            "{",
            "null",
            "[]",
            "{}",
            "\"text\"",
            "{\"choices\":[]}",
            "{\"choices\":[{}]}",
        ] {
            let error = protocol.decode(body.as_bytes()).unwrap_err();
            assert!(
                matches!(error, ModelError::Malformed { .. }),
                "{protocol:?} {body}: {error}"
            );
        }
        let error = stream(protocol, b"data: {\"a\n\ndata: {}\n\n").unwrap_err();
        assert!(matches!(error, ModelError::Malformed { .. }), "{error}");
        let deep = "[".repeat(100_000);
        assert!(
            protocol.decode(deep.as_bytes()).is_err(),
            "depth is bounded"
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

#[test]
fn parts_of_the_provider_alone_are_kept() {
    let search =
        json!({ "type": "server_tool_use", "id": "s", "name": "search", "input": { "q": 1 } });
    let hidden = json!({ "type": "redacted_thinking", "data": "zzz" });
    let body = json!({ "content": [hidden, search], "stop_reason": "end_turn" });
    let whole = Protocol::Messages
        .decode(body.to_string().as_bytes())
        .unwrap();
    let mut begun = search.clone();
    begun["input"] = json!({});
    let bytes = events(&[
        json!({ "type": "content_block_start", "index": 0, "content_block": hidden }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "content_block_start", "index": 1, "content_block": begun }),
        json!({ "type": "content_block_delta", "index": 1,
            "delta": { "type": "input_json_delta", "partial_json": "{\"q\": 1}" } }),
        json!({ "type": "content_block_stop", "index": 1 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" } }),
        json!({ "type": "message_stop" }),
    ]);
    let (streamed, _) = stream(Protocol::Messages, &bytes).unwrap();
    assert_eq!(streamed, whole);
    let opaque = |value| Opaque {
        protocol: "messages".into(),
        value,
    };
    assert_eq!(
        whole.message.parts,
        vec![
            Part::Reasoning {
                text: String::new(),
                opaque: Some(opaque(hidden))
            },
            Part::Opaque(opaque(search)),
        ]
    );
}

#[test]
fn too_many_parts_are_refused() {
    let mut stream = Protocol::ChatCompletions.stream();
    let calls = (0..5_000).map(|index| {
        let call =
            json!({ "index": index, "id": format!("c{index}"), "function": { "name": "f" } });
        json!({ "choices": [{ "delta": { "tool_calls": [call] } }] })
    });
    let bytes = events(&calls.collect::<Vec<_>>());
    let error = stream.push(&bytes, &mut NoSink).unwrap_err();
    assert!(
        matches!(error, ModelError::TooLarge { limit: 4_096, .. }),
        "{error}"
    );
}
