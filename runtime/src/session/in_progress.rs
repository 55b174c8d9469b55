//! A turn that has begun.

use crate::interrupt::Cause;
use std::time::{Duration, Instant};

/// A turn that has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct TurnInProgress {
    pub(super) number: u64,
    pub(super) began: Instant,
    /// Time used so far, in the guest and in all.
    pub(super) used: (Duration, Duration),
    /// Fuel used so far.
    pub(super) fuel: u64,
    /// Why it was told to end while it waited.
    pub(super) interrupted: Option<Cause>,
    /// What a fixed clock moves by when the wait under way is over.
    pub(super) jump: Option<Duration>,
}
