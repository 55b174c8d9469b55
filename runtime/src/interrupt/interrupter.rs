//! Interrupting a session's turn from another thread, and what a host call may ask of the
//! turn that made it.

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
