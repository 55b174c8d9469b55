//! The state of a session at rest.

use super::heap::HeapState;
use memex_filesystem::FileState;

/// Everything that makes up a session at rest.
#[derive(Debug, Clone)]
pub(crate) struct RestState {
    pub(crate) heap: HeapState,
    pub(crate) files: FileState,
    /// Whether `heap` holds generators that were seeded for this session.
    pub(crate) seeded: bool,
    /// Whether `heap` and `files` are those of the session now.
    pub(crate) current: bool,
}
