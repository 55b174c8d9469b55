//! A turn that runs: when it is over its time, and the words of the guest's memory by
//! which it is told.
#![allow(unsafe_code)]

use super::addresses::InterruptAddresses;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long after a soft interrupt the exception is stored again, the first
/// time.
///
/// Long enough for a guest to describe the exception that the last one raised,
/// on a machine that lets it wait for a processor meanwhile.
pub(super) const PAUSE: Duration = Duration::from_millis(10);
/// Each pause is twice the last, up to this.
pub(super) const PAUSE_MAX: Duration = Duration::from_millis(40);
/// The least time between two looks at a clock that is nearly due.
pub(super) const TICK: Duration = Duration::from_millis(5);

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

/// A turn that runs, with its clocks and the words by which it is interrupted.
#[derive(Debug)]
pub(super) struct Running {
    /// Base of the linear memory; valid until the turn is disarmed.
    memory: usize,
    pub(super) arming: Arming,
    pub(super) started: Instant,
    pub(super) waited: Duration,
    pub(super) waiting_since: Option<Instant>,
    pub(super) soft: Option<(Cause, Instant)>,
    /// When the exception of a soft interrupt is stored next, and the pause
    /// after that.
    pub(super) again: Option<(Instant, Duration)>,
    pub(super) hard: Option<Cause>,
}

impl Running {
    /// A turn that begins in the memory at this address.
    pub(super) fn new(memory: usize, arming: Arming) -> Self {
        Self {
            memory,
            arming,
            started: Instant::now(),
            waited: Duration::ZERO,
            waiting_since: None,
            soft: None,
            again: None,
            hard: None,
        }
    }

    fn guest_due(&self) -> Option<Instant> {
        let left = self.arming.guest_time.saturating_sub(self.arming.used.0);
        (self.waiting_since.is_none()).then_some(self.started + self.waited + left)
    }

    fn wall_due(&self) -> Instant {
        self.started + self.arming.wall_time.saturating_sub(self.arming.used.1)
    }

    /// The limit of time that is used up.
    pub(super) fn over(&self, now: Instant) -> Option<Cause> {
        if self.guest_due().is_some_and(|due| now >= due) {
            return Some(Cause::GuestTime);
        }
        (now >= self.wall_due()).then_some(Cause::WallTime)
    }

    /// When the first limit of time is used up.
    pub(super) fn due(&self) -> Instant {
        let wall = self.wall_due();
        // While the guest waits its clock stands; the watchdog then looks at
        // the wall clock, and at the guest's when it would be due at the
        // earliest after the wait.
        self.guest_due().map_or(wall, |guest| guest.min(wall))
    }

    /// When there is something to do after `now`.
    pub(super) fn due_after(&self, now: Instant) -> Instant {
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

    /// Stores the interrupt that is pending.
    pub(super) fn store(&mut self, now: Instant) {
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

    /// Takes back an interrupt that the guest has not seen.
    pub(super) fn withdraw(&self) {
        let at = &self.arming.addresses;
        self.word(at.exception).store(0, Ordering::Release);
        self.word(at.events)
            .fetch_and(!at.events_bit, Ordering::Release);
        self.word(at.flag).store(0, Ordering::Release);
    }
}
