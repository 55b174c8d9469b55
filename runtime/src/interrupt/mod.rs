//! Ending a turn from outside: one watchdog thread for all sessions of a
//! runtime, and a pulse for each session.
//!
//! ```text
//!           arm                    deadline            grace over
//!  idle ────────► running ────────► soft ────────────► hard
//!    ▲               │               │ exception in     │ trap at the next
//!    └── disarm ─────┴───────────────┴ the guest, again └ loop header; the
//!                                      every tick         session rolls back
//! ```
//!
//! The clocks belong to the guest whose memory the interrupts go to and stop when it
//! is dropped, so that no interrupt outlives the memory.
//!
//! The soft interrupt makes CPython raise: the host stores an exception class
//! into the thread state and sets the bit that makes the interpreter look. Code
//! can swallow an exception, so it is stored again at every tick. The hard
//! interrupt stores a flag that the rewritten module tests at every loop
//! header.

mod addresses;
mod interrupter;
mod pulse;
mod running;
mod watchdog;

pub(crate) use addresses::InterruptAddresses;
pub use interrupter::Interrupter;
pub(crate) use pulse::{Clocks, Pulse, PulseReport, WaitEnd};
pub(crate) use running::Arming;
pub use running::Cause;
pub(crate) use watchdog::Watchdog;
