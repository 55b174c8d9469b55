//! One step of a run.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::absent::{is_false, present};
use crate::{Observation, Timestamp};

/// What a step, a trajectory or a child is annotated with.
pub type Metadata = Map<String, Value>;

/// One step: a message, or what came of one.
///
/// In code space a run alternates [`StepKind::Model`] steps, which have
/// `code`, with [`StepKind::Observation`] steps. In tools space the model's
/// steps have `tool_calls` and are followed by [`StepKind::Tool`] steps.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its place in the run, counted from 0.
    pub index: u32,
    /// What it is.
    pub kind: StepKind,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The message. A model's reply is whole, its code block included; of an
    /// observation it is what the model was shown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The model's thoughts before its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// The Python block of a model's reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The model, if it is another than the agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why the model stopped, in its provider's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// What the model called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// What the calls returned, in a [`StepKind::Tool`] step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<ToolResult>,
    /// What running the code gave, in a [`StepKind::Observation`] step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation: Option<Observation>,
    /// Tokens and money of the model's reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// What the guest used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<GuestCost>,
    /// The ids of the children that were spawned in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Metadata,
}

/// What a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Instructions to the model.
    System,
    /// A person's or the harness's words: the task above all.
    #[default]
    User,
    /// A reply of the model.
    Model,
    /// What a block of code gave.
    Observation,
    /// What tool calls returned.
    Tool,
}

impl StepKind {
    /// Its name, as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Model => "model",
            Self::Observation => "observation",
            Self::Tool => "tool",
        }
    }
}

/// A call that a model made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// Its id, by which its result names it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments: an object, or the text as it came if it was no JSON.
    #[serde(default)]
    pub arguments: Value,
}

/// What a call returned.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolResult {
    /// The call.
    pub call_id: String,
    /// The tool.
    pub name: String,
    /// What the model was shown.
    #[serde(default)]
    pub content: String,
    /// The value behind it, where it is JSON.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub value: Option<Value>,
    /// Whether the call failed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_error: bool,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// Tokens and money.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Tokens into the model, the cached ones included.
    #[serde(default)]
    pub input_tokens: u64,
    /// Of these, read from the provider's cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Tokens out of the model, its reasoning included.
    #[serde(default)]
    pub output_tokens: u64,
    /// What it cost, where a price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

/// How long a step took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// From the request to the end of the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_ms: Option<u64>,
    /// From the request to the first token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// Running code or tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_ms: Option<u64>,
}

/// What a guest used in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestCost {
    /// Instructions, in the engine's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Time in the guest, without the host calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_time_ms: Option<u64>,
    /// The memory after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}
