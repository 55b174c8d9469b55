//! Features of this machine, found by trying them.

use crate::memory::{CAPACITY_BYTES, GUARD_BYTES};
use crate::platform::{DirtyTracking, Reservation, thread_faults};
use std::io;

/// What a machine offers, for reports: nothing here changes how sessions run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Survey {
    /// The fastest dirty tracking that works.
    pub dirty_tracking: DirtyTracking,
    /// Whether the system counts page faults by thread, which saves scans.
    pub counts_thread_faults: bool,
    /// Address space that one session reserves, in bytes.
    pub reservation_bytes: usize,
    /// Reservations held at the same time in the trial.
    pub reservations: usize,
    /// What the system said to the one after them, if it refused.
    pub refusal: Option<io::Error>,
}

impl Survey {
    /// Tries what there is, reserving the address space of up to
    /// `reservations` sessions at the same time.
    #[must_use]
    pub fn take(reservations: usize) -> Self {
        let reservation_bytes = CAPACITY_BYTES + GUARD_BYTES;
        let mut held = Vec::new();
        let mut refusal = None;
        while held.len() < reservations && refusal.is_none() {
            match Reservation::new(reservation_bytes) {
                Ok(reservation) => held.push(reservation),
                Err(error) => refusal = Some(error),
            }
        }
        Self {
            dirty_tracking: DirtyTracking::detect(),
            counts_thread_faults: thread_faults().is_some(),
            reservation_bytes,
            reservations: held.len(),
            refusal,
        }
    }
}
