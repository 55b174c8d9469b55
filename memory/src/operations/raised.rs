//! Exceptions of operations.

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
