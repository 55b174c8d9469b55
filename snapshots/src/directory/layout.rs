//! Where things lie in a store's directory.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::Error;
use crate::backend::Key;
use crate::directory::files::{
    Temporary, check_private, entries, modified_unix_ms, open_lock, read_bounded, shown,
    sync_directory,
};

const FORMAT: &str = "memex store 1\n";
/// What the format of a directory says that is part of a journaled store, before the name
/// that the journal has given it.
const OWNED: &str = "memex store 2 ";
const FORMAT_BYTES_MAX: usize = 64;
const PRIVATE: u32 = 0o700;
/// The locks of the gate between saves and collections, made with the store so
/// that a full disk can be collected.
pub(super) const GATE_FILES: [&str; 2] = ["turnstile", "gate"];
/// The directories at its top.
const PARTS: [&str; 4] = ["locks", "objects", "sessions", "tmp"];

/// The directories that objects are spread over, so that none grows large.
const DIRECTORIES: usize = 1 << u8::BITS;

/// A store's directory, known to be one.
pub(super) struct Layout {
    root: PathBuf,
    /// Part of every temporary file's name: process ids are not enough where
    /// containers share a directory.
    nonce: u64,
    counter: AtomicU64,
    /// Which directories of objects were found to be private.
    private: [AtomicBool; DIRECTORIES],
}

/// What a directory is.
#[derive(Debug, PartialEq, Eq)]
enum Made {
    No,
    /// A store of its own.
    Alone,
    /// Part of the store of the journal with this name.
    Owned(String),
}

