//! A whole answer of messages, and what events share with it.

use serde_json::Value;

use crate::protocols::body::{count, list, text};
use crate::protocols::parts::Parts;
use crate::protocols::protocol::Protocol;
use crate::{DeltaSink, ModelError, NoSink, Opaque, Reply, StopReason, Usage};

const NAME: &str = Protocol::Messages.name();

/// The reply in a message object.
pub(crate) fn decode(body: &Value) -> Result<Reply, ModelError> {
    if !body.get("content").is_some_and(Value::is_array) {
        let what = "there is no content";
        return Err(ModelError::malformed(NAME, what, &body.to_string()));
    }
    let mut parts = Parts::default();
    for (place, block) in list(body, "content").iter().enumerate() {
        let place = place as u64;
        put_block(&mut parts, place, block, &mut NoSink)?;
        if is_call(block) {
            let input = block.get("input").map(Value::to_string);
            parts.arguments(place, &input.unwrap_or_default(), &mut NoSink)?;
        } else {
            keep(&mut parts, place, block)?;
        }
    }
    let mut usage = Usage::default();
    put_usage(&mut usage, body);
    Ok(Reply {
        stop: stop_reason(text(body, "stop_reason"), parts.has_calls()),
        message: parts.into_message(),
        usage,
        model: text(body, "model").to_owned(),
        id: text(body, "id").to_owned(),
    })
}

pub(super) fn is_call(block: &Value) -> bool {
    text(block, "type") == "tool_use"
}

/// Takes what is readable of a block. A call's arguments come by themselves.
pub(super) fn put_block(
    parts: &mut Parts,
    place: u64,
    block: &Value,
    sink: &mut dyn DeltaSink,
) -> Result<(), ModelError> {
    match text(block, "type") {
        "text" => parts.text(place, text(block, "text"), sink),
        "thinking" => {
            parts.empty_reasoning(place)?;
            parts.reasoning(place, text(block, "thinking"), sink)
        }
        "redacted_thinking" => parts.empty_reasoning(place),
        "tool_use" => parts.call(place, text(block, "id"), text(block, "name"), sink),
        _ => Ok(()),
    }
}

/// Keeps a finished block, where the provider wants it back as it was.
pub(super) fn keep(parts: &mut Parts, place: u64, block: &Value) -> Result<(), ModelError> {
    if matches!(text(block, "type"), "text" | "tool_use") {
        return Ok(());
    }
    let protocol = NAME.to_owned();
    let value = block.clone();
    parts.opaque(place, Opaque { protocol, value })
}

/// Why it stopped.
pub(super) fn stop_reason(reason: &str, calls: bool) -> StopReason {
    match reason {
        "tool_use" => StopReason::ToolCalls,
        "end_turn" | "" if calls => StopReason::ToolCalls,
        "end_turn" | "" => StopReason::EndTurn,
        "max_tokens" | "model_context_window_exceeded" => StopReason::MaxTokens,
        "stop_sequence" => StopReason::StopSequence,
        "refusal" => StopReason::Refusal,
        "pause_turn" => StopReason::Pause,
        other => StopReason::Other(other.to_owned()),
    }
}

/// Takes the figures that are there. They count what is read from the cache
/// and written to it beside the input; here they are part of it.
pub(super) fn put_usage(usage: &mut Usage, body: &Value) -> bool {
    let Some(figures) = body.get("usage").filter(|figures| figures.is_object()) else {
        return false;
    };
    if figures.get("input_tokens").is_some_and(Value::is_u64) {
        usage.cached_input = count(figures, "/cache_read_input_tokens");
        usage.cache_write = count(figures, "/cache_creation_input_tokens");
        usage.input = count(figures, "/input_tokens")
            .saturating_add(usage.cached_input)
            .saturating_add(usage.cache_write);
    }
    usage.output = usage.output.max(count(figures, "/output_tokens"));
    let thought = count(figures, "/output_tokens_details/thinking_tokens");
    usage.reasoning = usage.reasoning.max(thought);
    true
}
