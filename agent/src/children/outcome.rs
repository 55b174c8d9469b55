//! The outcome of a child, as its parent's code sees it.

use memex_host_tools::Answer;
use memex_trajectories::Status;
use serde_json::{Value, json};

use crate::Objects;

/// The outcome of a child.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    /// The submission, or the answer in words.
    pub(crate) value: Value,
    /// The submission's objects, packed by the child's guest.
    pub(crate) objects: Option<Objects>,
    pub(crate) turns: u64,
    pub(crate) tokens: u64,
}

impl Outcome {
    pub(crate) fn failed(reason: String) -> Self {
        Self {
            status: Status::Failed { reason },
            value: Value::Null,
            objects: None,
            turns: 0,
            tokens: 0,
        }
    }

    /// As the guest is answered.
    pub(crate) fn answer(self) -> Answer {
        let (part, call, parts) = match self.objects {
            Some(Objects { packed, call }) => (json!({ "$part": 0 }), Some(call), vec![packed]),
            None => (Value::Null, None, Vec::new()),
        };
        let json = json!({
            "state": self.status.word(),
            "detail": self.status.to_string(),
            "value": self.value.to_string(),
            "objects": part,
            "call": call,
            "turns": self.turns,
            "tokens": self.tokens,
        });
        Answer { json, parts }
    }
}
