//! The queue of one sandbox's executions, and what is known between them.
//!
//! A block runs in three steps where it has a context or variables of its own: turns
//! before and after it. No other execution may come between them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::error::{ErrorKind, ServiceError};
use crate::names::Id;

/// Executions of one sandbox that wait for each other.
const WAITING_MAX: usize = 64;
/// Sandboxes of which something is known. Past it, idle ones are forgotten.
const KNOWN_MAX: usize = 10_000;
const BUSY_RETRY: Duration = Duration::from_secs(1);

/// What is known of the contexts of a sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Contexts {
    /// Nothing: the server may have been started again, or the sandbox is a fork.
    #[default]
    Unknown,
    /// There is the default one alone.
    None,
    /// There are others; this one is current.
    Current(String),
}

/// What is known of a sandbox while its line is held.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) contexts: Contexts,
    /// Whether the shell was loaded.
    pub(crate) has_shell: bool,
    /// Executions so far, as far as this server has counted them.
    pub(crate) count: Option<u64>,
}

/// The lines of all sandboxes.
#[derive(Debug, Default)]
pub(crate) struct Lines(Mutex<HashMap<Id, Arc<Line>>>);

#[derive(Debug, Default)]
struct Line {
    known: Arc<AsyncMutex<Known>>,
    waiting: AtomicUsize,
}

/// A place in a line, which is given back whatever happens to who waits.
struct Place(Arc<Line>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lines {
    /// Waits for the sandbox's line. It is held until the guard is dropped.
    ///
    /// # Errors
    /// When too many wait for it.
    pub(crate) async fn enter(&self, id: Id) -> Result<OwnedMutexGuard<Known>, ServiceError> {
        let line = self.line(id);
        if line.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            line.waiting.fetch_sub(1, Ordering::Relaxed);
            let error = ServiceError::new(
                ErrorKind::Exhausted,
                "busy",
                format!("{WAITING_MAX} executions wait for this sandbox"),
                "wait for one to end, or use another sandbox: fork it",
            );
            return Err(error.retry_after(BUSY_RETRY));
        }
        let place = Place(line);
        Ok(Arc::clone(&place.0.known).lock_owned().await)
    }

    /// Begins with what is known of a sandbox that was just made.
    pub(crate) fn fresh(&self, id: Id) {
        let line = self.line(id);
        if let Ok(mut known) = line.known.try_lock() {
            *known = Known {
                contexts: Contexts::None,
                has_shell: false,
                count: Some(0),
            };
        }
    }

    /// Forgets a sandbox.
    pub(crate) fn forget(&self, id: Id) {
        self.0.lock().remove(&id);
    }

    fn line(&self, id: Id) -> Arc<Line> {
        let mut lines = self.0.lock();
        if lines.len() >= KNOWN_MAX && !lines.contains_key(&id) {
            // Nobody else holds those: what is forgotten is asked for again.
            lines.retain(|_, line| {
                Arc::strong_count(line) > 1 || Arc::strong_count(&line.known) > 1
            });
        }
        Arc::clone(lines.entry(id).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_holds_a_line_and_a_bounded_number_waits() {
        let lines = Arc::new(Lines::default());
        let id = Id::random().unwrap();
        let held = lines.enter(id).await.unwrap();
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..WAITING_MAX {
            let lines = Arc::clone(&lines);
            waiting.spawn(async move { drop(lines.enter(id).await.unwrap()) });
        }
        while lines.line(id).waiting.load(Ordering::Relaxed) < WAITING_MAX {
            tokio::task::yield_now().await;
        }
        let refused = lines.enter(id).await.unwrap_err();
        assert_eq!((refused.kind, refused.code), (ErrorKind::Exhausted, "busy"));
        assert!(refused.retry_after.is_some());
        // Another sandbox's line is free, and who gives up leaves the line.
        drop(lines.enter(Id::random().unwrap()).await.unwrap());
        drop(held);
        while let Some(done) = waiting.join_next().await {
            done.unwrap();
        }
        drop(lines.enter(id).await.unwrap());
    }

    #[tokio::test]
    async fn idle_sandboxes_are_forgotten_past_the_bound_and_held_ones_are_not() {
        let lines = Lines::default();
        let held_id = Id::random().unwrap();
        let mut held = lines.enter(held_id).await.unwrap();
        held.count = Some(7);
        for _ in 0..KNOWN_MAX + 10 {
            lines.fresh(Id::random().unwrap());
        }
        assert!(lines.0.lock().len() <= KNOWN_MAX);
        drop(held);
        assert_eq!(lines.enter(held_id).await.unwrap().count, Some(7));
    }
}
