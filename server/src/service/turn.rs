//! A turn on its way to a thread.

use std::time::Instant;

use crate::sandbox::Durability;
use crate::turns::TurnControl;

/// A turn on its way.
#[derive(Clone)]
pub(super) struct Turn {
    pub(super) code: String,
    pub(super) durability: Durability,
    /// The key and digest of its request.
    pub(super) keyed: Option<(String, String)>,
    pub(super) control: TurnControl,
    pub(super) began: Instant,
}

impl Turn {
    /// The same, begun by this request.
    pub(super) fn with_request(&self, keyed: Option<(String, String)>) -> Self {
        Self {
            keyed,
            ..self.clone()
        }
    }
}
