//! What became of an import.

use memex_memory::Error;

/// The result of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Files that are new, from the root of the memory.
    pub created: Vec<String>,
    /// Files that were there and hold something else now.
    pub updated: Vec<String>,
    /// Files that were there as they are.
    pub unchanged: usize,
    /// The skipped items.
    pub skipped: Vec<Skipped>,
    /// How many more were skipped than are named.
    pub skipped_unnamed: usize,
    /// What stays as a person left it, such as a page that was deleted. The first thousand.
    pub left: Vec<Skipped>,
}

/// Something that was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The entry or file.
    pub place: String,
    /// Why.
    pub why: String,
}

/// How many skipped things a report names.
const SKIPPED_MAX: usize = 1_000;

impl ImportReport {
    /// Whether everything was taken in.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.skipped.is_empty() && self.skipped_unnamed == 0
    }

    pub(crate) fn leave(&mut self, place: &str, why: &str) {
        if self.left.len() < SKIPPED_MAX {
            self.left.push(Skipped {
                place: memex_memory::shown(place),
                why: why.to_owned(),
            });
        }
    }

    pub(crate) fn skip(&mut self, place: impl AsRef<str>, why: impl Into<String>) {
        if self.skipped.len() >= SKIPPED_MAX {
            self.skipped_unnamed += 1;
            return;
        }
        self.skipped.push(Skipped {
            place: memex_memory::shown(place.as_ref()),
            why: why.into(),
        });
    }
}

/// An export that is not what it should be.
pub(crate) fn malformed(place: impl Into<String>, what: impl Into<String>) -> Error {
    Error::Malformed {
        place: place.into(),
        what: what.into(),
    }
}
