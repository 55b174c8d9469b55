//! Messages as a server sees them.

use serde_json::{Value, json};

use crate::wire::{Event, content_text, images, list, role, said, text, tool};
use memex_models::{Message, Part, Reply, Request, Role, StopReason, ToolCall, Usage, pieces};

pub(crate) fn request(body: &Value) -> Request {
    let mut messages = Vec::new();
    let system = content_text(body.get("system").unwrap_or(&Value::Null));
    if !system.is_empty() {
        messages.push(Message::system(system));
    }
    for turn in list(body, "messages") {
        put_turn(&mut messages, turn);
    }
    let tools = list(body, "tools").iter();
    Request {
        tools: tools
            .map(|definition| tool(definition, "input_schema"))
            .collect(),
        ..Request::new(messages)
    }
}

/// The results of tools are in the user's turns; here they are messages.
fn put_turn(messages: &mut Vec<Message>, turn: &Value) {
    let blocks = list(turn, "content");
    let nothing = Value::Null;
    for block in blocks
        .iter()
        .filter(|block| text(block, "type") == "tool_result")
    {
        let content = block.get("content").unwrap_or(&nothing);
        let id = text(block, "tool_use_id");
        messages.push(Message::tool(id, content_text(content)));
    }
    let content = turn.get("content").unwrap_or(&nothing);
    let texts: String = match content {
        Value::String(text) => text.clone(),
        _ => {
            let texts = blocks.iter().filter(|block| text(block, "type") == "text");
            texts.map(|block| text(block, "text")).collect()
        }
    };
    let mut message = said(
        role(text(turn, "role")),
        texts,
        images(content, "/source/url"),
    );
    for block in blocks
        .iter()
        .filter(|block| text(block, "type") == "tool_use")
    {
        message.parts.push(Part::ToolCall(ToolCall {
            id: text(block, "id").to_owned(),
            name: text(block, "name").to_owned(),
            arguments: block.get("input").map(Value::to_string).unwrap_or_default(),
            opaque: None,
        }));
    }
    let empty = Message::new(Role::User, "");
    if message != empty {
        messages.push(message);
    }
}

pub(crate) fn answer(reply: &Reply) -> Value {
    let content: Vec<Value> = blocks(reply).collect();
    json!({
        "id": reply.id, "type": "message", "role": "assistant", "model": reply.model,
        "content": content, "stop_reason": stop_reason(&reply.stop), "stop_sequence": null,
        "usage": usage(&reply.usage, reply.usage.output),
    })
}

fn blocks(reply: &Reply) -> impl Iterator<Item = Value> {
    let parts = reply.message.parts.iter();
    parts.filter_map(|part| match part {
        Part::Text { text } => Some(json!({ "type": "text", "text": text })),
        Part::Reasoning { text, .. } => {
            Some(json!({ "type": "thinking", "thinking": text, "signature": "scripted" }))
        }
        Part::ToolCall(call) => Some(json!({
            "type": "tool_use", "id": call.id, "name": call.name,
            "input": call.parsed_arguments().unwrap_or_else(|_| json!({})),
        })),
        _ => None,
    })
}

pub(crate) fn events(reply: &Reply, chunk_chars: usize) -> Vec<Event> {
    let event = |name: &str, mut body: Value| {
        if let Some(body) = body.as_object_mut() {
            body.insert("type".into(), name.into());
        }
        (Some(name.to_owned()), body)
    };
    let begun = json!({
        "id": reply.id, "type": "message", "role": "assistant", "model": reply.model,
        "content": [], "stop_reason": null, "usage": usage(&reply.usage, reply.usage.output.min(1)),
    });
    let mut events = vec![
        event("message_start", json!({ "message": begun })),
        event("ping", json!({})),
    ];
    let parts = reply.message.parts.iter();
    let parts = parts.filter(|part| !matches!(part, Part::Opaque(_) | Part::Image(_)));
    for (index, (part, block)) in parts.zip(blocks(reply)).enumerate() {
        let (start, kind, member, whole) = match part {
            Part::Text { text } => (
                json!({ "type": "text", "text": "" }),
                "text_delta",
                "text",
                text.as_str(),
            ),
            Part::ToolCall(call) => (
                json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": {} }),
                "input_json_delta",
                "partial_json",
                call.arguments.as_str(),
            ),
            _ => (
                json!({ "type": "thinking", "thinking": "", "signature": "" }),
                "thinking_delta",
                "thinking",
                text(&block, "thinking"),
            ),
        };
        let mut deltas = Vec::new();
        for piece in pieces(whole, chunk_chars) {
            deltas.push(json!({ "type": kind, member: piece }));
        }
        if kind == "thinking_delta" {
            deltas.push(json!({ "type": "signature_delta", "signature": "scripted" }));
        }
        let start = json!({ "index": index, "content_block": start });
        events.push(event("content_block_start", start));
        for delta in deltas {
            let body = json!({ "index": index, "delta": delta });
            events.push(event("content_block_delta", body));
        }
        events.push(event("content_block_stop", json!({ "index": index })));
    }
    let last = json!({
        "delta": { "stop_reason": stop_reason(&reply.stop), "stop_sequence": null },
        "usage": {
            "output_tokens": reply.usage.output,
            "output_tokens_details": { "thinking_tokens": reply.usage.reasoning },
        },
    });
    events.push(event("message_delta", last));
    events.push(event("message_stop", json!({})));
    events
}

fn stop_reason(stop: &StopReason) -> &str {
    match stop {
        StopReason::EndTurn => "end_turn",
        StopReason::ToolCalls => "tool_use",
        StopReason::MaxTokens => "max_tokens",
        StopReason::StopSequence => "stop_sequence",
        StopReason::Refusal | StopReason::ContentFilter => "refusal",
        StopReason::Pause => "pause_turn",
        StopReason::Other(other) => other,
    }
}

fn usage(usage: &Usage, output: u64) -> Value {
    let plain = usage.input.saturating_sub(usage.cached_input);
    json!({
        "input_tokens": plain.saturating_sub(usage.cache_write),
        "cache_read_input_tokens": usage.cached_input,
        "cache_creation_input_tokens": usage.cache_write,
        "output_tokens": output,
        "output_tokens_details": { "thinking_tokens": usage.reasoning.min(output) },
    })
}
