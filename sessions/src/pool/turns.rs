//! The pool, as its users see it.

use super::entries::{Entries, Place, Taken};
use super::error::PoolError;
use super::options::{PoolKey, PoolOptions, PoolPlace, PoolStats};
use super::shelf::Shelf;
use memex_runtime::{Outcome, Sandbox, Session, SessionOptions};
use memex_snapshots::SnapshotStore;
use parking_lot::{Condvar, Mutex};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

/// A set of sessions of which at most `live_max` hold a slot; see [`PoolOptions`] for all
/// bounds.
///
/// A session that is used is woken first and becomes the most recent one; the least recent
/// one goes to sleep for it, and the least recent sleepers go to the store. Each session
/// runs one turn at a time, and several threads use a pool at once. Cloning gives another
/// handle of the same pool; dropping the last one ends all sessions, those in the store
/// included.
#[derive(Clone)]
pub struct Pool {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) options: PoolOptions,
    pub(super) shelf: Option<Shelf>,
    pub(super) entries: Mutex<Entries>,
    returned: Condvar,
}

impl Pool {
    /// An empty pool whose sleepers stay in memory.
    #[must_use]
    pub fn new(options: PoolOptions) -> Self {
        Self::on(number(), options, None)
    }

    /// An empty pool whose sleepers go to a store when memory is full. What pools of
    /// processes that were killed have left in the store is forgotten first.
    ///
    /// The store holds what the sessions' heaps hold. It is an extension of this process's
    /// memory: a pool does not find the sleepers of another one.
    ///
    /// # Errors
    /// [`PoolError::Store`].
    pub fn with_store(
        options: PoolOptions,
        store: Arc<dyn SnapshotStore>,
    ) -> Result<Self, PoolError> {
        let number = number();
        let shelf = Shelf::open(store, number)?;
        Ok(Self::on(number, options, Some(shelf)))
    }

    fn on(number: u64, options: PoolOptions, shelf: Option<Shelf>) -> Self {
        Self {
            shared: Arc::new(Shared {
                options,
                shelf,
                entries: Mutex::new(Entries::new(number)),
                returned: Condvar::new(),
            }),
        }
    }

    /// Starts a session of a sandbox in the pool.
    ///
    /// # Errors
    /// [`PoolError::Full`], and as [`Sandbox::session`].
    pub fn create(&self, sandbox: &Sandbox, options: SessionOptions) -> Result<PoolKey, PoolError> {
        self.check_room()?;
        if sandbox.live_sessions() >= sandbox.policy().limits.live_sessions {
            self.make_room(sandbox);
        }
        Ok(self.add(sandbox.session(options)?))
    }

    /// Takes a session into the pool that was made elsewhere. It may wait.
    ///
    /// # Errors
    /// [`PoolError::Full`]. The session is gone then.
    pub fn insert(&self, session: Session) -> Result<PoolKey, PoolError> {
        self.check_room()?;
        Ok(self.add(session))
    }

    fn add(&self, session: Session) -> PoolKey {
        let key = {
            let mut entries = self.shared.entries.lock();
            let key = entries.add(session.sandbox());
            entries.put(key, Place::Awake(Box::new(session)));
            key
        };
        self.settle();
        key
    }

    /// Runs one turn of a session, waking it first when it sleeps.
    ///
    /// # Errors
    /// As [`Pool::with`] and [`Session::run`].
    pub fn run(&self, key: PoolKey, code: &str) -> Result<Outcome, PoolError> {
        Ok(self.with(key, |session| session.run(code))??)
    }

    /// Does something with a session, waking it first when it sleeps, and waiting for
    /// another thread that uses it. Where `work` panics, the session leaves the pool.
    ///
    /// # Errors
    /// When the pool has no such session, when another thread keeps it for too long, or
    /// when it cannot be woken. It sleeps on in the last case.
    pub fn with<R>(
        &self,
        key: PoolKey,
        work: impl FnOnce(&mut Session) -> R,
    ) -> Result<R, PoolError> {
        let place = self.take(key)?;
        let lease = self.lease(key);
        let mut session = match self.woken(key, place) {
            Ok(session) => session,
            Err(error) => {
                lease.pass();
                return Err(error);
            }
        };
        let result = work(&mut session);
        lease.end(Place::Awake(session));
        self.settle();
        Ok(result)
    }

