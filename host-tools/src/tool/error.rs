//! Why a tool did not answer.

/// Why a tool did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{class}: {message}")]
pub struct ToolError {
    /// The built-in exception that the guest sees.
    pub class: &'static str,
    /// The message meant for the guest.
    pub message: String,
    /// What only the host's log gets.
    pub detail: Option<String>,
}

impl ToolError {
    /// An error that the guest sees as the built-in exception `class`.
    pub fn new(class: &'static str, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            detail: None,
        }
    }

    /// As [`ToolError::new`], for the name of an exception that comes as data: one that
    /// is no built-in exception which a tool may raise is told in the message of a
    /// `RuntimeError`.
    #[must_use]
    pub fn named(class: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        match CLASSES.iter().find(|known| **known == class) {
            Some(known) => Self::new(known, message),
            None if class == "RuntimeError" || class.is_empty() => {
                Self::new("RuntimeError", message)
            }
            None => Self::new("RuntimeError", format!("{class}: {message}")),
        }
    }

    /// Adds what only the host's log gets.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// Built-in exceptions that a tool may raise by name.
const CLASSES: [&str; 34] = [
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BlockingIOError",
    "BrokenPipeError",
    "BufferError",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "EOFError",
    "FileExistsError",
    "FileNotFoundError",
    "FloatingPointError",
    "ImportError",
    "IndexError",
    "InterruptedError",
    "IsADirectoryError",
    "KeyError",
    "LookupError",
    "ModuleNotFoundError",
    "NameError",
    "NotADirectoryError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PermissionError",
    "ProcessLookupError",
    "ReferenceError",
    "TimeoutError",
    "TypeError",
    "ValueError",
    "ZeroDivisionError",
];
