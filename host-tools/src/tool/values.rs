//! What tools are described by, take and answer.

use serde_json::{Map, Value};
use std::time::Duration;

/// The key of a JSON object that stands for a binary part: `{"$part": 0}` is
/// the first part of the frame.
pub const PART_KEY: &str = "$part";

/// What a tool is called, what it takes and what it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// The name, as models and guest code use it.
    pub name: String,
    /// What it does, in the words meant for models.
    pub description: String,
    /// JSON Schema of the arguments: an object schema.
    pub parameters: Value,
    /// JSON Schema of the result, if it is known.
    pub returns: Option<Value>,
    /// How long a call may take; the broker's own bound applies without.
    pub timeout: Option<Duration>,
}

/// The arguments of a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arguments {
    /// By parameter name. Binary values are `{"$part": n}`.
    pub json: Map<String, Value>,
    /// The binary parts that `json` refers to.
    pub parts: Vec<Vec<u8>>,
}

/// What a tool answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The result. Binary values are `{"$part": n}`.
    pub json: Value,
    /// The binary parts that `json` refers to.
    pub parts: Vec<Vec<u8>>,
}

impl Answer {
    /// A result without binary parts.
    #[must_use]
    pub fn json(json: Value) -> Self {
        Self {
            json,
            parts: Vec::new(),
        }
    }
}
