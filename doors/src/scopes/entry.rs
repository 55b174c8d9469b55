//! One named session: its queue, and what there is of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use memex_sessions::{PoolKey, SavedSession};
use parking_lot::Mutex;

use super::sink::Listener;

/// A session that somebody named. The lock of its body is fair: calls have it in the order
/// in which they asked.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) body: Arc<tokio::sync::Mutex<Body>>,
    pub(super) listener: Listener,
    waiting: AtomicUsize,
    used: Mutex<Instant>,
}

/// What only the call at hand touches.
#[derive(Default)]
pub(super) struct Body {
    /// The session; none before the first call, and after one that lost it.
    pub(super) key: Option<PoolKey>,
    /// Its name in the store, locked; none where sessions are not saved.
    pub(super) saved: Option<SavedSession>,
    /// The entry has left the registry: look again.
    pub(super) is_gone: bool,
}

/// A call that waits for its session, or has it.
pub(super) struct Waiting(Arc<Entry>);

impl Entry {
    pub(super) fn new(name: &str) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            body: Arc::default(),
            listener: Listener::default(),
            waiting: AtomicUsize::new(0),
            used: Mutex::new(Instant::now()),
        })
    }

    /// Counts a call in, unless too many wait.
    pub(super) fn queue(self: &Arc<Self>, waiting_max: usize) -> Result<Waiting, usize> {
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst);
        let counted = Waiting(Arc::clone(self));
        // The one that runs does not wait.
        match waiting > waiting_max {
            true => Err(waiting - 1),
            false => Ok(counted),
        }
    }

    pub(super) fn touch(&self) {
        *self.used.lock() = Instant::now();
    }

    pub(super) fn used(&self) -> Instant {
        *self.used.lock()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
