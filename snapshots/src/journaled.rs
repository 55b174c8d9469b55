//! A store whose small objects and names are in a journal, and whose large objects are files.
//!
//! ```text
//! journal   o KIND DIGEST ─► object of up to 128 KiB
//!           p NAME        ─► pointer
//! DIR       larger objects, and what the directory held before
//! ```
//! A directory alone makes a file for each saved state and another one for the name that
//! leads to it. A journal makes none: a state and its name are one write each, and all that
//! wait for the disk share a flush.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use memex_journal::{Change, Journal, Kept};
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::backend::{Backend, Judge, Key, Kind, Listed};
use crate::directory::{DirectoryStore, Durability};
use crate::{Error, SessionLock};

/// Objects up to this are in the journal.
const JOURNALED_BYTES_MAX: usize = 128 << 10;
/// What names of objects and of sessions begin with in the journal.
const OBJECT: u8 = b'o';
const POINTER: u8 = b'p';
/// Where the journal keeps the name that the directory has, too.
const OWNER_KEY: &[u8] = b"store";

/// A store for the many small sessions of one process.
///
/// The directory and the journal belong to each other: the directory holds the name that
/// the journal gave it, and neither is opened with another one. A directory in which a
/// [`DirectoryStore`] was is taken over with all that is in it; from then on it is no
/// [`DirectoryStore`] any more, since that would collect what only the journal needs.
///
/// Clones share everything but how sure they make of what they acknowledge
/// ([`with_durability`](Self::with_durability)).
#[derive(Clone)]
pub struct JournaledStore {
    shared: Arc<Shared>,
    durability: Durability,
}

struct Shared {
    journal: Arc<Journal>,
    /// The directory, as it is used for either durability.
    flushed: DirectoryStore,
    synced: DirectoryStore,
    gate: RwLock<()>,
    naming: Mutex<()>,
    /// Whether names may be left in the directory.
    has_old_names: AtomicBool,
}

impl JournaledStore {
    /// Opens the store of a directory and a journal, or makes one. What it acknowledges
    /// survives the end of the process; [`with_durability`](Self::with_durability) asks for
    /// more.
    ///
    /// # Errors
    /// As [`DirectoryStore::open`]; [`Error::NotAStore`] for the directory of another journal.
    pub fn open(journal: Arc<Journal>, directory: &Path) -> Result<Self, Error> {
        let known = journal.get(OWNER_KEY).map_err(of_journal)?;
        let owner = match known.and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(owner) => owner,
            None => drawn(&journal)?,
        };
        let open = |durability| DirectoryStore::open_owned(directory, durability, &owner);
        let flushed = open(Durability::Flush)?;
        let has_old_names = !flushed.list_pointers()?.is_empty();
        Ok(Self {
            shared: Arc::new(Shared {
                journal,
                synced: open(Durability::Fsync)?,
                flushed,
                gate: RwLock::default(),
                naming: Mutex::default(),
                has_old_names: AtomicBool::new(has_old_names),
            }),
            durability: Durability::Flush,
        })
    }

    /// The same store, which makes this sure of what it acknowledges.
    #[must_use]
    pub fn with_durability(&self, durability: Durability) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            durability,
        }
    }

    fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    fn files(&self) -> &DirectoryStore {
        match self.durability {
            Durability::Flush => &self.shared.flushed,
            Durability::Fsync => &self.shared.synced,
        }
    }

    fn has_old_names(&self) -> bool {
        self.shared.has_old_names.load(Ordering::Relaxed)
    }

    /// Writes objects where they belong.
    fn put(&self, objects: &[(Key, Vec<u8>)]) -> Result<(), Error> {
        let is_small = |object: &&(Key, Vec<u8>)| object.1.len() <= JOURNALED_BYTES_MAX;
        let large: Vec<(Key, Vec<u8>)> = objects
            .iter()
            .filter(|object| !is_small(object))
            .cloned()
            .collect();
        if !large.is_empty() {
            self.files().write(&large)?;
        }
        let small = objects.iter().filter(is_small);
        let small: Vec<_> = small.map(|(key, bytes)| (object_key(key), bytes)).collect();
        let changes: Vec<Change<'_>> = small
            .iter()
            .map(|(key, bytes)| Change::put(key, bytes))
            .collect();
        if !changes.is_empty() {
            self.journal().append(&changes).map_err(of_journal)?;
        }
        Ok(())
    }
}

