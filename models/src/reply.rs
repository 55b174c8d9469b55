//! The reply of a model.

use serde::{Deserialize, Serialize};

use crate::Message;

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It had said everything.
    EndTurn,
    /// It waits for the results of its tool calls.
    ToolCalls,
    /// It reached the limit of tokens.
    MaxTokens,
    /// It wrote one of the texts to stop at.
    StopSequence,
    /// It declines to answer; the message says why.
    Refusal,
    /// The provider held the answer back.
    ContentFilter,
    /// The provider paused a long turn: send the reply back to go on.
    Pause,
    /// What the provider says, where it has no name here.
    Other(String),
}

/// The tokens of one reply, or of many.
///
/// `input` counts every token read, `cached_input` and `cache_write` are the
/// parts of it that came from and went into the provider's cache. `output`
/// counts every token written, `reasoning` is the part of it that was thought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// Tokens read.
    pub input: u64,
    /// Of these, read from the cache.
    pub cached_input: u64,
    /// Of these, written to the cache.
    pub cache_write: u64,
    /// Tokens written.
    pub output: u64,
    /// Of these, thought.
    pub reasoning: u64,
    /// Whether this is an estimate, because the provider sent no figures.
    pub estimated: bool,
}

impl Usage {
    /// Read and written together.
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// Adds another's tokens; the sum is an estimate if either is.
    pub fn add(&mut self, other: &Self) {
        self.input = self.input.saturating_add(other.input);
        self.cached_input = self.cached_input.saturating_add(other.cached_input);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
        self.output = self.output.saturating_add(other.output);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
        self.estimated |= other.estimated;
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The message.
    pub message: Message,
    /// Why it ends there.
    pub stop: StopReason,
    /// Its usage.
    pub usage: Usage,
    /// The model that answered, as the provider names it.
    pub model: String,
    /// The provider's name for the answer; may be empty.
    pub id: String,
}

impl Reply {
    /// A whole answer of these words, of a model that counts no tokens.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            message: Message::assistant(text),
            stop: StopReason::EndTurn,
            usage: Usage::default(),
            model: String::new(),
            id: String::new(),
        }
    }
}
