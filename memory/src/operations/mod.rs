//! The ten operations, with the results and words that models know.
//!
//! What an operation answers is part of the interface: a model was trained on
//! these strings. Errors that have no string of their own are said in Python's
//! words where Python has some.

mod links;
mod listing;
mod reading;
mod sizes;
mod writing;

pub(crate) use links::{target, with_ending};
pub use writing::Updated;

/// An exception for the guest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{class}: {message}")]
pub struct Raised {
    /// The built-in class.
    pub class: &'static str,
    /// Its text.
    pub message: String,
}

impl Raised {
    pub(crate) fn new(class: &'static str, message: String) -> Self {
        Self { class, message }
    }
}
