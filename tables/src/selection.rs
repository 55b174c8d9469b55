//! Which files of a directory are tables, and of what format.

use super::content::Content;
use super::error::FilesError;
use super::format::Format;
use super::hive::{self, Partition};
use super::names::check_name;
use super::packing::Packing;
use super::sheet;
use super::table::Bounds;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use cap_std::time::SystemTime;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

/// Most sheets of a workbook that are tables.
const SHEETS_MAX: usize = 256;
/// Names of files that are no tables.
const LEFT_OUT_MAX: usize = 20;

/// Files that appear as the tables of one database.
///
/// By default these are the data files that stand in the directory itself, at
/// the time of each query, named by their file names without the ending; the
/// sheets of a workbook, when it has more than one; and folders of partitions
/// (`year=2024/…`). With [`table`](Self::table), they are the files named so and
/// no others.
#[derive(Debug)]
pub struct DataFiles {
    root: Root,
    named: Vec<(String, PathBuf)>,
    only: Option<PathBuf>,
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
        Self::of(Root::Path(path.as_ref().to_owned()), None)
    }

    /// The file at `path` alone.
    pub fn file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        let only = path.file_name().map(PathBuf::from).unwrap_or_default();
        Self::of(Root::Path(folder), Some(only))
    }

    /// Whether the name of a file says that it is one of tables.
    #[must_use]
    pub fn names_format(path: &Path) -> bool {
        Format::of(path).is_some()
    }

    /// The files of an open directory.
    #[must_use]
    pub fn opened(directory: Dir) -> Self {
        Self::of(Root::Open(directory), None)
    }

    fn of(root: Root, only: Option<PathBuf>) -> Self {
        Self {
            root,
            named: Vec::new(),
            only,
        }
    }

    /// Adds the file at `path`, relative to the directory, as a table.
    #[must_use]
    pub fn table(mut self, name: &str, path: impl AsRef<Path>) -> Self {
        self.named.push((name.to_owned(), path.as_ref().to_owned()));
        self
    }

    /// Opens the directory. `title` names its partitions where the directory has no name itself.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn open(self, title: &str) -> Result<Selection, FilesError> {
        let open = |path: &Path, source| FilesError::Open {
            path: path.to_owned(),
            source,
        };
        let mut title = title.to_owned();
        let directory = match self.root {
            Root::Open(directory) => directory,
            Root::Path(path) => {
                if let Some(name) = path.file_name() {
                    title = name.to_string_lossy().into_owned();
                }
                Dir::open_ambient_dir(&path, ambient_authority())
                    .map_err(|source| open(&path, source))?
            }
        };
        let format = |path: &PathBuf| {
            let format = Format::of(path);
            format.ok_or_else(|| FilesError::Format { path: path.clone() })
        };
        if let Some(path) = &self.only {
            format(path)?;
            directory
                .metadata(path)
                .map_err(|source| open(path, source))?;
        }
        let mut named = Vec::new();
        let mut seen = HashSet::new();
        for (name, path) in self.named {
            check_name(&name)?;
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(FilesError::Twice { name });
            }
            let (format, packing) = format(&path)?;
            directory
                .metadata(&path)
                .map_err(|source| open(&path, source))?;
            named.push(DataFile {
                name,
                parts: vec![(path, Vec::new())],
                format,
                packing,
                sheet: None,
            });
        }
        Ok(Selection {
            directory,
            title,
            named,
            only: self.only,
            sheets: Mutex::default(),
        })
    }
}

/// A table, and the file or the files that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// What it is called in SQL.
    pub name: String,
    /// Its files.
    pub parts: Vec<Partition>,
    /// Their format.
    pub format: Format,
    /// How they are compressed.
    pub packing: Packing,
    /// Which sheet of a workbook; the first one if none is named.
    pub sheet: Option<String>,
}

