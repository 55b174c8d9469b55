//! Room for what peers answer, as values: a text of a few megabytes can take gigabytes.

use memex_host_tools::Answer;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What the answers of all tools of a file take as values at once; more wait for their turn.
const TREES_MAX_BYTES: usize = 256 << 20;
/// Smaller values take no room.
const UNIT_BYTES: usize = 64 << 10;
const UNITS_MAX: usize = TREES_MAX_BYTES / UNIT_BYTES;
/// How many times as long as the longest text an answer may be as values.
const FACTOR: usize = 16;
/// What an answer may take as values, where its text may have this many bytes: all room that
/// there is, or more if the file's owner wants long answers.
pub(super) fn tree_max(output_max_bytes: u64) -> usize {
    let bytes = usize::try_from(output_max_bytes).unwrap_or(usize::MAX);
    bytes.saturating_mul(FACTOR).max(TREES_MAX_BYTES)
}

/// What a message of a server may take as values, where its text may have this many bytes.
/// While the library parses it, it holds it twice.
pub(super) fn message_tree_max(maximum: usize) -> usize {
    (maximum.saturating_mul(FACTOR)).max(TREES_MAX_BYTES) / 2
}

/// The room of all tools of a file.
#[derive(Clone)]
pub(super) struct Trees {
    units: Arc<Semaphore>,
}

/// Taken until it is dropped.
#[derive(Default)]
pub(super) struct Room {
    _units: Option<OwnedSemaphorePermit>,
}

impl Trees {
    pub(super) fn new() -> Self {
        Self {
            units: Arc::new(Semaphore::new(UNITS_MAX)),
        }
    }

    /// Whether values of this size take no room.
    pub(super) fn is_small(bytes: usize) -> bool {
        bytes < UNIT_BYTES
    }

    /// Waits until there is room. What takes more than there is waits until it is alone.
    pub(super) async fn room(&self, bytes: usize) -> Room {
        if Self::is_small(bytes) {
            return Room::default();
        }
        let units = (bytes / UNIT_BYTES).min(UNITS_MAX);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        // Never closed, so that this only waits.
        let taken = Arc::clone(&self.units).acquire_many_owned(units).await;
        Room { _units: taken.ok() }
    }
}

/// An answer, with the room that it takes until it is gone.
pub(super) struct Held {
    pub(super) answer: Answer,
    pub(super) room: Room,
}

impl From<Answer> for Held {
    fn from(answer: Answer) -> Self {
        let room = Room::default();
        Self { answer, room }
    }
}
