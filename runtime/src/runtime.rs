//! State shared by all sessions of a process.

use crate::error::Error;
use crate::interrupt::Watchdog;
use crate::platform::DirtyTracking;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
        let live_sessions = AtomicU64::new(0);
        Ok(Self {
            inner: Arc::new(Inner {
                watchdog,
                tracking,
                live_sessions,
            }),
        })
    }

    /// How dirty pages are found.
    #[must_use]
    pub fn dirty_tracking(&self) -> DirtyTracking {
        self.inner.tracking
    }

    /// Sessions alive.
    #[must_use]
    pub fn live_sessions(&self) -> u64 {
        self.inner.live_sessions.load(Ordering::Relaxed)
    }

    pub(crate) fn watchdog(&self) -> &Arc<Watchdog> {
        &self.inner.watchdog
    }

    /// Counts a session in, if `limit` admits one more.
    pub(crate) fn enter(&self, limit: u64) -> Result<Counted, Error> {
        let count = &self.inner.live_sessions;
        count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |live| {
                (live < limit).then_some(live + 1)
            })
            .map(|_| Counted(self.clone()))
            .map_err(|live| Error::TooManySessions { live, limit })
    }
}

/// A session's place among the live ones, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted(Runtime);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.inner.live_sessions.fetch_sub(1, Ordering::Relaxed);
    }
}
