//! Journals as their users see them: what is there after ends of every kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod damage;
mod disks;
mod lives;
mod model;

use memex_journal::{Journal, Options};
use std::path::Path;

/// A journal with small files, so that tests have many.
fn open(path: &Path) -> Journal {
    let options = Options {
        segment_bytes: 4_096,
    };
    Journal::open(path, options).unwrap()
}

fn value(journal: &Journal, key: &str) -> Option<String> {
    let value = journal.get(key.as_bytes()).unwrap()?;
    Some(String::from_utf8(value).unwrap())
}

/// The files of a journal, in order.
fn files(path: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(path).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "journal"))
        .collect();
    files.sort();
    files
}
