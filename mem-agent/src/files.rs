//! Reading and replacing whole files of the host.

use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::Error;

/// A file's text, if it is no longer than it may be.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Result<String, Error> {
    let file = std::fs::File::open(path).map_err(Error::file("read", path))?;
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(Error::file("read", path))?;
    if bytes.len() as u64 > bytes_max {
        let what = format!("is longer than {bytes_max} bytes");
        return Err(Error::malformed(path.display(), None, what));
    }
    String::from_utf8(bytes).map_err(|_| Error::malformed(path.display(), None, "is not UTF-8"))
}

/// The permitted readers of a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner only: conversations with an agent are private.
    Owner,
    /// Whom the process usually lets.
    Usual,
}

/// Writes a file beside the old one and puts it in its place.
pub(crate) fn replace(path: &Path, bytes: &[u8], readers: Readers) -> Result<(), Error> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = || Error::file("write", path);
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::Usual => 0o666,
    };
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)
        .map_err(failed())?;
    file.write_all(bytes).map_err(failed())?;
    file.persist(path).map_err(|error| failed()(error.error))?;
    Ok(())
}
