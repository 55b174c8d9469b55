//! The head of a call: its shape, of which nothing can be trusted.

use crate::integers::LargeInteger;
use crate::table::TABLE_KEY;
use crate::tool::{PART_KEY, ToolError};
use crate::validation::clipped;
use memex_channel::tree::{
    ALLOCATION_BYTES, KEY_BYTES, OBJECT_BYTES, PLACE_BYTES, PLACES_MIN, TreeSize,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Deepest nesting of arguments. With the longest chain of schemas that a
/// toolbox takes for one value, it bounds the stack that checking them needs.
pub(super) const ARGUMENTS_DEPTH_MAX: usize = 64;
/// Deepest nesting of answers.
pub(super) const ANSWER_DEPTH_MAX: usize = 128;

/// The depth of the object that `arguments` is.
const ARGUMENTS_AT: usize = 2;
/// The most of a tool's name that a message shows: no tool may be called so.
const NAME_MAX_CHARS: usize = 80;

/// `{"tool": …, "arguments": {…}, "await": …, "text": …}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head<'a> {
    #[serde(borrow)]
    pub(super) tool: Cow<'a, str>,
    #[serde(default)]
    pub(super) arguments: Map<String, Value>,
    #[serde(default, rename = "await")]
    pub(super) awaited: bool,
    /// The part that holds the arguments' long texts.
    #[serde(default)]
    pub(super) text: Option<usize>,
}

impl<'a> Head<'a> {
    /// Parses a call whose values take at most `tree_max` bytes.
    pub(super) fn parse(bytes: &'a [u8], tree_max: usize) -> Result<Self, ToolError> {
        TreeSize::check(bytes, tree_max).map_err(|reason| {
            let message = format!("the call {reason}; send less at a time");
            ToolError::new("ValueError", message)
        })?;
        let head: Self = serde_json::from_slice(bytes).map_err(|error| {
            ToolError::new("ValueError", format!("the call is malformed: {error}"))
        })?;
        match LargeInteger::find(bytes, ARGUMENTS_AT) {
            None => Ok(head),
            Some(found) => {
                let tool = clipped(&head.tool, NAME_MAX_CHARS);
                let name = found
                    .name()
                    .map_or(String::new(), |name| format!(" {name}:"));
                let reason = found.reason();
                let message = format!("{tool}:{name} {reason}; pass it as text: str(…)");
                Err(ToolError::new("ValueError", message))
            }
        }
    }
}

/// What arguments take as values, at most: the text `{"":0}` of six bytes takes
/// hundreds.
pub(super) fn tree_bytes(arguments: &Map<String, Value>) -> usize {
    let entries = arguments.iter().map(|(key, value)| {
        let entry = KEY_BYTES + PLACE_BYTES + ALLOCATION_BYTES;
        entry
            .saturating_add(key.len())
            .saturating_add(value_bytes(value))
    });
    entries.fold(OBJECT_BYTES, usize::saturating_add)
}

/// What a value takes besides its own place. No deeper than the parser goes.
fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len().saturating_add(ALLOCATION_BYTES),
        Value::Array(values) => {
            let places = values.len().max(PLACES_MIN).saturating_mul(PLACE_BYTES);
            let places = places.saturating_add(ALLOCATION_BYTES);
            values
                .iter()
                .map(value_bytes)
                .fold(places, usize::saturating_add)
        }
        Value::Object(map) => tree_bytes(map),
    }
}

/// The least that arguments take as text.
pub(super) fn text_bytes(arguments: &Map<String, Value>) -> usize {
    let entries = arguments
        .iter()
        .map(|(key, value)| key.len().saturating_add(value_text_bytes(value)));
    entries.fold(2, usize::saturating_add)
}

fn value_text_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
        Value::String(text) => text.len(),
        Value::Array(values) => values
            .iter()
            .map(value_text_bytes)
            .fold(2, usize::saturating_add),
        Value::Object(map) => text_bytes(map),
    }
}

