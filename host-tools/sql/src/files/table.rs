//! What a reader of a file finds before it hands on rows.

use super::loading::{Plan, Unloaded};
use std::time::Instant;

/// What reading may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Bytes of what is unpacked, decoded or kept.
    pub(super) max_bytes: usize,
    pub(super) deadline: Instant,
}

impl Bounds {
    pub(super) fn in_time(&self) -> Result<(), Unloaded> {
        super::loading::in_time(self.deadline)
    }
}

/// The columns of a file, and what a reader of its table should know: what was guessed, widened
/// or left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<T> {
    pub(super) plan: Vec<Plan>,
    pub(super) notes: Vec<String>,
    /// What reading the rows needs.
    pub(super) how: T,
}

/// Names of columns in a note; of many only the first.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const LISTED_MAX: usize = 5;
    let names: Vec<&str> = names.collect();
    let mut text: Vec<String> = names
        .iter()
        .take(LISTED_MAX)
        .map(|name| format!("{name:?}"))
        .collect();
    if let Some(more) = names.len().checked_sub(LISTED_MAX).filter(|more| *more > 0) {
        text.push(format!("{more} more"));
    }
    text.join(", ")
}
