//! The outcome of a child, as its parent's code sees it.

use memex_host_tools::Answer;
use memex_trajectories::{Budget, Status};
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

    /// Why there is no result, and what would help.
    fn detail(&self) -> String {
        let Status::Exhausted { budget } = self.status else {
            return self.status.to_string();
        };
        let setting = match budget {
            Budget::Turns => "turns",
            Budget::Tokens => "tokens",
            Budget::Cost => "cost_usd",
            Budget::WallTime => "wall_time_ms",
        };
        format!(
            "its budget of {} was used up after {} turns and {} tokens; give it more with \
             budget={{\"{setting}\": …}}, as far as the run has it, or a smaller task",
            budget.word(),
            self.turns,
            self.tokens,
        )
    }

    /// As the guest is answered.
    pub(crate) fn answer(self) -> Answer {
        let detail = self.detail();
        let (part, call, parts) = match self.objects {
            Some(Objects { packed, call }) => (json!({ "$part": 0 }), Some(call), vec![packed]),
            None => (Value::Null, None, Vec::new()),
        };
        let json = json!({
            "state": self.status.word(),
            "detail": detail,
            "value": self.value.to_string(),
            "objects": part,
            "call": call,
            "turns": self.turns,
            "tokens": self.tokens,
        });
        Answer { json, parts }
    }
}