/// Checks that what stands for binary in `values` has its parts, and that they
/// are nested no deeper than `depth`.
///
/// # Errors
/// What is wrong, in words that follow the name of a tool.
pub(super) fn check_references<'a>(
    values: impl IntoIterator<Item = &'a Value>,
    parts: usize,
    depth: usize,
) -> Result<(), &'static str> {
    let mut references = References { parts, taken: None };
    values
        .into_iter()
        .try_for_each(|value| references.check(value, depth))
}

/// As [`check_references`], and that no part is named twice: what is made of
/// a call is then no larger than the call. `text` is the part of long texts.
pub(super) fn check_arguments<'a>(
    values: impl IntoIterator<Item = &'a Value>,
    parts: usize,
    text: Option<usize>,
    depth: usize,
) -> Result<(), &'static str> {
    let mut references = References {
        parts,
        taken: Some(vec![false; parts]),
    };
    if let Some(text) = text {
        references.take(text)?;
    }
    values
        .into_iter()
        .try_for_each(|value| references.check(value, depth))
}

const NO_PART: &str = "{\"$part\": …} names no part; the key is reserved for bytes";
const NO_COLUMN: &str = "{\"$table\": …} has a column that names no part";

struct References {
    parts: usize,
    /// Which parts were named, if each may be once.
    taken: Option<Vec<bool>>,
}

impl References {
    fn check(&mut self, value: &Value, depth: usize) -> Result<(), &'static str> {
        let Some(inner) = depth.checked_sub(1) else {
            return Err("values are nested too deeply");
        };
        match value {
            Value::Array(values) => values.iter().try_for_each(|value| self.check(value, inner)),
            Value::Object(map) if map.len() == 1 && map.contains_key(PART_KEY) => {
                self.named(map.get(PART_KEY), NO_PART)
            }
            Value::Object(map) if map.len() == 1 && map.contains_key(TABLE_KEY) => {
                let columns = map.get(TABLE_KEY).and_then(|table| table.get("columns"));
                let columns = columns
                    .and_then(Value::as_array)
                    .ok_or("{\"$table\": …} is no table; the key is reserved for tables")?;
                for column in columns {
                    let keys = ["data", "ends", "codes", "valid"];
                    for part in keys.iter().filter_map(|key| column.get(*key)) {
                        self.named(Some(part), NO_COLUMN)?;
                    }
                }
                Ok(())
            }
            Value::Object(map) => map.values().try_for_each(|value| self.check(value, inner)),
            _ => Ok(()),
        }
    }

    fn named(&mut self, index: Option<&Value>, refusal: &'static str) -> Result<(), &'static str> {
        let index = index.and_then(Value::as_u64);
        let index = index.and_then(|index| usize::try_from(index).ok());
        match index.filter(|index| *index < self.parts) {
            Some(index) => self.take(index),
            None => Err(refusal),
        }
    }

    fn take(&mut self, index: usize) -> Result<(), &'static str> {
        let Some(taken) = &mut self.taken else {
            return Ok(());
        };
        match taken.get_mut(index) {
            None => Err("\"text\" names no part"),
            Some(true) => Err("a part of the call is named twice"),
            Some(taken) => {
                *taken = true;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn bytes(arguments: &str) -> usize {
        let head = format!(r#"{{"tool":"t","arguments":{{"v":{arguments}}}}}"#);
        tree_bytes(&Head::parse(head.as_bytes(), usize::MAX).unwrap().arguments)
    }

    #[test]
    fn values_cost_what_they_take_and_not_their_text() {
        let many = |element: &str| format!("[{}]", vec![element; 10_000].join(","));
        let one = bytes("0");
        // At least the places, and at least an allocation where there is one.
        for (element, least) in [
            ("0", size_of::<Value>()),
            ("\"\"", size_of::<Value>()),
            ("[]", size_of::<Value>()),
            ("[0]", 5 * size_of::<Value>()),
            ("{}", size_of::<Value>()),
            ("{\"\":0}", 4 * (size_of::<Value>() + size_of::<String>())),
        ] {
            let taken = bytes(&many(element)) - one;
            assert!(taken >= 10_000 * least, "{element}: {taken}");
        }
        // A text costs itself.
        let text = format!("\"{}\"", "x".repeat(1 << 20));
        let taken = bytes(&text) - one;
        assert!((1 << 20..(1 << 20) + 100).contains(&taken), "{taken}");
    }
}
