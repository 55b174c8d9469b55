//! Locks on sessions: short ones for moving a pointer, long ones for running.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::directory::files::{open_lock, shown};
use crate::directory::layout::Layout;
use crate::lock::Hold;
use crate::{Error, SessionLock};

/// How often a lock file may vanish under us before we say that it is busy.
const ATTEMPTS_MAX: usize = 100;
/// Lock files for moving pointers: few enough to stay forever.
const STRIPES: u8 = 64;

/// Waits until no other process moves pointers of this stripe of names.
pub(super) fn stripe(layout: &Layout, name: &str) -> Result<File, Error> {
    let [first, ..] = *blake3::hash(name.as_bytes()).as_bytes();
    let path = layout.lock(&format!("{:02x}.stripe", first % STRIPES));
    let file = open_lock(&path)?;
    file.lock()
        .map_err(|error| Error::io("lock", shown(&path), error))?;
    Ok(file)
}

/// Locks a session until the lock is dropped or the process ends, however it
/// ends.
pub(super) fn session(layout: &Layout, name: &str) -> Result<SessionLock, Error> {
    let path = layout.lock(&format!("{name}.lock"));
    let failed = |error| Error::io("lock", shown(&path), error);
    for _ in 0..ATTEMPTS_MAX {
        let mut file = open_lock(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(name, &mut file)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // The one before us may have removed the file before it let go.
        if !is_at(&file, &path) {
            continue;
        }
        let pid = format!("{}\n", std::process::id());
        file.set_len(0).map_err(failed)?;
        file.write_all(pid.as_bytes()).map_err(failed)?;
        return Ok(SessionLock::new(name, Locked { file, path }));
    }
    Err(Error::Busy {
        place: shown(&path),
        what: "others took and left it in quick succession",
    })
}

fn in_use(name: &str, file: &mut File) -> Error {
    let mut text = String::new();
    let read = file.take(16).read_to_string(&mut text);
    let pid = read.ok().and_then(|_| text.trim().parse().ok());
    Error::SessionInUse {
        name: name.to_owned(),
        holder: match pid {
            Some(pid) if pid == std::process::id() => "this process".to_owned(),
            Some(pid) => format!("another process (pid {pid})"),
            None => "another process".to_owned(),
        },
        pid,
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(held), Ok(found)) => held.dev() == found.dev() && held.ino() == found.ino(),
        _ => false,
    }
}

struct Locked {
    file: File,
    path: PathBuf,
}

impl Hold for Locked {
    fn is_held(&self) -> bool {
        true
    }
}

impl Drop for Locked {
    /// The file goes while it is still locked, or it might be the next one's.
    fn drop(&mut self) {
        if is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
