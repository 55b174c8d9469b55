//! A store in a directory.
//!
//! ```text
//! DIR/format                    "memex store 1"; "memex store 2 OWNER" of a journaled store
//! DIR/objects/ab/cdef….snapshot record and head
//! DIR/objects/ab/cdef….chunk
//! DIR/objects/ab/cdef….link
//! DIR/sessions/NAME             where the session stands
//! DIR/locks/                    files that are only locked
//! DIR/tmp/                      files being written
//! ```

mod files;
mod gate;
mod layout;
mod locks;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::backend::{Backend, Judge, Key, Kind, Listed};
use crate::codec::{
    CHUNK_OBJECT_BYTES_MAX, LINK_OBJECT_BYTES_MAX, POINTER_OBJECT_BYTES_MAX,
    SNAPSHOT_OBJECT_BYTES_MAX,
};
use crate::{Error, SessionLock, check_session_name};
use files::{Temporary, modified_unix_ms, read_bounded, sync_directory, sync_file};
use gate::{Exclusive, Shared};
use layout::Layout;

pub(crate) use files::check_private;

/// How sure a store makes of what it acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// It is on the disk, and survives a power loss. The default.
    #[default]
    Fsync,
    /// It is with the operating system, and survives the end of the process.
    Flush,
}

/// A store in a directory of a local disk, for any number of processes.
///
/// Each object is written to a temporary file, made durable, and only then
/// given its name, so whatever has a name is whole. The directory belongs to
/// one user: what others may write is refused.
///
/// It does not guarantee anything on file systems without working `flock` and
/// `fsync`, such as some network mounts; use [`ObjectStore`](crate::ObjectStore)
/// to share between machines.
pub struct DirectoryStore {
    layout: Layout,
    durability: Durability,
    /// Objects known to be durable, so that they are not synced over and over.
    settled: Mutex<HashSet<Key>>,
}

/// With more objects than this to make sure of, the whole disk is synced.
const SETTLED_ONE_BY_ONE_MAX: usize = 4;
/// How many objects are remembered as durable before starting over.
const SETTLED_MAX: usize = 1 << 16;

impl DirectoryStore {
    /// Opens the store at `path`, or makes one there if nothing is.
    ///
    /// # Errors
    /// [`Error::NotAStore`] if something else is there, [`Error::NotPrivate`]
    /// if others may write to it, [`Error::Version`] if a later build made it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, Durability::default())
    }

    /// As [`open`](Self::open), with a choice of durability.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: impl AsRef<Path>, durability: Durability) -> Result<Self, Error> {
        Self::of_layout(Layout::open(path.as_ref(), None)?, durability)
    }

    /// The directory that belongs to the journal of this name, which a store of its own is
    /// made.
    pub(crate) fn open_owned(
        path: &Path,
        durability: Durability,
        owner: &str,
    ) -> Result<Self, Error> {
        Self::of_layout(Layout::open(path, Some(owner))?, durability)
    }

    fn of_layout(layout: Layout, durability: Durability) -> Result<Self, Error> {
        // Opening is not the time to fail over what can stay where it is.
        let hour_ago = std::time::SystemTime::now().checked_sub(crate::GRACE_DEFAULT);
        let _ = layout.remove_leftovers(hour_ago.map_or(0, crate::record::unix_ms));
        Ok(Self {
            layout,
            durability,
            settled: Mutex::default(),
        })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.layout.root()
    }

    fn is_durable(&self) -> bool {
        self.durability == Durability::Fsync
    }

    /// Gives finished files their names: all content before any name, then
    /// each directory once.
    fn publish(&self, files: Vec<(Temporary, PathBuf)>) -> Result<(), Error> {
        if self.is_durable() {
            for (file, _) in &files {
                file.sync()?;
            }
        }
        let mut directories: Vec<PathBuf> = Vec::new();
        for (file, path) in files {
            file.rename(&path)?;
            if let Some(parent) = path.parent() {
                directories.push(parent.to_owned());
            }
        }
        if self.is_durable() {
            directories.sort();
            directories.dedup();
            directories
                .iter()
                .try_for_each(|path| sync_directory(path))?;
        }
        Ok(())
    }

    /// Makes sure of objects that another process may have named a moment ago
    /// and not yet made durable.
    fn settle(&self, keys: &[Key]) -> Result<(), Error> {
        if !self.is_durable() {
            return Ok(());
        }
        let unsettled: Vec<&Key> = {
            let settled = self.settled.lock();
            keys.iter().filter(|key| !settled.contains(*key)).collect()
        };
        if unsettled.len() > SETTLED_ONE_BY_ONE_MAX {
            files::sync_file_system(self.path())?;
        } else {
            for key in &unsettled {
                let path = self.layout.object(key)?;
                sync_file(&path)?;
                path.parent().map_or(Ok(()), sync_directory)?;
            }
        }
        unsettled.into_iter().for_each(|key| self.remember(key));
        Ok(())
    }

    /// Objects that another handle removes are not durable any more.
    pub(crate) fn forget(&self, keys: &[Key]) {
        let mut settled = self.settled.lock();
        for key in keys {
            settled.remove(key);
        }
    }

    fn remember(&self, key: &Key) {
        let mut settled = self.settled.lock();
        if settled.len() >= SETTLED_MAX {
            settled.clear();
        }
        settled.insert(*key);
    }
}

