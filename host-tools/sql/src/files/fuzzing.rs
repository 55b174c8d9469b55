//! Text files as tables, for the fuzz target.

use super::loading::Unloaded;
use super::{delimited, json_lines};
use rusqlite::Connection;
use std::io::Cursor;
use std::time::{Duration, Instant};

/// Loads text files into a database in memory, one after the other.
#[derive(Debug)]
pub struct TextFiles(Connection);

/// The form of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextForm {
    /// Fields between delimiters, which are found by the first line.
    Delimited,
    /// A JSON object on each line.
    JsonLines,
}

impl TextFiles {
    /// # Errors
    /// When the database cannot be opened.
    pub fn new() -> Result<Self, String> {
        let connection = Connection::open_in_memory().map_err(|error| error.to_string())?;
        Ok(Self(connection))
    }

    /// Loads a file and returns its number of rows.
    ///
    /// # Errors
    /// Says why it cannot be loaded.
    pub fn load(&self, form: TextForm, bytes: &[u8]) -> Result<u64, String> {
        let host = |error: rusqlite::Error| error.to_string();
        self.0
            .execute_batch("DROP TABLE IF EXISTS t")
            .map_err(host)?;
        let (file, size) = (Cursor::new(bytes), bytes.len() as u64);
        let deadline = Instant::now() + Duration::from_secs(60);
        let loaded = match form {
            TextForm::Delimited => delimited::load(file, size, None, &self.0, "t", deadline),
            TextForm::JsonLines => json_lines::load(file, size, &self.0, "t", deadline),
        };
        loaded.map_err(|unloaded| match unloaded {
            Unloaded::Content(why) => why,
            other => format!("{other:?}"),
        })?;
        let count = self
            .0
            .query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs).map_err(host)
    }
}
