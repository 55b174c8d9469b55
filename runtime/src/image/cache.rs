//! The cache directory: private to its owner, written by renaming whole
//! entries, locked by key.

use super::entry::{Entry, check_private};
use super::progress::{Progress, Stage};
use crate::cpu::Cpu;
use crate::error::Error;
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// What stands between the key and the rest in the name of an entry that is
/// being made or removed.
pub(super) const TEMPORARY: &str = ".tmp-";

/// A directory of guests, code and images. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
    cpu: Cpu,
}

/// A lock on one entry, for as long as the value lives.
#[derive(Debug)]
pub(crate) struct EntryLock {
    _file: Option<File>,
}

impl EntryLock {
    /// Locks a file unless another process has locked it; a missing file needs no
    /// lock.
    pub(super) fn try_file(path: &Path) -> Result<Option<Self>, Error> {
        match File::open(path) {
            Ok(file) => Ok(Self::of(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(Self { _file: None })),
            Err(error) => Err(Error::file("open", path)(error)),
        }
    }

    fn of(file: File) -> Option<Self> {
        let is_free = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        is_free.then_some(Self { _file: Some(file) })
    }
}

impl Cache {
    /// Opens the cache, making the directory when it is not there.
    ///
    /// # Errors
    /// When it cannot be made, or when others can write it.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = root.into();
        for directory in [
            &root,
            &root.join("locks"),
            &root.join("guests"),
            &root.join("code"),
            &root.join("images"),
            &root.join("packages"),
        ] {
            make_private(directory)?;
        }
        Ok(Self {
            root,
            cpu: Cpu::default(),
        })
    }

    /// The same cache, with code for this processor. Default: [`Cpu::Native`].
    #[must_use]
    pub fn for_cpu(self, cpu: Cpu) -> Self {
        Self { cpu, ..self }
    }

    /// The processor that code is compiled for.
    #[must_use]
    pub fn cpu(&self) -> Cpu {
        self.cpu
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn entry_path(&self, kind: &str, key: &str) -> PathBuf {
        self.root.join(kind).join(key)
    }

    /// Locks an entry against other processes that would build it too.
    pub(crate) fn lock(
        &self,
        kind: &str,
        key: &str,
        progress: &mut dyn Progress,
    ) -> Result<EntryLock, Error> {
        let file = self.lock_file(kind, key)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            progress.begin(Stage::Wait, None);
            flock(&file, FlockOperation::LockExclusive).map_err(|error| {
                let path = self.root.join("locks").join(format!("{kind}-{key}"));
                Error::file("lock", path)(error.into())
            })?;
            progress.end();
        }
        Ok(EntryLock { _file: Some(file) })
    }

    /// Locks an entry unless another process has locked it.
    pub(super) fn try_lock(&self, kind: &str, key: &str) -> Result<Option<EntryLock>, Error> {
        Ok(EntryLock::of(self.lock_file(kind, key)?))
    }

    fn lock_file(&self, kind: &str, key: &str) -> Result<File, Error> {
        let path = self.root.join("locks").join(format!("{kind}-{key}"));
        fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Error::file("open", &path))
    }

    /// Opens an entry; one that is damaged is removed and reported, so that
    /// the caller builds it again. Call with the entry locked.
    pub(crate) fn open_or_discard<T: Serialize + DeserializeOwned>(
        &self,
        kind: &str,
        key: &str,
        progress: &mut dyn Progress,
    ) -> Result<Option<Entry<T>>, Error> {
        let path = self.entry_path(kind, key);
        match Entry::open(&path, key, false) {
            Ok(entry) => Ok(Some(entry)),
            Err(Error::File { source, .. })
                if source.kind() == io::ErrorKind::NotFound && !path.exists() =>
            {
                Ok(None)
            }
            // What others could have written is theirs to explain: refused.
            Err(error @ Error::NotPrivate { .. }) => Err(error),
            Err(error) => {
                progress.note(&format!("building again: {error}"));
                fs::remove_dir_all(&path).map_err(Error::file("remove", &path))?;
                Ok(None)
            }
        }
    }

    /// Makes an entry: `fill` writes into a temporary directory, which then
    /// takes its place at once. Call with the entry locked.
    pub(crate) fn publish<R>(
        &self,
        kind: &str,
        key: &str,
        fill: impl FnOnce(&Path) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.publish_as(kind, key, |directory| {
            Ok((key.to_owned(), fill(directory)?))
        })
        .map(|(_, made)| made)
    }

    /// As [`publish`](Self::publish), for an entry whose name `fill` finds: the
    /// lock is that of `key`, the place that of the name.
    pub(super) fn publish_as<R>(
        &self,
        kind: &str,
        key: &str,
        fill: impl FnOnce(&Path) -> Result<(String, R), Error>,
    ) -> Result<(String, R), Error> {
        let temporary = self
            .root
            .join(kind)
            .join(format!("{key}{TEMPORARY}{}", std::process::id()));
        self.sweep(kind, key)?;
        make_private(&temporary)?;
        let result = fill(&temporary).and_then(|(name, made)| {
            self.put_in_place(kind, &temporary, &name)?;
            Ok((name, made))
        });
        if result.is_err() {
            let _ = fs::remove_dir_all(&temporary);
        }
        result
    }

    /// Gives a finished directory its place among the entries.
    pub(super) fn put_in_place(
        &self,
        kind: &str,
        finished: &Path,
        name: &str,
    ) -> Result<(), Error> {
        let place = self.entry_path(kind, name);
        sync_directory(finished)?;
        fs::rename(finished, &place).map_err(Error::file("publish", &place))?;
        sync_directory(&self.root.join(kind))
    }

    /// Removes what builds of the same entry left behind when they were
    /// killed. The lock says that none of them is alive.
    fn sweep(&self, kind: &str, key: &str) -> Result<(), Error> {
        let directory = self.root.join(kind);
        let prefix = format!("{key}{TEMPORARY}");
        for item in fs::read_dir(&directory).map_err(Error::file("read", &directory))? {
            let item = item.map_err(Error::file("read", &directory))?;
            if item.file_name().to_string_lossy().starts_with(&prefix) {
                fs::remove_dir_all(item.path()).map_err(Error::file("remove", item.path()))?;
            }
        }
        Ok(())
    }
}

pub(super) fn make_private(directory: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(Error::file("create", directory))?;
    check_private(directory)
}

fn sync_directory(directory: &Path) -> Result<(), Error> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(Error::file("sync", directory))
}
