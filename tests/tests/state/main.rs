//! Saving, restoring, forking and rewinding sessions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
mod damage;
mod fidelity;
mod files;
mod forks;
mod hibernation;
mod midturn;
mod pool;
mod randomness;
mod rewinding;
mod specs;
mod suspension;
mod waiting;

use memex_runtime::{Chunk, Encoded, Error, Generators, Sandbox, Session, Snapshot};

/// Encodes a snapshot and decodes it again, as another process would.
fn through_bytes(sandbox: &Sandbox, snapshot: &Snapshot, generators: Generators) -> Snapshot {
    let encoded = sandbox
        .encode(snapshot, generators)
        .expect("a snapshot encodes");
    decode(sandbox, &encoded).expect("what was encoded decodes")
}

fn decode(sandbox: &Sandbox, encoded: &Encoded) -> Result<Snapshot, Error> {
    sandbox
        .decode(&encoded.head, |digest| chunk(&encoded.chunks, digest))
        .map(|(snapshot, _)| snapshot)
}

fn chunk(chunks: &[Chunk], digest: &[u8; 32]) -> Result<Vec<u8>, Error> {
    chunks
        .iter()
        .find(|chunk| chunk.digest == *digest)
        .map(|chunk| chunk.bytes.clone())
        .ok_or_else(|| Error::Snapshot("no such chunk".into()))
}

fn restored(sandbox: &Sandbox, snapshot: &Snapshot) -> Session {
    sandbox
        .restore(snapshot, Generators::Fresh, Default::default())
        .expect("a snapshot restores")
        .0
}
