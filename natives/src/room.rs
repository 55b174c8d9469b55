//! What a native may use.

use crate::refusal::Refusal;
use std::cell::Cell;

/// The bounds of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most bytes of the input, and most bytes of the output.
    pub bytes_max: u64,
    /// Most bytes that it holds while it works, the output included.
    pub working_bytes_max: u64,
    /// Most units of work: about one for each instruction that the guest would
    /// need. `None`: not counted.
    pub work_max: Option<u64>,
}

/// The room of one call: its bounds, what it has used of them, and the interrupt
/// of its turn.
pub struct Room<'a> {
    bounds: Bounds,
    work: Cell<u64>,
    interrupt: &'a dyn Fn() -> bool,
    was_interrupted: Cell<bool>,
}

impl<'a> Room<'a> {
    /// A room in which nothing has been used. `interrupt` answers whether the turn
    /// was told to end; it is asked many times.
    #[must_use]
    pub fn new(bounds: Bounds, interrupt: &'a dyn Fn() -> bool) -> Self {
        Self {
            bounds,
            work: Cell::new(0),
            interrupt,
            was_interrupted: Cell::new(false),
        }
    }

    /// The work that was charged for: what the turn pays, whatever came of it.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.work.get()
    }

    /// Most bytes of the output.
    pub(crate) fn bytes_max(&self) -> u64 {
        self.bounds.bytes_max
    }

    /// Most bytes that may be held.
    pub(crate) fn working_bytes_max(&self) -> u64 {
        self.bounds.working_bytes_max
    }

    /// Refuses an input that is too large.
    pub(crate) fn admit_input(&self, bytes: u64) -> Result<(), Refusal> {
        let limit = self.bounds.bytes_max;
        if bytes > limit {
            return Err(Refusal::InputBytes { bytes, limit });
        }
        Ok(())
    }

    /// Refuses an output that would be too large.
    pub(crate) fn admit_output(&self, bytes: u64) -> Result<(), Refusal> {
        let limit = self.bounds.bytes_max;
        if bytes > limit {
            return Err(Refusal::OutputBytes { bytes, limit });
        }
        Ok(())
    }

    /// Refuses work that would hold too much at a time.
    pub(crate) fn admit_working(&self, bytes: u64) -> Result<(), Refusal> {
        let limit = self.bounds.working_bytes_max;
        if bytes > limit {
            return Err(Refusal::WorkingBytes { bytes, limit });
        }
        Ok(())
    }

    /// Charges for work, before it is done.
    pub(crate) fn charge(&self, units: u64) -> Result<(), Refusal> {
        let work = self.work.get().saturating_add(units);
        self.work.set(work);
        match self.bounds.work_max {
            Some(most) if work > most => Err(Refusal::Fuel),
            _ => Ok(()),
        }
    }

    /// Looks whether the turn was told to end.
    pub(crate) fn look(&self) -> Result<(), Refusal> {
        if self.was_interrupted.get() || (self.interrupt)() {
            self.was_interrupted.set(true);
            return Err(Refusal::Interrupted);
        }
        Ok(())
    }

    /// Whether a look has found that it was: what a codec makes of the failure of
    /// its reader or writer then means nothing.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.was_interrupted.get()
    }
}

impl std::fmt::Debug for Room<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Room")
            .field("bounds", &self.bounds)
            .field("work", &self.work)
            .finish_non_exhaustive()
    }
}

/// A vector of zeros of a size that was admitted; the system may still have no
/// memory for it.
pub(crate) fn zeros(bytes: u64) -> Result<Vec<u8>, Refusal> {
    let refused = Refusal::WorkingBytes { bytes, limit: 0 };
    let size = usize::try_from(bytes).map_err(|_| refused.clone())?;
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(size).map_err(|_| refused)?;
    zeros.resize(size, 0);
    Ok(zeros)
}
