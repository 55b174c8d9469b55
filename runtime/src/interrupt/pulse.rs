//! The interruptible side of one session.

use super::addresses::InterruptAddresses;
use super::running::{Arming, Cause, Running};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;
use std::time::{Duration, Instant};

/// What happened while a turn was armed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PulseReport {
    pub(crate) soft: Option<Cause>,
    pub(crate) hard: Option<Cause>,
    pub(crate) guest_time: Duration,
    pub(crate) wall_time: Duration,
}

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitEnd {
    /// What was waited for is there.
    Ready,
    /// The time is up.
    Due,
    /// A soft interrupt: the guest goes on and finds its exception.
    Soft,
    /// A hard interrupt: the host call has to trap.
    Hard,
}

/// One session's interruptible state. Idle unless a turn runs.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    running: Mutex<Option<Running>>,
    changed: Condvar,
    /// Whether a wait has to ask again.
    woken: AtomicBool,
}

/// The clocks of one guest. While they run, the watchdog and interrupters write
/// into the memory that they were started with: whoever owns that memory owns
/// this too, and drops it first. Dropping it stops them; so does unwinding.
///
/// It lives as long as the guest, so that a turn costs two locks and no
/// reference count.
#[derive(Debug)]
pub(crate) struct Clocks {
    pulse: Arc<Pulse>,
    runs: bool,
}

impl Clocks {
    /// Clocks that stand.
    pub(crate) fn new(pulse: &Arc<Pulse>) -> Self {
        Self {
            pulse: Arc::clone(pulse),
            runs: false,
        }
    }

    /// Starts the clocks of a turn in the memory at `memory`, and says when the
    /// watchdog has to look.
    pub(crate) fn start(&mut self, memory: usize, arming: Arming) -> Instant {
        // Before the pulse has the address.
        self.runs = true;
        self.pulse.arm(memory, arming)
    }

    /// Stops the clocks and says what happened while they ran.
    pub(crate) fn stop(&mut self) -> PulseReport {
        if !std::mem::take(&mut self.runs) {
            return PulseReport::default();
        }
        self.pulse.disarm()
    }
}

impl Drop for Clocks {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Pulse {
    fn arm(&self, memory: usize, arming: Arming) -> Instant {
        let running = Running::new(memory, arming);
        let due = running.due();
        *self.running.lock() = Some(running);
        due
    }

    /// Ends a turn: takes back an interrupt that the guest has not seen.
    fn disarm(&self) -> PulseReport {
        let Some(running) = self.running.lock().take() else {
            return PulseReport::default();
        };
        if running.soft.is_some() || running.hard.is_some() {
            running.withdraw();
        }
        let (used_guest, used_wall) = running.arming.used;
        let wall = running.started.elapsed();
        PulseReport {
            soft: running.soft.map(|(cause, _)| cause),
            hard: running.hard,
            guest_time: used_guest + wall.saturating_sub(running.waited),
            wall_time: used_wall + wall,
        }
    }

    /// Looks at the clocks, interrupts what is due, and says when to look
    /// again. `None`: nothing runs.
    pub(crate) fn tick(&self, now: Instant) -> Option<Instant> {
        let mut running = self.running.lock();
        let running = running.as_mut()?;
        if running.soft.is_none()
            && let Some(cause) = running.over(now)
        {
            running.soft = Some((cause, now));
        }
        if let Some((cause, since)) = running.soft {
            let is_over = now >= since + running.arming.grace && running.hard.is_none();
            if is_over {
                running.hard = Some(cause);
            }
            // Sooner, it would strike what handles the last one.
            if is_over || running.again.is_none_or(|(again, _)| now >= again) {
                running.store(now);
                self.changed.notify_all();
            }
        }
        Some(running.due_after(now))
    }

    /// When the watchdog has to look; `None`: nothing runs.
    pub(super) fn due(&self) -> Option<Instant> {
        self.running.lock().as_ref().map(Running::due)
    }

    /// Interrupts the turn that runs, if one does: softly, or hard at once.
    pub(super) fn request(&self, hard: bool) -> bool {
        let mut running = self.running.lock();
        let Some(running) = running.as_mut() else {
            return false;
        };
        let now = Instant::now();
        running.soft.get_or_insert((Cause::Request, now));
        if hard {
            running.hard.get_or_insert(Cause::Request);
        }
        running.store(now);
        self.changed.notify_all();
        true
    }

