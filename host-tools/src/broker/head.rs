//! The head of a call: its shape, of which nothing can be trusted.

use crate::table::TABLE_KEY;
use crate::tool::{PART_KEY, ToolError};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Deepest nesting of arguments. With the longest chain of schemas that a
/// toolbox takes for one value, it bounds the stack that checking them needs.
pub(super) const ARGUMENTS_DEPTH_MAX: usize = 64;
/// Deepest nesting of answers.
pub(super) const ANSWER_DEPTH_MAX: usize = 128;

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
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, ToolError> {
        serde_json::from_slice(bytes).map_err(|error| {
            ToolError::new("ValueError", format!("the call is malformed: {error}"))
        })
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
