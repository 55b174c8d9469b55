//! How many requests each session has made, and has under way.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::HttpError;
use super::limits::HttpLimits;

/// The budgets of all sessions that use an egress.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    budgets: HashMap<String, Entry>,
    /// Counts uses, to tell who was quiet longest.
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    budget: Arc<Budget>,
    used_at: u64,
}

/// What one session has left.
#[derive(Debug)]
pub(super) struct Budget {
    requests_left: Mutex<u64>,
    /// A place for each request that runs or waits.
    places: Semaphore,
    /// A slot for each that runs.
    slots: Semaphore,
}

/// The right to run; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    _place: SemaphorePermit<'a>,
    _slot: SemaphorePermit<'a>,
}

impl Budgets {
    /// The budget of a session; a full one, if it is new.
    pub(super) fn of(&self, session: &str, limits: &HttpLimits) -> Result<Arc<Budget>, HttpError> {
        let mut sessions = self.sessions.lock();
        sessions.clock = sessions.clock.wrapping_add(1);
        let used_at = sessions.clock;
        if let Some(entry) = sessions.budgets.get_mut(session) {
            entry.used_at = used_at;
            return Ok(Arc::clone(&entry.budget));
        }
        if sessions.budgets.len() >= limits.sessions_max {
            sessions.forget_the_quietest(limits)?;
        }
        let budget = Arc::new(Budget {
            requests_left: Mutex::new(limits.requests_per_session_max),
            places: Semaphore::new(
                limits.concurrent_per_session_max + limits.waiting_per_session_max,
            ),
            slots: Semaphore::new(limits.concurrent_per_session_max),
        });
        let entry = Entry {
            budget: Arc::clone(&budget),
            used_at,
        };
        sessions.budgets.insert(session.to_owned(), entry);
        Ok(budget)
    }

    pub(super) fn end(&self, session: &str) {
        self.sessions.lock().budgets.remove(session);
    }
}

impl Sessions {
    fn forget_the_quietest(&mut self, limits: &HttpLimits) -> Result<(), HttpError> {
        let idle = self
            .budgets
            .iter()
            // Whoever holds a budget has a request under way.
            .filter(|(_, entry)| Arc::strong_count(&entry.budget) == 1);
        let quietest = idle.min_by_key(|(_, entry)| entry.used_at);
        let Some(name) = quietest.map(|(name, _)| name.clone()) else {
            return Err(HttpError::Exhausted {
                limit_name: "sessions_max",
                limit: limits.sessions_max as u64,
            });
        };
        self.budgets.remove(&name);
        Ok(())
    }
}

impl Budget {
    /// Waits for its turn. The caller bounds how long.
    pub(super) async fn turn(&self, limits: &HttpLimits) -> Result<Turn<'_>, HttpError> {
        // Neither semaphore is ever closed: to fail is to be full.
        let full = || HttpError::Exhausted {
            limit_name: "waiting_per_session_max",
            limit: limits.waiting_per_session_max as u64,
        };
        Ok(Turn {
            _place: self.places.try_acquire().map_err(|_| full())?,
            _slot: self.slots.acquire().await.map_err(|_| full())?,
        })
    }

    /// Takes one request off what is left.
    pub(super) fn spend(&self, limits: &HttpLimits) -> Result<(), HttpError> {
        let mut left = self.requests_left.lock();
        match left.checked_sub(1) {
            Some(fewer) => {
                *left = fewer;
                Ok(())
            }
            None => Err(HttpError::Exhausted {
                limit_name: "http_requests",
                limit: limits.requests_per_session_max,
            }),
        }
    }
}
