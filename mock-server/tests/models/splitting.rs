//! A stream gives the same reply, however its bytes are split, its lines end
//! and comments lie between its events.

use memex_mock_server::{MockServer, MockServerOptions};
use memex_models::{
    Delta, Message, ModelError, Part, Protocol, Reply, Request, ScriptEntry, ScriptedCall, Usage,
    WireOptions,
};
use proptest::prelude::*;

use super::fixtures::{LINES, config, serve_with};
use memex_models::Script;

fn read(protocol: Protocol, pieces: &[&[u8]]) -> Result<(Reply, Vec<Delta>), ModelError> {
    let mut deltas = Vec::new();
    let mut stream = protocol.stream();
    for piece in pieces {
        if stream.push(piece, &mut deltas)? {
            break;
        }
    }
    let reply = stream.finish(&mut deltas)?;
    Ok((reply, deltas))
}

/// What chat completions send for a text and a call.
fn chat(text: &str, arguments: &str, line_end: &str, comments: bool) -> Vec<u8> {
    let mut events: Vec<serde_json::Value> = Vec::new();
    for piece in text.chars() {
        events.push(
            serde_json::json!({ "choices": [{ "delta": { "content": piece.to_string() } }] }),
        );
    }
    let function = serde_json::json!({ "name": "f", "arguments": arguments });
    let call = serde_json::json!([{ "index": 0, "id": "c", "function": function }]);
    events.push(serde_json::json!({ "choices": [{ "delta": { "tool_calls": call } }] }));
    events.push(serde_json::json!({ "choices": [{ "delta": {}, "finish_reason": "tool_calls" }] }));
    let mut bytes = String::new();
    for event in events {
        if comments {
            bytes += &format!(": keep-alive{line_end}{line_end}");
        }
        // JSON over several lines is one event of several data lines.
        for line in serde_json::to_string_pretty(&event).unwrap().lines() {
            bytes += &format!("data: {line}{line_end}");
        }
        bytes += line_end;
    }
    bytes += &format!("data: [DONE]{line_end}{line_end}");
    bytes.into_bytes()
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_reply(
        text in "[a-zä€😀\n\"]{0,12}",
        arguments in "[a-z{}\":ß]{0,12}",
        line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        comments: bool,
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let bytes = chat(&text, &arguments, line_end, comments);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let (reply, deltas) = read(Protocol::ChatCompletions, &pieces).unwrap();
        prop_assert_eq!(reply.message.text(), text);
        prop_assert_eq!(&reply.message.tool_calls().next().unwrap().arguments, &arguments);
        let (whole, whole_deltas) = read(Protocol::ChatCompletions, &[&bytes]).unwrap();
        prop_assert_eq!(reply, whole);
        prop_assert_eq!(deltas, whole_deltas);
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        event in "\\PC{0,60}",
    ) {
        for protocol in [Protocol::ChatCompletions, Protocol::Responses, Protocol::Messages] {
            let _ = protocol.decode(&bytes);
            let _ = protocol.decode(event.as_bytes());
            let _ = read(protocol, &[&bytes]);
            let _ = read(protocol, &[b"data: ", event.as_bytes(), b"\n\n"]);
        }
    }
}

