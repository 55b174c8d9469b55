//! What a turn is made of, and what it comes to piece by piece.

use memex_host_tools::ClientAnswer;
use memex_sessions::{Display, Outcome};

use crate::error::ServiceError;
use crate::sandbox::{Durability, Waiting};

/// A block that is to run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnRequest {
    /// The block.
    pub code: String,
    /// What the turn survives once it is acknowledged. None: as the sandbox was made.
    pub durability: Option<Durability>,
    /// The turn of a request that was made before with the same key is not run again.
    pub idempotency_key: Option<String>,
    /// What is run around the block, before anything is saved of it.
    pub around: Option<Around>,
}

/// What is run around a block in the same session, with no other turn between. It is no part
/// of the outcome. Not for sandboxes with client tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// The code before it.
    pub before: String,
    /// The code after it, whatever the block came to.
    pub after: String,
}

/// An answer to a call of a client tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The call.
    pub call: String,
    /// What it came to.
    pub answer: ClientAnswer,
}

/// One thing that a turn came to. The last one is `Waiting`, `Done` or `Failed`.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnEvent {
    /// The turn has begun; before this it waited for its place.
    Started,
    /// A piece of standard output, as the guest flushed it: one `print` is one piece.
    Stdout(String),
    /// A piece of standard error.
    Stderr(String),
    /// A piece of output was dropped, since the reader was too slow; the outcome has it.
    Dropped {
        /// Its bytes.
        bytes: u64,
    },
    /// Something shown. Displays come when the turn is over.
    Display(Display),
    /// The turn waits for answers. This is saved.
    Waiting(Waiting),
    /// The turn is over. This is saved as durably as it was asked for.
    Done(Box<Outcome>),
    /// The turn came to nothing; the sandbox is as the error says.
    Failed(ServiceError),
}

impl TurnEvent {
    /// Whether nothing comes after it.
    #[must_use]
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Waiting(_) | Self::Done(_) | Self::Failed(_))
    }
}
