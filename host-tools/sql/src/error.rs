//! Why databases cannot be set up.

use memex_tables::FilesError;
use std::path::PathBuf;

/// Why [`Databases`](super::Databases) could not be built. Meant for the
/// operator: messages name paths of the host.
#[derive(Debug, thiserror::Error)]
pub enum DatabasesError {
    /// There is no database.
    #[error("no database was given; add one with sqlite() or files()")]
    None,
    /// A name cannot be used, or a data file is of no known format.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A file or directory cannot be opened.
    #[error("database {name:?}: cannot open {path:?}: {source}; give a path that exists")]
    Open {
        /// The database.
        name: String,
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The path of a SQLite database is no file.
    #[error("database {name:?}: {path:?} is not a regular file")]
    NotAFile {
        /// The database.
        name: String,
        /// The path.
        path: PathBuf,
    },
    /// A data file cannot be read as a table.
    #[error("{path:?} cannot be read as a table: {why}")]
    Table {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A limit is out of range.
    #[error("the limit {limit} must be {rule}")]
    Limit {
        /// Its name.
        limit: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The host has no random numbers.
    #[error("the host gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The embedded engine failed.
    #[error("the embedded SQL engine could not be set up: {0}")]
    Engine(#[from] rusqlite::Error),
}

impl DatabasesError {
    /// Why the files of a database cannot be opened.
    pub(super) fn of_files(database: &str, error: FilesError) -> Self {
        match error {
            FilesError::Open { path, source } => Self::Open {
                name: database.to_owned(),
                path,
                source,
            },
            other => Self::Files(other),
        }
    }
}
