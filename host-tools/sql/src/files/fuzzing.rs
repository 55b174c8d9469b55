//! Text files as tables, for the fuzz target.

use super::loading::Loader;
use memex_tables::{Bounds, Content, Format, Part, Plan, Unloaded, read};
use rusqlite::Connection;
use std::time::{Duration, Instant};

/// Loads text files into a database in memory, one after the other.
#[derive(Debug)]
pub struct TextFiles(Connection);

/// The form of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextForm {
    /// Fields between delimiters, which are guessed.
    Delimited,
    /// A document of JSON.
    Json,
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
        let bounds = Bounds {
            max_bytes: 1 << 30,
            deadline: Instant::now() + Duration::from_secs(60),
        };
        let format = match form {
            TextForm::Delimited => Format::Csv,
            TextForm::Json => Format::Json,
            TextForm::JsonLines => Format::JsonLines,
        };
        let parts = [Part {
            content: Content::of_bytes(bytes),
            constants: Vec::new(),
        }];
        let begin = |plan: &[Plan]| Loader::create(&self.0, "t", plan, &bounds);
        read(&parts, format, None, &bounds, begin).map_err(|unloaded| match unloaded {
            Unloaded::Content(why) => why,
            other => format!("{other:?}"),
        })?;
        let count = self
            .0
            .query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs).map_err(host)
    }
}