impl Layout {
    /// Opens a directory that is a store of its own, or with the name of a journal, one that
    /// is part of that journal's store.
    pub(super) fn open(root: &Path, owner: Option<&str>) -> Result<Self, Error> {
        let root =
            std::path::absolute(root).map_err(|error| Error::io("resolve", shown(root), error))?;
        let nonce = getrandom::u64().map_err(|error| {
            Error::io(
                "draw random numbers for",
                shown(&root),
                std::io::Error::other(error.to_string()),
            )
        })?;
        let layout = Self {
            root,
            nonce,
            counter: AtomicU64::new(0),
            private: [const { AtomicBool::new(false) }; DIRECTORIES],
        };
        match fs::metadata(&layout.root) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(layout.not_a_store("it is not a directory"));
            }
            Ok(metadata) => check_private(&layout.root, &metadata)?,
            Err(error) if error.kind() == ErrorKind::NotFound => create(&layout.root)?,
            Err(error) => return Err(Error::io("open", shown(&layout.root), error)),
        }
        let made = layout.made()?;
        if made == Made::No {
            layout.make()?;
        }
        for name in PARTS {
            layout.check_directory(&layout.root.join(name))?;
        }
        match (made, owner) {
            (Made::Owned(found), Some(owner)) if found == owner => {}
            (Made::Owned(_), None) => {
                return Err(layout
                    .not_a_store("it is part of a server's, whose data directory has the states"));
            }
            (Made::Owned(_), Some(_)) => {
                return Err(layout.not_a_store("it belongs to another data directory"));
            }
            (_, Some(owner)) => layout.write_format(&format!("{OWNED}{owner}\n"))?,
            (_, None) => {}
        }
        Ok(layout)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where an object lies, in a directory that nobody else can write to. Each is looked at
    /// when it is first used: opening a store would take longer than reading from it.
    pub(super) fn object(&self, key: &Key) -> Result<PathBuf, Error> {
        let path = self.object_place(key);
        let private = self.private.get(usize::from(key.first()));
        if !private.is_some_and(|private| private.load(Ordering::Relaxed)) {
            let is_there = path.parent().map(|parent| self.check_directory(parent));
            if let (Some(private), Some(true)) = (private, is_there.transpose()?) {
                private.store(true, Ordering::Relaxed);
            }
        }
        Ok(path)
    }

    /// The same, for messages.
    pub(super) fn object_place(&self, key: &Key) -> PathBuf {
        let (directory, file) = key.parts();
        let mut path = self.root.join("objects");
        path.push(directory);
        path.push(file);
        path
    }

    /// The directories of objects whose content can be trusted: those that are there.
    pub(super) fn private_directories(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let mut directories = Vec::with_capacity(DIRECTORIES);
        for (name, path) in self.object_directories() {
            if self.check_directory(&path)? {
                directories.push((name, path));
            }
        }
        Ok(directories)
    }

    fn object_directories(&self) -> impl Iterator<Item = (String, PathBuf)> {
        let objects = self.root.join("objects");
        (0..=u8::MAX).map(move |first| {
            let name = format!("{first:02x}");
            let path = objects.join(&name);
            (name, path)
        })
    }

    pub(super) fn sessions(&self) -> PathBuf {
        self.root.join("sessions")
    }

    pub(super) fn session(&self, name: &str) -> PathBuf {
        self.sessions().join(name)
    }

    pub(super) fn lock(&self, file: &str) -> PathBuf {
        self.root.join("locks").join(file)
    }

    /// A file with this content, without a name that anyone looks for.
    pub(super) fn temporary(&self, bytes: &[u8]) -> Result<Temporary, Error> {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{:016x}-{count}", std::process::id(), self.nonce);
        Temporary::write(self.root.join("tmp").join(name), bytes)
    }

    pub(super) fn remove_leftovers(&self, cutoff_unix_ms: u64) -> Result<u64, Error> {
        let mut bytes = 0;
        for entry in entries(&self.root.join("tmp"))? {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_file()
                && modified_unix_ms(&metadata) <= cutoff_unix_ms
                && super::files::remove(&entry.path())?
            {
                bytes += metadata.len();
            }
        }
        Ok(bytes)
    }

    /// Whether the store is complete: its format file is written last.
    fn made(&self) -> Result<Made, Error> {
        let path = self.root.join("format");
        let Some(bytes) = read_bounded(&path, FORMAT_BYTES_MAX)? else {
            return Ok(Made::No);
        };
        if bytes == FORMAT.as_bytes() {
            return Ok(Made::Alone);
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Some(owner) = text.strip_prefix(OWNED) {
            return Ok(Made::Owned(owner.trim_end().to_owned()));
        }
        match text.trim().strip_prefix("memex store ").map(str::parse) {
            Some(Ok(found)) => Err(Error::Version {
                place: shown(&self.root),
                found,
                supported: 1,
            }),
            _ => Err(self.not_a_store("its format file says something else")),
        }
    }

    /// Refuses a directory in which anybody else could put an object or a name, or
    /// which lies elsewhere. `false`: there is none.
    fn check_directory(&self, path: &Path) -> Result<bool, Error> {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            // Directories without files do not survive every copy of a store.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::io("look at", shown(path), error)),
        };
        if !metadata.is_dir() {
            return Err(self.not_a_store("a part of it is a link or no directory"));
        }
        check_private(path, &metadata)?;
        Ok(true)
    }

    /// Makes every directory now, so that saving never has to. Others may be
    /// doing the same, and one may have been killed halfway.
    fn make(&self) -> Result<(), Error> {
        const OURS: [&str; 5] = ["format", "locks", "objects", "sessions", "tmp"];
        for entry in entries(&self.root)? {
            if !entry
                .file_name()
                .to_str()
                .is_some_and(|name| OURS.contains(&name))
            {
                return Err(self.not_a_store("it holds other files"));
            }
        }
        fs::set_permissions(&self.root, fs::Permissions::from_mode(PRIVATE))
            .map_err(|error| Error::io("make private", shown(&self.root), error))?;
        for name in PARTS {
            create(&self.root.join(name))?;
        }
        for (_, path) in self.object_directories() {
            create(&path)?;
        }
        for name in GATE_FILES {
            open_lock(&self.lock(name))?;
        }
        sync_directory(&self.root.join("objects"))?;
        sync_directory(&self.root)?;
        self.write_format(FORMAT)?;
        self.root.parent().map_or(Ok(()), sync_directory)
    }

    fn write_format(&self, text: &str) -> Result<(), Error> {
        let format = self.temporary(text.as_bytes())?;
        format.sync()?;
        format.rename(&self.root.join("format"))?;
        sync_directory(&self.root)
    }

    fn not_a_store(&self, reason: &'static str) -> Error {
        Error::NotAStore {
            place: shown(&self.root),
            reason,
        }
    }
}

fn create(path: &Path) -> Result<(), Error> {
    let created = DirBuilder::new().recursive(true).mode(PRIVATE).create(path);
    created.map_err(|error| Error::io("create", shown(path), error))
}
