//! A request as chat completions.

use serde_json::{Map, Value, json};

use crate::protocols::body::{effort_word, put, put_extra};
use crate::protocols::options::{MaxTokensField, WireOptions};
use crate::protocols::protocol::Protocol;
use crate::{Image, Message, ModelError, Part, Request, Role, ToolCall, ToolChoice};

const NAME: &str = Protocol::ChatCompletions.name();

/// The body of a request.
pub(crate) fn encode(
    model: &str,
    request: &Request,
    options: &WireOptions,
) -> Result<Value, ModelError> {
    let mut messages = Vec::new();
    for message in &request.messages {
        put_message(&mut messages, message, options);
    }
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("messages".into(), messages.into());
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({ "type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.parameters,
            }})
        });
        body.insert("tools".into(), tools.collect());
        let choice = match &request.tool_choice {
            ToolChoice::Auto => None,
            ToolChoice::None => Some(json!("none")),
            ToolChoice::Required => Some(json!("required")),
            ToolChoice::Named(name) => {
                Some(json!({ "type": "function", "function": { "name": name } }))
            }
        };
        put(&mut body, "tool_choice", choice);
        put(
            &mut body,
            "parallel_tool_calls",
            request.parallel_tool_calls,
        );
    }
    put(&mut body, "temperature", request.temperature);
    put(&mut body, "top_p", request.top_p);
    let max_tokens = match options.max_tokens_field.unwrap_or_default() {
        MaxTokensField::MaxCompletionTokens => "max_completion_tokens",
        MaxTokensField::MaxTokens => "max_tokens",
    };
    put(&mut body, max_tokens, request.max_tokens);
    if !request.stop.is_empty() {
        body.insert("stop".into(), request.stop.clone().into());
    }
    put(&mut body, "seed", request.seed);
    let effort = request.reasoning_effort.map(effort_word);
    put(&mut body, "reasoning_effort", effort);
    if options.stream {
        body.insert("stream".into(), true.into());
        if options.stream_usage {
            let wanted = json!({ "include_usage": true });
            body.insert("stream_options".into(), wanted);
        }
    }
    put_extra(&mut body, request);
    Ok(body.into())
}

/// A message may become several: each tool result is one here.
fn put_message(messages: &mut Vec<Value>, message: &Message, options: &WireOptions) {
    match message.role {
        Role::System => {
            messages.push(json!({ "role": "system", "content": message.text() }));
        }
        Role::User => messages.push(json!({ "role": "user", "content": content(message) })),
        Role::Assistant => messages.push(assistant(message, options)),
        Role::Tool => {
            let mut images = Vec::new();
            for result in message.tool_results() {
                messages.push(json!({
                    "role": "tool", "tool_call_id": result.call_id, "content": result.text,
                }));
                images.extend(result.images.iter().map(image));
            }
            // A tool message holds text only: the pictures follow.
            if !images.is_empty() {
                messages.push(json!({ "role": "user", "content": images }));
            }
        }
    }
}

fn content(message: &Message) -> Value {
    let only_text = |part: &Part| matches!(part, Part::Text { .. });
    if message.parts.iter().all(only_text) {
        return message.text().into();
    }
    let parts = message.parts.iter().filter_map(|part| match part {
        Part::Text { text } => Some(json!({ "type": "text", "text": text })),
        Part::Image(picture) => Some(image(picture)),
        _ => None,
    });
    parts.collect()
}

fn image(image: &Image) -> Value {
    json!({ "type": "image_url", "image_url": { "url": image.to_url() } })
}

fn assistant(message: &Message, options: &WireOptions) -> Value {
    let mut body = Map::new();
    body.insert("role".into(), "assistant".into());
    let text = message.text();
    let calls: Vec<Value> = message.tool_calls().map(tool_call).collect();
    let silent = text.is_empty() && !calls.is_empty();
    let content = if silent { Value::Null } else { text.into() };
    body.insert("content".into(), content);
    if !calls.is_empty() {
        body.insert("tool_calls".into(), calls.into());
    }
    let reasoning = message.reasoning();
    if options.send_reasoning && !reasoning.is_empty() {
        body.insert("reasoning_content".into(), reasoning.into());
    }
    body.into()
}

fn tool_call(call: &ToolCall) -> Value {
    let mut body = json!({
        "id": call.id, "type": "function",
        "function": { "name": call.name, "arguments": call.arguments },
    });
    let opaque = call.opaque.as_ref();
    if let (Some(opaque), Some(body)) = (
        opaque.filter(|opaque| opaque.protocol == NAME),
        body.as_object_mut(),
    ) {
        body.insert("extra_content".into(), opaque.value.clone());
    }
    body
}
