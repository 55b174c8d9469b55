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

mod interrupter;
mod pulse;
mod running;
mod watchdog;

pub use interrupter::Interrupter;
pub(crate) use pulse::{Clocks, Pulse, PulseReport, WaitEnd};
pub(crate) use running::Arming;
pub use running::Cause;
pub(crate) use watchdog::Watchdog;

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Where in guest memory an interrupt is stored, found by calibration when the
/// image is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InterruptAddresses {
    /// The word that every loop header tests.
    pub(crate) flag: u32,
    /// The thread state's pending asynchronous exception (an object address).
    pub(crate) exception: u32,
    /// The word of pending events of the interpreter loop.
    pub(crate) events: u32,
    /// The bit of `events` that announces `exception`.
    pub(crate) events_bit: u32,
    /// The class `TimeoutError`.
    pub(crate) timeout_error: u32,
    /// The class `KeyboardInterrupt`.
    pub(crate) keyboard_interrupt: u32,
}

impl InterruptAddresses {
    /// Whether a part of guest memory holds one of the words that another thread
    /// writes at any time: such a part must not be borrowed.
    pub(crate) fn is_in(&self, part: &Range<usize>) -> bool {
        [self.flag, self.exception, self.events]
            .into_iter()
            .map(|address| address as usize)
            .any(|word| word < part.end && word + size_of::<u32>() > part.start)
    }
}

#[cfg(test)]
mod tests {
    use super::InterruptAddresses;

    #[test]
    fn a_part_with_a_byte_of_a_word_is_not_borrowed() {
        let addresses = InterruptAddresses {
            flag: 100,
            exception: 200,
            events: 300,
            events_bit: 1,
            timeout_error: 400,
            keyboard_interrupt: 500,
        };
        for word in [100, 200, 300] {
            let struck = [word - 8..word + 1, word + 3..word + 9, word..word + 4];
            assert!(struck.iter().all(|part| addresses.is_in(part)), "{word}");
            assert!(addresses.is_in(&(word + 1..word + 2)));
            // Up to the word, and behind it; classes are only read.
            let others = [word - 8..word, word + 4..word + 9];
            assert!(!others.iter().any(|part| addresses.is_in(part)), "{word}");
        }
        assert!(!addresses.is_in(&(396..508)));
        assert!(addresses.is_in(&(0..usize::MAX)));
    }
}
