//! A set of data files behind one database in memory.

use super::loading::{Loader, Plan, Unloaded};
use super::selection::{DataFile, DataFiles, Format, Selection};
use super::{arrow, delimited, json_lines};
use crate::engine::{Bounds, saturated};
use crate::error::DatabasesError;
use crate::limits::SqlLimits;
use crate::messages;
use crate::names::quoted;
use cap_std::time::SystemTime;
use memex_host_tools::ToolError;
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

const PAGE_BYTES: usize = 4096;

/// Data files as the tables of a database.
pub(crate) struct DataSet {
    selection: Selection,
    limits: Arc<SqlLimits>,
    /// Names the database in memory. Unguessable, and no SQL can open one.
    uri: String,
    /// The only connection that writes. It keeps the database alive.
    writer: Mutex<Connection>,
    /// What is loaded. Queries hold it for reading, loads for writing.
    loaded: RwLock<HashMap<String, Version>>,
}

/// Tells one content of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    bytes: u64,
    modified: Option<SystemTime>,
}

/// The tables are there until this is dropped.
pub(crate) struct Ready<'a> {
    /// All tables of the set, loaded or not.
    pub(crate) tables: Vec<String>,
    _loaded: RwLockReadGuard<'a, HashMap<String, Version>>,
}

impl DataSet {
    pub(crate) fn open(
        database: &str,
        files: DataFiles,
        limits: &Arc<SqlLimits>,
    ) -> Result<Self, DatabasesError> {
        let selection = files.open(database)?;
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(DatabasesError::Random)?;
        let name = u128::from_le_bytes(random);
        let uri = format!("file:/{name:032x}?vfs=memdb");
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let writer = Connection::open_with_flags(&uri, flags)?;
        writer.execute_batch(&format!(
            "PRAGMA page_size = {PAGE_BYTES}; PRAGMA max_page_count = {}; PRAGMA hard_heap_limit = {};",
            (limits.loaded_max_bytes / PAGE_BYTES).max(1),
            limits.memory_max_bytes
        ))?;
        writer.set_limit(
            Limit::SQLITE_LIMIT_LENGTH,
            saturated(limits.value_max_bytes),
        )?;
        Ok(Self {
            selection,
            limits: Arc::clone(limits),
            uri,
            writer: Mutex::new(writer),
            loaded: RwLock::default(),
        })
    }

    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// One object for every file.
    pub(crate) fn list(&self, database: &str) -> Result<Vec<Value>, ToolError> {
        let files = self.files()?;
        let listed = files.into_iter().map(|file| {
            json!({
                "database": database, "table": file.name, "kind": file.format.name(),
                "rows": null, "columns": null, "references": [],
            })
        });
        Ok(listed.collect())
    }

