//! A whole answer of chat completions, and what chunks share with it.

use serde_json::Value;

use crate::protocols::body::{count, list, reported, text};
use crate::protocols::parts::Parts;
use crate::protocols::protocol::Protocol;
use crate::{DeltaSink, ModelError, NoSink, Opaque, Reply, StopReason, Usage};

const NAME: &str = Protocol::ChatCompletions.name();

/// The order of parts in a reply: first the thoughts, then the text, then calls.
const REASONING: u64 = 0;
const TEXT: u64 = 1;
pub(super) const CALLS: u64 = 2;

/// The reply in a whole answer.
pub(crate) fn decode(body: &Value) -> Result<Reply, ModelError> {
    let malformed = |what| ModelError::malformed(NAME, what, &body.to_string());
    let choice = list(body, "choices")
        .first()
        .ok_or_else(|| malformed("there is no choice"))?;
    let message = choice
        .get("message")
        .ok_or_else(|| malformed("the choice has no message"))?;
    let reason = failed_or_reason(choice)?;
    let mut parts = Parts::default();
    let mut refused = said(&mut parts, message, &mut NoSink)?;
    for (index, call) in list(message, "tool_calls").iter().enumerate() {
        called(&mut parts, CALLS + index as u64, call, &mut NoSink)?;
    }
    refused |= reason == Some("refusal");
    Ok(Reply {
        stop: stop_reason(reason, refused, parts.has_calls()),
        message: parts.into_message(),
        usage: usage(body).unwrap_or_default(),
        model: text(body, "model").to_owned(),
        id: text(body, "id").to_owned(),
    })
}

/// Why a choice ends, if it does. Empty words are no reason: some servers send them with
/// every piece.
///
/// # Errors
/// [`ModelError::Reported`] if the choice ends by a failure of the provider, which stands
/// beside the answer so far.
pub(super) fn failed_or_reason(choice: &Value) -> Result<Option<&str>, ModelError> {
    if let Some(error) = reported(NAME, choice) {
        return Err(error);
    }
    let reason = text(choice, "finish_reason");
    if reason == "error" {
        return Err(ModelError::Reported {
            protocol: NAME,
            code: reason.to_owned(),
            message: "the provider failed while it answered".to_owned(),
            retryable: true,
        });
    }
    Ok(Some(reason).filter(|reason| !reason.is_empty()))
}

/// Takes the words of a message or of a piece of one. True if it refuses.
pub(super) fn said(
    parts: &mut Parts,
    message: &Value,
    sink: &mut dyn DeltaSink,
) -> Result<bool, ModelError> {
    // Servers name it differently; those that send both send it twice.
    let names = ["reasoning_content", "reasoning"];
    let thought = names.map(|name| text(message, name));
    let thought = thought.into_iter().find(|thought| !thought.is_empty());
    parts.reasoning(REASONING, thought.unwrap_or(""), sink)?;
    parts.text(TEXT, text(message, "content"), sink)?;
    for part in list(message, "content") {
        parts.text(TEXT, text(part, "text"), sink)?;
    }
    let refusal = text(message, "refusal");
    parts.text(TEXT, refusal, sink)?;
    Ok(!refusal.is_empty())
}

/// Takes a call or a piece of one.
pub(super) fn called(
    parts: &mut Parts,
    place: u64,
    call: &Value,
    sink: &mut dyn DeltaSink,
) -> Result<(), ModelError> {
    let nothing = Value::Null;
    let function = call.get("function").unwrap_or(&nothing);
    parts.call(place, text(call, "id"), text(function, "name"), sink)?;
    match function.get("arguments") {
        Some(Value::String(piece)) => parts.arguments(place, piece, sink)?,
        Some(Value::Null) | None => {}
        // Some servers send the object itself.
        Some(object) => parts.arguments(place, &object.to_string(), sink)?,
    }
    if let Some(extra) = call.get("extra_content").filter(|extra| !extra.is_null()) {
        let protocol = NAME.to_owned();
        let value = extra.clone();
        parts.opaque(place, Opaque { protocol, value })?;
    }
    Ok(())
}

/// Why it stopped. Some servers say `stop` after tool calls.
pub(super) fn stop_reason(reason: Option<&str>, refused: bool, calls: bool) -> StopReason {
    match reason {
        _ if refused => StopReason::Refusal,
        Some("length") => StopReason::MaxTokens,
        Some("content_filter") => StopReason::ContentFilter,
        Some("tool_calls" | "function_call") => StopReason::ToolCalls,
        Some("stop") | None if calls => StopReason::ToolCalls,
        Some("stop") | None => StopReason::EndTurn,
        Some(other) => StopReason::Other(other.to_owned()),
    }
}

/// The figures, if there are any.
pub(super) fn usage(body: &Value) -> Option<Usage> {
    let usage = body.get("usage").filter(|usage| usage.is_object())?;
    let cached = count(usage, "/prompt_tokens_details/cached_tokens");
    Some(Usage {
        input: count(usage, "/prompt_tokens"),
        cached_input: cached.max(count(usage, "/prompt_cache_hit_tokens")),
        cache_write: count(usage, "/prompt_tokens_details/cache_write_tokens"),
        output: count(usage, "/completion_tokens"),
        reasoning: count(usage, "/completion_tokens_details/reasoning_tokens"),
        estimated: false,
    })
}
