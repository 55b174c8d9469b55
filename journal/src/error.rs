//! Errors of a journal.

use std::io;
use std::path::PathBuf;

/// Why a journal did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process has it open, or this one has.
    #[error(
        "the journal in {} is in use by another process; hint: one server uses a data directory at a time",
        directory.display()
    )]
    InUse {
        /// Its directory.
        directory: PathBuf,
    },
    /// A file that this program did not write, or of which the beginning is damaged.
    #[error(
        "{} is no file of a journal: {what}; hint: restore it from a copy, or move it away and lose what is in it",
        file.display()
    )]
    NotAJournal {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// A file of another version.
    #[error(
        "{} has format version {found}, this build reads {supported}; hint: use the build that wrote it",
        file.display()
    )]
    Version {
        /// The file.
        file: PathBuf,
        /// The version it has.
        found: u32,
        /// The version this build reads.
        supported: u32,
    },
    /// A record that was whole when the journal was opened is not what was written.
    #[error(
        "{} is damaged at byte {at}; hint: restore it from a copy",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where the record begins.
        at: u32,
    },
    /// A key or value over its bound.
    #[error("{what} has {actual} bytes, more than the {limit} allowed; hint: keep it in a file")]
    TooLarge {
        /// Which.
        what: &'static str,
        /// How large it is.
        actual: usize,
        /// How large it may be.
        limit: usize,
    },
    /// The disk is full. Nothing was changed.
    #[error("no room to write {}: {source}; hint: free space", file.display())]
    Full {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The files were removed under the journal. Nothing was changed.
    #[error(
        "{} was removed while it was used; hint: stop the server, and restore the directory",
        file.display()
    )]
    Vanished {
        /// The file that is gone.
        file: PathBuf,
    },
    /// An earlier failure left in doubt what is on the disk: nothing is written any more.
    #[error(
        "the journal in {} is closed since the disk failed; hint: look at the disk, and start the server again",
        directory.display()
    )]
    Closed {
        /// Its directory.
        directory: PathBuf,
    },
    /// The system refused something else.
    #[error("cannot {action} {}: {source}", place.display())]
    Io {
        /// The operation.
        action: &'static str,
        /// With which file.
        place: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, place: impl Into<PathBuf>, source: io::Error) -> Self {
        let place = place.into();
        match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full {
                file: place,
                source,
            },
            _ => Self::Io {
                action,
                place,
                source,
            },
        }
    }
}
