//! From wheels to the folder that the guest is shown.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::record::{Unpacked, Wheel};
use super::wheel::Contents;
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::fetch::store;

/// Most files of all wheels.
const FILES_MAX: usize = 20_000;
/// Most bytes of all files.
const UNPACKED_MAX_BYTES: u64 = 512 << 20;

/// Takes the files of `wheels`, which lie in `from`, into the new folder `to`.
///
/// # Errors
/// [`Error::PackageWheel`] for a member that is no regular file at a plain
/// relative path, is native code, differs from what the wheel's own record
/// states, or is another file in another wheel; [`Error::PackagesTooLarge`];
/// [`Error::Altered`] for a wheel that is not the recorded one.
pub fn unpack_packages(wheels: &[Wheel], from: &Path, to: &Path) -> Result<Unpacked, Error> {
    store::private_dir(to)?;
    let unpacked = for_each_file(wheels, from, |relative, bytes| {
        let path = to.join(relative);
        if let Some(folder) = path.parent() {
            store::private_dir(folder)?;
        }
        write_new(&path, bytes)
    })?;
    sync_all(to)?;
    Ok(unpacked)
}

/// Waits until all files are on disk: one call, where each of thousands would wait.
#[cfg(target_os = "linux")]
fn sync_all(folder: &Path) -> Result<(), Error> {
    let opened = fs::File::open(folder).map_err(Error::io("open", folder))?;
    rustix::fs::syncfs(opened).map_err(|error| Error::io("write", folder)(error.into()))
}

#[cfg(not(target_os = "linux"))]
fn sync_all(_folder: &Path) -> Result<(), Error> {
    Ok(())
}

/// Compares every byte of an unpacked folder with its wheels.
///
/// # Errors
/// [`Error::Altered`] names the file that differs; and those of
/// [`unpack_packages`].
pub fn compare_packages(wheels: &[Wheel], from: &Path, folder: &Path) -> Result<(), Error> {
    let expected = for_each_file(wheels, from, |relative, bytes| {
        let path = folder.join(relative);
        if fs::read(&path).map_err(Error::io("read", &path))? == bytes {
            return Ok(());
        }
        Err(Error::Altered {
            path,
            reason: "it is not as it was in its wheel",
        })
    })?;
    check_packages(folder, expected)
}

fn for_each_file(
    wheels: &[Wheel],
    from: &Path,
    mut use_file: impl FnMut(&Path, &[u8]) -> Result<(), Error>,
) -> Result<Unpacked, Error> {
    let mut seen: HashMap<PathBuf, Sha256Digest> = HashMap::new();
    let mut left = UNPACKED_MAX_BYTES;
    for wheel in wheels {
        let mut contents = Contents::open(&from.join(&wheel.file), &wheel.file, wheel.sha256)?;
        for index in 0..contents.len() {
            let Some((path, bytes)) = contents.member(index, left)? else {
                continue;
            };
            let digest = Sha256Digest::of(&bytes);
            match seen.get(&path) {
                Some(before) if *before == digest => continue,
                Some(_) => {
                    return Err(Error::PackageWheel {
                        wheel: wheel.file.clone(),
                        reason: format!("another package has another {:?}", path.display()),
                    });
                }
                None => {}
            }
            if seen.len() == FILES_MAX {
                return Err(Error::PackagesTooLarge {
                    reason: format!("they have more than {FILES_MAX} files"),
                });
            }
            left = left.saturating_sub(bytes.len() as u64);
            use_file(&path, &bytes)?;
            seen.insert(path, digest);
        }
    }
    Ok(Unpacked {
        files: seen.len(),
        bytes: UNPACKED_MAX_BYTES - left,
    })
}

/// Writes a file that is not there yet; a link in its place would be followed
/// nowhere.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::io("write", path))?;
    let written = file
        .write_all(bytes)
        .and_then(|()| match cfg!(target_os = "linux") {
            true => Ok(()),
            false => file.sync_all(),
        });
    written.map_err(Error::io("write", path))
}

/// Checks what is cheap: that the folder holds as many files and bytes as were
/// unpacked, and that only this user and root can have written them.
///
/// # Errors
/// [`Error::Altered`] or [`Error::Untrusted`].
pub fn check_packages(folder: &Path, expected: Unpacked) -> Result<(), Error> {
    let (files, bytes) = store::measure(folder, expected.files)?;
    if (Unpacked { files, bytes }) != expected {
        return Err(Error::Altered {
            path: folder.to_owned(),
            reason: "it does not hold the files of its wheels",
        });
    }
    Ok(())
}
