//! A scope in a file beside its trajectory: the last state, for resuming.
//!
//! ```text
//! "memexscope2\n" | steps u32 | head length u32 | head | (digest 32 bytes | length u32 | bytes)*
//! ```
//! `steps` says after how many steps of the trajectory the scope was as here: code
//! of later steps runs again when it is taken up. Version 1 has no such number and
//! holds all of them.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use memex_runtime::{Error as RuntimeError, Generators, Sandbox, Session, Snapshot};

use crate::Error;

const MAGIC: &[u8] = b"memexscope2\n";
const MAGIC_1: &[u8] = b"memexscope1\n";
const _: () = assert!(MAGIC.len() == MAGIC_1.len());
/// Largest file that is read back.
const KEPT_MAX_BYTES: u64 = 8 << 30;
/// Longest head, longest chunk and most chunks that are read back: those of a snapshot.
const HEAD_BYTES_MAX: usize = 64 << 20;
const CHUNK_BYTES_MAX: usize = 1 << 20;
const CHUNKS_MAX: u32 = 1 << 17;

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
    let kept = Kept::open(&path)?;
    Ok(kept.map(|kept| kept.steps))
}

/// Reads a state back; none if there is no file.
pub(crate) fn restore(sandbox: &Sandbox, path: &Path) -> Result<Option<Snapshot>, Error> {
    let Some(mut kept) = Kept::open(path)? else {
        return Ok(None);
    };
    let head = kept.head()?;
    let chunks = kept.chunks()?;
    let decoded = sandbox.decode(&head, |digest| {
        let chunk = chunks.get(digest).and_then(|place| kept.bytes(*place));
        chunk.ok_or_else(|| RuntimeError::Snapshot("a chunk is missing".into()))
    });
    Ok(Some(decoded?.0))
}

/// A file that is read where it is asked, piece by piece: its length is not ours.
struct Kept<'p> {
    path: &'p Path,
    file: File,
    steps: u32,
    /// Where what was not read yet begins.
    at: u64,
    end: u64,
}

/// Bytes of the file.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    length: usize,
}

impl<'p> Kept<'p> {
    /// Opens a file and reads its beginning; none if there is no file.
    fn open(path: &'p Path) -> Result<Option<Self>, Error> {
        let end = match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(path)(error)),
            // A pipe would be waited for.
            Ok(found) if !found.is_file() || found.len() > KEPT_MAX_BYTES => {
                return Err(damaged(path));
            }
            Ok(found) => found.len(),
        };
        let mut kept = Self {
            path,
            file: File::open(path).map_err(Error::file(path))?,
            steps: u32::MAX,
            at: 0,
            end,
        };
        let magic: [u8; MAGIC.len()] = kept.array()?;
        match magic.as_slice() {
            MAGIC_1 => {}
            MAGIC => kept.steps = u32::from_le_bytes(kept.array()?),
            _ => return Err(damaged(path)),
        }
        Ok(Some(kept))
    }

    fn head(&mut self) -> Result<Vec<u8>, Error> {
        let place = self.sized(HEAD_BYTES_MAX)?;
        self.bytes(place).ok_or_else(|| damaged(self.path))
    }

    /// Where each chunk is.
    fn chunks(&mut self) -> Result<HashMap<[u8; 32], Place>, Error> {
        let mut chunks = HashMap::new();
        let mut count = 0;
        while self.at < self.end {
            count += 1;
            if count > CHUNKS_MAX {
                return Err(damaged(self.path));
            }
            let digest = self.array()?;
            chunks.insert(digest, self.sized(CHUNK_BYTES_MAX)?);
        }
        Ok(chunks)
    }

    /// Passes what has its length before it.
    fn sized(&mut self, most: usize) -> Result<Place, Error> {
        let length = usize::try_from(u32::from_le_bytes(self.array()?)).unwrap_or(usize::MAX);
        let place = Place {
            at: self.at,
            length,
        };
        self.at = self.at.saturating_add(length as u64);
        match length > most || self.at > self.end {
            true => Err(damaged(self.path)),
            false => Ok(place),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        let read = self.file.read_exact_at(&mut bytes, self.at);
        read.map_err(|_| damaged(self.path))?;
        self.at = self.at.saturating_add(N as u64);
        Ok(bytes)
    }

    fn bytes(&self, place: Place) -> Option<Vec<u8>> {
        let mut bytes = vec![0; place.length];
        self.file.read_exact_at(&mut bytes, place.at).ok()?;
        Some(bytes)
    }
}

