//! A snapshot as it is given to a store.

use std::sync::Arc;

use crate::Digest;

/// The largest chunk.
pub const CHUNK_BYTES_MAX: usize = 1 << 20;
/// The largest head. Heads are meant to be a few kilobytes: what is large
/// belongs in chunks.
pub const HEAD_BYTES_MAX: usize = 16 << 20;
/// The most chunks that one snapshot can refer to: 64 GiB of state.
pub const CHUNKS_MAX: usize = 1 << 16;

/// A session's state, encoded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Saved {
    /// The small part, whose digest names the snapshot. It must determine
    /// `chunk_ids`.
    pub head: Vec<u8>,
    /// The large parts, each under its digest. Those that the store is known
    /// to have may be left out.
    pub chunks: Vec<(Digest, Arc<[u8]>)>,
    /// Every chunk that the head refers to, in order, given here or not.
    pub chunk_ids: Vec<Digest>,
}

impl Saved {
    /// A state without chunks.
    #[must_use]
    pub fn from_head(head: Vec<u8>) -> Self {
        Self {
            head,
            ..Self::default()
        }
    }

    /// Adds a chunk at the end, under its digest.
    #[must_use]
    pub fn with_chunk(mut self, bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        self.chunk_ids.push(digest);
        self.chunks.push((digest, bytes));
        self
    }
}
