//! Which databases there are.

use super::access::Access;
use super::database::{Database, Source};
use super::error::DatabasesError;
use super::files::DataSet;
use super::limits::SqlLimits;
use super::messages;
use memex_host_tools::ToolError;
use memex_tables::{DataFiles, FilesError, check_name};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const GIB: usize = 1 << 30;

/// The databases that guests may query, by name. Cheap to clone: clones share
/// connections and loaded tables.
#[derive(Clone)]
pub struct Databases {
    pub(super) all: Arc<[Arc<Database>]>,
    pub(super) limits: Arc<SqlLimits>,
}

impl std::fmt::Debug for Databases {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.all.iter().map(|database| database.name());
        formatter.debug_list().entries(names).finish()
    }
}

impl Databases {
    /// No databases yet, and [`SqlLimits::default`].
    #[must_use]
    pub fn builder() -> DatabasesBuilder {
        DatabasesBuilder::default()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.all
            .iter()
            .map(|database| database.name().to_owned())
            .collect()
    }

    /// The database called `name`, or the only one.
    pub(super) fn pick(&self, name: Option<&str>) -> Result<Arc<Database>, ToolError> {
        let found = match (name, &*self.all) {
            (None, [only]) => return Ok(Arc::clone(only)),
            (None, _) => {
                let message = format!(
                    "sql: say which database: one of {}",
                    self.names().join(", ")
                );
                return Err(ToolError::new("ValueError", message));
            }
            (Some(name), all) => all
                .iter()
                .find(|database| database.name().eq_ignore_ascii_case(name)),
        };
        found.cloned().ok_or_else(|| {
            let name = name.unwrap_or_default();
            let hint = messages::instead("databases", name, &self.names());
            ToolError::new(
                "ValueError",
                format!("sql: there is no database {name:?}{hint}"),
            )
        })
    }
}

/// Builds [`Databases`]. Without any call: no databases, which is refused, and
/// the default limits.
#[derive(Debug, Default)]
pub struct DatabasesBuilder {
    limits: SqlLimits,
    sqlite: Vec<(String, PathBuf, Access)>,
    files: Vec<(String, DataFiles)>,
}

impl DatabasesBuilder {
    /// The bounds of every query.
    #[must_use]
    pub fn limits(mut self, limits: SqlLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds the SQLite file at `path`. It must exist.
    #[must_use]
    pub fn sqlite(mut self, name: &str, path: impl AsRef<Path>, access: Access) -> Self {
        self.sqlite
            .push((name.to_owned(), path.as_ref().to_owned(), access));
        self
    }

    /// Adds what is at `path`: a directory of data files, a data file, or else a
    /// SQLite file, read-only.
    #[must_use]
    pub fn path(self, name: &str, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        if path.is_dir() {
            self.files(name, DataFiles::directory(path))
        } else if DataFiles::names_format(path) || is_other_content(path) {
            self.files(name, DataFiles::file(path))
        } else {
            self.sqlite(name, path, Access::ReadOnly)
        }
    }

    /// Adds a database whose tables are data files.
    #[must_use]
    pub fn files(mut self, name: &str, files: DataFiles) -> Self {
        self.files.push((name.to_owned(), files));
        self
    }

    /// Resolves every path and opens every directory.
    ///
    /// # Errors
    /// When a name cannot be used or is given twice, when a file or directory
    /// cannot be opened, and when a limit is out of range.
    pub fn build(self) -> Result<Databases, DatabasesError> {
        check_limits(&self.limits)?;
        let limits = Arc::new(self.limits);
        let mut all: Vec<Arc<Database>> = Vec::new();
        let mut add = |name: String, source: Source| {
            check_name(&name)?;
            if all
                .iter()
                .any(|other| other.name().eq_ignore_ascii_case(&name))
            {
                return Err(DatabasesError::Files(FilesError::Twice { name }));
            }
            all.push(Arc::new(Database::new(name, source, Arc::clone(&limits))));
            Ok(())
        };
        for (name, path, access) in self.sqlite {
            let path = resolve(&name, &path)?;
            add(name, Source::File { path, access })?;
        }
        for (name, files) in self.files {
            let set = DataSet::open(&name, files, &limits)?;
            add(name, Source::Set(Box::new(set)))?;
        }
        if all.is_empty() {
            return Err(DatabasesError::None);
        }
        let all = all.into();
        Ok(Databases { all, limits })
    }
}

/// Whether a file has a beginning that no SQLite database has. An empty one may become one.
fn is_other_content(path: &Path) -> bool {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    // Opening a pipe would wait for who writes into it.
    if !std::fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return false;
    }
    let mut head = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut head));
    read.is_ok() && !head.is_empty() && head != MAGIC
}

/// The real path of a SQLite file: the one place where links are followed.
fn resolve(name: &str, path: &Path) -> Result<PathBuf, DatabasesError> {
    let open = |source| DatabasesError::Open {
        name: name.to_owned(),
        path: path.to_owned(),
        source,
    };
    let real = std::fs::canonicalize(path).map_err(open)?;
    if !std::fs::metadata(&real).map_err(open)?.is_file() {
        return Err(DatabasesError::NotAFile {
            name: name.to_owned(),
            path: real,
        });
    }
    Ok(real)
}

fn check_limits(limits: &SqlLimits) -> Result<(), DatabasesError> {
    for (limit, value, max, rule) in [
        ("rows_max", limits.rows_max, 1 << 31, "between 1 and 2^31"),
        ("columns_max", limits.columns_max, 300, "between 1 and 300"),
        (
            "result_max_bytes",
            limits.result_max_bytes,
            2 * GIB,
            "between 1 byte and 2 GiB",
        ),
        (
            "query_max_bytes",
            limits.query_max_bytes,
            GIB,
            "between 1 byte and 1 GiB",
        ),
        (
            "value_max_bytes",
            limits.value_max_bytes,
            GIB,
            "between 1 byte and 1 GiB",
        ),
        (
            "connections_max",
            limits.connections_max,
            1024,
            "between 1 and 1024",
        ),
        (
            "tables_max",
            limits.tables_max,
            100_000,
            "between 1 and 100000",
        ),
        (
            "loaded_max_bytes",
            limits.loaded_max_bytes,
            GIB,
            "between 1 byte and 1 GiB",
        ),
        (
            "memory_max_bytes",
            limits.memory_max_bytes,
            usize::MAX,
            "at least 1 byte",
        ),
    ] {
        if value == 0 || value > max {
            return Err(DatabasesError::Limit { limit, rule });
        }
    }
    Ok(())
}
