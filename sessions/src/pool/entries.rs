//! What the pool's lock guards: who is where, and in which order they were used.
//!
//! Every method takes a time that does not depend on how many sessions there are. None
//! calls into a session or a store.

use super::chains::{Chains, List};
use super::options::{PoolKey, PoolPlace, PoolStats};
use super::shelf::Stored;
use memex_runtime::{Hibernated, Sandbox, Session};
use slab::Slab;
use std::collections::HashMap;
use std::time::Instant;

/// Bytes that a sleeper takes besides its state: its entry, links, and allocations.
pub(super) const SLEEPER_BYTES: u64 = 512;

/// Where a session is, with what there is of it.
pub(super) enum Place {
    /// A thread has it.
    InUse,
    Awake(Box<Session>),
    Memory {
        asleep: Box<Hibernated>,
        /// As it is counted.
        bytes: u64,
    },
    Store(Box<Stored>),
}

/// What became of an attempt to get a session.
pub(super) enum Taken {
    Place(Place),
    InUse,
    Unknown,
}

struct Entry {
    serial: u64,
    /// Its policy's account.
    account: usize,
    /// Threads that wait for it.
    waiting: usize,
    place: Place,
}

/// The sessions of one policy.
struct Account {
    limits_key: usize,
    /// Sessions that are idle in a slot.
    awake: List,
    sessions: usize,
    /// Keeps `limits_key` from being another policy's.
    _sandbox: Sandbox,
}

#[derive(Default)]
pub(super) struct Entries {
    /// What no other pool is called.
    pool: u64,
    last: u64,
    slots: Slab<Entry>,
    accounts: Slab<Account>,
    by_limits: HashMap<usize, usize>,
    /// Orders of `awake` and `memory`: no session is in both.
    by_use: Chains,
    /// Orders of each account's `awake`.
    by_account: Chains,
    awake: List,
    memory: List,
    stored: usize,
    memory_bytes: u64,
    store_bytes: u64,
    /// Bytes of states that the store holds and no session needs.
    garbage_bytes: u64,
    failures: u64,
    last_failure: Option<String>,
    /// The store is left alone until then.
    store_rests: Option<Instant>,
    store_collects: Option<Instant>,
}

impl Entries {
    /// None, of the pool of this number.
    pub(super) fn new(pool: u64) -> Self {
        Self {
            pool,
            ..Self::default()
        }
    }

    /// A new session, in use.
    pub(super) fn add(&mut self, sandbox: &Sandbox) -> PoolKey {
        self.last += 1;
        let (accounts, limits_key) = (&mut self.accounts, sandbox.limits_key());
        let account = *self.by_limits.entry(limits_key).or_insert_with(|| {
            accounts.insert(Account {
                limits_key,
                awake: List::default(),
                sessions: 0,
                _sandbox: sandbox.clone(),
            })
        });
        if let Some(account) = self.accounts.get_mut(account) {
            account.sessions += 1;
        }
        let index = self.slots.insert(Entry {
            serial: self.last,
            account,
            waiting: 0,
            place: Place::InUse,
        });
        PoolKey {
            pool: self.pool,
            serial: self.last,
            index,
        }
    }

    /// Takes a session for the caller, who puts it back or removes it.
    pub(super) fn take(&mut self, key: PoolKey) -> Taken {
        let Some(entry) = self.entry(key) else {
            return Taken::Unknown;
        };
        match std::mem::replace(&mut entry.place, Place::InUse) {
            Place::InUse => Taken::InUse,
            place => {
                self.left(key, &place);
                Taken::Place(place)
            }
        }
    }

