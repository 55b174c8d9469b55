//! Parts of request bodies that all protocols share.

use serde_json::{Map, Value, json};

use crate::error::excerpt;
use crate::{ModelError, ReasoningEffort, Request, ToolCall};

/// The words that an effort is sent as.
pub(crate) fn effort_word(effort: ReasoningEffort) -> &'static str {
    match effort {
        ReasoningEffort::None => "none",
        ReasoningEffort::Minimal => "minimal",
        ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High => "high",
        ReasoningEffort::ExtraHigh => "xhigh",
        ReasoningEffort::Max => "max",
    }
}

/// Puts a member that is set.
pub(super) fn put<T: Into<Value>>(body: &mut Map<String, Value>, name: &str, value: Option<T>) {
    if let Some(value) = value {
        body.insert(name.to_owned(), value.into());
    }
}

/// Puts the request's own members over the protocol's.
pub(super) fn put_extra(body: &mut Map<String, Value>, request: &Request) {
    let kept = ["model", "stream"];
    let extra = request.extra.iter();
    for (name, value) in extra.filter(|(name, _)| !kept.contains(&name.as_str())) {
        body.insert(name.clone(), value.clone());
    }
}

/// A number in nested members; zero if it is not there.
pub(super) fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// A text member; empty if it is not there.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("")
}

/// The items of a list member; none if it is not there.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

/// The arguments of a call as the object that some protocols want. What is no
/// object stands in one, so that the model sees what it wrote.
pub(crate) fn arguments_value(call: &ToolCall) -> Value {
    match call.parsed_arguments() {
        Ok(value) if value.is_object() => value,
        _ => json!({ "invalid_json": call.arguments }),
    }
}

/// The error in a body: code and message. It is a member, or the body itself says that it
/// is one.
pub(crate) fn provider_error(body: &Value) -> Option<(Option<String>, String)> {
    let member = body.get("error").filter(|error| !error.is_null());
    let is_error = || text(body, "object") == "error";
    let error = member.or_else(|| is_error().then_some(body))?;
    Some(described(error))
}

/// Code and message of an error.
fn described(error: &Value) -> (Option<String>, String) {
    if let Some(message) = error.as_str() {
        return (None, excerpt(message));
    }
    let code = ["code", "type"].into_iter().find_map(|name| {
        let code = error.get(name)?;
        let number = code.as_u64().map(|code| code.to_string());
        code.as_str().map(excerpt).or(number)
    });
    let message = match text(error, "message") {
        "" => error.to_string(),
        message => message.to_owned(),
    };
    (code, excerpt(&message))
}

/// Codes of failures that pass. A number is an HTTP status.
fn passes(code: &str) -> bool {
    matches!(
        code,
        "overloaded_error"
            | "api_error"
            | "timeout_error"
            | "rate_limit_error"
            | "rate_limit_exceeded"
            | "server_error"
            | "internal_server_error"
            | "408"
            | "409"
            | "429"
            | "529"
    ) || (code.len() == 3 && code.starts_with('5'))
}

/// The failure that stands where an answer should.
pub(super) fn reported(protocol: &'static str, body: &Value) -> Option<ModelError> {
    Some(failure(protocol, provider_error(body)?))
}

/// The failure that an event of that name tells of, whatever it holds.
pub(super) fn failed(protocol: &'static str, data: &str) -> ModelError {
    let said = match serde_json::from_str::<Value>(data) {
        Ok(value) => provider_error(&value).unwrap_or_else(|| described(&value)),
        Err(_) => (None, excerpt(data)),
    };
    failure(protocol, said)
}

fn failure(protocol: &'static str, (code, message): (Option<String>, String)) -> ModelError {
    let code = code.unwrap_or_else(|| "error".to_owned());
    ModelError::Reported {
        protocol,
        retryable: passes(&code),
        code,
        message,
    }
}
