//! Pointers: the snapshot that a session's name refers to.

use crate::SnapshotId;

/// A named session: where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionHead {
    /// Its name.
    pub name: String,
    /// Its newest snapshot.
    pub snapshot: SnapshotId,
    /// When it last moved, in milliseconds since 1970.
    pub updated_unix_ms: u64,
}
