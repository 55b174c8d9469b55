//! Why databases cannot be set up.

use std::path::PathBuf;

/// Why [`Databases`](super::Databases) could not be built. Meant for the
/// operator: messages name paths of the host.
#[derive(Debug, thiserror::Error)]
pub enum DatabasesError {
    /// There is no database.
    #[error("no database was given; add one with sqlite() or files()")]
    None,
    /// A name cannot be used.
    #[error(
        "the name {name:?} cannot be used: names are letters, digits and '_', at most 64, not beginning with a digit"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A name stands for two things.
    #[error("the name {name:?} is given twice; names are compared without case")]
    Twice {
        /// The name.
        name: String,
    },
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
    /// The ending of a data file is not known.
    #[error(
        "{path:?} is no SQLite database and of no other known format; known endings: .csv .tsv .json .jsonl .ndjson .xlsx .ods .parquet .arrow .feather .ipc .arrows, and of text also with .gz .zst .zip"
    )]
    Format {
        /// The file.
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
