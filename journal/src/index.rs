//! Where the newest record of each key lies.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::sync::Arc;

use crate::place::Place;
use crate::record::record_bytes;

/// Where a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Where its record begins.
    pub(crate) at: Place,
    pub(crate) value_bytes: u32,
    /// In seconds since 1970, rounded up: four bytes less for each key.
    pub(crate) written_s: u32,
}

/// What is known of a value without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Bytes of its record.
    pub bytes: u64,
    /// When it was written, in milliseconds since 1970, rounded up to a second.
    pub written_unix_ms: u64,
}

/// A file of the journal.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) file: Arc<File>,
    /// Bytes of it that are written.
    pub(crate) bytes: u32,
    /// Bytes of records that are the newest of their keys.
    pub(crate) live: u64,
}

/// All keys and files.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) slots: HashMap<Box<[u8]>, Slot>,
    pub(crate) segments: BTreeMap<u32, Segment>,
}

impl Segment {
    pub(crate) fn new(file: &Arc<File>, bytes: u32) -> Self {
        Self {
            file: Arc::clone(file),
            bytes,
            live: 0,
        }
    }
}

impl Slot {
    pub(crate) fn new(at: Place, value_bytes: usize, time_unix_ms: u64) -> Self {
        Self {
            at,
            value_bytes: u32::try_from(value_bytes).unwrap_or(u32::MAX),
            written_s: u32::try_from(time_unix_ms.div_ceil(1_000)).unwrap_or(u32::MAX),
        }
    }

    pub(crate) fn record_bytes(&self, key: &[u8]) -> u64 {
        let value = usize::try_from(self.value_bytes).unwrap_or(usize::MAX);
        record_bytes(key.len(), value) as u64
    }

    pub(crate) fn written_unix_ms(&self) -> u64 {
        u64::from(self.written_s) * 1_000
    }
}

impl Index {
    /// Takes note of a record that was written or read, after all before it.
    pub(crate) fn apply(&mut self, key: &[u8], slot: Option<Slot>) {
        let before = match slot {
            Some(slot) => {
                let bytes = slot.record_bytes(key);
                if let Some(segment) = self.segments.get_mut(&slot.at.file) {
                    segment.live = segment.live.saturating_add(bytes);
                }
                match self.slots.get_mut(key) {
                    Some(known) => Some(std::mem::replace(known, slot)),
                    None => self.slots.insert(key.into(), slot),
                }
            }
            None => self.slots.remove(key),
        };
        if let Some(before) = before
            && let Some(segment) = self.segments.get_mut(&before.at.file)
        {
            segment.live = segment.live.saturating_sub(before.record_bytes(key));
        }
    }

    pub(crate) fn kept(&self, key: &[u8]) -> Option<Kept> {
        self.slots.get(key).map(|slot| Kept {
            bytes: slot.record_bytes(key),
            written_unix_ms: slot.written_unix_ms(),
        })
    }
}