    /// Ends a session. One that sleeps is not woken for it.
    ///
    /// # Errors
    /// When the pool has no such session, or another thread keeps it for too long.
    pub fn remove(&self, key: PoolKey) -> Result<(), PoolError> {
        let place = self.take(key)?;
        if let Place::Store(stored) = &place {
            self.leave_store(key, stored.bytes);
        }
        drop(self.lease(key));
        drop(place);
        Ok(())
    }

    /// Where a session is. It may be elsewhere by the time that this returns.
    ///
    /// # Errors
    /// When the pool has no such session.
    pub fn place(&self, key: PoolKey) -> Result<PoolPlace, PoolError> {
        let entries = self.shared.entries.lock();
        entries.look(key).map(Place::name).ok_or(PoolError::Unknown)
    }

    /// Whether a turn of the session waits, and has answers to go on with or is due by
    /// itself. Wakes nothing.
    ///
    /// # Errors
    /// When the pool has no such session.
    pub fn is_due(&self, key: PoolKey) -> Result<bool, PoolError> {
        let entries = self.shared.entries.lock();
        entries
            .look(key)
            .map(Place::is_due)
            .ok_or(PoolError::Unknown)
    }

    /// How full the pool is.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.shared.entries.lock().stats()
    }

    fn check_room(&self) -> Result<(), PoolError> {
        let options = &self.shared.options;
        let entries = self.shared.entries.lock();
        let (count, bytes) = (entries.len(), entries.memory_bytes());
        drop(entries);
        let reason = if count >= options.sessions_max {
            format!(
                "it has {count} sessions, of {} allowed",
                options.sessions_max
            )
        } else if bytes > options.memory_bytes {
            // What goes to the store goes at the end of a turn: once more before refusing.
            self.settle();
            let bytes = self.shared.entries.lock().memory_bytes();
            if bytes <= options.memory_bytes {
                return Ok(());
            }
            let why = match &self.shared.shelf {
                None => "and there is no store",
                Some(_) => "and the store takes no more",
            };
            format!(
                "sleeping sessions hold {bytes} bytes of memory, of {} allowed, {why}",
                options.memory_bytes
            )
        } else {
            return Ok(());
        };
        Err(PoolError::Full { reason })
    }

    /// Takes a session for this thread, once no other has it.
    fn take(&self, key: PoolKey) -> Result<Place, PoolError> {
        let mut entries = self.shared.entries.lock();
        let mut until = None;
        loop {
            match entries.take(key) {
                Taken::Place(place) => return Ok(place),
                Taken::Unknown => return Err(PoolError::Unknown),
                Taken::InUse => {}
            }
            let waited = self.shared.options.wait;
            let until = *until.get_or_insert_with(|| Instant::now().checked_add(waited));
            entries.wait_for(key, true);
            let is_over = match until {
                Some(until) => self
                    .shared
                    .returned
                    .wait_until(&mut entries, until)
                    .timed_out(),
                None => {
                    self.shared.returned.wait(&mut entries);
                    false
                }
            };
            entries.wait_for(key, false);
            if is_over {
                return Err(PoolError::Busy { waited });
            }
        }
    }

    /// Puts a session that is in use to a place.
    pub(super) fn put(&self, key: PoolKey, place: Place) {
        let is_wanted = self.shared.entries.lock().put(key, place);
        if is_wanted {
            self.shared.returned.notify_all();
        }
    }

    pub(super) fn lease(&self, key: PoolKey) -> Lease<'_> {
        Lease {
            pool: self,
            key,
            ends: false,
        }
    }
}

/// A number that no other pool has, in this process or another.
fn number() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish()
}

/// A session that a thread has. Dropped without an end, by a panic for instance, it takes
/// the session out of the pool, and those who wait for it learn that.
#[must_use = "dropping it removes the session"]
pub(super) struct Lease<'a> {
    pool: &'a Pool,
    key: PoolKey,
    ends: bool,
}

impl Lease<'_> {
    /// Puts the session to a place.
    pub(super) fn end(mut self, place: Place) {
        self.ends = true;
        self.pool.put(self.key, place);
    }
}

impl Lease<'_> {
    /// Leaves the session to what has put it to a place already.
    fn pass(mut self) {
        self.ends = true;
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if self.ends {
            return;
        }
        let is_wanted = self.pool.shared.entries.lock().remove(self.key);
        if is_wanted {
            self.pool.shared.returned.notify_all();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(shelf) = &self.shelf {
            for serial in self.entries.get_mut().stored() {
                // What cannot be removed now is removed by the next pool on the store.
                let _left = shelf.forget(serial);
            }
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("options", &self.shared.options)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
