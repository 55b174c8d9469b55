//! A request as responses.

use serde_json::{Map, Value, json};

use crate::protocols::body::{effort_word, put, put_extra};
use crate::protocols::options::WireOptions;
use crate::protocols::protocol::Protocol;
use crate::{Image, Message, ModelError, Opaque, Part, Request, Role, ToolChoice, ToolResult};

const NAME: &str = Protocol::Responses.name();

/// The body of a request. The provider keeps nothing of it (`store: false`).
pub(crate) fn encode(
    model: &str,
    request: &Request,
    options: &WireOptions,
) -> Result<Value, ModelError> {
    for (set, setting) in [
        (!request.stop.is_empty(), "stop"),
        (request.seed.is_some(), "seed"),
    ] {
        if set {
            let protocol = NAME;
            return Err(ModelError::Unsupported { protocol, setting });
        }
    }
    let mut input = Vec::new();
    for message in &request.messages {
        put_message(&mut input, message);
    }
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("input".into(), input.into());
    body.insert("store".into(), false.into());
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "type": "function", "name": tool.name, "description": tool.description,
                "parameters": tool.parameters, "strict": false,
            })
        });
        body.insert("tools".into(), tools.collect());
        let choice = match &request.tool_choice {
            ToolChoice::Auto => None,
            ToolChoice::None => Some(json!("none")),
            ToolChoice::Required => Some(json!("required")),
            ToolChoice::Named(name) => Some(json!({ "type": "function", "name": name })),
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
    put(&mut body, "max_output_tokens", request.max_tokens);
    let effort = request.reasoning_effort;
    if let Some(effort) = effort {
        let effort = json!({ "effort": effort_word(effort) });
        body.insert("reasoning".into(), effort);
    }
    if options.encrypted_reasoning.unwrap_or(effort.is_some()) {
        body.insert("include".into(), json!(["reasoning.encrypted_content"]));
    }
    if options.stream {
        body.insert("stream".into(), true.into());
    }
    put_extra(&mut body, request);
    Ok(body.into())
}

/// A message becomes one item for each of its calls, results and thoughts, and
/// one for each run of text and pictures between them.
fn put_message(input: &mut Vec<Value>, message: &Message) {
    let mut content = Vec::new();
    for part in &message.parts {
        let item = match part {
            Part::Text { text } => {
                let kind = match message.role {
                    Role::Assistant => "output_text",
                    _ => "input_text",
                };
                content.push(json!({ "type": kind, "text": text }));
                continue;
            }
            Part::Image(picture) => {
                content.push(image(picture));
                continue;
            }
            Part::ToolCall(call) => Some(json!({
                "type": "function_call", "call_id": call.id,
                "name": call.name, "arguments": call.arguments,
            })),
            Part::ToolResult(result) => Some(tool_result(result)),
            Part::Reasoning { opaque, .. } => opaque.as_ref().and_then(reasoning),
            Part::Opaque(opaque) => (opaque.protocol == NAME).then(|| opaque.value.clone()),
        };
        flush(input, message.role, &mut content);
        input.extend(item);
    }
    flush(input, message.role, &mut content);
}

fn flush(input: &mut Vec<Value>, role: Role, content: &mut Vec<Value>) {
    if content.is_empty() {
        return;
    }
    let role = match role {
        Role::System => "system",
        Role::Assistant => "assistant",
        Role::User | Role::Tool => "user",
    };
    let content = std::mem::take(content);
    input.push(json!({ "type": "message", "role": role, "content": content }));
}

/// The provider does not store thoughts without their encrypted form: sending
/// their id alone is an error.
fn reasoning(opaque: &Opaque) -> Option<Value> {
    let encrypted = opaque.value.get("encrypted_content");
    let encrypted = encrypted.is_some_and(Value::is_string);
    (opaque.protocol == NAME && encrypted).then(|| opaque.value.clone())
}

fn tool_result(result: &ToolResult) -> Value {
    let output: Value = if result.images.is_empty() {
        result.text.clone().into()
    } else {
        let text = json!({ "type": "input_text", "text": result.text });
        let images = result.images.iter().map(image);
        std::iter::once(text).chain(images).collect()
    };
    json!({ "type": "function_call_output", "call_id": result.call_id, "output": output })
}

fn image(image: &Image) -> Value {
    json!({ "type": "input_image", "image_url": image.to_url() })
}
