//! A set of data files behind one database in memory.

use super::loading::{Loader, untaken};
use super::place::Place;
use crate::engine::Bounds;
use crate::error::DatabasesError;
use crate::limits::SqlLimits;
use crate::messages;
use crate::names::quoted;
use memex_host_tools::ToolError;
use memex_tables::{
    Bounds as ReadingBounds, Content, DataFile, DataFiles, Files, Part, Plan, Selection, Unloaded,
    read,
};
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Data files as the tables of a database.
pub(crate) struct DataSet {
    selection: Selection,
    limits: Arc<SqlLimits>,
    /// Where the tables are.
    place: Mutex<Place>,
    /// The only connection that writes. It keeps the database alive.
    writer: Mutex<Connection>,
    /// What is loaded. Queries hold it for reading, loads for writing.
    loaded: RwLock<Loaded>,
}

type Loaded = HashMap<String, Table>;

/// A table that is loaded.
struct Table {
    version: Version,
    /// What was guessed, widened or left out.
    notes: Vec<String>,
}

/// Tells one content of files from another: the size and the time of each.
type Version = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// The tables are there until this is dropped.
pub(crate) struct Ready<'a> {
    /// All tables of the set, loaded or not.
    pub(crate) tables: Vec<String>,
    loaded: RwLockReadGuard<'a, Loaded>,
}

impl Ready<'_> {
    /// What a reader of these tables (lower case) should know of them.
    pub(crate) fn notes(&self, mentioned: &HashSet<String>) -> Vec<String> {
        let mut loaded: Vec<(&String, &Table)> = self.loaded.iter().collect();
        loaded.sort_unstable_by_key(|(key, _)| *key);
        let loaded = loaded
            .into_iter()
            .filter(|(key, _)| mentioned.contains(*key));
        let noted = loaded.filter(|(_, table)| !table.notes.is_empty());
        noted
            .map(|(key, table)| format!("{key}: {}", table.notes.join("; ")))
            .collect()
    }
}

impl DataSet {
    pub(crate) fn open(
        database: &str,
        files: DataFiles,
        limits: &Arc<SqlLimits>,
    ) -> Result<Self, DatabasesError> {
        let selection = files.open(database);
        let selection = selection.map_err(|error| DatabasesError::of_files(database, error))?;
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(DatabasesError::Random)?;
        let place = Place::in_memory(u128::from_le_bytes(random));
        let writer = place.writer(limits)?;
        Ok(Self {
            selection,
            limits: Arc::clone(limits),
            place: Mutex::new(place),
            writer: Mutex::new(writer),
            loaded: RwLock::default(),
        })
    }

    /// The database, and whether it is the second one.
    pub(crate) fn place(&self) -> (String, bool) {
        let place = self.place.lock();
        (place.uri.clone(), place.is_on_disk())
    }

