//! Many sessions in few slots: those that nobody uses hibernate by themselves.

use crate::error::Error;
use crate::session::{Hibernated, Outcome, Sandbox, Session, SessionOptions};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names a session of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolKey(u64);

/// A set of sessions of which at most `live_max` hold a slot.
///
/// A session that is used is woken first and becomes the most recent one; the
/// least recent one hibernates for it. Each session runs one turn at a time,
/// and several threads use a pool at once.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    sandbox: Sandbox,
    live_max: usize,
    entries: Mutex<Entries>,
    returned: Condvar,
}

#[derive(Default)]
struct Entries {
    next: u64,
    clock: u64,
    sessions: BTreeMap<u64, Entry>,
}

enum Entry {
    Live {
        session: Box<Session>,
        used: u64,
    },
    Hibernated(Box<Hibernated>),
    /// A thread has it.
    Out,
}

impl Pool {
    /// An empty pool.
    ///
    /// `live_max` counts sessions that are idle in a slot; one that runs is
    /// held by the thread that runs it.
    #[must_use]
    pub fn new(sandbox: Sandbox, live_max: usize) -> Self {
        let shared = Shared {
            sandbox,
            live_max,
            entries: Mutex::default(),
            returned: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Starts a session in the pool.
    ///
    /// # Errors
    /// As [`Sandbox::session`].
    pub fn create(&self, options: SessionOptions) -> Result<PoolKey, Error> {
        let session = self.shared.sandbox.session(options)?;
        let key = {
            let mut entries = self.shared.entries.lock();
            entries.next += 1;
            entries.next
        };
        self.put_back(key, session)?;
        Ok(PoolKey(key))
    }

    /// Runs one turn of a session, waking it first when it hibernates.
    ///
    /// # Errors
    /// As [`Session::run`]; [`Error::State`] when the pool has no such
    /// session.
    pub fn run(&self, key: PoolKey, code: &str) -> Result<Outcome, Error> {
        self.with(key, |session| session.run(code))?
    }

    /// Does something with a session, waking it first when it hibernates and
    /// waiting for another thread that uses it. Where `work` panics, the session
    /// leaves the pool.
    ///
    /// # Errors
    /// When the pool has no such session, or it cannot be woken.
    pub fn with<R>(&self, key: PoolKey, work: impl FnOnce(&mut Session) -> R) -> Result<R, Error> {
        let mut session = self.take_out(key.0)?;
        let out = Out {
            pool: self,
            key: key.0,
        };
        let result = work(&mut session);
        std::mem::forget(out);
        self.put_back(key.0, session)?;
        Ok(result)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the pool has no such session, or it cannot be woken.
    pub fn remove(&self, key: PoolKey) -> Result<(), Error> {
        let session = self.take_out(key.0)?;
        self.shared.entries.lock().sessions.remove(&key.0);
        drop(session);
        self.shared.returned.notify_all();
        Ok(())
    }

    /// Sessions that hold a slot, and sessions that hibernate.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let entries = self.shared.entries.lock();
        let hibernated = |entry: &&Entry| matches!(entry, Entry::Hibernated(_));
        let asleep = entries.sessions.values().filter(hibernated).count();
        (entries.sessions.len() - asleep, asleep)
    }

    fn take_out(&self, key: u64) -> Result<Session, Error> {
        let mut entries = self.shared.entries.lock();
        let entry = loop {
            match entries.sessions.get_mut(&key) {
                None => {
                    return Err(Error::State {
                        state: "not in this pool",
                        remedy: "create it with Pool::create",
                    });
                }
                Some(Entry::Out) => self.shared.returned.wait(&mut entries),
                Some(entry) => break std::mem::replace(entry, Entry::Out),
            }
        };
        drop(entries);
        let woken = match entry {
            Entry::Live { session, .. } => Ok(*session),
            Entry::Hibernated(asleep) => asleep.wake().map(|(session, _)| session),
            // The loop above waits until it is something else.
            Entry::Out => Err(Error::State {
                state: "in use",
                remedy: "try again",
            }),
        };
        if woken.is_err() {
            self.shared.entries.lock().sessions.remove(&key);
            self.shared.returned.notify_all();
        }
        woken
    }

    fn put_back(&self, key: u64, session: Session) -> Result<(), Error> {
        let surplus = {
            let mut entries = self.shared.entries.lock();
            entries.clock += 1;
            let used = entries.clock;
            entries.sessions.insert(
                key,
                Entry::Live {
                    session: Box::new(session),
                    used,
                },
            );
            entries.least_recent(self.shared.live_max)
        };
        self.shared.returned.notify_all();
        let Some((key, session)) = surplus else {
            return Ok(());
        };
        let asleep = session.hibernate();
        let mut entries = self.shared.entries.lock();
        let result = match asleep {
            Ok(asleep) => {
                entries
                    .sessions
                    .insert(key, Entry::Hibernated(Box::new(asleep)));
                Ok(())
            }
            Err(error) => {
                entries.sessions.remove(&key);
                Err(error)
            }
        };
        drop(entries);
        self.shared.returned.notify_all();
        result
    }
}

/// A session that a thread has. Where `work` panics, the session is gone, and
/// those who wait for it are told.
struct Out<'a> {
    pool: &'a Pool,
    key: u64,
}

impl Drop for Out<'_> {
    fn drop(&mut self) {
        self.pool.shared.entries.lock().sessions.remove(&self.key);
        self.pool.shared.returned.notify_all();
    }
}

impl Entries {
    /// Takes the least recent session out when more than `live_max` are live.
    fn least_recent(&mut self, live_max: usize) -> Option<(u64, Session)> {
        let live = self.sessions.iter().filter_map(|(key, entry)| match entry {
            Entry::Live { used, .. } => Some((*used, *key)),
            _ => None,
        });
        if live.clone().count() <= live_max {
            return None;
        }
        let (_, key) = live.min()?;
        match std::mem::replace(self.sessions.get_mut(&key)?, Entry::Out) {
            Entry::Live { session, .. } => Some((key, *session)),
            other => {
                self.sessions.insert(key, other);
                None
            }
        }
    }
}
