//! How much address space a session takes.

/// Address space of a linear memory: all that 32-bit addresses can reach, so
/// that bounds checks are the memory management unit's business.
pub(crate) const CAPACITY_BYTES: usize = 4 << 30;
/// Inaccessible bytes behind it.
pub(crate) const GUARD_BYTES: usize = 32 << 20;
/// Address space of the engine's own heap, which is no memory of the guest.
pub(crate) const GC_HEAP_BYTES: usize = 64 << 20;
