//! A session's state, in this process or as bytes.

use std::collections::HashMap;

use memex_runtime::{Chunk, Encoded, Generators, Sandbox};
use memex_sessions::Suspension;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::{Class, raise, runtime};
use crate::owned::Owned;

/// What the bytes begin with: a name, and the version of this form.
const MAGIC: &[u8; 8] = b"memexsn\x01";
/// What the bytes of a session that waits begin with.
const WAITING_MAGIC: &[u8; 8] = b"memexwt\x01";
const DIGEST_BYTES: usize = 32;

/// A state between turns.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct Snapshot {
    pub(crate) inner: Owned<(Sandbox, memex_runtime::Snapshot)>,
}

impl Snapshot {
    pub(crate) fn new(sandbox: Sandbox, snapshot: memex_runtime::Snapshot) -> Self {
        Self {
            inner: Owned::new((sandbox, snapshot)),
        }
    }
}

#[pymethods]
impl Snapshot {
    /// The number of the last turn.
    #[getter]
    fn turn(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.inner.get(py)?.1.turn())
    }

    /// The name of its image.
    #[getter]
    fn image(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.inner.get(py)?.0.image().name().to_owned())
    }

    /// The state as bytes, generators included.
    fn encode<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let (sandbox, snapshot) = self.inner.get(py)?;
        let encoded = py.detach(|| sandbox.encode(snapshot, Generators::Keep));
        let encoded = encoded.map_err(|error| runtime(py, &error))?;
        Ok(PyBytes::new(py, &joined(&encoded)))
    }
}

/// Reads what [`Snapshot::encode`] wrote, for a session of `sandbox`. No byte is
/// trusted.
pub(crate) fn decode(
    py: Python<'_>,
    sandbox: &Sandbox,
    bytes: &[u8],
) -> PyResult<memex_runtime::Snapshot> {
    let Some(encoded) = split(bytes) else {
        return Err(raise(
            py,
            Class::Snapshot,
            "these bytes are no snapshot of this version: they are cut off, or of another form",
        ));
    };
    let decoded = py.detach(|| {
        let chunks = encoded.chunks.iter();
        let chunks: HashMap<_, _> = chunks.map(|chunk| (chunk.digest, &chunk.bytes)).collect();
        sandbox.decode(&encoded.head, |digest| {
            let chunk = chunks.get(digest).map(|&bytes| bytes.clone());
            chunk.ok_or_else(|| memex_runtime::Error::Snapshot("a chunk is missing".into()))
        })
    });
    let (snapshot, _) = decoded.map_err(|error| runtime(py, &error))?;
    Ok(snapshot)
}

/// A session that waits, as bytes: its turn, its state before the turn, and its state
/// now, which is empty where the turn is to run again.
pub(crate) fn waiting_bytes(saved: &Suspension) -> serde_json::Result<Vec<u8>> {
    let mut bytes = WAITING_MAGIC.to_vec();
    push(&mut bytes, &serde_json::to_vec(&saved.turn)?);
    push(&mut bytes, &joined(&saved.start));
    let state = saved.state.as_ref().map(joined);
    push(&mut bytes, &state.unwrap_or_default());
    Ok(bytes)
}

/// Reads what [`waiting_bytes`] wrote; nothing in it is trusted.
pub(crate) fn waiting_of(bytes: &[u8]) -> Option<Suspension> {
    let mut rest = bytes.strip_prefix(WAITING_MAGIC)?;
    let turn = serde_json::from_slice(take(&mut rest)?).ok()?;
    let start = split(take(&mut rest)?)?;
    let state = match take(&mut rest)? {
        [] => None,
        state => Some(split(state)?),
    };
    rest.is_empty().then_some(Suspension { state, start, turn })
}

fn joined(encoded: &Encoded) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    push(&mut bytes, &encoded.head);
    for chunk in &encoded.chunks {
        bytes.extend_from_slice(&chunk.digest);
        push(&mut bytes, &chunk.bytes);
    }
    bytes
}

fn push(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
    bytes.extend_from_slice(part);
}

fn split(bytes: &[u8]) -> Option<Encoded> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let head = take(&mut rest)?.to_vec();
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let (digest, after) = rest.split_first_chunk::<DIGEST_BYTES>()?;
        rest = after;
        chunks.push(Chunk {
            digest: *digest,
            bytes: take(&mut rest)?.to_vec(),
        });
    }
    Some(Encoded { head, chunks })
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let part = after.get(..length)?;
    *rest = after.get(length..)?;
    Some(part)
}
