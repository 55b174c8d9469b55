//! The database that data files are loaded into: in memory, or on disk once they need more.

use crate::engine::saturated;
use crate::limits::SqlLimits;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use std::io;
use tempfile::TempDir;

const PAGE_BYTES: u64 = 4096;

/// Where the tables of a set are.
pub(super) struct Place {
    pub(super) uri: String,
    /// On disk: a folder of this process, which goes with it.
    folder: Option<TempDir>,
}

impl Place {
    /// A database in memory. No SQL can open one, and nobody can guess its name.
    pub(super) fn in_memory(name: u128) -> Self {
        Self {
            uri: format!("file:/{name:032x}?vfs=memdb"),
            folder: None,
        }
    }

    /// A database in a folder that only this user reads.
    pub(super) fn on_disk() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("memex-tables-").tempdir()?;
        let path = folder.path().join("tables.sqlite");
        let escaped = path
            .to_string_lossy()
            .replace('%', "%25")
            .replace('?', "%3f");
        Ok(Self {
            uri: format!("file:{}", escaped.replace('#', "%23")),
            folder: Some(folder),
        })
    }

    pub(super) fn is_on_disk(&self) -> bool {
        self.folder.is_some()
    }

    /// The only connection that writes. It keeps a database in memory alive.
    pub(super) fn writer(&self, limits: &SqlLimits) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let writer = Connection::open_with_flags(&self.uri, flags)?;
        let max = match self.folder {
            None => limits.loaded_max_bytes as u64,
            Some(_) => limits.disk_max_bytes,
        };
        writer.execute_batch(&format!(
            "PRAGMA page_size = {PAGE_BYTES}; PRAGMA max_page_count = {}; PRAGMA hard_heap_limit = {};",
            (max / PAGE_BYTES).max(1),
            limits.memory_max_bytes
        ))?;
        if self.is_on_disk() {
            // Nothing is left of it after a crash, so nothing has to survive one.
            writer.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;")?;
        }
        writer.set_limit(
            Limit::SQLITE_LIMIT_LENGTH,
            saturated(limits.value_max_bytes),
        )?;
        Ok(writer)
    }
}
