//! JSON towards tools from outside, and from them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use memex_host_tools::{Arguments, LargeInteger, PART_KEY, ToolError, TreeSize};

/// The longest message of a tool that reaches the guest.
pub(super) const MESSAGE_MAX_CHARS: usize = 2_000;

/// The key of a JSON object that stands for a table.
const TABLE_KEY: &str = "$table";

/// The arguments as plain JSON: binary values become base64 texts.
pub(super) fn plain(tool: &str, arguments: Arguments) -> Result<Map<String, Value>, ToolError> {
    let Arguments { mut json, parts } = arguments;
    for (name, value) in &mut json {
        inline(tool, name, value, &parts)?;
    }
    Ok(json)
}

fn inline(tool: &str, name: &str, value: &mut Value, parts: &[Vec<u8>]) -> Result<(), ToolError> {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| inline(tool, name, item, parts)),
        Value::Object(map) => match reserved_key(map) {
            Some(PART_KEY) => {
                let bytes = part(map, parts).ok_or_else(|| {
                    ToolError::new("ValueError", format!("{tool}: {name}: a part is missing"))
                })?;
                *value = Value::String(STANDARD.encode(bytes));
                Ok(())
            }
            Some(_) => Err(ToolError::new(
                "TypeError",
                format!("{tool}: {name}: this tool takes no tables; pass df.to_dict(\"records\")"),
            )),
            None => map
                .values_mut()
                .try_for_each(|item| inline(tool, name, item, parts)),
        },
        _ => Ok(()),
    }
}

/// The bytes that an object with the part key stands for.
pub(super) fn part<'p>(map: &Map<String, Value>, parts: &'p [Vec<u8>]) -> Option<&'p Vec<u8>> {
    let index = map.get(PART_KEY)?.as_u64()?;
    parts.get(usize::try_from(index).ok()?)
}

fn reserved_key(map: &Map<String, Value>) -> Option<&str> {
    match map.keys().next() {
        Some(key) if map.len() == 1 && (key == PART_KEY || key == TABLE_KEY) => Some(key),
        _ => None,
    }
}

/// Checks the JSON that a peer answered, and gives what it takes as values: at most `max`
/// bytes.
pub(super) fn check(tool: &str, bytes: &[u8], max: usize) -> Result<usize, ToolError> {
    if let Some(found) = LargeInteger::find(bytes, 1) {
        let reason = found.reason();
        return Err(refusal(
            tool,
            &format!("the answer cannot be used: {reason}; the tool has to answer it as text"),
        ));
    }
    check_size(tool, bytes, max)
}

/// What JSON takes as values, if that is no more than `max` bytes.
pub(super) fn check_size(tool: &str, bytes: &[u8], max: usize) -> Result<usize, ToolError> {
    TreeSize::check(bytes, max).map_err(|reason| {
        let more = "the tool has to answer less at a time";
        refusal(tool, &format!("the answer {reason}; {more}"))
    })
}

/// Parses the JSON that a peer answered, once it is [checked](check) and there is room for
/// it. Nothing at all is `null`; what the channel reserves for itself is refused.
pub(super) fn parse(tool: &str, bytes: &[u8]) -> Result<Value, ToolError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    let value = serde_json::from_slice(bytes)
        .map_err(|error| refusal(tool, &format!("the answer is not valid JSON: {error}")))?;
    refuse_reserved(tool, &value)?;
    Ok(value)
}

fn refusal(tool: &str, reason: &str) -> ToolError {
    ToolError::new("RuntimeError", format!("{tool}: {reason}"))
}

/// Refuses objects that would be taken for parts or tables.
pub(super) fn refuse_reserved(tool: &str, value: &Value) -> Result<(), ToolError> {
    match value {
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| refuse_reserved(tool, item)),
        Value::Object(map) => match reserved_key(map) {
            Some(key) => Err(ToolError::new(
                "RuntimeError",
                format!("{tool}: the answer contains an object with the reserved key `{key}`"),
            )),
            None => map
                .values()
                .try_for_each(|item| refuse_reserved(tool, item)),
        },
        _ => Ok(()),
    }
}

/// A message of a peer without control characters, to be scrubbed and then
/// [clipped].
pub(super) fn visible(text: &str) -> String {
    text.trim()
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

/// A message of a peer, bounded.
pub(super) fn clipped(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MESSAGE_MAX_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}
