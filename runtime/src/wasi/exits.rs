//! Why a function does not return to the guest.

/// The guest called `proc_exit`: `os._exit()`, `abort()` and the like.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the guest's interpreter exited with status {0}")]
pub(crate) struct GuestExit(pub(crate) i32);

/// A hard interrupt found by a host function.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct HardInterrupt;