    /// Puts a session that is in use to a place, as the most recent one there. Says whether
    /// threads wait for it.
    pub(super) fn put(&mut self, key: PoolKey, place: Place) -> bool {
        let Some(entry) = self.entry(key) else {
            return false;
        };
        let (account, waiting) = (entry.account, entry.waiting > 0);
        match &place {
            Place::InUse => {}
            Place::Awake(_) => {
                self.by_use.push(&mut self.awake, key.index);
                if let Some(account) = self.accounts.get_mut(account) {
                    self.by_account.push(&mut account.awake, key.index);
                }
            }
            Place::Memory { bytes, .. } => {
                self.by_use.push(&mut self.memory, key.index);
                self.memory_bytes = self.memory_bytes.saturating_add(*bytes);
            }
            Place::Store(stored) => {
                self.stored += 1;
                self.store_bytes = self.store_bytes.saturating_add(stored.bytes);
            }
        }
        if let Some(entry) = self.entry(key) {
            entry.place = place;
        }
        waiting
    }

    /// Forgets a session that is in use. Says whether threads wait for it.
    pub(super) fn remove(&mut self, key: PoolKey) -> bool {
        if self.entry(key).is_none() {
            return false;
        }
        let Some(entry) = self.slots.try_remove(key.index) else {
            return false;
        };
        if let Some(account) = self.accounts.get_mut(entry.account) {
            account.sessions = account.sessions.saturating_sub(1);
            if account.sessions == 0 {
                self.by_limits.remove(&account.limits_key);
                self.accounts.try_remove(entry.account);
            }
        }
        entry.waiting > 0
    }

    /// Takes the least recent session in a slot, where more than `live_max` are.
    pub(super) fn surplus(&mut self, live_max: usize) -> Option<(PoolKey, Box<Session>)> {
        let index = self.awake.first().filter(|_| self.awake.len() > live_max)?;
        self.take_awake(index)
    }

    /// Takes the least recent session in a slot that counts against the same limit.
    pub(super) fn least_recent_of(&mut self, sandbox: &Sandbox) -> Option<(PoolKey, Box<Session>)> {
        let account = self.by_limits.get(&sandbox.limits_key())?;
        let index = self.accounts.get(*account)?.awake.first()?;
        self.take_awake(index)
    }

    fn take_awake(&mut self, index: usize) -> Option<(PoolKey, Box<Session>)> {
        let key = self.key_of(index)?;
        match self.take(key) {
            Taken::Place(Place::Awake(session)) => Some((key, session)),
            Taken::Place(other) => {
                self.put(key, other);
                None
            }
            Taken::InUse | Taken::Unknown => None,
        }
    }

    /// Takes the least recent sleeper out of memory, where they hold more than
    /// `memory_bytes` and the store may be used and has room.
    pub(super) fn overflow(
        &mut self,
        memory_bytes: u64,
        store_bytes: u64,
    ) -> Option<(PoolKey, Box<Hibernated>)> {
        if self.memory_bytes <= memory_bytes || self.store_bytes >= store_bytes {
            return None;
        }
        if self.store_rests.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let key = self.key_of(self.memory.first()?)?;
        match self.take(key) {
            Taken::Place(Place::Memory { asleep, .. }) => Some((key, asleep)),
            Taken::Place(other) => {
                self.put(key, other);
                None
            }
            Taken::InUse | Taken::Unknown => None,
        }
    }

    /// Counts a thread that waits for a session in or out.
    pub(super) fn wait_for(&mut self, key: PoolKey, begins: bool) {
        if let Some(entry) = self.entry(key) {
            entry.waiting = match begins {
                true => entry.waiting + 1,
                false => entry.waiting.saturating_sub(1),
            };
        }
    }

    /// Notes a failure that lost nothing.
    pub(super) fn failed(&mut self, failure: String) {
        self.failures = self.failures.saturating_add(1);
        self.last_failure = Some(failure);
    }

    /// Leaves the store alone until then.
    pub(super) fn rest_store(&mut self, until: Option<Instant>) {
        self.store_rests = until;
    }

    /// The store holds a state of so many bytes that nobody needs.
    pub(super) fn waste(&mut self, bytes: u64) {
        self.garbage_bytes = self.garbage_bytes.saturating_add(bytes);
    }

