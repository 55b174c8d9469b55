//! What a tool is: its description, its arguments and what it answers.

use crate::broker::ClientTool;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The key of a JSON object that stands for a binary part: `{"$part": 0}` is
/// the first part of the frame.
pub const PART_KEY: &str = "$part";

/// What a tool is called, what it takes and what it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// The name, as models and guest code use it.
    pub name: String,
    /// What it does, in the words meant for models.
    pub description: String,
    /// JSON Schema of the arguments: an object schema.
    pub parameters: Value,
    /// JSON Schema of the result, if it is known.
    pub returns: Option<Value>,
    /// How long a call may take; the broker's own bound applies without.
    pub timeout: Option<Duration>,
}

/// The arguments of a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arguments {
    /// By parameter name. Binary values are `{"$part": n}`.
    pub json: Map<String, Value>,
    /// The binary parts that `json` refers to.
    pub parts: Vec<Vec<u8>>,
}

/// What a tool answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The result. Binary values are `{"$part": n}`.
    pub json: Value,
    /// The binary parts that `json` refers to.
    pub parts: Vec<Vec<u8>>,
}

impl Answer {
    /// A result without binary parts.
    #[must_use]
    pub fn json(json: Value) -> Self {
        Self {
            json,
            parts: Vec::new(),
        }
    }
}

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

/// What a tool knows of the call it answers.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// The session that calls.
    pub session: Arc<str>,
    /// When the call is given up at the latest.
    pub deadline: Instant,
    /// Cancelled when the turn is interrupted, the caller gives up, or the time
    /// is over. The future is dropped too; this is for work it handed on.
    pub cancelled: CancellationToken,
}

/// The answer to come.
pub type ToolFuture = BoxFuture<'static, Result<Answer, ToolError>>;

/// A function of the host that guest code can call.
///
/// The future is polled inside a tokio runtime. Work that blocks belongs on
/// `tokio::task::spawn_blocking`; a tool that answers at once does so on the
/// session's own thread, without a hop.
pub trait Tool: Send + Sync + 'static {
    /// What the tool is.
    fn spec(&self) -> &ToolSpec;

    /// Answers one call. The arguments have been checked against the schema.
    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture;

    /// The tool as one that the other side of the API runs, if it is one. Only
    /// [`ClientTool`] is.
    fn client(&self) -> Option<&ClientTool> {
        None
    }
}
