//! Single files: written completely or not at all, read only if no other user
//! could have written them.

use std::fs::{self, DirEntry, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::Error;

/// A file that is removed again unless it gets a name.
pub(super) struct Temporary {
    file: File,
    path: Option<PathBuf>,
}

impl Temporary {
    pub(super) fn write(path: PathBuf, bytes: &[u8]) -> Result<Self, Error> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Error::io("create", shown(&path), error))?;
        let mut temporary = Self {
            file,
            path: Some(path),
        };
        let written = temporary.file.write_all(bytes);
        written.map_err(|error| temporary.failed("write", error))?;
        Ok(temporary)
    }

    pub(super) fn sync(&self) -> Result<(), Error> {
        let synced = self.file.sync_data();
        synced.map_err(|error| self.failed("make durable", error))
    }

    pub(super) fn rename(mut self, to: &Path) -> Result<(), Error> {
        if let Some(from) = &self.path {
            fs::rename(from, to).map_err(|error| Error::io("name", shown(to), error))?;
            self.path = None;
        }
        Ok(())
    }

    fn failed(&self, action: &'static str, error: std::io::Error) -> Error {
        Error::io(
            action,
            self.path.as_deref().map(shown).unwrap_or_default(),
            error,
        )
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// A file's content, if there is such a file. Links, devices and what others
/// may write are refused, and no more is read than an object can have.
pub(super) fn read_bounded(path: &Path, bytes_max: usize) -> Result<Option<Vec<u8>>, Error> {
    let failed = |error| Error::io("read", shown(path), error);
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(foreign(path));
        }
        Err(error) => return Err(failed(error)),
    };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(foreign(path));
    }
    check_private(path, &metadata)?;
    if metadata.len() > bytes_max as u64 {
        return Err(damaged(path, "it is longer than such an object can be"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    let reader = Read::by_ref(&mut file).take(bytes_max as u64 + 1);
    { reader }.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > bytes_max {
        return Err(damaged(path, "it is longer than such an object can be"));
    }
    Ok(Some(bytes))
}

/// Refuses what anyone but this user could have written.
pub(crate) fn check_private(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    let reason = if metadata.uid() != rustix::process::geteuid().as_raw() {
        "belongs to another user"
    } else if metadata.mode() & 0o022 != 0 {
        "may be written by others"
    } else {
        return Ok(());
    };
    Err(Error::NotPrivate {
        place: shown(path),
        reason,
    })
}

/// Removes a file and says whether there was one.
pub(super) fn remove(path: &Path) -> Result<bool, Error> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("remove", shown(path), error)),
    }
}

pub(super) fn entries(path: &Path) -> Result<Vec<DirEntry>, Error> {
    let failed = |error| Error::io("list", shown(path), error);
    let entries = fs::read_dir(path).map_err(failed)?;
    entries.map(|entry| entry.map_err(failed)).collect()
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(path: &Path) -> Result<(), Error> {
    sync_file(path)
}

/// Makes a file's content durable, or a directory's names.
pub(super) fn sync_file(path: &Path) -> Result<(), Error> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| Error::io("make durable", shown(path), error))
}

/// Makes everything on the disk of `path` durable.
pub(super) fn sync_file_system(path: &Path) -> Result<(), Error> {
    let synced = File::open(path).and_then(|file| Ok(rustix::fs::syncfs(file)?));
    synced.map_err(|error| Error::io("make durable", shown(path), error))
}

pub(super) fn modified_unix_ms(metadata: &Metadata) -> u64 {
    metadata.modified().map_or(u64::MAX, crate::record::unix_ms)
}

pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn foreign(path: &Path) -> Error {
    damaged(path, "it is not a regular file")
}

fn damaged(path: &Path, what: &'static str) -> Error {
    crate::codec::Flaw::What(what).at(shown(path))
}

/// The file of a lock, made if it is not there.
pub(super) fn open_lock(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(|error| Error::io("open", shown(path), error))
}
