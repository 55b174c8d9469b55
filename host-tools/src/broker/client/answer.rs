//! What a client answers to a call.

use super::super::budget::Budget;
use super::super::running::Ended;
use super::super::settlement::{MESSAGE_MAX_CHARS, check_bounds};
use crate::tool::{Answer, ToolError};
use crate::validation::clipped;

/// Most characters of the name of an exception's class.
const CLASS_MAX_CHARS: usize = 64;

/// What the client says of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientAnswer {
    /// The result.
    Value(Answer),
    /// It failed. The guest sees the built-in exception `class`, or `RuntimeError` if
    /// there is none of that name.
    Error {
        /// The name of a built-in exception.
        class: String,
        /// The message.
        message: String,
    },
}

/// Why an answer was not taken. The call, if there is one, is still open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The session never made such a call.
    #[error("there is no call {id:?}")]
    Unknown {
        /// What the answer names.
        id: String,
    },
    /// The call was answered already, or its turn is over.
    #[error("the call {id:?} is not open any more: it was answered, or its turn is over")]
    Closed {
        /// What the answer names.
        id: String,
    },
    /// The value is not what the tool says it returns.
    #[error("the answer to the call {id:?} does not fit the tool's result: {reason}")]
    Type {
        /// The call.
        id: String,
        /// What is wrong, and where.
        reason: String,
    },
}

impl ClientAnswer {
    /// What of it can be kept until the guest takes it: a value that is too large or nested
    /// too deeply becomes the exception that the guest would see, and a long message is cut.
    /// What is kept so can be saved, and taken back from what was saved.
    pub(in crate::broker) fn bounded(self, budget: &Budget, tool: &str) -> Self {
        match self {
            Self::Value(answer) => match check_bounds(budget, tool, &answer.json, &answer.parts) {
                Ok(()) => Self::Value(answer),
                Err(error) => Self::Error {
                    class: error.class.to_owned(),
                    message: error.message,
                },
            },
            Self::Error { class, message } => Self::Error {
                class: clipped(&class, CLASS_MAX_CHARS),
                message: clipped(&message, MESSAGE_MAX_CHARS),
            },
        }
    }

    /// How the call ends by it.
    pub(super) fn into_ended(self) -> Ended {
        Ended::Answered(match self {
            Self::Value(answer) => Ok(answer),
            Self::Error { class, message } => Err(ToolError::named(&class, message)),
        })
    }
}