/// Deletes the saved scope of a run that will not be resumed.
pub(crate) fn forget(trajectory: &Path) {
    // There may be none, and one that stays does no harm.
    let _gone = std::fs::remove_file(kept_path(trajectory));
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

fn damaged(path: &Path) -> Error {
    Error::Format {
        place: path.display().to_string(),
        what: "is no saved scope, or is damaged; delete it to run the code blocks again".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    /// A file that begins so, and is as long as that.
    fn file(beginning: &[u8], length: u64) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(beginning).unwrap();
        file.as_file().set_len(length).unwrap();
        file
    }

    fn whole(chunks: &[(&[u8], u32)]) -> Vec<u8> {
        let mut bytes = [MAGIC, &7_u32.to_le_bytes(), &4_u32.to_le_bytes(), b"head"].concat();
        for (chunk, length) in chunks {
            bytes.extend_from_slice(&[chunk.first().copied().unwrap_or(0); 32]);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(chunk);
        }
        bytes
    }

    #[test]
    fn a_file_is_read_piece_by_piece() {
        let bytes = whole(&[(b"one", 3), (b"", 0), (b"two", 3)]);
        let file = file(&bytes, bytes.len() as u64);
        let mut kept = Kept::open(file.path()).unwrap().unwrap();
        assert_eq!(kept.steps, 7);
        assert_eq!(kept.head().unwrap(), b"head");
        let chunks = kept.chunks().unwrap();
        for (digest, want) in [(b'o', &b"one"[..]), (0, b""), (b't', b"two")] {
            let place = chunks[&[digest; 32]];
            assert_eq!(kept.bytes(place).unwrap(), want);
        }
        assert_eq!(chunks.len(), 3);
    }

    #[test]
    fn a_large_file_without_content_costs_neither_memory_nor_time() {
        let begun = Instant::now();
        let refused = |file: &tempfile::NamedTempFile| {
            let mut kept = Kept::open(file.path()).ok().flatten();
            let head = kept.as_mut().and_then(|kept| kept.head().ok());
            head.is_none() || kept.is_none_or(|mut kept| kept.chunks().is_err())
        };
        // Of zeros: one empty chunk after the other, more than there may be.
        assert!(refused(&file(&whole(&[]), KEPT_MAX_BYTES)));
        // Lengths that there are bytes for, and that nothing has.
        let head = [MAGIC, &0_u32.to_le_bytes(), &u32::MAX.to_le_bytes()].concat();
        assert!(refused(&file(&head, KEPT_MAX_BYTES)));
        assert!(refused(&file(&whole(&[(b"x", u32::MAX)]), KEPT_MAX_BYTES)));
        assert!(refused(&file(&whole(&[]), KEPT_MAX_BYTES + 1)));
        // Lengths that there are no bytes for.
        let cut = whole(&[(b"one", 4)]);
        assert!(refused(&file(&cut, cut.len() as u64)));
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{:?}",
            begun.elapsed()
        );
        // The control.
        let good = whole(&[(b"one", 3)]);
        assert!(!refused(&file(&good, good.len() as u64)));
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Kept::open(folder.path()).is_err());
        assert!(Kept::open(&folder.path().join("absent")).unwrap().is_none());
        assert!(kept_steps(&folder.path().join("absent")).unwrap().is_none());
    }
}