    /// Sees to it that the tables of `mentioned` (lower case) are loaded as
    /// their files are now, and stay while the answer is held.
    pub(crate) fn ready(
        &self,
        mentioned: &HashSet<String>,
        bounds: &Bounds,
    ) -> Result<Ready<'_>, ToolError> {
        let files = self.files()?;
        let tables = files.iter().map(|file| file.name.clone()).collect();
        let late = || messages::timeout(&self.limits);
        let loaded = self
            .loaded
            .try_read_until(bounds.deadline)
            .ok_or_else(late)?;
        if self.stale(&files, mentioned, &loaded)?.is_empty() && !gone(&files, &loaded) {
            return Ok(Ready {
                tables,
                _loaded: loaded,
            });
        }
        drop(loaded);
        let mut loaded = self
            .loaded
            .try_write_until(bounds.deadline)
            .ok_or_else(late)?;
        let writer = self.writer.lock();
        let keys: HashSet<String> = files.iter().map(DataFile::key).collect();
        self.keep(&writer, &keys, &mut loaded)?;
        // Another call may have loaded some of them meanwhile.
        for (file, version) in self.stale(&files, mentioned, &loaded)? {
            loaded.remove(&file.key());
            let mut read = self.load(&writer, file, version);
            if matches!(read, Err(Unloaded::TooLarge))
                && self.evict(&writer, mentioned, &mut loaded)?
            {
                read = self.load(&writer, file, version);
            }
            let version = read.map_err(|unloaded| self.failure(file, unloaded))?;
            loaded.insert(file.key(), version);
        }
        Ok(Ready {
            tables,
            _loaded: RwLockWriteGuard::downgrade(loaded),
        })
    }

    /// Makes room: drops what the query at hand does not mention, if anything.
    fn evict(
        &self,
        writer: &Connection,
        mentioned: &HashSet<String>,
        loaded: &mut HashMap<String, Version>,
    ) -> Result<bool, ToolError> {
        let before = loaded.len();
        self.keep(writer, mentioned, loaded)?;
        Ok(loaded.len() < before)
    }

    /// Drops the tables that are not among `kept`.
    fn keep(
        &self,
        writer: &Connection,
        kept: &HashSet<String>,
        loaded: &mut HashMap<String, Version>,
    ) -> Result<(), ToolError> {
        let dropped: Vec<String> = loaded
            .keys()
            .filter(|key| !kept.contains(*key))
            .cloned()
            .collect();
        for key in dropped {
            writer
                .execute_batch(&format!("DROP TABLE IF EXISTS {}", quoted(&key)))
                .map_err(|error| self.engine_failure(&error))?;
            loaded.remove(&key);
        }
        Ok(())
    }

    fn files(&self) -> Result<Vec<DataFile>, ToolError> {
        self.selection
            .files(self.limits.tables_max)
            .map_err(|error| {
                let message = match error.kind() {
                    std::io::ErrorKind::QuotaExceeded => format!("sql: {error}"),
                    _ => "sql: the directory of the data files cannot be read".to_owned(),
                };
                ToolError::new("OSError", message).with_detail(error.to_string())
            })
    }

    /// The files that are mentioned and not loaded as they are now.
    fn stale<'f>(
        &self,
        files: &'f [DataFile],
        mentioned: &HashSet<String>,
        loaded: &HashMap<String, Version>,
    ) -> Result<Vec<(&'f DataFile, Version)>, ToolError> {
        let mut stale = Vec::new();
        for file in files.iter().filter(|file| mentioned.contains(&file.key())) {
            let version = self
                .version(file)
                .map_err(|unloaded| self.failure(file, unloaded))?;
            if loaded.get(&file.key()) != Some(&version) {
                stale.push((file, version));
            }
        }
        Ok(stale)
    }

    fn version(&self, file: &DataFile) -> Result<Version, Unloaded> {
        let host = |error: std::io::Error| Unloaded::Host(error.to_string());
        version_of(
            &self
                .selection
                .directory
                .metadata(&file.path)
                .map_err(host)?,
        )
    }

    /// Reads a file into its table, in place of what was there. Answers which
    /// content was read.
    fn load(
        &self,
        writer: &Connection,
        file: &DataFile,
        expected: Version,
    ) -> Result<Version, Unloaded> {
        let deadline = Instant::now()
            .checked_add(self.limits.load_timeout)
            .ok_or(Unloaded::TooLate)?;
        if expected.bytes > self.limits.file_max_bytes {
            return Err(Unloaded::TooLarge);
        }
        let table = file.name.as_str();
        // Not part of the transaction: what is stale goes even if nothing can
        // take its place.
        writer.execute_batch(&format!("DROP TABLE IF EXISTS {}", quoted(table)))?;
        let transaction = writer.unchecked_transaction()?;
        let host = |error: std::io::Error| Unloaded::Host(error.to_string());
        let opened = self.selection.directory.open(&file.path).map_err(host)?;
        let version = version_of(&opened.metadata().map_err(host)?)?;
        if version.bytes > self.limits.file_max_bytes {
            return Err(Unloaded::TooLarge);
        }
        let opened = opened.into_std();
        let again = opened.try_clone().map_err(host)?;
        let (bytes, max) = (version.bytes, self.limits.loaded_max_bytes);
        let into_table = |plan: &[Plan]| Loader::create(&transaction, table, plan, deadline);
        match file.format {
            Format::Csv => delimited::load(opened, bytes, None, &transaction, table, deadline),
            Format::Tsv => {
                delimited::load(opened, bytes, Some(b'\t'), &transaction, table, deadline)
            }
            Format::JsonLines => json_lines::load(opened, bytes, &transaction, table, deadline),
            Format::Arrow => arrow::read_arrow(opened, bytes, max, into_table).map(drop),
            Format::Parquet => {
                arrow::read_parquet(opened, bytes, max, deadline, into_table).map(drop)
            }
        }?;
        let after = cap_std::fs::File::from_std(again)
            .metadata()
            .map_err(host)?;
        if version_of(&after)? != version {
            return Err(Unloaded::Content(
                "it changed while it was read; try again".to_owned(),
            ));
        }
        transaction.commit()?;
        Ok(version)
    }

    fn failure(&self, file: &DataFile, unloaded: Unloaded) -> ToolError {
        let table = &file.name;
        let format = file.format.name();
        match unloaded {
            Unloaded::Content(why) => ToolError::new(
                "ValueError",
                format!("sql: the table {table:?} cannot be loaded from its {format} file: {why}"),
            ),
            Unloaded::TooLarge => ToolError::new(
                "MemoryError",
                format!(
                    "sql: the table {table:?} cannot be loaded: files may have {} bytes, and all tables of a database together {}",
                    self.limits.file_max_bytes, self.limits.loaded_max_bytes
                ),
            ),
            Unloaded::TooLate => ToolError::new(
                "TimeoutError",
                format!(
                    "sql: the table {table:?} cannot be loaded within {} s",
                    self.limits.load_timeout.as_secs_f64()
                ),
            ),
            Unloaded::Host(detail) => ToolError::new(
                "OSError",
                format!("sql: the {format} file of the table {table:?} cannot be read"),
            )
            .with_detail(detail),
        }
    }

    fn engine_failure(&self, error: &rusqlite::Error) -> ToolError {
        ToolError::new("OSError", "sql: the embedded engine failed").with_detail(error.to_string())
    }
}

/// Whether a loaded file is not there any more.
fn gone(files: &[DataFile], loaded: &HashMap<String, Version>) -> bool {
    loaded
        .keys()
        .any(|key| !files.iter().any(|file| file.key() == *key))
}

fn version_of(status: &cap_std::fs::Metadata) -> Result<Version, Unloaded> {
    if !status.is_file() {
        return Err(Unloaded::Content("it is no regular file".to_owned()));
    }
    Ok(Version {
        bytes: status.len(),
        modified: status.modified().ok(),
    })
}
