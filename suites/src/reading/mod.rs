//! Grounded reading: annual reports of companies that do not exist.
//!
//! Every company has a report for each year. Amounts stand in thousands in
//! some and in millions in others; every table has the year before beside its
//! own, and that year may be restated; quarters, adjusted figures and outlooks
//! say other numbers under similar names; some figures stand in footnotes
//! alone. The answers come from the companies' books, not from the reports.

mod books;
mod document;
mod questions;

use std::path::Path;

pub use document::Document;

use crate::{Error, Task, write_tasks};

/// What a corpus is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadingOptions {
    /// Companies, from 2 to 24; 4 by default.
    pub companies: usize,
    /// Years, from 2 to 12; 4 by default.
    pub years: usize,
    /// Tasks at most, up to 10,000; 40 by default.
    pub tasks: usize,
}

impl Default for ReadingOptions {
    fn default() -> Self {
        Self {
            companies: 4,
            years: 4,
            tasks: 40,
        }
    }
}

/// Documents, and what is asked of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Corpus {
    /// The documents.
    pub documents: Vec<Document>,
    /// The tasks.
    pub tasks: Vec<Task>,
}

/// Makes a corpus. Numbers out of bounds are brought within them.
pub fn generate(seed: u64, options: &ReadingOptions) -> Corpus {
    let mut random = crate::random::Random::new(seed);
    let books = books::Books::new(
        &mut random,
        options.companies.clamp(2, 24),
        options.years.clamp(2, 12),
    );
    let documents = document::documents(&books, &mut random);
    let tasks = questions::tasks(&books, &mut random, options.tasks.min(10_000));
    Corpus { documents, tasks }
}

impl Corpus {
    /// Writes the documents, and the tasks as `tasks.jsonl`, into a folder
    /// that is there.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        for document in &self.documents {
            let path = folder.join(&document.path);
            let place = path.display().to_string();
            if let Some(above) = path.parent() {
                std::fs::create_dir_all(above).map_err(Error::io(&place))?;
            }
            std::fs::write(&path, &document.text).map_err(Error::io(&place))?;
        }
        write_tasks(&folder.join("tasks.jsonl"), &self.tasks)
    }
}
