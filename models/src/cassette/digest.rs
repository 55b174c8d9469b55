//! The digest by which requests are compared.

use serde_json::{Value, json};

use crate::Request;

/// The BLAKE3 digest of a request in hexadecimal, over everything that shapes
/// its answer. Its conversation and agent are labels and do not count, and
/// neither does the order of members in JSON objects.
pub fn request_digest(request: &Request) -> String {
    let mut text = String::new();
    // Only maps with other keys than text fail, and there are none.
    let value = serde_json::to_value(request).unwrap_or_else(|error| json!(error.to_string()));
    write(&value, true, &mut text);
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Requests nest as deep as their JSON does, which serde_json bounds.
fn write(value: &Value, outermost: bool, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.retain(|(name, _)| {
                !(outermost && matches!(name.as_str(), "conversation" | "agent"))
            });
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (name, value) in members {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(value, false, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write(item, false, text);
                text.push(',');
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}
