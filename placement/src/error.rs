//! What goes wrong between nodes.

use crate::Sequence;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a placement did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another entry was committed first.
    #[error("another node has committed to this session after entry {expected}")]
    Conflict {
        /// After which entry the refused one was to stand.
        expected: Sequence,
    },
    /// The engine is away or did not answer in time; the request may have been done.
    #[error("{engine} did not {action}: {source}")]
    Unavailable {
        /// What was asked.
        engine: &'static str,
        /// For what.
        action: &'static str,
        /// What it said.
        source: Source,
    },
    /// What the engine keeps is not what this version writes.
    #[error("{place} cannot be read: {reason}")]
    Damaged {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The engine cannot keep sessions safe.
    #[error("{engine} cannot hold sessions: {reason}")]
    Unfit {
        /// Which.
        engine: &'static str,
        /// What it does not do.
        reason: String,
    },
    /// A name of a session or node that is none.
    #[error("a name has 1 to 64 letters, digits, `-` and `_`")]
    Name,
    /// An entry that does not fit.
    #[error("an entry has {bytes} bytes, more than 16384")]
    TooLarge {
        /// How many it would have.
        bytes: usize,
    },
}

impl Error {
    pub(crate) fn unavailable(
        engine: &'static str,
        action: &'static str,
        source: impl Into<Source>,
    ) -> Self {
        Self::Unavailable {
            engine,
            action,
            source: source.into(),
        }
    }

    /// Whether asking again later may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
