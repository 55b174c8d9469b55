//! How much a session may use of its tools.

use memex_policies::Limits;
use std::time::Duration;

/// Bounds on the tool calls of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Calls in the life of the session. Default 1,000,000.
    pub calls: u64,
    /// Awaited calls that are under way or whose answers wait. Default 1,000.
    pub awaited: usize,
    /// Bytes of one answer, and of one call. Default 16 MiB.
    pub answer_bytes: usize,
    /// Bytes that awaited calls hold: arguments while they are under way, with
    /// what values take besides their text, and answers until they are taken for
    /// good. Default 256 MiB.
    pub held_bytes: usize,
    /// Time of one call; a tool's own time may be shorter. Default 30 s.
    pub tool_time: Duration,
}

/// How many times as long as its text a call may be as values.
const TREE_FACTOR: usize = 16;
/// What each call may take as values.
const TREE_BYTES_MIN: usize = 1 << 20;

impl Budget {
    /// What one call may take as values, before any of it is made.
    pub(super) fn tree_bytes(&self) -> usize {
        let bytes = self.answer_bytes.saturating_mul(TREE_FACTOR);
        bytes.max(self.held_bytes).max(TREE_BYTES_MIN)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            calls: 1_000_000,
            awaited: 1_000,
            answer_bytes: 16 << 20,
            held_bytes: 256 << 20,
            tool_time: Duration::from_secs(30),
        }
    }
}

impl From<&Limits> for Budget {
    /// The bounds that a policy states, and defaults for the others. What awaited
    /// calls hold is at least enough for one of the largest answers.
    fn from(limits: &Limits) -> Self {
        let default = Self::default();
        let answer_bytes = usize::try_from(limits.host_call_bytes).unwrap_or(usize::MAX);
        Self {
            answer_bytes,
            held_bytes: default.held_bytes.max(answer_bytes),
            tool_time: Duration::from_millis(limits.tool_time_ms),
            ..default
        }
    }
}
