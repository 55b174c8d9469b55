//! Chat completions as a server sees them.

use serde_json::{Value, json};

use crate::wire::{Event, content_text, images, list, role, said, text, tool};
use memex_models::{Message, Part, Reply, Request, Role, StopReason, ToolCall, Usage, pieces};

pub(crate) fn request(body: &Value) -> Request {
    let messages = list(body, "messages").iter().map(message);
    let tools = list(body, "tools").iter();
    let tools = tools.filter_map(|definition| definition.get("function"));
    Request {
        tools: tools.map(|function| tool(function, "parameters")).collect(),
        ..Request::new(messages.collect())
    }
}

fn message(message: &Value) -> Message {
    let role = role(text(message, "role"));
    let content = message.get("content").unwrap_or(&Value::Null);
    if role == Role::Tool {
        return Message::tool(text(message, "tool_call_id"), content_text(content));
    }
    let mut said = said(
        role,
        content_text(content),
        images(content, "/image_url/url"),
    );
    for call in list(message, "tool_calls") {
        let function = call.get("function").unwrap_or(&Value::Null);
        said.parts.push(Part::ToolCall(ToolCall {
            id: text(call, "id").to_owned(),
            name: text(function, "name").to_owned(),
            arguments: text(function, "arguments").to_owned(),
            opaque: None,
        }));
    }
    said
}

pub(crate) fn answer(reply: &Reply) -> Value {
    let said = reply.message.text();
    let refused = reply.stop == StopReason::Refusal;
    let (content, refusal) = if refused {
        (Value::Null, Value::from(said))
    } else {
        (Value::from(said), Value::Null)
    };
    let mut message = json!({ "role": "assistant", "content": content, "refusal": refusal });
    let calls: Vec<Value> = reply.message.tool_calls().map(tool_call).collect();
    let reasoning = reply.message.reasoning();
    if let Some(message) = message.as_object_mut() {
        if !calls.is_empty() {
            message.insert("tool_calls".into(), calls.into());
        }
        if !reasoning.is_empty() {
            message.insert("reasoning_content".into(), reasoning.into());
        }
    }
    json!({
        "id": reply.id, "object": "chat.completion", "model": reply.model,
        "choices": [{ "index": 0, "message": message, "finish_reason": finish(&reply.stop) }],
        "usage": usage(&reply.usage),
    })
}

fn tool_call(call: &ToolCall) -> Value {
    json!({
        "id": call.id, "type": "function",
        "function": { "name": call.name, "arguments": call.arguments },
    })
}

pub(crate) fn events(reply: &Reply, chunk_chars: usize) -> Vec<Event> {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": reply.id, "object": "chat.completion.chunk", "model": reply.model,
            "choices": choices, "usage": usage,
        });
        (None, chunk)
    };
    let piece = |delta: Value| {
        let choice = json!([{ "index": 0, "delta": delta, "finish_reason": null }]);
        chunk(choice, Value::Null)
    };
    let mut events = vec![piece(json!({ "role": "assistant", "content": "" }))];
    let refused = reply.stop == StopReason::Refusal;
    let mut calls = 0;
    for part in &reply.message.parts {
        match part {
            Part::Text { text } => {
                let member = if refused { "refusal" } else { "content" };
                let pieces = pieces(text, chunk_chars).into_iter();
                events.extend(pieces.map(|text| piece(json!({ member: text }))));
            }
            Part::Reasoning { text, .. } => {
                let pieces = pieces(text, chunk_chars).into_iter();
                events.extend(pieces.map(|text| piece(json!({ "reasoning_content": text }))));
            }
            Part::ToolCall(call) => {
                let function = json!({ "name": call.name, "arguments": "" });
                let begun = json!({
                    "index": calls, "id": call.id, "type": "function", "function": function,
                });
                events.push(piece(json!({ "tool_calls": [begun] })));
                for text in pieces(&call.arguments, chunk_chars) {
                    let more = json!({ "index": calls, "function": { "arguments": text } });
                    events.push(piece(json!({ "tool_calls": [more] })));
                }
                calls += 1;
            }
            _ => {}
        }
    }
    let finish = finish(&reply.stop);
    let last = json!([{ "index": 0, "delta": {}, "finish_reason": finish }]);
    events.push(chunk(last, Value::Null));
    events.push(chunk(json!([]), usage(&reply.usage)));
    events
}

fn finish(stop: &StopReason) -> &str {
    match stop {
        StopReason::EndTurn | StopReason::StopSequence | StopReason::Pause => "stop",
        StopReason::Refusal => "stop",
        StopReason::ToolCalls => "tool_calls",
        StopReason::MaxTokens => "length",
        StopReason::ContentFilter => "content_filter",
        StopReason::Other(other) => other,
    }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total(),
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input, "cache_write_tokens": usage.cache_write,
        },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning },
    })
}
