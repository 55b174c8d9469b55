//! Errors of a memory.

use rustix::io::Errno;

/// Why a memory did not do what it was asked.
///
/// Whatever the error, no file is half written: each is as it was or as it was
/// to become.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused, in the words Python has for it.
    #[error("[Errno {}] {}: '{path}'", errno.raw_os_error(), words(*errno))]
    System {
        /// The error number.
        errno: Errno,
        /// The path as it was given.
        path: String,
    },
    /// The path leads out of the memory.
    #[error("'{path}' leaves the memory; give a path relative to its root")]
    Outside {
        /// The path as it was given.
        path: String,
    },
    /// The path belongs to the memory itself: its records or its filters.
    #[error("'{path}' belongs to the memory itself; use another name")]
    Reserved {
        /// The path as it was given.
        path: String,
    },
    /// The text is no path.
    #[error("'{path}' is not a usable path: {what}")]
    InvalidPath {
        /// The text, shortened and without control characters.
        path: String,
        /// The problem.
        what: &'static str,
    },
    /// The memory's directory was removed while it was open.
    #[error("the memory's directory is gone; put it back and open the memory again")]
    Gone,
    /// A directory that was to be reset holds something that is no memory.
    #[error(
        "the directory holds files and is no memory: it has no records of changes, and is left as it is"
    )]
    NotAMemory,
    /// Something else than a regular file stands there.
    #[error("'{path}' is not a file")]
    NotAFile {
        /// The path as it was given.
        path: String,
    },
    /// A file that would become larger than files may be, or is.
    #[error("File {path} is too large to {action}: {bytes} bytes; the limit is {limit}")]
    TooLarge {
        /// The path as it was given.
        path: String,
        /// The operation: `create`, `update` or `read`.
        action: &'static str,
        /// How large it is or would be.
        bytes: u64,
        /// How large it may be.
        limit: u64,
    },
    /// A directory, or the whole memory, that would hold more than it may.
    #[error("{place} would hold {actual} {unit}; the limit is {limit}: delete something first")]
    Full {
        /// The directory, or `the memory`.
        place: String,
        /// `bytes` or `entries`.
        unit: &'static str,
        /// The size that it would have.
        actual: u64,
        /// The limit.
        limit: u64,
    },
    /// The file is not UTF-8, in the words Python has for it.
    #[error("{what}")]
    NotText {
        /// The path as it was given.
        path: String,
        /// The place and the reason.
        what: String,
    },
    /// Others kept the memory locked.
    #[error("the memory is busy: others have been writing for {waited_ms} ms; try again")]
    Busy {
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// No such change is in the journal.
    #[error("there is no change {id} in the journal; list the log to see which there are")]
    NoChange {
        /// The change asked for.
        id: u64,
    },
    /// Fewer changes than asked for can be undone.
    #[error("only {there} changes can be undone, not {asked}; ask for fewer")]
    FewChanges {
        /// How many were asked for.
        asked: usize,
        /// How many there are.
        there: usize,
    },
    /// The file is not what the change made of it.
    #[error(
        "'{path}' changed after change {id}; undo the later changes first, or force it and lose them"
    )]
    ChangedSince {
        /// The change to be undone.
        id: u64,
        /// The file.
        path: String,
    },
    /// The change was undone already, never happened, or is not to be undone.
    #[error("change {id} cannot be undone: {what}")]
    NotUndoable {
        /// The change.
        id: u64,
        /// Why.
        what: &'static str,
    },
    /// Text that cannot become a filter.
    #[error("not a filter: {what}")]
    Filter {
        /// The problem.
        what: String,
    },
    /// A static memory or an import that is not what it should be.
    #[error("{place}: {what}")]
    Malformed {
        /// The document, archive or entry.
        place: String,
        /// The problem, and the remedy.
        what: String,
    },
}

impl Error {
    pub(crate) fn system(errno: Errno, path: &str) -> Self {
        Self::System {
            errno,
            path: path.to_owned(),
        }
    }

    pub(crate) fn malformed(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Malformed {
            place: place.into(),
            what: what.into(),
        }
    }

    /// Whether nothing stands at the path.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::System { errno, .. } => [Errno::NOENT, Errno::NOTDIR].contains(errno),
            Self::InvalidPath { .. } => true,
            _ => false,
        }
    }

    /// Whether access was refused, by the operating system or by the memory.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        match self {
            Self::System { errno, .. } => [Errno::ACCESS, Errno::PERM, Errno::ROFS].contains(errno),
            Self::Outside { .. } | Self::Reserved { .. } => true,
            _ => false,
        }
    }
}

/// The system's words for an error, without Rust's own addition.
fn words(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    match text.rfind(" (os error") {
        Some(end) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}