impl std::fmt::Debug for DirectoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectoryStore")
            .field("path", &self.path())
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

impl Backend for DirectoryStore {
    type Pass<'a> = Shared;
    type Sweep<'a> = Exclusive;

    fn enter(&self) -> Result<Shared, Error> {
        Shared::enter(&self.layout)
    }

    fn intact(&self, _: &Shared) -> Result<bool, Error> {
        Ok(true)
    }

    fn sweep(&self) -> Result<Exclusive, Error> {
        Exclusive::enter(&self.layout)
    }

    fn sweep_lasts(&self, _: &Exclusive) -> bool {
        true
    }

    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        let bytes_max = match key.kind {
            Kind::Snapshot => SNAPSHOT_OBJECT_BYTES_MAX,
            Kind::Chunk => CHUNK_OBJECT_BYTES_MAX,
            Kind::Link => LINK_OBJECT_BYTES_MAX,
        };
        read_bounded(&self.layout.object(key)?, bytes_max)
    }

    fn present(&self, keys: &[Key]) -> Result<Vec<bool>, Error> {
        let mut present = Vec::with_capacity(keys.len());
        for key in keys {
            let path = self.layout.object(key)?;
            present.push(match fs::symlink_metadata(&path) {
                Ok(_) => true,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
                Err(error) => {
                    return Err(Error::io("look at", path.display().to_string(), error));
                }
            });
        }
        let pairs = keys.iter().zip(&present);
        let there: Vec<Key> = pairs
            .filter(|(_, there)| **there)
            .map(|(key, _)| *key)
            .collect();
        self.settle(&there)?;
        Ok(present)
    }

    fn write(&self, objects: &[(Key, Vec<u8>)]) -> Result<(), Error> {
        let mut files = Vec::with_capacity(objects.len());
        for (key, bytes) in objects {
            let path = self.layout.object(key)?;
            files.push((self.layout.temporary(bytes)?, path));
        }
        self.publish(files)?;
        objects.iter().for_each(|(key, _)| self.remember(key));
        Ok(())
    }

    fn remove(&self, keys: &[Key]) -> Result<(), Error> {
        for key in keys {
            self.settled.lock().remove(key);
            files::remove(&self.layout.object(key)?)?;
        }
        Ok(())
    }

    fn list(&self) -> Result<Vec<Listed>, Error> {
        let mut listed = Vec::new();
        for (directory, path) in self.layout.private_directories()? {
            for entry in files::entries(&path)? {
                let name = entry.file_name();
                let Some(key) = name
                    .to_str()
                    .and_then(|name| Key::from_parts(&directory, name))
                else {
                    continue;
                };
                // Gone in the meantime: another collection's work.
                let Ok(metadata) = entry.metadata() else {
                    continue;
                };
                listed.push(Listed {
                    key,
                    bytes: metadata.len(),
                    modified_unix_ms: modified_unix_ms(&metadata),
                });
            }
        }
        Ok(listed)
    }

    fn place(&self, key: &Key) -> String {
        self.layout.object_place(key).display().to_string()
    }

    fn read_pointer(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        read_bounded(&self.layout.session(name), POINTER_OBJECT_BYTES_MAX)
    }

    fn list_pointers(&self) -> Result<Vec<String>, Error> {
        let entries = files::entries(&self.layout.sessions())?;
        let mut names: Vec<String> = entries
            .iter()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| check_session_name(name).is_ok())
            .collect();
        names.sort();
        Ok(names)
    }

    fn swap_pointer(&self, name: &str, judge: Judge<'_>) -> Result<(), Error> {
        let _alone = locks::stripe(&self.layout, name)?;
        let new = judge(self.read_pointer(name)?.as_deref())?;
        let file = self.layout.temporary(&new)?;
        self.publish(vec![(file, self.layout.session(name))])
    }

    fn remove_pointer(&self, name: &str) -> Result<bool, Error> {
        let _alone = locks::stripe(&self.layout, name)?;
        let was = files::remove(&self.layout.session(name))?;
        if was && self.is_durable() {
            sync_directory(&self.layout.sessions())?;
        }
        Ok(was)
    }

    fn place_pointer(&self, name: &str) -> String {
        self.layout.session(name).display().to_string()
    }

    fn lock(&self, name: &str) -> Result<SessionLock, Error> {
        locks::session(&self.layout, name)
    }

    fn remove_leftovers(&self, cutoff_unix_ms: u64) -> Result<u64, Error> {
        self.layout.remove_leftovers(cutoff_unix_ms)
    }
}
