//! What sessions of a door may use.

use std::time::Duration;

/// Bounds of a [`Scopes`](super::Scopes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeOptions {
    /// Sessions at once. Past it the one that was unused for longest makes room, if it is
    /// saved or was unused for `idle`; otherwise a new one is refused. Default: 64.
    pub sessions_max: usize,
    /// Calls of one session that wait for their turn. Default: 16.
    pub waiting_max: usize,
    /// Turns that run at once. Default: 16.
    pub turns_max: usize,
    /// Default: an hour.
    pub idle: Duration,
}

impl Default for ScopeOptions {
    fn default() -> Self {
        Self {
            sessions_max: 64,
            waiting_max: 16,
            turns_max: 16,
            idle: Duration::from_hours(1),
        }
    }
}
