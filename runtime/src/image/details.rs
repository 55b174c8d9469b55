//! The files of entries, and what the records of entries add.

use super::description::DESCRIPTION_FILE;
use serde::{Deserialize, Serialize};

pub(super) const CODE_FILE: &str = "guest.cwasm";
pub(super) const SEGMENTS_FILE: &str = "segments.bin";
pub(super) const CODE_FILES: &[&str] = &[CODE_FILE, SEGMENTS_FILE];
pub(super) const MEMORY_FILE: &str = "memory.img";
pub(super) const IMAGE_FILES: &[&str] = &[MEMORY_FILE, DESCRIPTION_FILE];

/// What the record of a code entry adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeDetails {
    /// Loop headers that test the interrupt flag.
    pub(super) loops: u64,
    /// Bulk memory operations that are chunked.
    pub(super) bulk_operations: u64,
}

/// What the record of an image entry adds to its description: what differs
/// from cache to cache.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageDetails {
    /// Where it comes from, unless it was built here.
    pub(super) pulled: Option<Origin>,
}

/// From where an image was pulled, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Origin {
    pub(super) from: String,
    pub(super) unix_ms: u64,
}
