//! States as stores keep them.

use memex_runtime::{Encoded, Error};
use memex_snapshots::{Digest, Saved};

/// An encoded state, for a store.
///
/// # Errors
/// If the head is not that of a snapshot.
pub fn for_store(encoded: Encoded) -> Result<Saved, Error> {
    let info = memex_runtime::snapshot_info(&encoded.head)?;
    let chunks = encoded.chunks.into_iter();
    Ok(Saved {
        head: encoded.head,
        chunks: chunks
            .map(|chunk| (Digest::from_bytes(chunk.digest), chunk.bytes.into()))
            .collect(),
        chunk_ids: info.chunks.into_iter().map(Digest::from_bytes).collect(),
    })
}
