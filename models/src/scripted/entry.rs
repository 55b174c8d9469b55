//! One reply of a script.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::estimate::estimate_usage;
use crate::{Message, Part, Reply, Request, Role, StopReason, ToolCall, Usage};

/// One reply, whom it is for, and what must have been asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptEntry {
    /// Only for this agent. Default: for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Only for this conversation. Default: for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// What the request must be. Default: anything.
    #[serde(skip_serializing_if = "Expectation::is_anything")]
    pub expect: Expectation,
    /// How often it serves; 0 is any number of times. Default: once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// What the model says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What it thinks.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    /// The tools it calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ScriptedCall>,
    /// Why it stops. Default: for its tool calls, or at the end of its turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopReason>,
    /// What it uses. Default: an estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// How long it takes before it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// How it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail: Option<Failure>,
}

/// What a request must be for an entry to serve it. All that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expectation {
    /// The text of the last message contains this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// A regular expression is found in the text of the last message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// The number of messages, the system's included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<usize>,
    /// Tools that are offered, among others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
}

/// A tool call of a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedCall {
    /// Its id. Default: made from the reply's number and its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The tool.
    pub name: String,
    /// The arguments; a string is sent as it stands, so that it may be bad JSON.
    #[serde(default)]
    pub arguments: Value,
}

/// How a scripted reply fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Failure {
    /// An HTTP status in place of an answer.
    Http {
        /// The status.
        status: u16,
        /// The provider's word for it.
        #[serde(default)]
        code: Option<String>,
        /// Its text.
        #[serde(default)]
        message: Option<String>,
        /// How long it asks to wait.
        #[serde(default)]
        retry_after_ms: Option<u64>,
    },
    /// The answer ends after so many pieces.
    Cut {
        /// Pieces that still come.
        after_pieces: usize,
    },
    /// The answer stands still after so many pieces.
    Stall {
        /// Pieces that still come.
        after_pieces: usize,
    },
    /// The answer turns into nonsense after so many pieces.
    Malformed {
        /// Pieces that still come.
        after_pieces: usize,
    },
    /// There is never any answer.
    Timeout,
    /// The connection closes without an answer.
    Disconnect,
}

impl ScriptEntry {
    /// The reply that it stands for, as the `number`th of its conversation.
    #[must_use]
    pub fn reply(&self, model: &str, number: usize, request: &Request) -> Reply {
        let mut parts = Vec::new();
        if !self.reasoning.is_empty() {
            parts.push(Part::Reasoning {
                text: self.reasoning.clone(),
                opaque: None,
            });
        }
        if !self.text.is_empty() {
            parts.push(Part::text(self.text.as_str()));
        }
        for (index, call) in self.tool_calls.iter().enumerate() {
            let id = call.id.clone();
            parts.push(Part::ToolCall(ToolCall {
                id: id.unwrap_or_else(|| format!("call_{number}_{}", index + 1)),
                name: call.name.clone(),
                arguments: match &call.arguments {
                    Value::String(text) => text.clone(),
                    Value::Null => "{}".to_owned(),
                    value => value.to_string(),
                },
                opaque: None,
            }));
        }
        let message = Message {
            role: Role::Assistant,
            parts,
        };
        let stop = self.stop.clone().unwrap_or(match self.tool_calls.len() {
            0 => StopReason::EndTurn,
            _ => StopReason::ToolCalls,
        });
        let usage = self.usage;
        Reply {
            usage: usage.unwrap_or_else(|| estimate_usage(request, &message)),
            message,
            stop,
            model: model.to_owned(),
            id: format!("reply_{number}"),
        }
    }
}
