//! The ten operations, with the results and words that models know.
//!
//! What an operation answers is part of the interface: a model was trained on
//! these strings. Errors that have no string of their own are said in Python's
//! words where Python has some.

mod links;
mod listing;
mod raised;
mod reading;
mod sizes;
mod writing;

pub use raised::Raised;
pub use writing::Updated;
