//! The handle that interrupts a session from other threads, and that host calls
//! wait with.

use super::pulse::{Pulse, WaitEnd};
use super::watchdog::Watchdog;
use memex_channel::{TurnHandle, Waited};
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

/// A handle that interrupts a session's running turn from another thread.
///
/// Does nothing while no turn runs. Outlives the session harmlessly.
#[derive(Debug, Clone)]
pub struct Interrupter {
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) watchdog: Arc<Watchdog>,
}

impl Interrupter {
    /// Waits on behalf of the guest; see [`Pulse::wait`].
    pub(crate) fn wait(&self, until: Option<Instant>, ready: impl FnMut() -> bool) -> WaitEnd {
        let wake = self.pulse.wait(until, ready);
        // The guest's clock runs again, and the watchdog may have gone to
        // sleep until the wall clock's deadline.
        if let Some(due) = self.pulse.due() {
            self.watchdog.look_at(due);
        }
        wake
    }

    /// Runs the host's side of a call; see [`Pulse::off_the_clock`].
    pub(crate) fn host_time<R>(&self, work: impl FnOnce() -> R) -> R {
        let result = self.pulse.off_the_clock(work);
        if let Some(due) = self.pulse.due() {
            self.watchdog.look_at(due);
        }
        result
    }

    /// Makes what waits for the guest ask again whether it is there.
    pub(crate) fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.pulse))
    }

    /// Raises `KeyboardInterrupt` in the running turn. If the code swallows it
    /// for longer than the policy's `grace_ms`, a hard interrupt follows.
    ///
    /// Returns whether a turn was running.
    #[must_use = "false means that no turn was running"]
    pub fn soft(&self) -> bool {
        let running = self.pulse.request(false);
        if running {
            self.watchdog.look_at(Instant::now());
        }
        running
    }

    /// Stops the running turn at its next loop header; the session returns to
    /// its state before the turn.
    ///
    /// Returns whether a turn was running.
    #[must_use = "false means that no turn was running"]
    pub fn hard(&self) -> bool {
        let running = self.pulse.request(true);
        if running {
            self.watchdog.look_at(Instant::now());
        }
        running
    }
}

/// What a host call may ask of the turn that made it.
impl TurnHandle for Interrupter {
    fn waker(&self) -> Waker {
        Interrupter::waker(self)
    }

    fn wait(&self, until: Option<Instant>, ready: &mut dyn FnMut() -> bool) -> Waited {
        match Interrupter::wait(self, until, ready) {
            WaitEnd::Ready => Waited::Ready,
            WaitEnd::Due => Waited::Due,
            WaitEnd::Soft | WaitEnd::Hard => Waited::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::super::addresses::InterruptAddresses;
    use super::super::pulse::Clocks;
    use super::super::running::Arming;
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    const MINUTE: Duration = Duration::from_secs(60);

    /// A minute for everything, and words behind each other.
    const ARMING: Arming = Arming {
        addresses: InterruptAddresses {
            flag: 4,
            exception: 8,
            events: 12,
            events_bit: 1,
            timeout_error: 7,
            keyboard_interrupt: 9,
        },
        guest_time: MINUTE,
        wall_time: MINUTE,
        grace: MINUTE,
        used: (Duration::ZERO, Duration::ZERO),
    };

    fn words(memory: &[AtomicU32; 8]) -> Vec<u32> {
        let words = memory.iter().map(|word| word.load(Ordering::SeqCst));
        words.collect()
    }

    #[test]
    fn an_interrupt_after_a_panic_writes_nowhere() {
        let memory: [AtomicU32; 8] = Default::default();
        let pulse = Arc::new(Pulse::default());
        let interrupter = Interrupter {
            pulse: Arc::clone(&pulse),
            watchdog: Watchdog::start().unwrap(),
        };
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let base = memory.as_ptr() as usize;
            let mut clocks = Clocks::new(&pulse);
            clocks.start(base, ARMING);
            // Where it is allowed, it works.
            assert!(interrupter.hard());
            assert_eq!(words(&memory)[1..4], [1, 9, 1]);
            pulse.off_the_clock(|| panic!("a sink"));
        }));
        assert!(unwound.is_err());
        assert_eq!(words(&memory), [0; 8], "the interrupt was not taken back");
        assert!(!interrupter.hard() && !interrupter.soft());
        assert_eq!(pulse.tick(Instant::now()), None);
        assert_eq!(words(&memory), [0; 8]);
    }
}