    /// Waits on behalf of the guest until `until` (or for ever) or until
    /// `ready` says so: it is asked first, and again after each
    /// a wake, without the lock. The time does not count as guest
    /// time.
    pub(crate) fn wait(&self, until: Option<Instant>, mut ready: impl FnMut() -> bool) -> WaitEnd {
        self.off_the_clock(|| {
            loop {
                self.woken.store(false, Ordering::SeqCst);
                if ready() {
                    break WaitEnd::Ready;
                }
                let mut guard = self.running.lock();
                while !self.woken.load(Ordering::SeqCst) {
                    match guard.as_ref() {
                        Some(running) if running.hard.is_some() => return WaitEnd::Hard,
                        Some(running) if running.soft.is_some() => return WaitEnd::Soft,
                        _ => {}
                    }
                    match until {
                        Some(until) if Instant::now() >= until => return WaitEnd::Due,
                        Some(until) => {
                            self.changed.wait_until(&mut guard, until);
                        }
                        None => self.changed.wait(&mut guard),
                    }
                }
            }
        })
    }

    /// Makes a wait ask again whether what it waits for is there.
    fn wake_waiting(&self) {
        let _running = self.running.lock();
        self.woken.store(true, Ordering::SeqCst);
        self.changed.notify_all();
    }

    /// Runs the host's side of a call. The time does not count as guest time;
    /// nor does it count twice when a call waits.
    pub(crate) fn off_the_clock<R>(&self, work: impl FnOnce() -> R) -> R {
        let begun = Instant::now();
        let is_outer = self.running.lock().as_mut().is_some_and(|running| {
            let is_outer = running.waiting_since.is_none();
            running.waiting_since.get_or_insert(begun);
            is_outer
        });
        let result = work();
        if is_outer && let Some(running) = self.running.lock().as_mut() {
            running.waiting_since = None;
            running.waited += begun.elapsed();
        }
        result
    }

    /// Where in the guest's memory interrupts may be written at any time, while the guest
    /// runs.
    pub(crate) fn writes(&self) -> Option<InterruptAddresses> {
        (self.running.lock().as_ref()).map(|running| running.arming.addresses)
    }

    /// Whether the turn was told to end, softly or hard: what work in the guest's place
    /// asks as it goes.
    pub(crate) fn is_told_to_end(&self) -> bool {
        let running = self.running.lock();
        (running.as_ref()).is_some_and(|running| running.soft.is_some() || running.hard.is_some())
    }

    /// Whether a hard interrupt is pending: what a host call asks before it
    /// returns to the guest.
    pub(crate) fn is_hard(&self) -> bool {
        self.running
            .lock()
            .as_ref()
            .is_some_and(|running| running.hard.is_some())
    }
}

impl Wake for Pulse {
    fn wake(self: Arc<Self>) {
        self.as_ref().wake_waiting();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_waiting();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use crate::interrupt::addresses::InterruptAddresses;
    use crate::interrupt::running::{PAUSE, PAUSE_MAX, TICK};
    use std::sync::atomic::AtomicU32;

    /// A minute for everything, and words behind each other.
    fn arming() -> Arming {
        Arming {
            addresses: InterruptAddresses {
                flag: 4,
                exception: 8,
                events: 12,
                events_bit: 1,
                timeout_error: 7,
                keyboard_interrupt: 9,
            },
            guest_time: Duration::from_secs(60),
            wall_time: Duration::from_secs(60),
            grace: Duration::from_secs(60),
            used: Default::default(),
        }
    }

    fn words(memory: &[AtomicU32; 8]) -> Vec<u32> {
        memory
            .iter()
            .map(|word| word.load(Ordering::SeqCst))
            .collect()
    }

    #[test]
    fn an_exception_is_stored_again_after_a_pause() {
        let memory: [AtomicU32; 8] = Default::default();
        let pulse = Arc::new(Pulse::default());
        let mut clocks = Clocks::new(&pulse);
        clocks.start(memory.as_ptr() as usize, arming());
        assert!(pulse.request(false));
        let begun = Instant::now();
        // The guest takes the exception, and the watchdog looks at once.
        memory[2].store(0, Ordering::SeqCst);
        let due = pulse.tick(begun).unwrap();
        assert_eq!(words(&memory)[2], 0, "struck while it handles the first");
        assert!(due > begun + TICK && due <= begun + PAUSE, "{due:?}");
        for pause in [PAUSE, PAUSE * 2, PAUSE_MAX, PAUSE_MAX] {
            let now = pulse.running.lock().as_ref().unwrap().again.unwrap().0;
            let next = pulse.tick(now).unwrap();
            assert_eq!(words(&memory)[2], 9);
            assert!(next >= now + pause && next <= now + PAUSE_MAX);
            memory[2].store(0, Ordering::SeqCst);
        }
    }

    #[test]
    fn clocks_that_start_again_are_not_ended_by_those_before() {
        let memory: [AtomicU32; 8] = Default::default();
        let pulse = Arc::new(Pulse::default());
        let mut clocks = Clocks::new(&pulse);
        for _ in 0..3 {
            clocks.start(memory.as_ptr() as usize, arming());
            assert!(pulse.request(false), "no turn runs");
            assert_eq!(words(&memory)[2], 9);
        }
        assert!(clocks.stop().soft.is_some());
        assert!(!pulse.request(false));
    }
}
