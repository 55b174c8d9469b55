//! A request as messages.

use serde_json::{Map, Value, json};

use crate::protocols::body::{arguments_value, effort_word, put, put_extra};
use crate::protocols::options::{Thinking, WireOptions};
use crate::protocols::protocol::Protocol;
use crate::{Image, Message, ModelError, Part, ReasoningEffort, Request, Role, ToolChoice};

const NAME: &str = Protocol::Messages.name();

/// The body of a request.
///
/// System messages go to the front wherever they stand, and neighbours of one
/// role become one turn: the protocol knows no other form.
pub(crate) fn encode(
    model: &str,
    request: &Request,
    options: &WireOptions,
) -> Result<Value, ModelError> {
    if request.seed.is_some() {
        let (protocol, setting) = (NAME, "seed");
        return Err(ModelError::Unsupported { protocol, setting });
    }
    let mut system = Vec::new();
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in &request.messages {
        let (role, blocks) = match message.role {
            Role::System => {
                system.extend(blocks(message));
                continue;
            }
            Role::Assistant => ("assistant", blocks(message)),
            Role::User | Role::Tool => ("user", blocks(message)),
        };
        match turns.last_mut() {
            Some((last, held)) if *last == role => held.extend(blocks),
            _ if blocks.is_empty() => {}
            _ => turns.push((role, blocks)),
        }
    }
    if options.prompt_cache {
        // The first mark keeps tools and system text, the second the turns.
        mark(system.last_mut());
        mark(turns.last_mut().and_then(|(_, blocks)| blocks.last_mut()));
    }
    let turns = turns.into_iter();
    let turns = turns.map(|(role, content)| json!({ "role": role, "content": content }));
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("messages".into(), turns.collect());
    if !system.is_empty() {
        body.insert("system".into(), system.into());
    }
    let mut max_tokens = request.max_tokens.unwrap_or(options.max_tokens_default);
    if let Some(effort) = request.reasoning_effort {
        max_tokens = put_thinking(&mut body, effort, max_tokens, options.thinking);
    }
    body.insert("max_tokens".into(), max_tokens.into());
    put_tools(&mut body, request);
    put(&mut body, "temperature", request.temperature);
    put(&mut body, "top_p", request.top_p);
    if !request.stop.is_empty() {
        body.insert("stop_sequences".into(), request.stop.clone().into());
    }
    if options.stream {
        body.insert("stream".into(), true.into());
    }
    put_extra(&mut body, request);
    Ok(body.into())
}

fn put_tools(body: &mut Map<String, Value>, request: &Request) {
    if request.tools.is_empty() {
        return;
    }
    let tools = request.tools.iter().map(|tool| {
        json!({
            "name": tool.name, "description": tool.description, "input_schema": tool.parameters,
        })
    });
    body.insert("tools".into(), tools.collect());
    let mut choice = match &request.tool_choice {
        ToolChoice::Auto => json!({ "type": "auto" }),
        ToolChoice::None => json!({ "type": "none" }),
        ToolChoice::Required => json!({ "type": "any" }),
        ToolChoice::Named(name) => json!({ "type": "tool", "name": name }),
    };
    let single = request.parallel_tool_calls.map(|parallel| !parallel);
    let says = single.is_some() && request.tool_choice != ToolChoice::None;
    if let (true, Some(choice)) = (says, choice.as_object_mut()) {
        put(choice, "disable_parallel_tool_use", single);
    }
    if says || request.tool_choice != ToolChoice::Auto {
        body.insert("tool_choice".into(), choice);
    }
}

/// Asks for thoughts; gives the limit of tokens that leaves room for them.
fn put_thinking(
    body: &mut Map<String, Value>,
    effort: ReasoningEffort,
    max_tokens: u64,
    thinking: Thinking,
) -> u64 {
    let budget = match effort {
        ReasoningEffort::None => {
            body.insert("thinking".into(), json!({ "type": "disabled" }));
            return max_tokens;
        }
        ReasoningEffort::Minimal => 1_024,
        ReasoningEffort::Low => 2_048,
        ReasoningEffort::Medium => 8_192,
        ReasoningEffort::High => 16_384,
        ReasoningEffort::ExtraHigh => 24_576,
        ReasoningEffort::Max => 32_768,
    };
    match thinking {
        Thinking::Adaptive => {
            let word = match effort {
                ReasoningEffort::Minimal => "low",
                other => effort_word(other),
            };
            body.insert("thinking".into(), json!({ "type": "adaptive" }));
            body.insert("output_config".into(), json!({ "effort": word }));
            max_tokens
        }
        Thinking::Budget => {
            let enabled = json!({ "type": "enabled", "budget_tokens": budget });
            body.insert("thinking".into(), enabled);
            max_tokens.saturating_add(budget)
        }
    }
}

fn mark(block: Option<&mut Value>) {
    let Some(block) = block.and_then(Value::as_object_mut) else {
        return;
    };
    // Thoughts cannot be marked.
    let kind = block.get("type").and_then(Value::as_str);
    if !kind.is_some_and(|kind| kind.ends_with("thinking")) {
        block.insert("cache_control".into(), json!({ "type": "ephemeral" }));
    }
}

/// The content blocks of a message; results of tools first, as they must be.
fn blocks(message: &Message) -> Vec<Value> {
    let result = |part: &&Part| matches!(part, Part::ToolResult(_));
    let first = message.parts.iter().filter(result);
    let then = message.parts.iter().filter(|part| !result(part));
    first.chain(then).filter_map(block).collect()
}

fn block(part: &Part) -> Option<Value> {
    let ours = |protocol: &str| protocol == NAME;
    match part {
        // Empty texts are refused.
        Part::Text { text } if text.is_empty() => None,
        Part::Text { text } => Some(json!({ "type": "text", "text": text })),
        Part::Image(picture) => Some(image(picture)),
        Part::ToolCall(call) => Some(json!({
            "type": "tool_use", "id": call.id, "name": call.name, "input": arguments_value(call),
        })),
        Part::ToolResult(result) => {
            let text = (!result.text.is_empty()).then(|| Part::text(result.text.as_str()));
            let text = text.as_ref().and_then(block);
            let content: Vec<Value> = text
                .into_iter()
                .chain(result.images.iter().map(image))
                .collect();
            Some(json!({
                "type": "tool_result", "tool_use_id": result.call_id,
                "content": content, "is_error": result.is_error,
            }))
        }
        Part::Reasoning { opaque, .. } => {
            let opaque = opaque.as_ref().filter(|opaque| ours(&opaque.protocol));
            opaque.map(|opaque| opaque.value.clone())
        }
        Part::Opaque(opaque) => ours(&opaque.protocol).then(|| opaque.value.clone()),
    }
}

fn image(image: &Image) -> Value {
    let source = match image {
        Image::Url { url } => json!({ "type": "url", "url": url }),
        Image::Data { media_type, base64 } => {
            json!({ "type": "base64", "media_type": media_type, "data": base64 })
        }
    };
    json!({ "type": "image", "source": source })
}