    /// Whether the store is to be collected now, by the caller: with what nobody needs it
    /// is over its budget. The next time is `next` at the earliest.
    pub(super) fn begin_collection(&mut self, store_bytes: u64, next: Option<Instant>) -> bool {
        let held = self.store_bytes.saturating_add(self.garbage_bytes);
        let is_due = self.garbage_bytes > store_bytes / 4 && held > store_bytes / 2;
        let now = Instant::now();
        if !is_due || self.store_collects.is_some_and(|until| now < until) {
            return false;
        }
        self.store_collects = next;
        self.garbage_bytes = 0;
        true
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// What there is of a session, without taking it.
    pub(super) fn look(&self, key: PoolKey) -> Option<&Place> {
        let entry = self.slots.get(key.index)?;
        (entry.serial == key.serial && key.pool == self.pool).then_some(&entry.place)
    }

    /// Serials of the sessions in the store.
    pub(super) fn stored(&self) -> impl Iterator<Item = u64> + '_ {
        let entries = self.slots.iter().map(|(_, entry)| entry);
        let stored = entries.filter(|entry| matches!(entry.place, Place::Store(_)));
        stored.map(|entry| entry.serial)
    }

    pub(super) fn stats(&self) -> PoolStats {
        let idle = self.awake.len() + self.memory.len() + self.stored;
        PoolStats {
            in_use: self.slots.len().saturating_sub(idle),
            awake: self.awake.len(),
            in_memory: self.memory.len(),
            in_store: self.stored,
            memory_bytes: self.memory_bytes,
            store_bytes: self.store_bytes,
            failures: self.failures,
            last_failure: self.last_failure.clone(),
        }
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Undoes what [`put`](Self::put) did to the counts.
    fn left(&mut self, key: PoolKey, place: &Place) {
        match place {
            Place::InUse => {}
            Place::Awake(_) => {
                self.by_use.remove(&mut self.awake, key.index);
                let account = self.slots.get(key.index).map(|entry| entry.account);
                let account = account.and_then(|account| self.accounts.get_mut(account));
                if let Some(account) = account {
                    self.by_account.remove(&mut account.awake, key.index);
                }
            }
            Place::Memory { bytes, .. } => {
                self.by_use.remove(&mut self.memory, key.index);
                self.memory_bytes = self.memory_bytes.saturating_sub(*bytes);
            }
            Place::Store(stored) => {
                self.stored = self.stored.saturating_sub(1);
                self.store_bytes = self.store_bytes.saturating_sub(stored.bytes);
            }
        }
    }

    fn entry(&mut self, key: PoolKey) -> Option<&mut Entry> {
        let entry = self.slots.get_mut(key.index)?;
        (entry.serial == key.serial && key.pool == self.pool).then_some(entry)
    }

    fn key_of(&self, index: usize) -> Option<PoolKey> {
        let serial = self.slots.get(index)?.serial;
        Some(PoolKey {
            pool: self.pool,
            serial,
            index,
        })
    }
}

impl Place {
    pub(super) fn memory(asleep: Box<Hibernated>) -> Self {
        let bytes = asleep.bytes().saturating_add(SLEEPER_BYTES);
        Self::Memory { asleep, bytes }
    }

    pub(super) fn name(&self) -> PoolPlace {
        match self {
            Self::InUse => PoolPlace::InUse,
            Self::Awake(_) => PoolPlace::Awake,
            Self::Memory { .. } => PoolPlace::Memory,
            Self::Store(_) => PoolPlace::Store,
        }
    }

    /// Whether a turn of it waits and has something to go on with.
    pub(super) fn is_due(&self) -> bool {
        let (waits, until, has_answers) = match self {
            Self::InUse => return false,
            Self::Awake(session) => match session.state() {
                memex_runtime::SessionState::Waiting { until } => {
                    (true, until, session.has_answers())
                }
                _ => return false,
            },
            Self::Memory { asleep, .. } => {
                (asleep.is_waiting(), asleep.until(), asleep.has_answers())
            }
            Self::Store(stored) => (stored.waits, stored.until, stored.has_answers()),
        };
        waits && (has_answers || until.is_some_and(|until| until <= Instant::now()))
    }
}
