//! One sandbox in memory.
//!
//! ```text
//!  Entry    record, where it is, who may look at it without waiting
//!   └ Body  the session, or what is left of it while it sleeps: one user at a time
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use memex_sessions::{PoolKey, Suspendable};
use memex_snapshots::SnapshotId;
use parking_lot::Mutex;

use crate::clock::now_ms;
use crate::ledger::{KeptTurn, Profile, Record};
use crate::names::Id;
use crate::tenants::Tenant;
use crate::turns::{Relay, TurnControl};

/// A sandbox.
pub(super) struct Entry {
    pub(super) id: Id,
    pub(super) tenant: Arc<Tenant>,
    pub(super) profile: Arc<Profile>,
    pub(super) record: Mutex<Record>,
    pub(super) body: Arc<tokio::sync::Mutex<Body>>,
    /// The turn that runs or is about to.
    pub(super) control: Mutex<Option<TurnControl>>,
    /// Requests that wait for the body or have it.
    pub(super) users: AtomicUsize,
    pub(super) used_ms: AtomicU64,
    pub(super) turns: AtomicU64,
    pub(super) cpu_us: AtomicU64,
    pub(super) stored_bytes: AtomicU64,
    pub(super) memory_bytes: AtomicU64,
    place: AtomicU8,
}

/// Where a sandbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Place {
    /// In the store alone.
    Store = 0,
    /// In memory, asleep.
    Memory = 1,
    /// In a slot.
    Awake = 2,
}

/// What has to be had alone to run a sandbox.
#[derive(Default)]
pub(super) struct Body {
    pub(super) kind: Kind,
    /// The newest saved state, once it was looked up.
    pub(super) head: Option<Head>,
    pub(super) relay: Relay,
    /// Whether there is more in the session than was saved.
    pub(super) is_unsaved: bool,
    /// Turns that were asked for with a key, newest last.
    pub(super) keyed: VecDeque<KeptTurn>,
    /// The key and digest of the request that began the turn that waits.
    pub(super) waiting_request: Option<(String, String)>,
    /// The settings of the tenant that its policy was last held against.
    pub(super) permitted_by: u64,
    /// Nothing may be done with it any more.
    pub(super) is_gone: bool,
}

/// The newest saved state of a sandbox; none of one that has no turn yet.
pub(super) type Head = Option<SnapshotId>;

#[derive(Default)]
pub(super) enum Kind {
    /// Only the saved state.
    #[default]
    Stored,
    /// A session of the pool.
    Pooled(PoolKey),
    /// A session whose tools the client answers.
    Client(Box<Suspendable>),
}

/// One use of a sandbox, counted.
pub(super) struct Use(Arc<Entry>);

impl Entry {
    pub(super) fn new(tenant: Arc<Tenant>, profile: Arc<Profile>, record: Record) -> Self {
        Self {
            id: record.id,
            tenant,
            profile,
            used_ms: AtomicU64::new(now_ms()),
            record: Mutex::new(record),
            body: Arc::default(),
            control: Mutex::default(),
            users: AtomicUsize::new(0),
            turns: AtomicU64::new(0),
            cpu_us: AtomicU64::new(0),
            stored_bytes: AtomicU64::new(0),
            memory_bytes: AtomicU64::new(0),
            place: AtomicU8::new(Place::Store as u8),
        }
    }

    /// The name of its state in the store.
    pub(super) fn store_name(&self) -> String {
        store_name(self.tenant.name(), &self.id)
    }

    /// The names of what is saved of a turn that waits.
    pub(super) fn waiting_names(&self) -> [String; 2] {
        let name = self.store_name();
        [format!("{name}.now"), format!("{name}.start")]
    }

    pub(super) fn place(&self) -> Place {
        match self.place.load(Ordering::Relaxed) {
            2 => Place::Awake,
            1 => Place::Memory,
            _ => Place::Store,
        }
    }

    pub(super) fn set_place(&self, place: Place) {
        self.place.store(place as u8, Ordering::Relaxed);
    }

    pub(super) fn touch(&self) {
        self.used_ms.store(now_ms(), Ordering::Relaxed);
    }

    pub(super) fn use_it(self: &Arc<Self>) -> Use {
        self.users.fetch_add(1, Ordering::SeqCst);
        Use(Arc::clone(self))
    }

    /// Takes the size of its saved state into account.
    pub(super) fn set_stored(&self, bytes: u64) {
        let before = self.stored_bytes.swap(bytes, Ordering::Relaxed);
        self.tenant.usage.stored(before, bytes);
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.0.touch();
        self.0.users.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The name of a sandbox's state in the store.
pub(super) fn store_name(tenant: &str, id: &Id) -> String {
    format!("sb.{tenant}.{id}")
}

/// The name of a snapshot in the store.
pub(super) fn snapshot_name(tenant: &str, id: &Id) -> String {
    format!("snap.{tenant}.{id}")
}
