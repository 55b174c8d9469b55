//! States as stores keep them.

use memex_runtime::{Chunk, Encoded, Error, snapshot_info};
use memex_snapshots::{Digest, Saved, SnapshotStore};

/// An encoded state, for a store.
///
/// # Errors
/// If the head is not that of a snapshot.
pub fn for_store(encoded: Encoded) -> Result<Saved, Error> {
    let info = snapshot_info(&encoded.head)?;
    let chunks = encoded.chunks.into_iter();
    Ok(Saved {
        head: encoded.head,
        chunks: chunks
            .map(|chunk| (Digest::from_bytes(chunk.digest), chunk.bytes.into()))
            .collect(),
        chunk_ids: info.chunks.into_iter().map(Digest::from_bytes).collect(),
    })
}

/// A head that came from a store, with the chunks that it names.
///
/// # Errors
/// For a head that is none, and for chunks that cannot be had.
pub fn from_store<E>(store: &dyn SnapshotStore, head: Vec<u8>) -> Result<Encoded, E>
where
    E: From<Error> + From<memex_snapshots::Error>,
{
    let mut wanted = snapshot_info(&head)?.chunks;
    wanted.sort_unstable();
    wanted.dedup();
    let digests: Vec<Digest> = wanted.iter().copied().map(Digest::from_bytes).collect();
    let fetched = store.chunks(&digests)?;
    let chunks = wanted.into_iter().zip(fetched);
    let chunks = chunks.map(|(digest, bytes)| Chunk { digest, bytes });
    Ok(Encoded {
        head,
        chunks: chunks.collect(),
    })
}
