//! Errors of a store.

use std::io;

use crate::{Digest, SnapshotId};

/// Why a store did not do what it was asked.
///
/// Whatever the error, what was acknowledged before is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such snapshot.
    #[error("snapshot {id} is not in the store; it was never saved there, or was collected")]
    NoSnapshot {
        /// The snapshot asked for.
        id: SnapshotId,
    },
    /// No such session.
    #[error("there is no session {name:?} in the store; list the sessions to see which there are")]
    NoSession {
        /// The session asked for.
        name: String,
    },
    /// A chunk that is neither stored nor given.
    #[error(
        "chunk {digest} is not in the store; rewind to a snapshot that does not need it, or save again with its bytes"
    )]
    MissingChunk {
        /// The chunk.
        digest: Digest,
    },
    /// A chunk was given under another's name.
    #[error(
        "a chunk given as {digest} is not that chunk; name each by the BLAKE3 digest of its bytes"
    )]
    WrongDigest {
        /// The name it was given.
        digest: Digest,
    },
    /// The snapshot is stored with other chunks than were given now.
    #[error(
        "snapshot {id} is stored with other chunks than given; a head must determine its chunks"
    )]
    OtherChunks {
        /// The snapshot.
        id: SnapshotId,
    },
    /// Stored bytes are not what was stored.
    #[error("{place} is damaged: {what}; {remedy}")]
    Damaged {
        /// The file or object.
        place: String,
        /// The problem.
        what: &'static str,
        /// What can be done.
        remedy: &'static str,
    },
    /// Stored bytes are of a version that this build does not read.
    #[error(
        "{place} has format version {found}, this build reads {supported}; use the build that wrote it"
    )]
    Version {
        /// The file or object.
        place: String,
        /// The version it has.
        found: u16,
        /// The version this build reads.
        supported: u16,
    },
    /// A name that sessions cannot have.
    #[error(
        "session name {name:?} cannot be used: {reason}; use 1 to 100 of A-Z a-z 0-9 . _ - and no dot in front"
    )]
    Name {
        /// The name.
        name: String,
        /// The problem.
        reason: &'static str,
    },
    /// A session moved since it was read.
    #[error(
        "session {name:?} was to move from {} but is at {}; another process moved it: read it again, or save under another name",
        shown(expected),
        shown(found)
    )]
    Conflict {
        /// The session.
        name: String,
        /// Where the caller thought it stood.
        expected: Option<SnapshotId>,
        /// The snapshot that it points at.
        found: Option<SnapshotId>,
    },
    /// A session is locked.
    #[error("session {name} is in use by {holder}; wait until it is done, or fork the session")]
    SessionInUse {
        /// The session.
        name: String,
        /// Who holds it, such as "another process (pid 71)".
        holder: String,
        /// The holder's process id, if it could be read.
        pid: Option<u32>,
    },
    /// Something given is over a bound.
    #[error("{what} is {actual}, more than the {limit} allowed; {remedy}")]
    TooLarge {
        /// What, and in which unit.
        what: &'static str,
        /// How large it is.
        actual: usize,
        /// How large it may be.
        limit: usize,
        /// What can be done.
        remedy: &'static str,
    },
    /// The disk is full, or a quota or file size limit is reached.
    #[error("no room to write {place}; free space or collect the store. Nothing was changed")]
    Full {
        /// The file.
        place: String,
        /// The system's error.
        source: io::Error,
    },
    /// The disk is mounted read-only.
    #[error(
        "{place} is on a read-only disk; give a store that can be written. Nothing was changed"
    )]
    ReadOnly {
        /// The file.
        place: String,
        /// The system's error.
        source: io::Error,
    },
    /// The system refused something else.
    #[error("cannot {action} {place}: {source}")]
    Io {
        /// The operation.
        action: &'static str,
        /// With which file.
        place: String,
        /// The system's error.
        source: io::Error,
    },
    /// Others may write what only the store's owner should.
    #[error(
        "{place} {reason}, so its content cannot be trusted; correct it with chown and chmod go-w"
    )]
    NotPrivate {
        /// The file or directory.
        place: String,
        /// What is wrong with its owner or mode.
        reason: &'static str,
    },
    /// A directory that holds something else.
    #[error("{place} is not a store: {reason}; name a new or empty directory")]
    NotAStore {
        /// The directory.
        place: String,
        /// What speaks against it.
        reason: &'static str,
    },
    /// A URL that names no store.
    #[error(
        "{url:?} names no store: {reason}; write s3://BUCKET/PREFIX, file:///DIRECTORY or memory://"
    )]
    Url {
        /// The URL, without credentials.
        url: String,
        /// The problem.
        reason: String,
    },
    /// A remote store failed, after retries.
    #[error("cannot {action} {place}: {source}")]
    Remote {
        /// The operation.
        action: &'static str,
        /// With which object.
        place: String,
        /// The service's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Others kept the store busy for too long.
    #[error("{place} stayed busy: {what}; try again later")]
    Busy {
        /// The store or object.
        place: String,
        /// The awaited event.
        what: &'static str,
    },
}

impl Error {
    /// The error of a file operation, sorted by what the reader can do.
    pub(crate) fn io(action: &'static str, place: impl Into<String>, source: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let place = place.into();
        match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full { place, source },
            ReadOnlyFilesystem => Self::ReadOnly { place, source },
            _ => Self::Io {
                action,
                place,
                source,
            },
        }
    }
}

fn shown(id: &Option<SnapshotId>) -> String {
    id.map_or_else(|| "nothing".to_owned(), |id| id.short())
}
