//! Errors on the host's side of an agent.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// Why an agent, a benchmark or a batch could not go on.
///
/// A failure of the model's code is not an error: it is reported to the model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The memory cannot be used.
    #[error(transparent)]
    Memory(#[from] memex_memory::Error),
    /// The model does not answer.
    #[error(transparent)]
    Model(#[from] memex_models::ModelError),
    /// The model wrote more than a reply may have.
    #[error("the model's reply has {bytes} bytes; {limit} are taken")]
    LongReply {
        /// Its size.
        bytes: usize,
        /// The largest size that is accepted.
        limit: usize,
    },
    /// The sandbox cannot be had. The session is lost.
    #[error(transparent)]
    Sandbox(#[from] memex_runtime::Error),
    /// The sandbox's image cannot be prepared to track the changes of blocks.
    #[error("the sandbox cannot be prepared: {0}")]
    Preparation(String),
    /// The tools cannot be offered.
    #[error(transparent)]
    Tools(#[from] memex_host_tools::Error),
    /// The policy of the sandbox breaks a rule.
    #[error(transparent)]
    Policy(#[from] memex_policies::Error),
    /// A record cannot be kept.
    #[error(transparent)]
    Record(#[from] memex_trajectories::Error),
    /// A file of the host cannot be read or written.
    #[error("cannot {doing} {path}: {source}")]
    File {
        /// The operation, as a verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{place}: {what}")]
    Malformed {
        /// The file, and the line in it.
        place: String,
        /// The problem.
        what: String,
    },
    /// The server cannot listen or speak.
    #[error("the server: {0}")]
    Server(String),
    /// The answer was stopped.
    #[error("stopped before there was an answer")]
    Stopped,
    /// The thread that ran a block is gone.
    #[error("the thread that ran Python ended; start another agent")]
    Lost,
    /// The loop failed in another way.
    #[error(transparent)]
    Loop(memex_agent::Error),
}

impl From<memex_agent::Error> for Error {
    fn from(error: memex_agent::Error) -> Self {
        use memex_agent::Error as Failure;
        match error {
            Failure::Model(error) => Self::Model(error),
            Failure::LongReply { bytes, limit } => Self::LongReply { bytes, limit },
            Failure::Runtime(error) => Self::Sandbox(error),
            Failure::Tools(error) => Self::Tools(error),
            Failure::Trajectory(error) => Self::Record(error),
            Failure::Cancelled => Self::Stopped,
            Failure::Lost => Self::Lost,
            error => Self::Loop(error),
        }
    }
}

impl Error {
    /// The word for it, as in `agent_error: WORD: message`.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Memory(memex_memory::Error::Gone) => "FileNotFoundError",
            Self::Memory(_) => "MemoryAccessError",
            Self::Model(_) | Self::LongReply { .. } => "ModelError",
            Self::Sandbox(_) | Self::Preparation(_) | Self::Lost | Self::Policy(_) => {
                "SandboxError"
            }
            Self::Tools(_) => "ToolError",
            Self::Record(_) => "RecordError",
            Self::File { .. } => "OSError",
            Self::Malformed { .. } => "ValueError",
            Self::Server(_) => "ServerError",
            Self::Stopped => "CancelledError",
            Self::Loop(_) => "AgentError",
        }
    }

    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            doing,
            path,
            source,
        }
    }

    pub(crate) fn malformed(file: impl Display, line: Option<usize>, what: impl Display) -> Self {
        let place = match line {
            Some(line) => format!("{file}:{line}"),
            None => file.to_string(),
        };
        Self::Malformed {
            place,
            what: what.to_string(),
        }
    }
}
