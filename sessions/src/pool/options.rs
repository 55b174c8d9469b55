//! What a pool may use, and what it says about itself.

use memex_snapshots::GRACE_DEFAULT;
use std::time::Duration;

/// Names a session of a pool. A key is never used again, nor by another pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolKey {
    pub(super) pool: u64,
    pub(super) serial: u64,
    pub(super) index: usize,
}

/// Bounds of a pool. The defaults suit a machine that does little else with 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolOptions {
    /// Sessions that are idle in a slot; one that is in use is not idle. Default: 64.
    pub live_max: usize,
    /// Bytes that sleeping sessions may hold in memory before the least recent go to the
    /// store. Default: 1 GiB.
    pub memory_bytes: u64,
    /// Bytes that sleeping sessions may hold in the store, before compression. Default:
    /// 16 GiB.
    pub store_bytes: u64,
    /// Sessions in the pool. Default: 1,000,000.
    pub sessions_max: usize,
    /// How long a session is waited for that another thread uses. Default: ten minutes.
    pub wait: Duration,
    /// How old an object of the store has to be before the pool's collections remove it.
    /// Default: [`GRACE_DEFAULT`], as others may be saving into the same store; zero is
    /// right for a store that only this pool uses.
    pub grace: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            live_max: 64,
            memory_bytes: 1 << 30,
            store_bytes: 16 << 30,
            sessions_max: 1_000_000,
            wait: Duration::from_mins(10),
            grace: GRACE_DEFAULT,
        }
    }
}

/// Where a session of a pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolPlace {
    /// A thread has it, or it is on its way to another place.
    InUse,
    /// In a slot, idle.
    Awake,
    /// In memory, as a difference to its image.
    Memory,
    /// In the store.
    Store,
}

/// How full a pool is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Sessions that threads have.
    pub in_use: usize,
    /// Sessions in a slot, idle.
    pub awake: usize,
    /// Sessions asleep in memory.
    pub in_memory: usize,
    /// Sessions asleep in the store.
    pub in_store: usize,
    /// Bytes of those in memory.
    pub memory_bytes: u64,
    /// Bytes of those in the store, before compression.
    pub store_bytes: u64,
    /// How often a session could not go to sleep, or not into the store. It stayed where it
    /// was each time.
    pub failures: u64,
    /// The last of these failures.
    pub last_failure: Option<String>,
}