/// A name for a directory, which the journal knows before the directory has it.
fn drawn(journal: &Journal) -> Result<String, Error> {
    let place = journal.directory().display().to_string();
    let drawn = getrandom::u64().map_err(|error| {
        let error = std::io::Error::other(error.to_string());
        Error::io("draw random numbers for", place, error)
    })?;
    let owner = format!("{drawn:016x}");
    let written = journal.append(&[Change::put(OWNER_KEY, owner.as_bytes())]);
    let settled = written.and_then(|place| journal.settle(place));
    settled.map_err(of_journal)?;
    Ok(owner)
}

impl std::fmt::Debug for JournaledStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JournaledStore")
            .field("files", self.files())
            .finish_non_exhaustive()
    }
}

impl Backend for JournaledStore {
    type Pass<'a> = RwLockReadGuard<'a, ()>;
    type Sweep<'a> = RwLockWriteGuard<'a, ()>;

    fn enter(&self) -> Result<Self::Pass<'_>, Error> {
        Ok(self.shared.gate.read())
    }

    fn intact(&self, _: &Self::Pass<'_>) -> Result<bool, Error> {
        Ok(true)
    }

    fn sweep(&self) -> Result<Self::Sweep<'_>, Error> {
        Ok(self.shared.gate.write())
    }

    fn sweep_lasts(&self, _: &Self::Sweep<'_>) -> bool {
        true
    }

    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        match self.journal().get(&object_key(key)).map_err(of_journal)? {
            Some(bytes) => Ok(Some(bytes)),
            None => self.files().read(key),
        }
    }

    fn present(&self, keys: &[Key]) -> Result<Vec<bool>, Error> {
        let here: Vec<bool> = keys
            .iter()
            .map(|key| self.journal().has(&object_key(key)))
            .collect();
        let elsewhere: Vec<Key> = keys
            .iter()
            .zip(&here)
            .filter(|(_, here)| !**here)
            .map(|(key, _)| *key)
            .collect();
        let mut files = self.files().present(&elsewhere)?.into_iter();
        if here.contains(&true) {
            self.settle()?;
        }
        let present = here.into_iter();
        Ok(present
            .map(|here| here || files.next().unwrap_or(false))
            .collect())
    }

    fn write(&self, objects: &[(Key, Vec<u8>)]) -> Result<(), Error> {
        self.put(objects)?;
        self.settle()
    }

    fn write_ahead(&self, objects: &[(Key, Vec<u8>)]) -> Result<(), Error> {
        self.put(objects)
    }

    fn settle(&self) -> Result<(), Error> {
        if self.durability == Durability::Flush {
            return Ok(());
        }
        let journal = self.journal();
        journal.settle(journal.end()).map_err(of_journal)
    }

    fn remove(&self, keys: &[Key]) -> Result<(), Error> {
        let here: Vec<Vec<u8>> = keys.iter().map(object_key).collect();
        let here = here.iter().filter(|key| self.journal().has(key));
        let changes: Vec<Change<'_>> = here.map(|key| Change::remove(key)).collect();
        if !changes.is_empty() {
            self.journal().append(&changes).map_err(of_journal)?;
        }
        self.shared.synced.forget(keys);
        // One from before may be in a file, too.
        self.shared.flushed.remove(keys)
    }

    fn list(&self) -> Result<Vec<Listed>, Error> {
        let files = self.files().list()?;
        let mut listed: HashMap<Key, Listed> =
            files.into_iter().map(|file| (file.key, file)).collect();
        let here = self.journal().keys(&[OBJECT]);
        let here = here.iter().filter_map(|(key, kept)| listed_in(key, kept));
        // The journal's is the newer one.
        listed.extend(here.map(|here| (here.key, here)));
        Ok(listed.into_values().collect())
    }

    fn place(&self, key: &Key) -> String {
        match self.journal().has(&object_key(key)) {
            true => {
                let (directory, file) = key.parts();
                let journal = self.journal().directory().display();
                format!("{journal}: {directory}{file}")
            }
            false => self.files().place(key),
        }
    }

    fn read_pointer(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.journal().get(&pointer_key(name)).map_err(of_journal)? {
            None if self.has_old_names() => self.files().read_pointer(name),
            found => Ok(found),
        }
    }

    fn list_pointers(&self) -> Result<Vec<String>, Error> {
        let mut names = match self.has_old_names() {
            true => self.files().list_pointers()?,
            false => Vec::new(),
        };
        let here = self.journal().keys(&[POINTER]);
        let here = here.iter().filter_map(|(key, _)| key.get(1..));
        names.extend(here.filter_map(|name| String::from_utf8(name.to_vec()).ok()));
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn swap_pointer(&self, name: &str, judge: Judge<'_>) -> Result<(), Error> {
        {
            let _alone = self.shared.naming.lock();
            let new = judge(self.read_pointer(name)?.as_deref())?;
            let key = pointer_key(name);
            let change = Change::put(&key, &new);
            self.journal().append(&[change]).map_err(of_journal)?;
            if self.has_old_names() {
                // The journal's name comes first, whatever becomes of this.
                let _absent = self.shared.flushed.remove_pointer(name);
            }
        }
        self.settle()
    }

    fn remove_pointer(&self, name: &str) -> Result<bool, Error> {
        let was = {
            let _alone = self.shared.naming.lock();
            let was_file = self.has_old_names() && self.files().remove_pointer(name)?;
            let key = pointer_key(name);
            let was = self.journal().has(&key);
            if was {
                self.journal()
                    .append(&[Change::remove(&key)])
                    .map_err(of_journal)?;
            }
            was || was_file
        };
        if was {
            self.settle()?;
        }
        Ok(was)
    }

    fn place_pointer(&self, name: &str) -> String {
        format!("{}: {name}", self.journal().directory().display())
    }

    fn lock(&self, name: &str) -> Result<SessionLock, Error> {
        self.files().lock(name)
    }

    fn remove_leftovers(&self, cutoff_unix_ms: u64) -> Result<u64, Error> {
        self.files().remove_leftovers(cutoff_unix_ms)
    }
}

