//! Why a file is not handed to its decoder.

/// Why a file is not handed to its decoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misstated {
    /// What it states cannot be true, or holds what is not read.
    Content(String),
    /// It would take more than it may.
    TooLarge,
    /// Looking at it was stopped.
    TooLate,
    /// It could not be read.
    Host(String),
}
