//! Why files cannot be tables.

use std::path::PathBuf;

/// Why [`DataFiles`](crate::DataFiles) cannot be opened. Meant for the operator: messages name
/// paths of the host.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
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
    #[error("cannot open {path:?}: {source}; give a path that exists")]
    Open {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The ending of a data file is not known.
    #[error(
        "{path:?} is no SQLite database and of no other known format; known endings: .csv .tsv .json .jsonl .ndjson .xlsx .ods .parquet .arrow .feather .ipc .arrows, and of text also with .gz .zst .zip"
    )]
    Format {
        /// The file.
        path: PathBuf,
    },
}
