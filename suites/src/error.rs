//! Errors of suites.

use std::io;

/// Why a suite was not made, read or graded.
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
    /// A line of a task file is no task.
    #[error("{place}, line {line}, field {field}: {what}")]
    Malformed {
        /// The file.
        place: String,
        /// The line, counted from 1.
        line: usize,
        /// The field; empty for the whole line.
        field: String,
        /// The problem.
        what: String,
    },
    /// Two tasks have one id.
    #[error("{place}, line {line}: there is another task {id}; give each an id of its own")]
    Duplicate {
        /// The file.
        place: String,
        /// The line of the second.
        line: usize,
        /// Their id.
        id: String,
    },
    /// A task cannot be graded as it says.
    #[error("task {id}: {what}; correct its grader")]
    Ungradable {
        /// The task.
        id: String,
        /// The problem.
        what: String,
    },
    /// The database could not be written.
    #[error("{place}: {source}")]
    Database {
        /// The file.
        place: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl Error {
    pub(crate) fn io(place: &str) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io {
            place: place.to_owned(),
            source,
        }
    }
}