    /// One object for every file.
    pub(crate) fn list(&self, database: &str) -> Result<Vec<Value>, ToolError> {
        let Files { tables, left_out } = self.files()?;
        if tables.is_empty() && !left_out.is_empty() {
            let message = format!(
                "list_tables: the database {database:?} has no tables: no file is of a known format ({})",
                left_out.join(", ")
            );
            return Err(ToolError::new("ValueError", message));
        }
        let listed = tables.into_iter().map(|file| {
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
        let files = self.files()?.tables;
        let tables = files.iter().map(|file| file.name.clone()).collect();
        let late = || messages::timeout(&self.limits);
        let loaded = self
            .loaded
            .try_read_until(bounds.deadline)
            .ok_or_else(late)?;
        if self.stale(&files, mentioned, &loaded)?.is_empty() && !gone(&files, &loaded) {
            return Ok(Ready { tables, loaded });
        }
        drop(loaded);
        let mut loaded = self
            .loaded
            .try_write_until(bounds.deadline)
            .ok_or_else(late)?;
        let mut writer = self.writer.lock();
        let keys: HashSet<String> = files.iter().map(DataFile::key).collect();
        self.keep(&writer, &keys, &mut loaded)?;
        // Another call may have loaded some of them meanwhile.
        for (file, version) in self.stale(&files, mentioned, &loaded)? {
            loaded.remove(&file.key());
            let mut read = self.load(&writer, file, &version);
            if matches!(read, Err(Unloaded::TooLarge))
                && self.evict(&writer, mentioned, &mut loaded)?
            {
                read = self.load(&writer, file, &version);
            }
            if matches!(read, Err(Unloaded::TooLarge)) && self.go_to_disk(&mut writer)? {
                loaded.clear();
                drop((loaded, writer));
                return self.ready(mentioned, bounds);
            }
            let table = read.map_err(|unloaded| self.failure(file, unloaded))?;
            loaded.insert(file.key(), table);
        }
        Ok(Ready {
            tables,
            loaded: RwLockWriteGuard::downgrade(loaded),
        })
    }

    /// Begins anew on disk, if that is permitted and was not done before.
    fn go_to_disk(&self, writer: &mut Connection) -> Result<bool, ToolError> {
        let mut place = self.place.lock();
        if self.limits.disk_max_bytes == 0 || place.is_on_disk() {
            return Ok(false);
        }
        let next = Place::on_disk().map_err(|error| {
            let message = "sql: there is no place for tables on disk";
            ToolError::new("OSError", message).with_detail(error.to_string())
        })?;
        let opened = next.writer(&self.limits);
        *writer = opened.map_err(|error| self.engine_failure(&error))?;
        *place = next;
        Ok(true)
    }

    /// Makes room: drops what the query at hand does not mention, if anything.
    fn evict(
        &self,
        writer: &Connection,
        mentioned: &HashSet<String>,
        loaded: &mut Loaded,
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
        loaded: &mut Loaded,
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

    fn files(&self) -> Result<Files, ToolError> {
        let bounds = self.bounds().unwrap_or(ReadingBounds {
            max_bytes: self.limits.loaded_max_bytes,
            deadline: Instant::now(),
        });
        self.selection
            .files(self.limits.tables_max, &bounds)
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
        loaded: &Loaded,
    ) -> Result<Vec<(&'f DataFile, Version)>, ToolError> {
        let mut stale = Vec::new();
        for file in files.iter().filter(|file| mentioned.contains(&file.key())) {
            let version = self
                .version(file)
                .map_err(|unloaded| self.failure(file, unloaded))?;
            let known = loaded.get(&file.key());
            if known.is_none_or(|known| known.version != version) {
                stale.push((file, version));
            }
        }
        Ok(stale)
    }

    fn version(&self, file: &DataFile) -> Result<Version, Unloaded> {
        let host = |error: std::io::Error| Unloaded::Host(error.to_string());
        let versions = file.parts.iter().map(|(path, _)| {
            let status = self.selection.directory().metadata(path).map_err(host)?;
            version_of(path, &status)
        });
        versions.collect()
    }

    fn bounds(&self) -> Result<ReadingBounds, Unloaded> {
        let deadline = Instant::now().checked_add(self.limits.load_timeout);
        Ok(ReadingBounds {
            max_bytes: self.limits.loaded_max_bytes,
            deadline: deadline.ok_or(Unloaded::TooLate)?,
        })
    }

    /// Reads files into their table, in place of what was there.
    fn load(
        &self,
        writer: &Connection,
        file: &DataFile,
        expected: &Version,
    ) -> Result<Table, Unloaded> {
        let bounds = self.bounds()?;
        self.check_size(expected)?;
        let table = file.name.as_str();
        // Not part of the transaction: what is stale goes even if nothing can
        // take its place.
        let drop = format!("DROP TABLE IF EXISTS {}", quoted(table));
        writer.execute_batch(&drop).map_err(untaken)?;
        let transaction = writer.unchecked_transaction().map_err(untaken)?;
        let (parts, version) = self.open_parts(file)?;
        self.check_size(&version)?;
        let begin = |plan: &[Plan]| Loader::create(&transaction, table, plan, &bounds);
        let sheet = file.sheet.as_deref();
        let (_, notes) = read(&parts, file.format, sheet, &bounds, begin)?;
        for (part, (_, bytes, modified)) in parts.iter().zip(&version) {
            let after = part.content.state();
            let after = after.map_err(|error| Unloaded::Host(error.to_string()))?;
            if after != (*bytes, *modified) {
                return Err(Unloaded::Content(
                    "it changed while it was read; try again".to_owned(),
                ));
            }
        }
        transaction.commit().map_err(untaken)?;
        Ok(Table { version, notes })
    }

    fn check_size(&self, version: &Version) -> Result<(), Unloaded> {
        let bytes = version.iter().map(|(_, bytes, _)| *bytes);
        match bytes.fold(0, u64::saturating_add) > self.limits.file_max_bytes {
            true => Err(Unloaded::TooLarge),
            false => Ok(()),
        }
    }

    /// The files of a table, opened, and what they are now.
    fn open_parts(&self, file: &DataFile) -> Result<(Vec<Part>, Version), Unloaded> {
        let host = |error: std::io::Error| Unloaded::Host(error.to_string());
        let (mut parts, mut version) = (Vec::new(), Version::new());
        for (path, constants) in &file.parts {
            let opened = self.selection.directory().open(path).map_err(host)?;
            let state = version_of(path, &opened.metadata().map_err(host)?)?;
            let max = self.limits.file_max_bytes;
            parts.push(Part {
                content: Content::of_file(opened.into_std(), state.1, file.packing, max),
                constants: constants.clone(),
            });
            version.push(state);
        }
        Ok((parts, version))
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
                    self.limits.file_max_bytes,
                    (self.limits.loaded_max_bytes as u64).max(self.limits.disk_max_bytes)
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
fn gone(files: &[DataFile], loaded: &Loaded) -> bool {
    loaded
        .keys()
        .any(|key| !files.iter().any(|file| file.key() == *key))
}

fn version_of(
    path: &Path,
    status: &cap_std::fs::Metadata,
) -> Result<(PathBuf, u64, Option<SystemTime>), Unloaded> {
    if !status.is_file() {
        return Err(Unloaded::Content("it is no regular file".to_owned()));
    }
    Ok((
        path.to_owned(),
        status.len(),
        status.modified().ok().map(|time| time.into_std()),
    ))
}
