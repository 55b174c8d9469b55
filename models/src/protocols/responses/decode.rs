//! A whole answer of responses.

use serde_json::Value;

use crate::protocols::body::{count, list, text};
use crate::protocols::parts::Parts;
use crate::protocols::protocol::Protocol;
use crate::{ModelError, NoSink, Opaque, Reply, StopReason, Usage};

const NAME: &str = Protocol::Responses.name();

/// The reply in a response object.
pub(crate) fn decode(body: &Value) -> Result<Reply, ModelError> {
    if !body.get("output").is_some_and(Value::is_array) {
        let what = "there is no output";
        return Err(ModelError::malformed(NAME, what, &body.to_string()));
    }
    reply(body, list(body, "output"))
}

/// The reply of these output items; the response says the rest.
pub(super) fn reply(response: &Value, output: &[Value]) -> Result<Reply, ModelError> {
    let mut parts = Parts::default();
    let mut refused = false;
    let mut place = 0;
    for item in output {
        refused |= put_item(&mut parts, &mut place, item)?;
    }
    Ok(Reply {
        stop: stop_reason(response, refused, parts.has_calls()),
        message: parts.into_message(),
        usage: usage(response).unwrap_or_default(),
        model: text(response, "model").to_owned(),
        id: text(response, "id").to_owned(),
    })
}

/// Takes one item. True if it refuses.
fn put_item(parts: &mut Parts, place: &mut u64, item: &Value) -> Result<bool, ModelError> {
    let opaque = || Opaque {
        protocol: NAME.to_owned(),
        value: item.clone(),
    };
    let mut refused = false;
    match text(item, "type") {
        "message" => {
            for content in list(item, "content") {
                let refusal = text(content, "refusal");
                refused |= !refusal.is_empty();
                parts.text(*place, text(content, "text"), &mut NoSink)?;
                parts.text(*place, refusal, &mut NoSink)?;
                *place += 1;
            }
        }
        "function_call" => {
            let (id, name) = (text(item, "call_id"), text(item, "name"));
            parts.call(*place, id, name, &mut NoSink)?;
            parts.arguments(*place, text(item, "arguments"), &mut NoSink)?;
        }
        "reasoning" => {
            for list_name in ["summary", "content"] {
                for piece in list(item, list_name) {
                    parts.reasoning(*place, text(piece, "text"), &mut NoSink)?;
                }
            }
            let mut value = opaque();
            if !parts.has(*place) {
                // Thoughts that show nothing still have their encrypted form.
                parts.empty_reasoning(*place)?;
            }
            // Its progress is no part of what is sent back.
            if let Some(value) = value.value.as_object_mut() {
                value.remove("status");
            }
            parts.opaque(*place, value)?;
        }
        _ => parts.opaque(*place, opaque())?,
    }
    *place += 1;
    Ok(refused)
}

fn stop_reason(response: &Value, refused: bool, calls: bool) -> StopReason {
    let incomplete = response.pointer("/incomplete_details/reason");
    match (text(response, "status"), incomplete.and_then(Value::as_str)) {
        _ if refused => StopReason::Refusal,
        ("incomplete", Some("max_output_tokens")) => StopReason::MaxTokens,
        ("incomplete", Some("content_filter")) => StopReason::ContentFilter,
        ("incomplete", other) => StopReason::Other(other.unwrap_or("incomplete").to_owned()),
        _ if calls => StopReason::ToolCalls,
        ("completed" | "", _) => StopReason::EndTurn,
        (other, _) => StopReason::Other(other.to_owned()),
    }
}

/// The figures, if there are any.
pub(super) fn usage(response: &Value) -> Option<Usage> {
    let usage = response.get("usage").filter(|usage| usage.is_object())?;
    Some(Usage {
        input: count(usage, "/input_tokens"),
        cached_input: count(usage, "/input_tokens_details/cached_tokens"),
        cache_write: count(usage, "/input_tokens_details/cache_write_tokens"),
        output: count(usage, "/output_tokens"),
        reasoning: count(usage, "/output_tokens_details/reasoning_tokens"),
        estimated: false,
    })
}
