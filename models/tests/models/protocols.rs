//! Replies in the words of each protocol: whole, and event by event.

use memex_models::{
    Delta, Message, ModelError, NoSink, Opaque, Part, Protocol, Reply, Role, StopReason, Usage,
};
use serde_json::{Value, json};

use super::fixtures::call;

pub(crate) fn events(list: &[Value]) -> Vec<u8> {
    let lines = list.iter().map(|event| match event {
        Value::String(text) => format!("data: {text}\n\n"),
        event => format!("data: {event}\n\n"),
    });
    lines.collect::<String>().into_bytes()
}

pub(crate) fn stream(protocol: Protocol, bytes: &[u8]) -> Result<(Reply, Vec<Delta>), ModelError> {
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

pub(crate) const ALL: [Protocol; 3] = [
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
