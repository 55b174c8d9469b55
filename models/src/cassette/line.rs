//! One line of a recording.

use serde::{Deserialize, Serialize};

use crate::{ModelError, Reply, Request};

/// The version that is written.
pub(super) const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) version: u32,
    pub(super) digest: String,
    pub(super) model: String,
    pub(super) request: Request,
    pub(super) outcome: Outcome,
    pub(super) elapsed_ms: u64,
}

/// The outcome of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Reply(Reply),
    Failure {
        message: String,
        status: Option<u16>,
    },
}

impl Outcome {
    pub(super) fn of(result: &Result<Reply, ModelError>) -> Self {
        match result {
            Ok(reply) => Self::Reply(reply.clone()),
            Err(error) => Self::Failure {
                message: error.to_string(),
                status: error.status(),
            },
        }
    }

    pub(super) fn into_result(self) -> Result<Reply, ModelError> {
        match self {
            Self::Reply(reply) => Ok(reply),
            Self::Failure { message, status } => Err(ModelError::Recorded { message, status }),
        }
    }
}
