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
    /// The loop failed: the model does not answer, the scope is lost, the answer
    /// was stopped, the record cannot be kept.
    #[error(transparent)]
    Agent(#[from] memex_agent::Error),
    /// The sandbox's image cannot be prepared to track the changes of blocks.
    #[error("the sandbox cannot be prepared: {0}")]
    Preparation(String),
    /// The policy of the sandbox breaks a rule.
    #[error(transparent)]
    Policy(#[from] memex_policies::Error),
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
}

impl Error {
    /// The word for it, as in `agent_error: WORD: message`.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Memory(memex_memory::Error::Gone) => "FileNotFoundError",
            Self::Memory(_) => "MemoryAccessError",
            Self::Agent(error) => class_of(error),
            Self::Preparation(_) | Self::Policy(_) => "SandboxError",
            Self::File { .. } => "OSError",
            Self::Malformed { .. } => "ValueError",
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

fn class_of(error: &memex_agent::Error) -> &'static str {
    use memex_agent::Error;
    match error {
        Error::Model(_) | Error::LongReply { .. } => "ModelError",
        Error::Runtime(_) | Error::Lost => "SandboxError",
        Error::Tools(_) => "ToolError",
        Error::Trajectory(_) => "RecordError",
        Error::Cancelled => "CancelledError",
        _ => "AgentError",
    }
}
