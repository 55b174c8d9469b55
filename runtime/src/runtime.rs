//! State shared by all sessions of a process.

use crate::error::Error;
use crate::interrupt::Watchdog;
use crate::platform::DirtyTracking;
use memex_policies::Policy;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// The watchdog thread, the count of live sessions and the choice of how
/// dirty pages are found. Cheap to clone; one per process is enough.
#[derive(Debug, Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    watchdog: Arc<Watchdog>,
    tracking: DirtyTracking,
    live_sessions: AtomicU64,
    populations: Mutex<Vec<Weak<Population>>>,
}

/// The live sessions of one policy. Sandboxes of equal policies share it, so that
/// making a second sandbox is no way around the limit.
#[derive(Debug)]
pub(crate) struct Population {
    policy: Arc<Policy>,
    live: AtomicU64,
}

impl Runtime {
    /// Starts the watchdog and picks the fastest dirty tracking there is.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn new() -> Result<Self, Error> {
        Self::with_tracking(DirtyTracking::detect())
    }

    /// Like [`Runtime::new`] with a way of dirty tracking of the caller's
    /// choice, for tests and comparisons.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn with_tracking(tracking: DirtyTracking) -> Result<Self, Error> {
        let watchdog = Watchdog::start().map_err(Error::system("start the watchdog thread"))?;
        Ok(Self {
            inner: Arc::new(Inner {
                watchdog,
                tracking,
                live_sessions: AtomicU64::new(0),
                populations: Mutex::default(),
            }),
        })
    }

    /// How dirty pages are found.
    #[must_use]
    pub fn dirty_tracking(&self) -> DirtyTracking {
        self.inner.tracking
    }

    /// Sessions alive, of all policies.
    #[must_use]
    pub fn live_sessions(&self) -> u64 {
        self.inner.live_sessions.load(Ordering::Relaxed)
    }

    pub(crate) fn watchdog(&self) -> &Arc<Watchdog> {
        &self.inner.watchdog
    }

    /// The sessions that count against a policy's `live_sessions`.
    pub(crate) fn population(&self, policy: &Arc<Policy>) -> Arc<Population> {
        let mut populations = self.inner.populations.lock();
        populations.retain(|population| population.strong_count() > 0);
        let is_same = |population: &Arc<Population>| {
            Arc::ptr_eq(&population.policy, policy) || population.policy == *policy
        };
        let known = populations.iter().filter_map(Weak::upgrade).find(is_same);
        known.unwrap_or_else(|| {
            let population = Arc::new(Population {
                policy: Arc::clone(policy),
                live: AtomicU64::new(0),
            });
            populations.push(Arc::downgrade(&population));
            population
        })
    }

    /// Counts a session in, if its policy admits one more.
    pub(crate) fn enter(&self, population: &Arc<Population>) -> Result<Counted, Error> {
        let limit = population.policy.limits.live_sessions;
        population
            .live
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |live| {
                (live < limit).then_some(live + 1)
            })
            .map_err(|live| Error::TooManySessions { live, limit })?;
        self.inner.live_sessions.fetch_add(1, Ordering::Relaxed);
        Ok(Counted {
            runtime: self.clone(),
            population: Arc::clone(population),
        })
    }
}

impl Population {
    pub(crate) fn live(&self) -> u64 {
        self.live.load(Ordering::Relaxed)
    }
}

/// A session's place among the live ones, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    runtime: Runtime,
    population: Arc<Population>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.population.live.fetch_sub(1, Ordering::Relaxed);
        let total = &self.runtime.inner.live_sessions;
        total.fetch_sub(1, Ordering::Relaxed);
    }
}
