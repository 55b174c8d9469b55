//! The operations that a storage backend must offer. The rules of saving, naming and
//! collecting are written once, over this.

use std::fmt;

use crate::id::parse_hex;
use crate::{Digest, Error, SessionLock, SnapshotId};

/// A place for objects and pointers.
pub trait Backend: Send + Sync {
    /// Held while objects are written; see [`enter`](Self::enter).
    type Pass<'a>
    where
        Self: 'a;
    /// Held while objects are removed; see [`sweep`](Self::sweep).
    type Sweep<'a>
    where
        Self: 'a;

    /// Begins writing. Where the place can exclude sweeps meanwhile it does;
    /// where it cannot, [`intact`](Self::intact) checks afterwards.
    fn enter(&self) -> Result<Self::Pass<'_>, Error>;

    /// Whether no sweep began since `enter`.
    fn intact(&self, pass: &Self::Pass<'_>) -> Result<bool, Error>;

    /// Begins removing, once every writer before is done.
    fn sweep(&self) -> Result<Self::Sweep<'_>, Error>;

    /// Whether the sweep may still remove.
    fn sweep_lasts(&self, sweep: &Self::Sweep<'_>) -> bool;

    /// An object's bytes.
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error>;

    /// Many objects' bytes, in order.
    fn read_many(&self, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        keys.iter().map(|key| self.read(key)).collect()
    }

    /// Which of `keys` are there, each as durable as if just written.
    fn present(&self, keys: &[Key]) -> Result<Vec<bool>, Error>;

    /// Writes objects, whole or not at all, durable on return.
    fn write(&self, objects: &[(Key, Vec<u8>)]) -> Result<(), Error>;

    /// Writes objects that need not be durable before the pointer is that is moved to them
    /// afterwards: a place that keeps what it is given in order need not wait twice.
    fn write_ahead(&self, objects: &[(Key, Vec<u8>)]) -> Result<(), Error> {
        self.write(objects)
    }

    /// Waits until what was written ahead is durable.
    fn settle(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Removes objects, of which some may be gone already.
    fn remove(&self, keys: &[Key]) -> Result<(), Error>;

    /// Every object.
    fn list(&self) -> Result<Vec<Listed>, Error>;

    /// Where an object lies, for messages.
    fn place(&self, key: &Key) -> String;

    /// A pointer's bytes.
    fn read_pointer(&self, name: &str) -> Result<Option<Vec<u8>>, Error>;

    /// The names of all pointers, sorted.
    fn list_pointers(&self) -> Result<Vec<String>, Error>;

    /// Replaces a pointer atomically by the result of `judge` for its present
    /// bytes. `judge` may be called more than once.
    fn swap_pointer(&self, name: &str, judge: Judge<'_>) -> Result<(), Error>;

    /// Removes a pointer and says whether there was one.
    fn remove_pointer(&self, name: &str) -> Result<bool, Error>;

    /// Where a pointer lies, for messages.
    fn place_pointer(&self, name: &str) -> String;

    /// Locks a session's name.
    fn lock(&self, name: &str) -> Result<SessionLock, Error>;

    /// Removes what unfinished writes before `cutoff_unix_ms` left behind, and
    /// returns how many bytes that were. Called during a sweep.
    fn remove_leftovers(&self, cutoff_unix_ms: u64) -> Result<u64, Error>;
}

/// Decides what a pointer becomes.
pub(crate) type Judge<'a> = &'a dyn Fn(Option<&[u8]>) -> Result<Vec<u8>, Error>;

/// The name of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is.
    pub kind: Kind,
    /// Its digest, or for a link, that of the snapshot it starts from.
    pub digest: [u8; 32],
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A record and a head.
    Snapshot,
    /// A part of a state.
    Chunk,
    /// Where a trail continues.
    Link,
}

/// An object in a listing.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// Its name.
    pub key: Key,
    /// Its length, as stored.
    pub bytes: u64,
    /// When it was written.
    pub modified_unix_ms: u64,
}

impl Key {
    pub(crate) fn snapshot(id: &SnapshotId) -> Self {
        Self {
            kind: Kind::Snapshot,
            digest: *id.as_bytes(),
        }
    }

    pub(crate) fn chunk(digest: &Digest) -> Self {
        Self {
            kind: Kind::Chunk,
            digest: *digest.as_bytes(),
        }
    }

    pub(crate) fn link(from: &SnapshotId) -> Self {
        Self {
            kind: Kind::Link,
            digest: *from.as_bytes(),
        }
    }

    /// The first byte of its digest, which its directory is named by.
    pub(crate) fn first(&self) -> u8 {
        let [first, ..] = self.digest;
        first
    }

    /// The two parts of its name: directory and file.
    pub(crate) fn parts(&self) -> (String, String) {
        let first = self.first();
        let hex = SnapshotId::from_bytes(self.digest).to_string();
        let rest: String = hex.chars().skip(2).collect();
        (format!("{first:02x}"), format!("{rest}.{}", self.kind))
    }

    /// The key whose name has these parts. A name that this crate cannot have
    /// written has no key, and is ignored.
    pub(crate) fn from_parts(directory: &str, file: &str) -> Option<Self> {
        let (rest, suffix) = file.split_once('.')?;
        let kind = [Kind::Snapshot, Kind::Chunk, Kind::Link]
            .into_iter()
            .find(|kind| kind.suffix() == suffix)?;
        let digest = parse_hex(&format!("{directory}{rest}"))?;
        (directory.len() == 2).then_some(Self { kind, digest })
    }
}

impl Kind {
    fn suffix(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Chunk => "chunk",
            Self::Link => "link",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.suffix())
    }
}
