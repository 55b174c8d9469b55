//! Saving.

use std::collections::{BTreeSet, HashMap};

use crate::backend::{Backend, Key};
use crate::codec::{decode_snapshot, encode_chunk, encode_snapshot};
use crate::{
    CHUNK_BYTES_MAX, CHUNKS_MAX, Digest, Error, HEAD_BYTES_MAX, Record, RecordDraft, Saved,
    SnapshotId,
};

/// Chunks encoded and written at a time: what bounds the memory this takes.
const CHUNKS_PER_WRITE: usize = 32;
/// How often saving starts over because a sweep came in between.
const ATTEMPTS_MAX: usize = 20;

/// When a snapshot has to be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Before this returns.
    Now,
    /// Once the name is that will be moved to it.
    Named,
}

/// Writes the chunks, then the snapshot: one that can be read has its chunks.
pub(crate) fn put<B: Backend>(
    backend: &B,
    saved: &Saved,
    draft: &RecordDraft,
    when: When,
) -> Result<Record, Error> {
    check(saved)?;
    draft.check()?;
    let id = SnapshotId::of(&saved.head);
    for _ in 0..ATTEMPTS_MAX {
        let pass = backend.enter()?;
        let record = put_once(backend, id, saved, draft, when)?;
        if backend.intact(&pass)? {
            return Ok(record);
        }
    }
    Err(Error::Busy {
        place: backend.place(&Key::snapshot(&id)),
        what: "collections kept coming in between",
    })
}

fn put_once<B: Backend>(
    backend: &B,
    id: SnapshotId,
    saved: &Saved,
    draft: &RecordDraft,
    when: When,
) -> Result<Record, Error> {
    let write = |object| match when {
        When::Now => backend.write(&[object]),
        When::Named => backend.write_ahead(&[object]),
    };
    let added = write_chunks(backend, saved)?;
    let key = Key::snapshot(&id);
    // A damaged snapshot is written anew; one that cannot be judged is not.
    if let Some(object) = backend.read(&key)? {
        match readable(&object, &id) {
            Ok(record) if record.chunk_ids == saved.chunk_ids => {
                // Written again, it is durable and young again, even if an old
                // process wrote it first.
                write((key, object))?;
                return Ok(record);
            }
            Ok(_) => return Err(Error::OtherChunks { id }),
            Err(Error::Damaged { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    let record = draft.record(id, saved.head.len(), added, &saved.chunk_ids);
    write((key, encode_snapshot(&record, &saved.head)))?;
    Ok(record)
}

fn readable(object: &[u8], id: &SnapshotId) -> Result<Record, Error> {
    match decode_snapshot(object, id) {
        Ok((record, _)) => Ok(record),
        Err(flaw) => Err(flaw.at(format!("snapshot {id}"))),
    }
}

/// Writes the chunks that are not there, and returns how many bytes that took.
fn write_chunks<B: Backend>(backend: &B, saved: &Saved) -> Result<u64, Error> {
    let wanted: BTreeSet<Digest> = saved.chunk_ids.iter().copied().collect();
    if wanted.is_empty() {
        return Ok(0);
    }
    let given: HashMap<&Digest, &[u8]> = saved
        .chunks
        .iter()
        .map(|(digest, bytes)| (digest, bytes.as_ref()))
        .collect();
    let keys: Vec<Key> = wanted.iter().map(Key::chunk).collect();
    let present = backend.present(&keys)?;
    let mut missing = Vec::new();
    for (digest, present) in wanted.iter().zip(present) {
        if !present {
            let bytes = given
                .get(digest)
                .ok_or(Error::MissingChunk { digest: *digest })?;
            missing.push((*digest, *bytes));
        }
    }
    let mut added = 0;
    for group in missing.chunks(CHUNKS_PER_WRITE) {
        let mut objects = Vec::with_capacity(group.len());
        for (digest, bytes) in group {
            if Digest::of(bytes) != *digest {
                return Err(Error::WrongDigest { digest: *digest });
            }
            let object = encode_chunk(bytes);
            added += object.len() as u64;
            objects.push((Key::chunk(digest), object));
        }
        backend.write(&objects)?;
    }
    Ok(added)
}

fn check(saved: &Saved) -> Result<(), Error> {
    let largest = saved.chunks.iter().map(|(_, bytes)| bytes.len()).max();
    for (what, actual, limit, remedy) in [
        (
            "the head, in bytes,",
            saved.head.len(),
            HEAD_BYTES_MAX,
            "move what is large into chunks",
        ),
        (
            "the number of chunks",
            saved.chunk_ids.len(),
            CHUNKS_MAX,
            "use larger chunks",
        ),
        (
            "a chunk, in bytes,",
            largest.unwrap_or(0),
            CHUNK_BYTES_MAX,
            "split it",
        ),
    ] {
        if actual > limit {
            return Err(Error::TooLarge {
                what,
                actual,
                limit,
                remedy,
            });
        }
    }
    Ok(())
}
