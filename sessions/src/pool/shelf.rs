//! The pool's part of a store.
//!
//! A sleeper is one snapshot and one name, `pool.ID.SERIAL`: its chunks are written first,
//! then its head, then the name, so that it is there as a whole or not at all. A session at
//! rest is stored as any saved session is. One whose turn waits has two states, which are
//! stored as one: a head that is a reply frame of `{"version": 1}`, the head of the state
//! now, the head of the state before the turn, and the turn.
//!
//! The lock `pool.ID` says that the pool lives. What a pool left behind that does not is
//! removed when the next one opens the store.

use super::error::PoolError;
use crate::saved::{for_store, from_store};
use memex_channel::Reply;
use memex_runtime::{
    Encoded, Hibernated, Sandbox, SavedHibernated, SessionOptions, Suspended, snapshot_info,
};
use memex_snapshots::{
    Error, RecordDraft, Retention, Saved, SessionLock, SnapshotId, SnapshotStore,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

const PREFIX: &str = "pool.";
/// Version of the head of a session whose turn waits.
const VERSION: u32 = 1;

/// A sleeper whose state is in the store.
pub(super) struct Stored {
    pub(super) sandbox: Sandbox,
    id: SnapshotId,
    pub(super) waits: bool,
    pub(super) until: Option<Instant>,
    /// Of its state, before compression.
    pub(super) bytes: u64,
    pub(super) options: SessionOptions,
}

/// The store of a pool.
pub(super) struct Shelf {
    store: Arc<dyn SnapshotStore>,
    id: String,
    /// Others must not take the sleepers for those of a dead pool.
    _lock: SessionLock,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    version: u32,
}

impl Shelf {
    /// Makes room for a pool's sleepers, and removes those of pools that have died.
    pub(super) fn open(store: Arc<dyn SnapshotStore>, number: u64) -> Result<Self, PoolError> {
        let id = format!("{number:016x}");
        let lock = store.lock_session(&format!("{PREFIX}{id}"))?;
        let shelf = Self {
            store,
            id,
            _lock: lock,
        };
        shelf.bury_the_dead()?;
        Ok(shelf)
    }

    fn bury_the_dead(&self) -> Result<(), PoolError> {
        let mut pools: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for head in self.store.sessions()? {
            let pool = head
                .name
                .strip_prefix(PREFIX)
                .and_then(|rest| rest.split_once('.'));
            if let Some((id, _)) = pool {
                pools.entry(id.to_owned()).or_default().push(head.name);
            }
        }
        for (id, names) in pools {
            let _lock = match self.store.lock_session(&format!("{PREFIX}{id}")) {
                Ok(lock) => lock,
                Err(Error::SessionInUse { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            for name in names {
                self.forget_name(&name)?;
            }
        }
        Ok(())
    }

    /// Stores a sleeper's state under its serial number. It is in the store as a whole, or
    /// not at all; what `asleep` holds is as it was.
    pub(super) fn put(&self, asleep: &Hibernated, serial: u64) -> Result<SnapshotId, PoolError> {
        let saved = to_store(asleep.saved()?)?;
        let info = snapshot_info(&asleep.encoded().head)?;
        let draft = RecordDraft {
            status: "hibernated".to_owned(),
            ..RecordDraft::new(asleep.sandbox().image().name(), info.turn)
        };
        let id = self.store.put(&saved, &draft)?.id;
        let name = self.name(serial);
        match self.store.set_session(&name, None, id) {
            // Left behind when the session woke, since it could not be removed then.
            Err(Error::Conflict { found, .. }) => self.store.set_session(&name, found, id)?,
            result => result?,
        }
        Ok(id)
    }

    /// What stays in memory of a sleeper that was stored.
    pub(super) fn rest(id: SnapshotId, asleep: Hibernated) -> Stored {
        Stored {
            sandbox: asleep.sandbox().clone(),
            id,
            waits: asleep.is_waiting(),
            until: asleep.until(),
            bytes: asleep.bytes(),
            options: asleep.into_options(),
        }
    }

    /// Loads a sleeper's state. It has no options yet.
    pub(super) fn get(&self, stored: &Stored) -> Result<Hibernated, PoolError> {
        let (_, head) = self.store.get(&stored.id)?;
        let saved = match stored.waits {
            false => SavedHibernated::AtRest(self.whole(head)?),
            true => {
                let [state, start, turn] = waiting_parts(&head).ok_or_else(damaged)?;
                SavedHibernated::Waiting(Suspended {
                    state: self.whole(state)?,
                    start: self.whole(start)?,
                    turn,
                })
            }
        };
        Ok(Hibernated::from_saved(
            &stored.sandbox,
            saved,
            stored.until,
        )?)
    }

    /// The head is what was stored, since its digest is the snapshot's name, and so are the
    /// chunks that it names.
    fn whole(&self, head: Vec<u8>) -> Result<Encoded, PoolError> {
        from_store(self.store.as_ref(), head)
    }

    /// Lets the store forget a sleeper.
    pub(super) fn forget(&self, serial: u64) -> Result<(), PoolError> {
        self.forget_name(&self.name(serial))
    }

    /// Removes what the store holds for nobody.
    pub(super) fn collect(&self, grace: Duration) -> Result<(), PoolError> {
        let retention = Retention {
            grace,
            ..Retention::default()
        };
        self.store.gc(&retention, SystemTime::now())?;
        Ok(())
    }

    fn forget_name(&self, name: &str) -> Result<(), PoolError> {
        match self.store.remove_session(name) {
            Ok(()) | Err(Error::NoSession { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn name(&self, serial: u64) -> String {
        format!("{PREFIX}{}.{serial}", self.id)
    }
}

impl Stored {
    pub(super) fn has_answers(&self) -> bool {
        let calls = self.options.calls.as_ref();
        calls.is_some_and(|calls| calls.has_answers())
    }
}

fn to_store(saved: SavedHibernated) -> Result<Saved, PoolError> {
    let (state, start, turn) = match saved {
        SavedHibernated::AtRest(state) => return Ok(for_store(state)?),
        SavedHibernated::Waiting(waiting) => (waiting.state, waiting.start, waiting.turn),
    };
    let (mut now, mut before) = (for_store(state)?, for_store(start)?);
    let heads = [&mut now, &mut before].map(|state| std::mem::take(&mut state.head));
    let [head, head_before] = heads;
    let reply = Reply {
        ok: true,
        head: format!("{{\"version\":{VERSION}}}").into_bytes(),
        parts: vec![head, head_before, turn],
    };
    now.chunks.append(&mut before.chunks);
    now.chunk_ids.append(&mut before.chunk_ids);
    Ok(Saved {
        head: reply.encode(),
        ..now
    })
}

fn waiting_parts(head: &[u8]) -> Option<[Vec<u8>; 3]> {
    let reply = Reply::decode(head).ok()?;
    let head: Head = serde_json::from_slice(&reply.head).ok()?;
    if head.version != VERSION {
        return None;
    }
    reply.parts.try_into().ok()
}

fn damaged() -> PoolError {
    PoolError::Store(Error::Damaged {
        place: "a sleeping session".to_owned(),
        what: "it is not what the pool has stored",
        remedy: "remove the session from the pool",
    })
}
