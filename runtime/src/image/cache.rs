//! The cache directory: private to its owner, written by renaming whole
//! entries, locked by key.

use super::entry::{Entry, check_private};
use super::progress::{Progress, Stage};
use crate::error::Error;
use memex_guest_python::{Manifest, Wheel};
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
}

/// An image found in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedImage {
    /// Its key: the name of its directory.
    pub key: String,
    /// Where it is.
    pub path: PathBuf,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Modules imported besides the standard ones, as recorded; empty when
    /// the entry cannot be read.
    pub preload: Vec<String>,
    /// Packages that were asked for, as `NAME==VERSION`.
    pub packages: Vec<String>,
    /// The wheels that they came to, dependencies included.
    pub wheels: Vec<Wheel>,
    /// What is wrong with it, if something is.
    pub problem: Option<String>,
    /// Whether it is whole, but made by another version, which no session of
    /// this one starts from.
    pub is_outdated: bool,
}

/// A lock on one entry, for as long as the value lives.
#[derive(Debug)]
pub(crate) struct EntryLock {
    _file: Option<File>,
}

impl EntryLock {
    /// Locks a file unless somebody else has it; a file that is not there needs
    /// no lock.
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
        Ok(Self { root })
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The images that are there, by key.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn images(&self) -> Result<Vec<CachedImage>, Error> {
        let directory = self.root.join("images");
        let manifest = Manifest::default_guest()?;
        let mut images = Vec::new();
        for item in fs::read_dir(&directory).map_err(Error::file("read", &directory))? {
            let item = item.map_err(Error::file("read", &directory))?;
            let key = item.file_name().to_string_lossy().into_owned();
            if key.contains(TEMPORARY) {
                continue;
            }
            let path = item.path();
            let entry = Entry::<super::build::ImageDetails>::open(&path, &key, false);
            let (details, problem, is_outdated) = match entry {
                Ok(entry) => {
                    let is_current = super::pruning::is_current(&entry.details, &manifest, &key);
                    (Some(entry.details), None, !is_current)
                }
                Err(Error::OtherVersion { .. }) => (None, None, true),
                Err(error) => (None, Some(error.to_string()), false),
            };
            let (preload, packages, wheels) = details
                .map(|details| (details.preload, details.packages, details.wheels))
                .unwrap_or_default();
            images.push(CachedImage {
                bytes: bytes_of(&path),
                key,
                path,
                preload,
                packages,
                wheels,
                problem,
                is_outdated,
            });
        }
        images.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(images)
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

    /// Locks an entry unless somebody else has it.
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
        let place = self.entry_path(kind, key);
        let temporary = self
            .root
            .join(kind)
            .join(format!("{key}{TEMPORARY}{}", std::process::id()));
        self.sweep(kind, key)?;
        make_private(&temporary)?;
        let result = fill(&temporary).and_then(|made| {
            sync_directory(&temporary)?;
            fs::rename(&temporary, &place).map_err(Error::file("publish", &place))?;
            sync_directory(&self.root.join(kind))?;
            Ok(made)
        });
        if result.is_err() {
            let _ = fs::remove_dir_all(&temporary);
        }
        result
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

fn make_private(directory: &Path) -> Result<(), Error> {
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

fn bytes_of(directory: &Path) -> u64 {
    let Ok(items) = fs::read_dir(directory) else {
        return 0;
    };
    items
        .flatten()
        .filter_map(|item| item.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}
