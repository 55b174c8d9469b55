//! Small files that are whole or not there, and nobody else's.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::random;

/// Reads a file of at most so many bytes; none where there is none.
pub(crate) fn read_private(path: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        let what = format!("{} has more than {most} bytes", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(Some(bytes))
}

/// Writes a file beside its place and gives it its name: it is there as a whole, or as it
/// was. With `durable` it survives a loss of power.
pub(crate) fn write_private(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    let mut name = [0; 8];
    random::fill(&mut name)?;
    let beside = path.with_file_name(format!(".{:016x}.partial", u64::from_le_bytes(name)));
    let written = write_beside(&beside, bytes, durable).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // It may not have come into being.
        let _absent = fs::remove_file(&beside);
    }
    written?;
    match path.parent().filter(|_| durable) {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

fn write_beside(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    match durable {
        true => file.sync_all(),
        false => Ok(()),
    }
}

/// Makes a directory that only its owner may use, with those above it.
pub(crate) fn make_private_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// Removes a file that may not be there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
