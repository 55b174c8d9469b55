//! A turn on its way to a thread.

use std::sync::Arc;
use std::time::Instant;

use crate::sandbox::Durability;
use crate::tenants::HeldBody;
use crate::turns::{Around, TurnControl};

/// A turn on its way.
#[derive(Clone)]
pub(super) struct Turn {
    pub(super) code: String,
    /// What is run around the code in the same session, before anything is saved.
    pub(super) around: Option<Arc<Around>>,
    pub(super) durability: Durability,
    /// The key and digest of its request.
    pub(super) keyed: Option<(String, String)>,
    pub(super) control: TurnControl,
    pub(super) began: Instant,
    /// The room of its code in the tenant's bodies.
    pub(super) _held: Option<Arc<HeldBody>>,
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
