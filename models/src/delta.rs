//! An answer while it is written.

use serde::{Deserialize, Serialize};

use crate::Usage;

/// A piece of an answer that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Delta {
    /// The attempt failed and the answer starts anew: forget what came before.
    Reset,
    /// More text.
    Text(String),
    /// More of what the model thinks.
    Reasoning(String),
    /// A tool call begins.
    ToolCall {
        /// Which call of the answer.
        index: usize,
        /// Its id.
        id: String,
        /// The tool.
        name: String,
    },
    /// More of a tool call's arguments.
    ToolArguments {
        /// Which call of the answer.
        index: usize,
        /// The piece.
        text: String,
    },
    /// The tokens used, as known now.
    Usage(Usage),
}

/// An observer of an answer that is being written.
pub trait DeltaSink: Send {
    /// Takes the next piece. Called in order, and never after the answer.
    fn delta(&mut self, delta: Delta);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSink;

impl DeltaSink for NoSink {
    fn delta(&mut self, _: Delta) {}
}

impl DeltaSink for Vec<Delta> {
    fn delta(&mut self, delta: Delta) {
        self.push(delta);
    }
}

impl<F: FnMut(Delta) + Send> DeltaSink for FnSink<F> {
    fn delta(&mut self, delta: Delta) {
        (self.0)(delta);
    }
}

/// A closure as a [`DeltaSink`].
#[derive(Debug)]
pub struct FnSink<F>(pub F);
