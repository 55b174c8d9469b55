//! Putting sessions to sleep and waking them. Nothing here holds the lock while it works.

use super::entries::{Place, Taken};
use super::error::PoolError;
use super::options::{PoolKey, PoolPlace};
use super::shelf::{Shelf, Stored};
use super::turns::Pool;
use memex_runtime::{Error, Hibernated, Sandbox, Session};
use std::time::{Duration, Instant};

/// Sleepers that go to the store in one go: bounds what one turn pays for those before it.
const STORED_AT_ONCE: usize = 8;
/// Sessions that one turn sends to sleep. More than one, so that a surplus which could not
/// sleep before gets less.
const HIBERNATED_AT_ONCE: usize = 2;
/// How long a store that failed is left alone.
const STORE_REST: Duration = Duration::from_secs(1);
/// Sessions of the same policy that make room for one.
const ROOM_ATTEMPTS: usize = 16;

impl Pool {
    /// Wakes a session that was taken out. One that cannot be woken is put back.
    pub(super) fn woken(&self, key: PoolKey, place: Place) -> Result<Box<Session>, PoolError> {
        match place {
            Place::Awake(session) => Ok(session),
            Place::Memory { asleep, .. } => self.wake(key, asleep),
            Place::Store(stored) => self.wake_stored(key, stored),
            // `take` gives out no such place.
            Place::InUse => Err(PoolError::Unknown),
        }
    }

    fn wake(&self, key: PoolKey, mut asleep: Box<Hibernated>) -> Result<Box<Session>, PoolError> {
        for _ in 0..ROOM_ATTEMPTS {
            let failure = match asleep.wake() {
                Ok((session, _lost)) => return Ok(Box::new(session)),
                Err(failure) => failure,
            };
            asleep = failure.session;
            let is_crowded = matches!(failure.error, Error::TooManySessions { .. });
            if !is_crowded || !self.make_room(asleep.sandbox()) {
                self.put(key, Place::memory(asleep));
                return Err(failure.error.into());
            }
        }
        let (live, limit) = {
            let sandbox = asleep.sandbox();
            (
                sandbox.live_sessions(),
                sandbox.policy().limits.live_sessions,
            )
        };
        self.put(key, Place::memory(asleep));
        Err(Error::TooManySessions { live, limit }.into())
    }

    fn wake_stored(&self, key: PoolKey, stored: Box<Stored>) -> Result<Box<Session>, PoolError> {
        let loaded = match &self.shared.shelf {
            Some(shelf) => shelf.get(&stored),
            None => Err(PoolError::Unknown),
        };
        let mut asleep = match loaded {
            Ok(asleep) => Box::new(asleep),
            Err(error) => {
                self.put(key, Place::Store(stored));
                return Err(error);
            }
        };
        let Stored { options, bytes, .. } = *stored;
        asleep.equip(options);
        self.leave_store(key, bytes);
        self.wake(key, asleep)
    }

    /// Lets the store forget a state that is not needed there any more.
    pub(super) fn leave_store(&self, key: PoolKey, bytes: u64) {
        let Some(shelf) = &self.shared.shelf else {
            return;
        };
        let forgotten = shelf.forget(key.serial);
        let mut entries = self.shared.entries.lock();
        entries.waste(bytes);
        if let Err(error) = forgotten {
            // The name stays until the session sleeps there again, or the pool is gone.
            entries.failed(error.to_string());
        }
    }

    /// Sends the least recent session of the same policy to sleep. Says whether one went.
    pub(super) fn make_room(&self, sandbox: &Sandbox) -> bool {
        let least_recent = self.shared.entries.lock().least_recent_of(sandbox);
        let Some((key, session)) = least_recent else {
            return false;
        };
        let went = self.hibernate(key, session);
        self.store_overflow();
        went
    }

    /// Sends sessions to sleep that are too many.
    pub(super) fn settle(&self) {
        for _ in 0..HIBERNATED_AT_ONCE {
            let live_max = self.shared.options.live_max;
            let surplus = self.shared.entries.lock().surplus(live_max);
            let Some((key, session)) = surplus else {
                break;
            };
            self.hibernate(key, session);
        }
        self.store_overflow();
    }

    /// Sends a session to sleep that is awake and that nobody uses. Says where it is then.
    ///
    /// # Errors
    /// When the pool has no such session.
    pub fn sleep(&self, key: PoolKey) -> Result<PoolPlace, PoolError> {
        let taken = self.shared.entries.lock().take(key);
        match taken {
            Taken::Place(Place::Awake(session)) => {
                self.hibernate(key, session);
                self.store_overflow();
            }
            Taken::Place(place) => self.put(key, place),
            Taken::InUse => {}
            Taken::Unknown => return Err(PoolError::Unknown),
        }
        self.place(key)
    }

    fn hibernate(&self, key: PoolKey, session: Box<Session>) -> bool {
        let lease = self.lease(key);
        match session.hibernate() {
            Ok(asleep) => {
                lease.end(Place::memory(Box::new(asleep)));
                true
            }
            // As the most recent one: it is not tried again before all others.
            Err(failure) => {
                let error = failure.to_string();
                lease.end(Place::Awake(failure.session));
                self.shared.entries.lock().failed(error);
                false
            }
        }
    }

    /// Moves sleepers to the store that memory has no room for.
    fn store_overflow(&self) {
        let Some(shelf) = &self.shared.shelf else {
            return;
        };
        let options = &self.shared.options;
        let mut stored = false;
        for _ in 0..STORED_AT_ONCE {
            let overflow = {
                let mut entries = self.shared.entries.lock();
                entries.overflow(options.memory_bytes, options.store_bytes)
            };
            let Some((key, asleep)) = overflow else {
                break;
            };
            let lease = self.lease(key);
            match shelf.put(&asleep, key.serial) {
                Ok(id) => {
                    lease.end(Place::Store(Box::new(Shelf::rest(id, *asleep))));
                    stored = true;
                }
                Err(error) => {
                    lease.end(Place::memory(asleep));
                    let mut entries = self.shared.entries.lock();
                    entries.failed(error.to_string());
                    entries.rest_store(Instant::now().checked_add(STORE_REST));
                    return;
                }
            }
        }
        if stored {
            self.collect(shelf);
        }
    }

    fn collect(&self, shelf: &Shelf) {
        let options = &self.shared.options;
        // Sooner, what the last one found too young would still be so.
        let next = Instant::now().checked_add(options.grace);
        let is_due = {
            let mut entries = self.shared.entries.lock();
            entries.begin_collection(options.store_bytes, next)
        };
        if is_due && let Err(error) = shelf.collect(options.grace) {
            self.shared.entries.lock().failed(error.to_string());
        }
    }
}
