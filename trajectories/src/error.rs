//! Errors of trajectories.

use std::fmt;
use std::io;

/// Why a trajectory was not read or written.
///
/// Whatever the error, the lines that were written before are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{place}: {source}")]
    Io {
        /// The file.
        place: String,
        /// The system's error.
        source: io::Error,
    },
    /// A file does not have the form that it should have.
    #[error("{0}")]
    Malformed(Box<Malformed>),
    /// A file of a version that this build does not read.
    #[error(
        "{place} has trajectory version {found}, this build reads {supported}; use the build that wrote it"
    )]
    Version {
        /// The file.
        place: String,
        /// The version it has.
        found: u64,
        /// The version this build reads.
        supported: u32,
    },
    /// No format is known that starts as this file does.
    #[error(
        "{place} is in no known trajectory format; give memex JSON lines, ATIF, chat JSON lines or rollout JSON lines"
    )]
    UnknownFormat {
        /// The file.
        place: String,
    },
    /// A line or document over its bound.
    #[error(
        "{place}: {what} is over {limit_bytes} bytes; split it, or leave out its largest displays"
    )]
    TooLarge {
        /// The file.
        place: String,
        /// The line or document.
        what: String,
        /// How large it may be.
        limit_bytes: u64,
    },
    /// Children nested deeper than can be read back.
    #[error(
        "trajectory {id} nests children more than {limit} deep; save the deepest as files of their own and refer to them"
    )]
    TooDeep {
        /// The outermost trajectory.
        id: String,
        /// How deep they may be nested.
        limit: usize,
    },
    /// A step that does not follow the last.
    #[error(
        "{place}: step {found} was given where step {expected} follows; give steps in order, counted from 0"
    )]
    StepOrder {
        /// The file.
        place: String,
        /// The index that follows.
        expected: u32,
        /// The index that was given.
        found: u32,
    },
    /// Two children under one id.
    #[error("trajectory {id} has two children named {child}; give each child an id of its own")]
    DuplicateChild {
        /// The parent.
        id: String,
        /// The id that occurs twice.
        child: String,
    },
    /// Another process is writing the file.
    #[error("{place} is being written by another process; wait until that run ends")]
    InUse {
        /// The file.
        place: String,
    },
    /// A failed write could not be undone.
    #[error("{place} was left with half a line by a failed write; open it anew to repair it")]
    Poisoned {
        /// The file.
        place: String,
    },
}

/// Where and how a file is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The file.
    pub place: String,
    /// The line, counted from 1, where one is known.
    pub line: Option<usize>,
    /// The field, such as `steps[3].tool_calls[0].arguments`; empty for the
    /// whole line or document.
    pub field: String,
    /// The problem.
    pub what: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if !self.field.is_empty() {
            write!(f, ", field {}", self.field)?;
        }
        write!(f, ": {}", self.what)
    }
}

impl Error {
    pub(crate) fn malformed(
        place: &str,
        line: Option<usize>,
        field: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self::Malformed(Box::new(Malformed {
            place: place.to_owned(),
            line,
            field: field.into(),
            what: what.into(),
        }))
    }

    pub(crate) fn io(place: &str) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io {
            place: place.to_owned(),
            source,
        }
    }
}
