//! The interruptible side of one session.
#![allow(unsafe_code)]

use super::addresses::InterruptAddresses;
use parking_lot::{Condvar, Mutex};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Wake;
use std::time::{Duration, Instant};

/// How long after a soft interrupt the exception is stored again, the first
/// time.
///
/// Long enough for a guest to describe the exception that the last one raised,
/// on a machine that lets it wait for a processor meanwhile.
const PAUSE: Duration = Duration::from_millis(10);
/// Each pause is twice the last, up to this.
const PAUSE_MAX: Duration = Duration::from_millis(40);
/// The least time between two looks at a clock that is nearly due.
const TICK: Duration = Duration::from_millis(5);

/// Why a turn was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The turn computed longer than `guest_time_ms`.
    GuestTime,
    /// The turn took longer than `wall_time_ms`, waits included.
    WallTime,
    /// Somebody asked for it, with Ctrl-C for instance.
    Request,
}

/// What a turn is armed with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arming {
    pub(crate) addresses: InterruptAddresses,
    pub(crate) guest_time: Duration,
    pub(crate) wall_time: Duration,
    pub(crate) grace: Duration,
    /// Guest and wall time that earlier parts of the same turn have used.
    pub(crate) used: (Duration, Duration),
}

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

#[derive(Debug)]
struct Running {
    /// Base of the linear memory; valid until the turn is disarmed.
    memory: usize,
    arming: Arming,
    started: Instant,
    waited: Duration,
    waiting_since: Option<Instant>,
    soft: Option<(Cause, Instant)>,
    /// When the exception of a soft interrupt is stored next, and the pause
    /// after that.
    again: Option<(Instant, Duration)>,
    hard: Option<Cause>,
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
        let started = Instant::now();
        let running = Running {
            memory,
            arming,
            started,
            waited: Duration::ZERO,
            waiting_since: None,
            soft: None,
            again: None,
            hard: None,
        };
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

    /// Whether interrupts may be written into this part of the guest's memory.
    pub(crate) fn writes_into(&self, part: &Range<usize>) -> bool {
        let running = self.running.lock();
        (running.as_ref()).is_some_and(|running| running.arming.addresses.is_in(part))
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

impl Running {
    fn guest_due(&self) -> Option<Instant> {
        let left = self.arming.guest_time.saturating_sub(self.arming.used.0);
        (self.waiting_since.is_none()).then_some(self.started + self.waited + left)
    }

    fn wall_due(&self) -> Instant {
        self.started + self.arming.wall_time.saturating_sub(self.arming.used.1)
    }

    fn over(&self, now: Instant) -> Option<Cause> {
        if self.guest_due().is_some_and(|due| now >= due) {
            return Some(Cause::GuestTime);
        }
        (now >= self.wall_due()).then_some(Cause::WallTime)
    }

    fn due(&self) -> Instant {
        let wall = self.wall_due();
        // While the guest waits its clock stands; the watchdog then looks at
        // the wall clock, and at the guest's when it would be due at the
        // earliest after the wait.
        self.guest_due().map_or(wall, |guest| guest.min(wall))
    }

    fn due_after(&self, now: Instant) -> Instant {
        let Some((_, since)) = self.soft else {
            return self.due().max(now + TICK);
        };
        let again = self.again.map_or(now + PAUSE, |(again, _)| again);
        let hard = (self.hard.is_none()).then_some(since + self.arming.grace);
        // Between the two, nothing is due.
        hard.map_or(again, |hard| hard.min(again)).max(now + TICK)
    }

    fn word(&self, address: u32) -> &AtomicU32 {
        let pointer = (self.memory + address as usize) as *mut u32;
        // SAFETY: `memory` is the base of a live linear memory: `Live`
        // arms with its own base, owns the `Clocks` that disarm (under this
        // lock), and drops it before the memory, in a panic too; memory neither
        // moves nor shrinks. The addresses were proved to lie
        // inside the image and to be aligned when it was loaded
        // (`GuestAddresses::check`). The guest's own accesses are machine
        // loads and stores of the same aligned word.
        // JUSTIFICATION: a thread has to reach into a guest that is running.
        unsafe { AtomicU32::from_ptr(pointer) }
    }

    fn store(&mut self, now: Instant) {
        let Some((cause, _)) = self.soft else { return };
        let pause = self.again.map_or(PAUSE, |(_, pause)| pause);
        self.again = Some((now + pause, (pause * 2).min(PAUSE_MAX)));
        let at = &self.arming.addresses;
        let class = match cause {
            Cause::Request => at.keyboard_interrupt,
            Cause::GuestTime | Cause::WallTime => at.timeout_error,
        };
        self.word(at.exception).store(class, Ordering::Release);
        self.word(at.events)
            .fetch_or(at.events_bit, Ordering::Release);
        if self.hard.is_some() {
            self.word(at.flag).store(1, Ordering::Release);
        }
    }

    fn withdraw(&self) {
        let at = &self.arming.addresses;
        self.word(at.exception).store(0, Ordering::Release);
        self.word(at.events)
            .fetch_and(!at.events_bit, Ordering::Release);
        self.word(at.flag).store(0, Ordering::Release);
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
