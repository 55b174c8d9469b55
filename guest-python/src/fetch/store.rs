//! Private folders, files that appear whole or not at all, and whom to trust.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::process::geteuid;
use tempfile::{Builder, NamedTempFile, TempDir};

use crate::digest::Sha256Digest;
use crate::error::Error;

const SCRATCH_PREFIX: &str = ".fetch-";
/// Name of the file in a guest's folder that the fetching process holds locked.
pub const LOCK_FILE: &str = ".lock";
/// How deep a folder of data may go.
pub(crate) const DEPTH_MAX: usize = 16;
/// The bits by which group and others can write.
const OTHERS_WRITE: u32 = 0o022;

/// Makes the folder if need be and waits for its lock, which is free again when
/// the file is closed.
pub(crate) fn open(dir: &Path) -> Result<File, Error> {
    private_dir(dir)?;
    let path = dir.join(LOCK_FILE);
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(&path)
        .map_err(Error::io("open", &path))?;
    lock.lock().map_err(Error::io("lock", &path))?;
    Ok(lock)
}

/// A folder for temporary files, removed when dropped. Those of fetches that
/// were killed are removed too: the caller holds the lock.
pub(crate) fn scratch(dir: &Path) -> Result<TempDir, Error> {
    for entry in fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let entry = entry.map_err(Error::io("list", dir))?;
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(SCRATCH_PREFIX)
        {
            fs::remove_dir_all(entry.path()).map_err(Error::io("remove", &entry.path()))?;
        }
    }
    Builder::new()
        .prefix(SCRATCH_PREFIX)
        .tempdir_in(dir)
        .map_err(Error::io("create a folder in", dir))
}

/// Removes the temporary files, then lets the next process in.
pub(crate) fn close(scratch: TempDir, lock: File) -> Result<(), Error> {
    let path = scratch.path().to_owned();
    scratch.close().map_err(Error::io("remove", &path))?;
    drop(lock);
    Ok(())
}

/// Creates a folder that only this user can enter, or accepts one that only this
/// user can write to.
pub(crate) fn private_dir(dir: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(Error::io("create", dir))?;
    trusted_dir(dir).map(drop)
}

/// Writes a file: whole, on disk, and readable by this user only, before it
/// gets its name. `accept` may refuse its digest and size before that.
pub(crate) fn write(
    path: &Path,
    scratch: &Path,
    reader: &mut dyn Read,
    step: &mut dyn FnMut(u64),
    accept: impl FnOnce(Sha256Digest, u64) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut file =
        NamedTempFile::new_in(scratch).map_err(Error::io("create a file in", scratch))?;
    let (digest, bytes) =
        Sha256Digest::of_copy(reader, &mut file, step).map_err(Error::io("write", path))?;
    accept(digest, bytes)?;
    let synced = file.as_file().sync_all();
    synced.map_err(Error::io("write", path))?;
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        fs::remove_dir_all(path).map_err(Error::io("remove", path))?;
    }
    file.persist(path)
        .map_err(|error| Error::io("write", path)(error.error))?;
    sync_parent(path)
}

/// Ensures that a rename is on disk.
pub(crate) fn sync_parent(path: &Path) -> Result<(), Error> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    let folder = File::open(parent).map_err(Error::io("open", parent))?;
    folder.sync_all().map_err(Error::io("write", parent))
}

/// How many files a folder holds, and how many bytes: counted until there are
/// more than `files_max`. What others could have written is refused.
pub(crate) fn measure(folder: &Path, files_max: usize) -> Result<(usize, u64), Error> {
    let mut found = (0, 0);
    measure_into(folder, 0, files_max, &mut found)?;
    Ok(found)
}

fn measure_into(
    folder: &Path,
    depth: usize,
    files_max: usize,
    found: &mut (usize, u64),
) -> Result<(), Error> {
    trusted_dir(folder)?;
    for entry in fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let entry = entry.map_err(Error::io("list", folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(Error::io("examine", &path))?;
        if kind.is_dir() && depth < DEPTH_MAX {
            measure_into(&path, depth + 1, files_max, found)?;
            continue;
        }
        let (files, bytes) = found;
        *bytes = bytes.saturating_add(trusted_file(&path)?.len());
        *files += 1;
        if *files > files_max {
            return Ok(());
        }
    }
    Ok(())
}

/// Refuses what is not a folder that only this user and root can write to.
pub(crate) fn trusted_dir(path: &Path) -> Result<Metadata, Error> {
    trusted(path, Metadata::is_dir, "it is not a folder")
}

/// Refuses what is not a file that only this user and root can write to.
pub(crate) fn trusted_file(path: &Path) -> Result<Metadata, Error> {
    trusted(path, Metadata::is_file, "it is not a regular file")
}

fn trusted(
    path: &Path,
    is_kind: fn(&Metadata) -> bool,
    other_kind: &'static str,
) -> Result<Metadata, Error> {
    let metadata = fs::symlink_metadata(path).map_err(Error::io("examine", path))?;
    let owner = metadata.uid();
    let reason = if !is_kind(&metadata) {
        other_kind
    } else if owner != 0 && owner != geteuid().as_raw() {
        "another user owns it"
    } else if metadata.mode() & OTHERS_WRITE != 0 {
        "its group or others can write to it"
    } else {
        return Ok(metadata);
    };
    Err(Error::Untrusted {
        path: path.to_owned(),
        reason,
    })
}
