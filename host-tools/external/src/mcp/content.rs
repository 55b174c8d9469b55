//! What a server's result is in the guest.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents, TextContent};
use serde_json::{Map, Value, json};

use super::super::answers;
use super::reviving::UNKNOWN_MARK;
use memex_host_tools::{Answer, LargeInteger, PART_KEY, ToolError};

/// How results of a tool are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Structured content, else the contents; a text that is an object or an array of JSON is
    /// that.
    Plain,
    /// Likewise; a text is JSON.
    Json,
    /// Likewise; the value is wrapped as `{"result": …}`, as one server library
    /// does with values that are no objects.
    Wrapped,
}

/// What a result takes as values together with those that its text is parsed to, if that is
/// read as JSON.
///
/// # Errors
/// If these are more than `max` bytes.
pub(super) fn text_bytes(
    tool: &str,
    reading: Reading,
    result: &CallToolResult,
    max: usize,
) -> Result<Option<usize>, ToolError> {
    let is_read = result.is_error != Some(true) && result.structured_content.is_none();
    match result.content.as_slice() {
        [ContentBlock::Text(text)] if is_read && may_be_json(reading, &text.text) => {
            let taken = answers::check_size(tool, text.text.as_bytes(), max)?;
            Ok(Some(taken.saturating_add(text.text.len())))
        }
        _ => Ok(None),
    }
}

/// The answer that a result stands for.
pub(super) fn answer(
    tool: &str,
    reading: Reading,
    result: CallToolResult,
) -> Result<Answer, ToolError> {
    if result.is_error == Some(true) {
        return Err(ToolError::new(
            "RuntimeError",
            format!("{tool}: {}", error_text(&result)),
        ));
    }
    if let Some(mut structured) = result.structured_content {
        answers::refuse_reserved(tool, &structured)?;
        let wrapped = match (reading, &mut structured) {
            (Reading::Wrapped, Value::Object(map)) if map.len() == 1 => map.remove("result"),
            _ => None,
        };
        return Ok(Answer::json(wrapped.unwrap_or(structured)));
    }
    let mut parts = Vec::new();
    let mut values = result
        .content
        .into_iter()
        .map(|block| value(tool, block, &mut parts))
        .collect::<Result<Vec<_>, _>>()?;
    let json = match (values.pop(), values.is_empty()) {
        (None, _) => Value::Null,
        (Some(Value::String(text)), true) if may_be_json(reading, &text) => {
            match serde_json::from_str::<Value>(&text) {
                // As text it keeps its digits.
                Ok(_) if LargeInteger::find(text.as_bytes(), 1).is_some() => Value::String(text),
                // Nothing says that a number or a word is anything but text.
                Ok(parsed) if reading == Reading::Plain && !is_nested(&parsed) => {
                    Value::String(text)
                }
                Ok(parsed) => {
                    answers::refuse_reserved(tool, &parsed)?;
                    parsed
                }
                Err(_) => Value::String(text),
            }
        }
        (Some(single), true) => single,
        (Some(last), false) => {
            values.push(last);
            Value::Array(values)
        }
    };
    Ok(Answer { json, parts })
}

/// Whether a text is read as JSON: by the schema, or since it looks like an object or an array.
fn may_be_json(reading: Reading, text: &str) -> bool {
    reading != Reading::Plain || text.trim_start().starts_with(['{', '['])
}

fn is_nested(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

fn error_text(result: &CallToolResult) -> String {
    let texts: Vec<_> = result
        .content
        .iter()
        .filter_map(|block| match block {
            ContentBlock::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .collect();
    match (texts.is_empty(), &result.structured_content) {
        (false, _) => texts.join("\n"),
        (true, Some(structured)) => structured.to_string(),
        (true, None) => "the tool failed without a message".to_owned(),
    }
}

/// A text is itself; everything else is a record with its `type`.
fn value(tool: &str, block: ContentBlock, parts: &mut Vec<Vec<u8>>) -> Result<Value, ToolError> {
    Ok(match block {
        ContentBlock::Text(text) if is_unknown(&text) => {
            let kept = serde_json::from_str(&text.text).unwrap_or(Value::String(text.text));
            answers::refuse_reserved(tool, &kept)?;
            kept
        }
        ContentBlock::Text(text) => Value::String(text.text),
        ContentBlock::Image(image) => json!({
            "type": "image",
            "mime_type": image.mime_type,
            "data": bytes(tool, &image.data, parts)?,
        }),
        ContentBlock::Audio(audio) => json!({
            "type": "audio",
            "mime_type": audio.mime_type,
            "data": bytes(tool, &audio.data, parts)?,
        }),
        ContentBlock::Resource(embedded) => resource(tool, embedded.resource, parts)?,
        ContentBlock::ResourceLink(link) => record([
            ("type", Some(Value::from("resource_link"))),
            ("uri", Some(Value::from(link.uri))),
            ("name", Some(Value::from(link.name))),
            ("title", link.title.map(Value::from)),
            ("description", link.description.map(Value::from)),
            ("mime_type", link.mime_type.map(Value::from)),
        ]),
        _ => {
            return Err(ToolError::new(
                "RuntimeError",
                format!("{tool}: the answer has content of an unknown kind"),
            ));
        }
    })
}

fn resource(
    tool: &str,
    contents: ResourceContents,
    parts: &mut Vec<Vec<u8>>,
) -> Result<Value, ToolError> {
    let (uri, mime_type, key, content) = match contents {
        ResourceContents::TextResourceContents {
            uri,
            mime_type,
            text,
            ..
        } => (uri, mime_type, "text", Value::String(text)),
        ResourceContents::BlobResourceContents {
            uri,
            mime_type,
            blob,
            ..
        } => (uri, mime_type, "data", bytes(tool, &blob, parts)?),
        _ => {
            return Err(ToolError::new(
                "RuntimeError",
                format!("{tool}: the answer has a resource of an unknown kind"),
            ));
        }
    };
    Ok(record([
        ("type", Some(Value::from("resource"))),
        ("uri", Some(Value::from(uri))),
        ("mime_type", mime_type.map(Value::from)),
        (key, Some(content)),
    ]))
}

fn record<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let present = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

/// Whether a text is a content of a kind that the library does not know.
fn is_unknown(text: &TextContent) -> bool {
    let meta = text.meta.as_ref();
    meta.is_some_and(|meta| meta.0.contains_key(UNKNOWN_MARK))
}

/// Bytes in base64, with or without padding, in lines or not, of either alphabet, or as a data
/// URL.
fn bytes(tool: &str, text: &str, parts: &mut Vec<Vec<u8>>) -> Result<Value, ToolError> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
    let content = match text.strip_prefix("data:") {
        Some(url) => url.split_once(',').map_or(url, |(_, content)| content),
        None => text,
    };
    let plain = content.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let plain = plain.map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    });
    let decoded = ENGINE.decode(plain.collect::<Vec<u8>>()).map_err(|error| {
        ToolError::new(
            "RuntimeError",
            format!("{tool}: the answer has binary content that is not base64: {error}"),
        )
    })?;
    parts.push(decoded);
    Ok(json!({PART_KEY: parts.len() - 1}))
}
