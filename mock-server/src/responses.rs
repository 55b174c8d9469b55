//! Responses as a server sees them.

use serde_json::{Value, json};

use crate::wire::{Event, content_text, images, list, role, said, text, tool};
use memex_models::{Message, Part, Reply, Request, Role, StopReason, ToolCall, Usage, pieces};

pub(crate) fn request(body: &Value) -> Request {
    let mut messages: Vec<Message> = Vec::new();
    for item in list(body, "input") {
        let message = message(item);
        match messages.last_mut() {
            // The client spreads a message over items; they belong together.
            Some(last) if last.role == message.role && message.role == Role::Assistant => {
                last.parts.extend(message.parts);
            }
            _ => messages.push(message),
        }
    }
    let tools = list(body, "tools").iter();
    Request {
        tools: tools
            .map(|definition| tool(definition, "parameters"))
            .collect(),
        ..Request::new(messages)
    }
}

fn message(item: &Value) -> Message {
    let assistant = |part| Message {
        role: Role::Assistant,
        parts: vec![part],
    };
    let nothing = Value::Null;
    match text(item, "type") {
        "function_call" => assistant(Part::ToolCall(ToolCall {
            id: text(item, "call_id").to_owned(),
            name: text(item, "name").to_owned(),
            arguments: text(item, "arguments").to_owned(),
            opaque: None,
        })),
        "function_call_output" => {
            let output = item.get("output").unwrap_or(&nothing);
            Message::tool(text(item, "call_id"), content_text(output))
        }
        "reasoning" => assistant(Part::Reasoning {
            text: content_text(item.get("summary").unwrap_or(&nothing)),
            opaque: None,
        }),
        _ => {
            let content = item.get("content").unwrap_or(&nothing);
            let images = images(content, "/image_url");
            said(role(text(item, "role")), content_text(content), images)
        }
    }
}

pub(crate) fn answer(reply: &Reply) -> Value {
    let output: Vec<Value> = items(reply).collect();
    let (status, incomplete) = status(&reply.stop);
    json!({
        "id": reply.id, "object": "response", "model": reply.model, "status": status,
        "incomplete_details": incomplete, "output": output, "usage": usage(&reply.usage),
        "error": null,
    })
}

fn items(reply: &Reply) -> impl Iterator<Item = Value> {
    let parts = reply.message.parts.iter();
    parts.filter_map(|part| match part {
        Part::Text { text } => {
            let content = match reply.stop {
                StopReason::Refusal => json!({ "type": "refusal", "refusal": text }),
                _ => json!({ "type": "output_text", "text": text, "annotations": [] }),
            };
            Some(json!({
                "type": "message", "id": "msg", "role": "assistant", "status": "completed",
                "content": [content],
            }))
        }
        Part::Reasoning { text, .. } => Some(json!({
            "type": "reasoning", "id": "rs", "summary": [{ "type": "summary_text", "text": text }],
            "encrypted_content": "scripted",
        })),
        Part::ToolCall(call) => Some(json!({
            "type": "function_call", "id": "fc", "call_id": call.id, "name": call.name,
            "arguments": call.arguments, "status": "completed",
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
    let begun = json!({ "id": reply.id, "model": reply.model, "status": "in_progress" });
    let mut events = vec![event("response.created", json!({ "response": begun }))];
    for (index, item) in items(reply).enumerate() {
        let added = json!({ "output_index": index, "item": item });
        events.push(event("response.output_item.added", added.clone()));
        let (name, whole) = match text(&item, "type") {
            "message" => {
                let content = list(&item, "content").first().unwrap_or(&Value::Null);
                match text(content, "type") {
                    "refusal" => ("response.refusal.delta", text(content, "refusal")),
                    _ => ("response.output_text.delta", text(content, "text")),
                }
            }
            "reasoning" => {
                let summary = list(&item, "summary").first().unwrap_or(&Value::Null);
                (
                    "response.reasoning_summary_text.delta",
                    text(summary, "text"),
                )
            }
            _ => (
                "response.function_call_arguments.delta",
                text(&item, "arguments"),
            ),
        };
        for piece in pieces(whole, chunk_chars) {
            let body = json!({ "output_index": index, "content_index": 0, "delta": piece });
            events.push(event(name, body));
        }
        events.push(event("response.output_item.done", added));
    }
    let name = match status(&reply.stop).0 {
        "completed" => "response.completed",
        _ => "response.incomplete",
    };
    events.push(event(name, json!({ "response": answer(reply) })));
    events
}

fn status(stop: &StopReason) -> (&'static str, Value) {
    let reason = match stop {
        StopReason::MaxTokens => "max_output_tokens",
        StopReason::ContentFilter => "content_filter",
        StopReason::Other(other) => other,
        _ => return ("completed", Value::Null),
    };
    ("incomplete", json!({ "reason": reason }))
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input, "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": usage.output,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning },
        "total_tokens": usage.total(),
    })
}
