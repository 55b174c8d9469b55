//! Bounds of a state: its quota, checked before anything is built.

use crate::error::Error;
use crate::path::{COMPONENT_BYTES_MAX, PATH_BYTES_MAX};
use crate::quota::Quota;
use crate::scratch::{CHUNK_BYTES, ROOTS};

/// The longest number.
const NUMBER_BYTES: u64 = 10;
/// Of a node: its number, three times, its kind, and two numbers.
const NODE_BYTES: u64 = 3 * NUMBER_BYTES + 3 * 8 + 1;
/// Of a piece of a file: its place and its length.
const PIECE_BYTES: u64 = 2 * NUMBER_BYTES;
/// Of a directory's entry: place, node, and the name with its length.
const ENTRY_BYTES: u64 = 3 * NUMBER_BYTES + COMPONENT_BYTES_MAX as u64;
/// Of a descriptor: six numbers, its kind, and the path with its length.
const OPEN_BYTES: u64 = 7 * NUMBER_BYTES + 1 + PATH_BYTES_MAX as u64;
/// Version, parts, the counts of nodes and descriptors, and the counters.
const FRAME_BYTES: u64 = 2 + 6 * NUMBER_BYTES;

/// Most bytes of a state within a quota.
pub(crate) fn bytes_max(quota: &Quota) -> u64 {
    let nodes = nodes_max(quota);
    // Each file ends with a piece that need not be full.
    let pieces = (quota.file_bytes / CHUNK_BYTES as u64).saturating_add(nodes);
    FRAME_BYTES
        .saturating_add(quota.file_bytes)
        .saturating_add(pieces.saturating_mul(PIECE_BYTES))
        .saturating_add(nodes.saturating_mul(NODE_BYTES))
        .saturating_add(quota.files.saturating_mul(ENTRY_BYTES))
        .saturating_add(quota.open_files.saturating_mul(OPEN_BYTES))
}

/// Nodes have a name, or are roots, or are open.
fn nodes_max(quota: &Quota) -> u64 {
    let named = quota.files.saturating_add(ROOTS.len() as u64);
    named.saturating_add(quota.open_files)
}

/// What a state holds so far, and the most of it.
pub(super) struct Bounds {
    quota: Quota,
    bytes: u64,
    names: u64,
}

impl Bounds {
    pub(super) fn new(quota: &Quota) -> Self {
        Self {
            quota: *quota,
            bytes: 0,
            names: 0,
        }
    }

    /// So many nodes follow.
    pub(super) fn nodes(&self, count: u64) -> Result<(), Error> {
        match count > nodes_max(&self.quota) {
            true => Err(too_large("files", self.quota.files, count)),
            false => Ok(()),
        }
    }

    /// A file or link of so many bytes follows.
    pub(super) fn content(&mut self, bytes: u64) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(bytes);
        within("file_bytes", self.quota.file_bytes, self.bytes)
    }

    /// So many names follow.
    pub(super) fn names(&mut self, count: u64) -> Result<(), Error> {
        self.names = self.names.saturating_add(count);
        within("files", self.quota.files, self.names)
    }

    /// So many descriptors follow.
    pub(super) fn open(&self, count: u64) -> Result<(), Error> {
        within("open_files", self.quota.open_files, count)
    }
}

fn within(name: &'static str, limit: u64, actual: u64) -> Result<(), Error> {
    match actual > limit {
        true => Err(too_large(name, limit, actual)),
        false => Ok(()),
    }
}

fn too_large(name: &'static str, limit: u64, actual: u64) -> Error {
    Error::StateTooLarge {
        name,
        limit,
        actual,
    }
}
