//! An index of a corpus of texts: passages by the words in them, the best first (BM25).
//!
//! It is a SQLite file beside the corpus, with a table of full-text search. The texts are not
//! in it: a hit says which file has the passage, and where.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, params};

use crate::Error;

/// Bytes that a passage has at least, but for the last of a file.
const PASSAGE_BYTES: usize = 1_500;
/// Characters of a query that are read, and terms of it.
const QUERY_MAX_CHARS: usize = 2_000;
const TERMS_MAX: usize = 32;
/// Hits of one search.
pub const HITS_MAX: usize = 100;
/// How long a search may take.
const SEARCH_MAX: Duration = Duration::from_secs(10);
/// Instructions of SQLite between two looks at the clock.
const STEPS: std::ffi::c_int = 10_000;
/// The version of the index's form.
const VERSION: &str = "1";

const SCHEMA: &str = "
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE facts(name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE files(id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, bytes INTEGER NOT NULL,
        lines INTEGER NOT NULL);
    CREATE TABLE passages(id INTEGER PRIMARY KEY, file INTEGER NOT NULL, line INTEGER NOT NULL,
        start INTEGER NOT NULL, bytes INTEGER NOT NULL);
    CREATE VIRTUAL TABLE words USING fts5(text, content = '', tokenize = 'porter unicode61');
";

/// Writes an index.
#[derive(Debug)]
pub struct PassageIndexBuilder {
    connection: Connection,
    place: String,
    fresh: PathBuf,
    path: PathBuf,
}

/// An index that is there.
#[derive(Debug, Clone)]
pub struct PassageIndex {
    path: PathBuf,
}

/// A file of the corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedFile {
    /// Its name.
    pub name: String,
    /// Its size when it was read.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
}

/// A passage that has words of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The file.
    pub file: String,
    /// The size that the file had.
    pub file_bytes: u64,
    /// The passage's first line, from 1.
    pub line: u64,
    /// Where it begins in the file, in bytes.
    pub start: u64,
    /// Its bytes.
    pub bytes: u64,
    /// How well it fits: more is better.
    pub score: f64,
}

impl PassageIndexBuilder {
    /// Begins an index that will be at `path`. Nothing is there before it is whole.
    ///
    /// # Errors
    /// [`Error::Database`], or [`Error::Io`].
    pub fn create(path: &Path) -> Result<Self, Error> {
        let place = path.display().to_string();
        let fresh = path.with_extension(format!("{}-new", std::process::id()));
        match std::fs::remove_file(&fresh) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(&place)(error)),
        }
        let failed = |source| Error::Database {
            place: place.clone(),
            source,
        };
        let connection = Connection::open(&fresh).map_err(failed)?;
        connection.execute_batch(SCHEMA).map_err(failed)?;
        connection.execute_batch("BEGIN").map_err(failed)?;
        Ok(Self {
            connection,
            place,
            fresh,
            path: path.to_owned(),
        })
    }

    /// Adds a file of the corpus.
    ///
    /// # Errors
    /// [`Error::Database`], also for a name that is there already.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), Error> {
        self.put(name, text).map_err(|source| Error::Database {
            place: format!("{}, {name}", self.place),
            source,
        })
    }

    fn put(&mut self, name: &str, text: &str) -> Result<(), rusqlite::Error> {
        let lines = text.lines().count();
        let mut add = self
            .connection
            .prepare("INSERT INTO files(name, bytes, lines) VALUES (?, ?, ?)")?;
        let file = add.insert(params![name, signed(text.len()), signed(lines)])?;
        let mut add = self
            .connection
            .prepare("INSERT INTO passages(file, line, start, bytes) VALUES (?, ?, ?, ?)")?;
        let mut words = self
            .connection
            .prepare("INSERT INTO words(rowid, text) VALUES (?, ?)")?;
        for (line, start, passage) in passages(text) {
            let at = params![file, signed(line), signed(start), signed(passage.len())];
            let id = add.insert(at)?;
            words.execute(params![id, passage])?;
        }
        Ok(())
    }

    /// Ends the index; `fingerprint` says of which corpus it is.
    ///
    /// # Errors
    /// [`Error::Database`] or [`Error::Io`].
    pub fn finish(self, fingerprint: &str) -> Result<PassageIndex, Error> {
        let failed = |source| Error::Database {
            place: self.place.clone(),
            source,
        };
        self.connection
            .execute(
                "INSERT INTO facts(name, value) VALUES ('corpus', ?), ('version', ?)",
                params![fingerprint, VERSION],
            )
            .map_err(failed)?;
        self.connection
            .execute_batch("INSERT INTO words(words) VALUES ('optimize'); COMMIT")
            .map_err(failed)?;
        drop(self.connection);
        std::fs::rename(&self.fresh, &self.path).map_err(Error::io(&self.place))?;
        Ok(PassageIndex { path: self.path })
    }
}