impl DataFile {
    /// What the table is known by, without case.
    #[must_use]
    pub fn key(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

/// The tables there are, and names of files that are none.
#[derive(Debug, Default)]
pub struct Files {
    /// The tables, in the order of their names.
    pub tables: Vec<DataFile>,
    /// Names of files that are none, a few at most.
    pub left_out: Vec<String>,
}

type Sheets = HashMap<PathBuf, ((u64, Option<SystemTime>), Vec<String>)>;

/// The files of a set, behind the handle of their directory.
#[derive(Debug)]
pub struct Selection {
    directory: Dir,
    /// What the directory is called.
    title: String,
    named: Vec<DataFile>,
    only: Option<PathBuf>,
    /// The sheets of workbooks as they were read last.
    sheets: Mutex<Sheets>,
}

impl Selection {
    /// The directory, for the paths of its tables.
    #[must_use]
    pub fn directory(&self) -> &Dir {
        &self.directory
    }

    /// The files there are now; at most `max` tables are answered, in the order
    /// of their names.
    ///
    /// # Errors
    /// Of the kind `QuotaExceeded` if there are more; otherwise those of the system.
    pub fn files(&self, max: usize, bounds: &Bounds) -> io::Result<Files> {
        let mut files = Files::default();
        if !self.named.is_empty() {
            files.tables = self.named.clone();
            return Ok(files);
        }
        let mut taken = HashSet::new();
        let mut at_root = false;
        for (path, is_folder) in self.entries(max)? {
            let name = path.to_string_lossy();
            if is_folder {
                at_root |= hive::key_value(&name).is_some();
                if hive::is_partitioned(&self.directory, &path) && hive::key_value(&name).is_none()
                {
                    self.add_partitions(&path, &name, max, &mut taken, &mut files)?;
                }
            } else if let Some((format, packing)) = Format::of(&path) {
                self.add_file(path, format, packing, bounds, &mut taken, &mut files);
            } else if files.left_out.len() < LEFT_OUT_MAX && !name.starts_with('_') {
                files.left_out.push(name.into_owned());
            }
            if files.tables.len() > max {
                return Err(too_many(max));
            }
        }
        if at_root {
            self.add_partitions(Path::new("."), &self.title, max, &mut taken, &mut files)?;
        }
        Ok(files)
    }

    /// Files and folders in the order of their names, hidden ones left out.
    fn entries(&self, max: usize) -> io::Result<Vec<(PathBuf, bool)>> {
        if let Some(path) = &self.only {
            return Ok(vec![(path.clone(), false)]);
        }
        let mut found = Vec::new();
        let mut tables = 0;
        for entry in self.directory.entries()? {
            let entry = entry?;
            let path = PathBuf::from(entry.file_name());
            if path.as_os_str().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let is_folder = entry.file_type()?.is_dir();
            tables += usize::from(!is_folder && Format::of(&path).is_some());
            if tables > max || found.len() > max.saturating_mul(100) {
                return Err(too_many(max));
            }
            found.push((path, is_folder));
        }
        found.sort_unstable();
        Ok(found)
    }

    fn add_file(
        &self,
        path: PathBuf,
        format: Format,
        packing: Packing,
        bounds: &Bounds,
        taken: &mut HashSet<String>,
        files: &mut Files,
    ) {
        let sheets = match format.has_sheets() {
            true => self.sheets_of(&path, format, bounds),
            false => Vec::new(),
        };
        let (stem, ending) = stem(&path);
        let mut add = |wanted: &str, sheet: Option<String>| {
            files.tables.push(DataFile {
                name: free_name(wanted, &ending, taken),
                parts: vec![(path.clone(), Vec::new())],
                format,
                packing,
                sheet,
            });
        };
        match sheets.len() {
            // What cannot be read says so when it is asked for.
            0 | 1 => add(&stem, None),
            _ => {
                for sheet in sheets.into_iter().take(SHEETS_MAX) {
                    add(&format!("{stem}_{sheet}"), Some(sheet));
                }
            }
        }
    }

    fn sheets_of(&self, path: &Path, format: Format, bounds: &Bounds) -> Vec<String> {
        let read = || -> Option<Vec<String>> {
            let file = self.directory.open(path).ok()?;
            let status = file.metadata().ok()?;
            let version = (status.len(), status.modified().ok());
            if let Some((known, sheets)) = self.sheets.lock().get(path)
                && *known == version
            {
                return Some(sheets.clone());
            }
            let bytes = status.len();
            let max = bounds.max_bytes as u64;
            let content = Content::of_file(file.into_std(), bytes, Packing::None, max);
            let sheets = sheet::names(&content, format, bounds).ok()?;
            let kept = (version, sheets.clone());
            self.sheets.lock().insert(path.to_owned(), kept);
            Some(sheets)
        };
        read().unwrap_or_default()
    }

    fn add_partitions(
        &self,
        folder: &Path,
        wanted: &str,
        max: usize,
        taken: &mut HashSet<String>,
        files: &mut Files,
    ) -> io::Result<()> {
        let found = hive::partitions(&self.directory, folder, max)?;
        if let Some((format, packing, parts)) = found {
            files.tables.push(DataFile {
                name: free_name(wanted, "parts", taken),
                parts,
                format,
                packing,
                sheet: None,
            });
        }
        Ok(())
    }
}

fn too_many(max: usize) -> io::Error {
    let message = format!("there are more than {max} data files");
    io::Error::new(io::ErrorKind::QuotaExceeded, message)
}

/// A file's name without its endings, and these.
fn stem(path: &Path) -> (String, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (rest, last) = name.rsplit_once('.').unwrap_or((&name, ""));
    match rest.rsplit_once('.') {
        Some((stem, first)) if Packing::of(&last.to_ascii_lowercase()).is_some() => {
            (stem.to_owned(), format!("{first}_{last}"))
        }
        _ => (rest.to_owned(), last.to_owned()),
    }
}

/// A name for SQL; the ending, then a number, tells apart those that would be
/// the same.
fn free_name(wanted: &str, ending: &str, taken: &mut HashSet<String>) -> String {
    let part = |text: &str| {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        text.chars().take(60).map(plain).collect::<String>()
    };
    let mut stem = part(wanted);
    if !stem.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        stem.insert(0, '_');
    }
    // The engine keeps such names for itself.
    if stem.to_ascii_lowercase().starts_with("sqlite_") {
        stem.insert(0, '_');
    }
    let with_ending = format!("{stem}_{}", part(ending));
    let numbered = (2..).map(|number| format!("{with_ending}_{number}"));
    let mut candidates = [stem, with_ending.clone()].into_iter().chain(numbered);
    // The numbers do not end before the names taken do.
    candidates
        .find(|name| taken.insert(name.to_ascii_lowercase()))
        .unwrap_or(with_ending)
}
