//! How much a tenant may use.

use serde::{Deserialize, Serialize};

/// How much a tenant may use. The defaults suit a server that has one machine of two
/// cores and 4 GiB for a handful of tenants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// Sandboxes, live and asleep. Default: 10,000.
    pub sandboxes: usize,
    /// Sandboxes made in a second, on average. Default: 100.
    pub creates_per_s: f64,
    /// Turns that run at a time; further ones wait. Default: 8.
    pub turns: usize,
    /// Turns and other work that wait; further ones are refused. Default: 256.
    pub waiting: usize,
    /// Seconds of the processor that turns may take in a day of UTC. Default: 86,400.
    pub cpu_s_per_day: u64,
    /// Bytes that sandboxes and snapshots may hold in the store. Default: 10 GiB.
    pub stored_bytes: u64,
    /// Snapshots. Default: 1,000.
    pub snapshots: usize,
    /// Watchers of folders, of all sandboxes together. Default: 256.
    pub watchers: usize,
    /// Bytes of requests' bodies: code, inputs and files. It bounds those that are on their
    /// way, up to their answer, and those that wait to be used, each together. A larger one is
    /// taken where it is the only one. Default: 128 MiB.
    pub body_bytes: usize,
    /// Agents that run at a time. Default: 4.
    pub agents: usize,
    /// Tokens that agents may use in a day of UTC, into and out of models; an agent that
    /// goes past them ends. Default: 20,000,000.
    pub agent_tokens_per_day: u64,
    /// Runs of agents whose records are kept. Default: 1,000.
    pub runs: usize,
    /// Memories. Default: 100.
    pub memories: usize,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            sandboxes: 10_000,
            creates_per_s: 100.0,
            turns: 8,
            waiting: 256,
            cpu_s_per_day: 86_400,
            stored_bytes: 10 << 30,
            snapshots: 1_000,
            watchers: 256,
            body_bytes: 128 << 20,
            agents: 4,
            agent_tokens_per_day: 20_000_000,
            runs: 1_000,
            memories: 100,
        }
    }
}