/// The passages of a text, with their first lines and where they begin. They end with a line.
fn passages(text: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    let (mut line, mut start) = (1_usize, 0_usize);
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let mut end = 0;
        for piece in rest.split_inclusive('\n') {
            end += piece.len();
            if end >= PASSAGE_BYTES {
                break;
            }
        }
        let passage = rest.get(..end)?;
        let found = (line, start, passage);
        line += passage.matches('\n').count();
        start += end;
        Some(found)
    })
}

impl PassageIndex {
    /// The index at `path`, if it is there and of this corpus.
    ///
    /// # Errors
    /// [`Error::Database`] for a file that is no index.
    pub fn open(path: &Path, fingerprint: &str) -> Result<Option<Self>, Error> {
        if !path.is_file() {
            return Ok(None);
        }
        let index = Self {
            path: path.to_owned(),
        };
        let read = |connection: &Connection| {
            let mut facts = connection.prepare("SELECT value FROM facts WHERE name = ?")?;
            let corpus: String = facts.query_row(["corpus"], |row| row.get(0))?;
            let version: String = facts.query_row(["version"], |row| row.get(0))?;
            Ok(corpus == fingerprint && version == VERSION)
        };
        let is_same = index.with(read)?;
        Ok(is_same.then_some(index))
    }

    /// All files, by name.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn files(&self) -> Result<Vec<IndexedFile>, Error> {
        self.with(|connection| {
            let mut all =
                connection.prepare("SELECT name, bytes, lines FROM files ORDER BY name")?;
            let rows = all.query_map([], |row| {
                Ok(IndexedFile {
                    name: row.get(0)?,
                    bytes: unsigned(row.get(1)?),
                    lines: unsigned(row.get(2)?),
                })
            })?;
            rows.collect()
        })
    }

    /// The passages that fit best: those that have all words of the query, or else those that
    /// have some. `files` are beginnings or parts of names of files; none means all. A part
    /// of the query in double quotes is a phrase.
    ///
    /// # Errors
    /// [`Error::Database`], also if the search takes too long.
    pub fn search(&self, query: &str, files: Option<&str>, max: usize) -> Result<Vec<Hit>, Error> {
        let terms = terms(query);
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        for join in [" AND ", " OR "] {
            let hits = self.with(|connection| {
                matching(connection, &terms.join(join), files, max.min(HITS_MAX))
            })?;
            if !hits.is_empty() || terms.len() == 1 {
                return Ok(hits);
            }
        }
        Ok(Vec::new())
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, Error> {
        let failed = |source| Error::Database {
            place: self.path.display().to_string(),
            source,
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags).map_err(failed)?;
        let began = Instant::now();
        let is_late = move || began.elapsed() > SEARCH_MAX;
        connection
            .progress_handler(STEPS, Some(is_late))
            .map_err(failed)?;
        work(&connection).map_err(failed)
    }
}

fn matching(
    connection: &Connection,
    query: &str,
    files: Option<&str>,
    max: usize,
) -> Result<Vec<Hit>, rusqlite::Error> {
    let mut search = connection.prepare(
        "SELECT files.name, files.bytes, line, start, passages.bytes, bm25(words) AS score
         FROM words JOIN passages ON passages.id = words.rowid
              JOIN files ON files.id = passages.file
         WHERE words MATCH ?1 AND (?2 IS NULL OR instr(files.name, ?2) > 0)
         ORDER BY score, passages.id LIMIT ?3",
    )?;
    let rows = search.query_map(params![query, files, signed(max)], |row| {
        let score: f64 = row.get(5)?;
        Ok(Hit {
            file: row.get(0)?,
            file_bytes: unsigned(row.get(1)?),
            line: unsigned(row.get(2)?),
            start: unsigned(row.get(3)?),
            bytes: unsigned(row.get(4)?),
            // The engine's are below zero.
            score: -score,
        })
    })?;
    rows.collect()
}

/// The terms of a query, each quoted: nothing in it is an operator of the engine.
fn terms(query: &str) -> Vec<String> {
    let query: String = query.chars().take(QUERY_MAX_CHARS).collect();
    let mut terms = Vec::new();
    for (number, piece) in query.split('"').enumerate() {
        let has_word = |text: &str| text.chars().any(char::is_alphanumeric);
        match number % 2 {
            1 if has_word(piece) => terms.push(format!("\"{piece}\"")),
            1 => {}
            _ => {
                let words = piece.split_whitespace().filter(|word| has_word(word));
                terms.extend(words.map(|word| format!("\"{word}\"")));
            }
        }
    }
    terms.truncate(TERMS_MAX);
    terms
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
