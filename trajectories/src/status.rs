//! How a run ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a run ended, or that it did not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Status {
    /// No end was written: the run continues, or its process died.
    #[default]
    Unfinished,
    /// A value was submitted and met its schema.
    Submitted,
    /// The agent answered in words.
    Answered,
    /// A budget was used up.
    Exhausted {
        /// Which.
        budget: Budget,
    },
    /// The run could not go on.
    Failed {
        /// Why, for a person.
        reason: String,
    },
    /// It was stopped.
    Cancelled,
}

/// What a run may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// Replies of the model.
    Turns,
    /// Tokens into and out of the model.
    Tokens,
    /// Money.
    Cost,
    /// Time on the wall's clock.
    WallTime,
}

impl Status {
    /// One word: `unfinished`, `submitted`, `answered`, `exhausted`, `failed`
    /// or `cancelled`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Submitted => "submitted",
            Self::Answered => "answered",
            Self::Exhausted { .. } => "exhausted",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the agent gave an answer or a submission.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Submitted | Self::Answered)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhausted { budget } => write!(f, "exhausted ({})", budget.word()),
            Self::Failed { reason } => write!(f, "failed: {reason}"),
            other => f.write_str(other.word()),
        }
    }
}

impl Budget {
    /// Its name for a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::Turns => "turns",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
            Self::WallTime => "wall time",
        }
    }
}
