//! What a reader of a file finds before it hands on rows.

use super::rows::{Plan, Unloaded};
use std::time::Instant;

/// What reading may use.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of what is unpacked, decoded or kept.
    pub max_bytes: usize,
    /// When reading must be over.
    pub deadline: Instant,
}

impl Bounds {
    /// Whether there is time left.
    ///
    /// # Errors
    /// [`Unloaded::TooLate`].
    pub fn in_time(&self) -> Result<(), Unloaded> {
        match Instant::now() < self.deadline {
            true => Ok(()),
            false => Err(Unloaded::TooLate),
        }
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
