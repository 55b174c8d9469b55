//! A scope in a file beside its trajectory: the last state, for resuming.
//!
//! ```text
//! "memexscope2\n" | steps u32 | head length u32 | head | (digest 32 bytes | length u32 | bytes)*
//! ```
//! `steps` says after how many steps of the trajectory the scope was as here: code
//! of later steps runs again when it is taken up. Version 1 has no such number and
//! holds all of them.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use memex_runtime::{Error as RuntimeError, Generators, Sandbox, Session, Snapshot};

use crate::Error;

const MAGIC: &[u8] = b"memexscope2\n";
const MAGIC_1: &[u8] = b"memexscope1\n";
/// Largest file that is read back.
const KEPT_MAX_BYTES: u64 = 8 << 30;

/// The path of a trajectory's saved scope.
pub(crate) fn kept_path(trajectory: &Path) -> PathBuf {
    trajectory.with_extension("scope")
}

/// Writes the session's state after so many steps. The file changes all at once.
pub(crate) fn keep(session: &mut Session, path: &Path, steps: u32) -> Result<(), Error> {
    let snapshot = session.snapshot()?;
    let encoded = session.sandbox().encode(&snapshot, Generators::Keep)?;
    let fresh = path.with_extension("scope-new");
    let write = || -> std::io::Result<()> {
        // Of a process that was killed. A link of that name is removed, and not
        // written through.
        let _gone = std::fs::remove_file(&fresh);
        let file = std::fs::File::create_new(&fresh)?;
        let mut file = std::io::BufWriter::new(file);
        file.write_all(MAGIC)?;
        file.write_all(&steps.to_le_bytes())?;
        file.write_all(&length(encoded.head.len()))?;
        file.write_all(&encoded.head)?;
        for chunk in &encoded.chunks {
            file.write_all(&chunk.digest)?;
            file.write_all(&length(chunk.bytes.len()))?;
            file.write_all(&chunk.bytes)?;
        }
        file.flush()?;
        drop(file);
        std::fs::rename(&fresh, path)
    };
    write().map_err(Error::file(path))
}

/// After how many steps the scope beside a trajectory was saved; none if there
/// is no file.
pub(crate) fn kept_steps(trajectory: &Path) -> Result<Option<u32>, Error> {
    let path = kept_path(trajectory);
    let mut start = Vec::new();
    let read = std::fs::File::open(&path)
        .and_then(|file| file.take(MAGIC.len() as u64 + 4).read_to_end(&mut start));
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(&path)(error)),
        Ok(_) => match beginning(&start) {
            Some((steps, _)) => Ok(Some(steps)),
            None => Err(damaged(&path)),
        },
    }
}

/// The number of steps, and what comes after it.
fn beginning(bytes: &[u8]) -> Option<(u32, &[u8])> {
    if let Some(rest) = bytes.strip_prefix(MAGIC_1) {
        return Some((u32::MAX, rest));
    }
    let (steps, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*steps), rest))
}

/// Reads a state back; none if there is no file.
pub(crate) fn restore(sandbox: &Sandbox, path: &Path) -> Result<Option<Snapshot>, Error> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file(path)(error)),
        Ok(found) if found.len() > KEPT_MAX_BYTES => return Err(damaged(path)),
        Ok(_) => {}
    }
    let bytes = std::fs::read(path).map_err(Error::file(path))?;
    let (_, mut rest) = beginning(&bytes).ok_or_else(|| damaged(path))?;
    let head = sized(&mut rest).ok_or_else(|| damaged(path))?;
    let mut chunks: HashMap<[u8; 32], &[u8]> = HashMap::new();
    while !rest.is_empty() {
        let (digest, after) = rest
            .split_first_chunk::<32>()
            .ok_or_else(|| damaged(path))?;
        rest = after;
        chunks.insert(*digest, sized(&mut rest).ok_or_else(|| damaged(path))?);
    }
    let decoded = sandbox.decode(head, |digest| {
        let chunk = chunks.get(digest).map(|chunk| chunk.to_vec());
        chunk.ok_or_else(|| RuntimeError::Snapshot("a chunk is missing".into()))
    });
    Ok(Some(decoded?.0))
}

/// Deletes the saved scope of a run that will not be resumed.
pub(crate) fn forget(trajectory: &Path) {
    // There may be none, and one that stays does no harm.
    let _gone = std::fs::remove_file(kept_path(trajectory));
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

fn sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (found, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(found)
}

fn damaged(path: &Path) -> Error {
    Error::Format {
        place: path.display().to_string(),
        what: "is no saved scope, or is damaged; delete it to run the code blocks again".to_owned(),
    }
}
