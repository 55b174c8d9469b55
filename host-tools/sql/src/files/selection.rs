//! Which files of a directory are tables, and of what format.

use crate::error::DatabasesError;
use crate::names::check_name;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

/// Files that appear as the tables of one database.
///
/// By default these are the data files that stand in the directory itself, at
/// the time of each query, named by their file names without the ending. With
/// [`table`](Self::table), they are the files named so and no others.
#[derive(Debug)]
pub struct DataFiles {
    root: Root,
    named: Vec<(String, PathBuf)>,
}

#[derive(Debug)]
enum Root {
    Path(PathBuf),
    Open(Dir),
}

impl DataFiles {
    /// The files of the directory at `path`, opened when the databases are
    /// built.
    pub fn directory(path: impl AsRef<Path>) -> Self {
        Self {
            root: Root::Path(path.as_ref().to_owned()),
            named: Vec::new(),
        }
    }

    /// The files of an open directory.
    #[must_use]
    pub fn opened(directory: Dir) -> Self {
        Self {
            root: Root::Open(directory),
            named: Vec::new(),
        }
    }

    /// Adds the file at `path`, relative to the directory, as a table.
    #[must_use]
    pub fn table(mut self, name: &str, path: impl AsRef<Path>) -> Self {
        self.named.push((name.to_owned(), path.as_ref().to_owned()));
        self
    }

    pub(super) fn open(self, database: &str) -> Result<Selection, DatabasesError> {
        let directory = match self.root {
            Root::Open(directory) => directory,
            Root::Path(path) => {
                Dir::open_ambient_dir(&path, ambient_authority()).map_err(|source| {
                    DatabasesError::Open {
                        name: database.to_owned(),
                        path,
                        source,
                    }
                })?
            }
        };
        let mut named = Vec::new();
        let mut seen = HashSet::new();
        for (name, path) in self.named {
            check_name(&name)?;
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(DatabasesError::Twice { name });
            }
            let Some(format) = Format::of(&path) else {
                return Err(DatabasesError::Format { path });
            };
            directory
                .metadata(&path)
                .map_err(|source| DatabasesError::Open {
                    name: database.to_owned(),
                    path: path.clone(),
                    source,
                })?;
            named.push(DataFile { name, path, format });
        }
        Ok(Selection { directory, named })
    }
}

/// A file that is a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DataFile {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) format: Format,
}

impl DataFile {
    /// What the table is known by, without case.
    pub(super) fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Arrow,
    Csv,
    JsonLines,
    Parquet,
    Tsv,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match ending.as_str() {
            "arrow" | "arrows" | "feather" | "ipc" => Self::Arrow,
            "csv" => Self::Csv,
            "jsonl" | "ndjson" => Self::JsonLines,
            "parquet" => Self::Parquet,
            "tab" | "tsv" => Self::Tsv,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Arrow => "arrow",
            Self::Csv => "csv",
            Self::JsonLines => "json lines",
            Self::Parquet => "parquet",
            Self::Tsv => "tsv",
        }
    }
}

/// The files of a set, behind the handle of their directory.
pub(super) struct Selection {
    pub(super) directory: Dir,
    named: Vec<DataFile>,
}

impl Selection {
    /// The files there are now; at most `max` entries of the directory are
    /// looked at, in the order of their names.
    pub(super) fn files(&self, max: usize) -> io::Result<Vec<DataFile>> {
        if !self.named.is_empty() {
            return Ok(self.named.clone());
        }
        let mut found = Vec::new();
        for entry in self.directory.entries()? {
            let path = PathBuf::from(entry?.file_name());
            if let Some(format) = Format::of(&path)
                && !path.as_os_str().as_encoded_bytes().starts_with(b".")
            {
                found.push((path, format));
            }
            if found.len() > max {
                let message = format!("there are more than {max} data files");
                return Err(io::Error::new(io::ErrorKind::QuotaExceeded, message));
            }
        }
        found.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let mut taken = HashSet::new();
        let named = found.into_iter().map(|(path, format)| {
            let name = free_name(&path, &mut taken);
            DataFile { name, path, format }
        });
        Ok(named.collect())
    }
}

/// A name made of a file's name; the ending, then a number, tells apart those
/// that would be the same.
fn free_name(path: &Path, taken: &mut HashSet<String>) -> String {
    let part = |part: Option<&std::ffi::OsStr>| {
        let text = part.unwrap_or_default().to_string_lossy();
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        text.chars().take(60).map(plain).collect::<String>()
    };
    let mut stem = part(path.file_stem());
    if !stem.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        stem.insert(0, '_');
    }
    // The engine keeps such names for itself.
    if stem.to_ascii_lowercase().starts_with("sqlite_") {
        stem.insert(0, '_');
    }
    let with_ending = format!("{stem}_{}", part(path.extension()));
    let numbered = (2..).map(|number| format!("{with_ending}_{number}"));
    let mut candidates = [stem, with_ending.clone()].into_iter().chain(numbered);
    // The numbers do not end before the names taken do.
    candidates
        .find(|name| taken.insert(name.to_ascii_lowercase()))
        .unwrap_or(with_ending)
}
