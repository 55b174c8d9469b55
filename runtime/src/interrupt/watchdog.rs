//! The one thread that keeps the deadlines of every session.

use super::pulse::Pulse;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// A thread that sleeps until the earliest deadline of all sessions.
///
/// It sleeps as long as the process lives, and so whenever the process forks. Waiting is the
/// system's (`std::sync`): a list of waiting threads in the process's own memory, as
/// `parking_lot` keeps one, would name a thread that the child does not have.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    epoch: Instant,
    /// When the thread wakes next, in nanoseconds after `epoch`. `u64::MAX`
    /// while it scans or has nothing to wait for: then everyone must notify.
    next_wake: AtomicU64,
    stop: AtomicBool,
    pulses: Mutex<Pulses>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Pulses {
    entries: Vec<Option<Weak<Pulse>>>,
    free: Vec<usize>,
}

impl Watchdog {
    pub(crate) fn start() -> std::io::Result<Arc<Self>> {
        let shared = Arc::new(Shared {
            epoch: Instant::now(),
            next_wake: AtomicU64::new(u64::MAX),
            stop: AtomicBool::new(false),
            pulses: Mutex::default(),
            changed: Condvar::new(),
        });
        let thread = Arc::clone(&shared);
        thread::Builder::new()
            .name("memex-watchdog".into())
            .stack_size(256 << 10)
            .spawn(move || thread.run())?;
        Ok(Arc::new(Self { shared }))
    }

    /// Watches a pulse until [`Watchdog::forget`] is called with the number
    /// returned.
    pub(crate) fn watch(&self, pulse: &Arc<Pulse>) -> usize {
        let mut pulses = self.shared.locked();
        let entry = Some(Arc::downgrade(pulse));
        match pulses.free.pop() {
            Some(index) => {
                if let Some(place) = pulses.entries.get_mut(index) {
                    *place = entry;
                }
                index
            }
            None => {
                pulses.entries.push(entry);
                pulses.entries.len() - 1
            }
        }
    }

    pub(crate) fn forget(&self, index: usize) {
        let mut pulses = self.shared.locked();
        if let Some(place) = pulses.entries.get_mut(index)
            && place.take().is_some()
        {
            pulses.free.push(index);
        }
    }

    /// Makes sure that the thread looks at the pulses at `due` or earlier.
    ///
    /// Costs one atomic load in the ordinary case, where the thread already
    /// wakes earlier than that.
    pub(crate) fn look_at(&self, due: Instant) {
        let due = nanos(due.saturating_duration_since(self.shared.epoch));
        if due < self.shared.next_wake.load(Ordering::SeqCst) {
            // Taking the lock waits for a scan in progress to go to sleep.
            let _pulses = self.shared.locked();
            self.shared.changed.notify_one();
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _pulses = self.shared.locked();
        self.shared.changed.notify_one();
    }
}

impl Shared {
    /// The pulses, also after a panic: what is in the table is whole between two steps.
    fn locked(&self) -> MutexGuard<'_, Pulses> {
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut pulses = self.locked();
        while !self.stop.load(Ordering::SeqCst) {
            // Before the scan: a turn armed during it must notify.
            self.next_wake.store(u64::MAX, Ordering::SeqCst);
            let now = Instant::now();
            let due = pulses
                .entries
                .iter()
                .filter_map(|entry| entry.as_ref()?.upgrade()?.tick(now))
                .min();
            let woken = match due {
                Some(due) => {
                    let wake = nanos(due.saturating_duration_since(self.epoch));
                    self.next_wake.store(wake, Ordering::SeqCst);
                    let pause = due.saturating_duration_since(Instant::now());
                    let woken = self.changed.wait_timeout(pulses, pause);
                    woken
                        .map(|(pulses, _)| pulses)
                        .map_err(|poisoned| PoisonError::new(poisoned.into_inner().0))
                }
                None => self.changed.wait(pulses),
            };
            pulses = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 1)
}