fn object_key(key: &Key) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + key.digest.len());
    bytes.push(OBJECT);
    bytes.push(match key.kind {
        Kind::Snapshot => b's',
        Kind::Chunk => b'c',
        Kind::Link => b'l',
    });
    bytes.extend_from_slice(&key.digest);
    bytes
}

fn listed_in(key: &[u8], kept: &Kept) -> Option<Listed> {
    let (head, digest) = key.split_first_chunk::<2>()?;
    let kind = match head {
        [OBJECT, b's'] => Kind::Snapshot,
        [OBJECT, b'c'] => Kind::Chunk,
        [OBJECT, b'l'] => Kind::Link,
        _ => return None,
    };
    let digest = digest.try_into().ok()?;
    Some(Listed {
        key: Key { kind, digest },
        bytes: kept.bytes,
        modified_unix_ms: kept.written_unix_ms,
    })
}

fn pointer_key(name: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + name.len());
    bytes.push(POINTER);
    bytes.extend_from_slice(name.as_bytes());
    bytes
}

/// An error of the journal, as one of the store.
fn of_journal(error: memex_journal::Error) -> Error {
    use memex_journal::Error as Journal;
    match error {
        Journal::Full { file, source } => Error::Full {
            place: file.display().to_string(),
            source,
        },
        Journal::Io {
            action,
            place,
            source,
        } => Error::io(action, place.display().to_string(), source),
        Journal::Damaged { file, .. } => Error::Damaged {
            place: file.display().to_string(),
            what: "a record is not what was written",
            remedy: "restore it from a copy",
        },
        Journal::Closed { ref directory } | Journal::InUse { ref directory } => {
            let place = directory.display().to_string();
            Error::io("use", place, std::io::Error::other(error))
        }
        error => Error::io("use", "the journal", std::io::Error::other(error)),
    }
}
