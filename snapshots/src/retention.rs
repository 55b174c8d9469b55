//! Retention: the snapshots that a collection keeps.

use std::time::Duration;

/// How long an object is safe from collection by default: long enough for a
/// snapshot that is saved but not yet named.
pub const GRACE_DEFAULT: Duration = Duration::from_hours(1);

/// What a collection keeps besides what it always keeps: the snapshots that
/// sessions point at, those with a label, and whatever is younger than the
/// grace period.
///
/// With neither `last` nor `every`, every snapshot on a session's trail stays.
/// With one of them or both, a snapshot on a trail stays if either says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Keep the newest so many snapshots of each trail. Default: no rule.
    pub last: Option<u64>,
    /// Keep the snapshots whose turn is a multiple of this; zero is a multiple
    /// of nothing. Default: no rule.
    pub every: Option<u64>,
    /// Younger objects are never collected. Default: [`GRACE_DEFAULT`].
    pub grace: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            last: None,
            every: None,
            grace: GRACE_DEFAULT,
        }
    }
}

impl Retention {
    /// Whether a snapshot stays that is `distance` steps from its trail's end.
    pub(crate) fn keeps(&self, distance: u64, turn: u64) -> bool {
        distance == 0
            || (self.last.is_none() && self.every.is_none())
            || self.last.is_some_and(|last| distance < last)
            || self
                .every
                .is_some_and(|every| turn.checked_rem(every) == Some(0))
    }
}

/// What a collection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GcReport {
    /// Snapshots that stayed.
    pub kept: u64,
    /// Snapshots removed.
    pub removed: u64,
    /// Chunks removed.
    pub chunks_removed: u64,
    /// Bytes freed, as stored, with those of abandoned temporary files.
    pub bytes: u64,
}
