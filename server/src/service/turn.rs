//! A turn on its way to a thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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
    /// The time of the guest in microseconds: of all that ran for it, whatever came of it.
    pub(super) spent_us: Arc<AtomicU64>,
    /// The room of its code in the tenant's bodies.
    pub(super) _held: Option<Arc<HeldBody>>,
}

impl Turn {
    /// Counts time of the guest.
    pub(super) fn spend(&self, guest: Duration) {
        let us = u64::try_from(guest.as_micros()).unwrap_or(u64::MAX);
        self.spent_us.fetch_add(us, Ordering::Relaxed);
    }

    /// The same, begun by this request.
    pub(super) fn with_request(&self, keyed: Option<(String, String)>) -> Self {
        Self {
            keyed,
            ..self.clone()
        }
    }
}
