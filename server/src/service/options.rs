//! What an operator decides.

use std::path::PathBuf;
use std::time::Duration;

use crate::sandbox::Durability;

/// What an operator decides for the whole server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceOptions {
    /// The directory of keys, records and, unless `store` says otherwise, snapshots.
    pub data: PathBuf,
    /// Where snapshots are kept: a directory, or a URL such as `s3://BUCKET/PREFIX`.
    /// Default: `store` in the data directory.
    pub store: Option<String>,
    /// Threads that run turns. Default: 64, since turns that wait keep theirs.
    pub threads: usize,
    /// Sandboxes that are idle in a slot, in the whole server. Default: 256.
    pub awake_max: usize,
    /// Bytes that sleeping sandboxes may hold in memory. Default: 1 GiB.
    pub memory_bytes: u64,
    /// How long a sandbox is idle before it sleeps. Default: 30 s.
    pub idle: Duration,
    /// How long one sleeps in memory before it is in the store alone. Default: 5 min.
    pub memory_idle: Duration,
    /// How long one may sleep before it ends, whatever its lifetime. Default: 30 days.
    pub unused: Duration,
    /// How long it is known why a sandbox ended. Default: a day.
    pub remembered: Duration,
    /// Ended sandboxes of a tenant of which that is known; past them, those that ended first
    /// are forgotten. Default: 10 000.
    pub ended_max: usize,
    /// Turns of a sandbox that can be gone back to. Default: 100.
    pub history_turns: u64,
    /// How often the store and the data directory are rid of what nobody needs. Default: an
    /// hour.
    pub collection: Duration,
    /// The size at which a new file of the audit log is begun. Default: 64 MiB.
    pub audit_file_bytes: u64,
    /// What an acknowledged turn survives where neither sandbox nor request say.
    pub durability: Durability,
}

impl ServiceOptions {
    /// The defaults, with this data directory.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            store: None,
            threads: 64,
            awake_max: 256,
            memory_bytes: 1 << 30,
            idle: Duration::from_secs(30),
            memory_idle: Duration::from_mins(5),
            unused: Duration::from_hours(24 * 30),
            remembered: Duration::from_hours(24),
            ended_max: 10_000,
            history_turns: 100,
            collection: Duration::from_hours(1),
            audit_file_bytes: 64 << 20,
            durability: Durability::Process,
        }
    }
}
