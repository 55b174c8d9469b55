//! The record of one sandbox, and of one snapshot.

use std::collections::BTreeMap;

use memex_sessions::SavedTurn;
use serde::{Deserialize, Serialize};

use crate::names::Id;
use crate::sandbox::{Durability, Ended, OnTimeout};

/// The version of records.
pub(crate) const VERSION: u32 = 1;

/// What is kept of a sandbox besides its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) version: u32,
    pub(crate) id: Id,
    pub(crate) created_ms: u64,
    /// The name of its profile.
    pub(crate) profile: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<Id>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) lifetime: Lifetime,
    /// How long it was last given to live, in milliseconds: it has as much again when it is
    /// resumed after its time was over. Nothing in records of before this was kept.
    #[serde(default)]
    pub(crate) granted_ms: u64,
    pub(crate) on_timeout: OnTimeout,
    pub(crate) durability: Durability,
    /// The key of the request that made it, and the digest of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<Ended>,
}

impl Record {
    /// Whether it is paused at this time: its lifetime stands still, or is over and ends in a
    /// pause that is about to come.
    pub(crate) fn is_paused(&self, now_ms: u64) -> bool {
        match self.lifetime {
            Lifetime::Paused(_) => true,
            Lifetime::Until(_) => {
                self.on_timeout == OnTimeout::Pause && self.lifetime.is_over(now_ms)
            }
        }
    }

    /// The pause at the end of its lifetime, after which it has the time again that it was
    /// last given, or this one where that was not kept.
    pub(crate) fn pause_by_time(&self, standard_ms: u64) -> Lifetime {
        Lifetime::Paused(match self.granted_ms {
            0 => standard_ms,
            granted_ms => granted_ms,
        })
    }
}

/// How much longer a sandbox lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Lifetime {
    /// Until this time, in milliseconds since 1970.
    Until(u64),
    /// It is paused, and has so many milliseconds left.
    Paused(u64),
}

impl Lifetime {
    /// Whether it is over at this time.
    pub(crate) fn is_over(self, now_ms: u64) -> bool {
        matches!(self, Self::Until(until) if until <= now_ms)
    }
}

/// What is kept of a snapshot besides its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnapshotRecord {
    pub(crate) version: u32,
    pub(crate) id: Id,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) sandbox: Id,
    pub(crate) profile: String,
    pub(crate) turn: u64,
    pub(crate) created_ms: u64,
    /// Bytes of its state and of what that can go back to. Nothing in records of before this
    /// was kept.
    #[serde(default)]
    pub(crate) stored_bytes: u64,
}

/// A turn that waits. Its states are in the store under names of the sandbox.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitingRecord {
    pub(crate) version: u32,
    /// The saved state that the turn began on; none of a first turn. A sandbox that
    /// stands elsewhere has gone on, and its turn does not wait any more.
    pub(crate) head: Option<String>,
    /// The state now, by the name of its snapshot; none of a turn that is to run again.
    pub(crate) state: Option<String>,
    /// The state before the turn.
    pub(crate) start: String,
    pub(crate) turn: SavedTurn,
    /// The key and digest of the request that began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<(String, String)>,
}