/// JSON that is near to what providers send, with anything in its places.
fn near_json() -> impl Strategy<Value = serde_json::Value> {
    let names = prop_oneof![
        Just("choices"),
        Just("delta"),
        Just("tool_calls"),
        Just("function"),
        Just("index"),
        Just("type"),
        Just("item"),
        Just("output_index"),
        Just("response"),
        Just("output"),
        Just("content"),
        Just("content_block"),
        Just("usage"),
        Just("error"),
        Just("id"),
        Just("finish_reason"),
        Just("message"),
        Just("arguments"),
        Just("input"),
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        prop_oneof![
            Just("content_block_start"),
            Just("content_block_delta"),
            Just("tool_use"),
            Just("function_call"),
            Just("response.output_item.added"),
            Just("text_delta"),
            Just("response.completed"),
            Just("message_stop"),
            Just("thinking"),
            Just("x"),
        ]
        .prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            proptest::collection::btree_map(names.clone().prop_map(String::from), inner, 0..5)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_it_panic(values in proptest::collection::vec(near_json(), 1..5)) {
        for protocol in [Protocol::ChatCompletions, Protocol::Responses, Protocol::Messages] {
            let mut bytes = Vec::new();
            for value in &values {
                let _ = protocol.decode(value.to_string().as_bytes());
                bytes.extend(format!("data: {value}\n\n").into_bytes());
            }
            let _ = read(protocol, &[&bytes]);
        }
    }
}

#[tokio::test]
async fn every_protocol_survives_every_way_of_writing() {
    let entry = ScriptEntry {
        text: "Grüße, 世界 😀!".into(),
        tool_calls: vec![ScriptedCall {
            id: Some("c".into()),
            name: "f".into(),
            arguments: serde_json::json!({ "name": "Žižek", "n": [1, 2] }),
        }],
        usage: Some(Usage {
            input: 9,
            cached_input: 4,
            output: 3,
            ..Usage::default()
        }),
        times: Some(0),
        ..ScriptEntry::default()
    };
    for write_bytes in [0, 1, 2, 7, 4_096] {
        for crlf in [false, true] {
            let script = Script {
                chunk_chars: 3,
                ..Script::new("s", vec![entry.clone()])
            };
            let options = MockServerOptions {
                write_bytes,
                crlf,
                comments: true,
                ..MockServerOptions::default()
            };
            let server = MockServer::start(script, options).await.unwrap();
            for line in LINES {
                let model = config(line, &server).build(None).unwrap();
                let mut deltas: Vec<Delta> = Vec::new();
                let request = Request::new(vec![Message::user("Hi")]);
                let reply = model.complete(&request, &mut deltas).await.unwrap();
                assert_eq!(
                    reply.message.text(),
                    entry.text,
                    "{line} {write_bytes} {crlf}"
                );
                let calls: Vec<&Part> = reply.message.parts.iter().skip(1).collect();
                let [Part::ToolCall(call)] = calls.as_slice() else {
                    panic!("{calls:?}")
                };
                assert_eq!(
                    call.parsed_arguments().unwrap(),
                    entry.tool_calls[0].arguments
                );
                assert_eq!(reply.usage, entry.usage.unwrap());
                let pieces = deltas
                    .iter()
                    .filter(|delta| matches!(delta, Delta::Text(_)));
                assert_eq!(pieces.count(), 4, "three characters at a time");
            }
        }
    }
}

#[tokio::test]
async fn without_streaming_the_reply_is_the_same() {
    let server = serve_with(
        r#"{"text":"Hi","tool_calls":[{"name":"f","arguments":{"a":1}}],"times":0,"usage":{"input":5,"output":2}}"#,
        MockServerOptions::default(),
    )
    .await;
    for line in LINES {
        let streamed = config(line, &server);
        let mut whole = streamed.clone();
        whole.options.wire = WireOptions {
            stream: false,
            ..WireOptions::default()
        };
        let mut messages = Vec::new();
        for config in [streamed, whole] {
            let model = config.build(None).unwrap();
            let request = Request::new(vec![Message::user("Hi")]);
            let mut deltas: Vec<Delta> = Vec::new();
            let reply = model.complete(&request, &mut deltas).await.unwrap();
            assert!(
                deltas.contains(&Delta::Text("Hi".into())),
                "{line}: {deltas:?}"
            );
            let arguments = reply.message.tool_calls().next().unwrap().arguments.clone();
            messages.push((reply.message.text(), arguments, reply.stop, reply.usage));
        }
        assert_eq!(messages[0], messages[1], "{line}");
    }
}
