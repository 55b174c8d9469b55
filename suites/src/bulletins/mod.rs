//! Bulletins: the monthly tables of a treasury that does not exist, up to hundreds of megabytes.
//!
//! They are as scanned bulletins are: tables as text with nested headings and cells that span
//! columns, units in headings that differ from issue to issue, footnotes, page breaks, figures
//! that are preliminary at first and revised in later issues, and many series under nearly the same
//! names. The answers come from the books, not from the bulletins.

mod books;
mod issues;
mod options;
mod questions;

use std::path::Path;

pub use options::{BulletinOptions, Difficulty, TEXTS};

use crate::{Error, Task, write_tasks};

/// Writes the bulletins, one file a month, and the tasks as `tasks.jsonl`, into a folder that is
/// there, and gives the tasks. Numbers out of bounds are brought within them. A suite is its
/// seed and its options.
///
/// # Errors
/// [`Error::Io`].
pub fn generate(seed: u64, options: &BulletinOptions, folder: &Path) -> Result<Vec<Task>, Error> {
    let mut random = crate::random::Random::new(seed);
    let books = books::Books::new(&mut random, options.megabytes.clamp(1, 200));
    let tasks = questions::tasks(
        &books,
        &mut random,
        options.tasks.min(10_000),
        options.difficulty,
    );
    let texts = folder.join(TEXTS);
    let place = texts.display().to_string();
    std::fs::create_dir_all(&texts).map_err(Error::io(&place))?;
    for month in 0..books.months {
        let path = texts.join(issues::file_of(month));
        let place = path.display().to_string();
        std::fs::write(&path, issues::text(&books, month)).map_err(Error::io(&place))?;
    }
    write_tasks(&folder.join("tasks.jsonl"), &tasks)?;
    Ok(tasks)
}
