//! Saved states: forks, snapshots, history, and going back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use memex_sessions::at_turn;

use super::assembling::no_room;
use super::creating::{Admitted, no_turn};
use super::entry::{Body, Entry, Kind, snapshot_name};
use super::running::waits;
use super::state::{Inner, Service};
use super::waking::store_failed;
use crate::clock::{millis, now_ms};
use crate::error::ServiceError;
use crate::ledger::{Lifetime, Record, SnapshotRecord, VERSION};
use crate::names::Id;
use crate::operations::webhooks::Kind as Notified;
use crate::sandbox::{Durability, SandboxView, SnapshotView, TurnRecord};
use crate::tenants::{Principal, Scope, Tenant};

/// Forks of one request.
const FORKS_MAX: usize = 100;
const NAME_CHARS_MAX: usize = 128;

impl Service {
    /// Makes sandboxes in the state of this one, each with random generators of its own.
    /// Neither side sees what the other does from here on.
    ///
    /// # Errors
    /// When a turn of it waits, and which quota is in the way.
    pub async fn fork(
        &self,
        who: &Principal,
        id: &Id,
        count: usize,
        lifetime: Option<Duration>,
    ) -> Result<Vec<Result<SandboxView, ServiceError>>, ServiceError> {
        let inner = &self.inner;
        let entry = inner.entry(who, id, Scope::Create)?;
        if !(1..=FORKS_MAX).contains(&count) {
            return Err(ServiceError::invalid(
                format!("{count} forks were asked for, and 1 to {FORKS_MAX} are made at a time"),
                "ask for fewer",
            ));
        }
        let lifetime = inner.lifetime(&entry.tenant, lifetime)?;
        let made = inner.on_thread(&entry, move |inner, entry, body| {
            entry.tenant.usage.admit(&entry.tenant.quota(), count)?;
            let admitted = Admitted(&entry.tenant, count);
            inner.settle(entry, body)?;
            inner.check_policy(&entry.tenant, &entry.profile)?;
            admitted.stays();
            let forks = (0..count).map(|_| inner.forked(entry, body, lifetime));
            Ok(forks.collect::<Vec<_>>())
        });
        let made = made.await?;
        inner.tell(who, "fork", id, "ok", None);
        Ok(made)
    }

    /// Keeps the state of a sandbox under a name of its own; new sandboxes can start from
    /// it.
    ///
    /// # Errors
    /// When a turn of it waits, and which quota is in the way.
    pub async fn snapshot(
        &self,
        who: &Principal,
        id: &Id,
        name: Option<String>,
    ) -> Result<SnapshotView, ServiceError> {
        let inner = &self.inner;
        let entry = inner.entry(who, id, Scope::Create)?;
        let is_name = |name: &str| {
            (1..=NAME_CHARS_MAX).contains(&name.chars().count())
                && !name.chars().any(char::is_control)
        };
        if let Some(name) = &name
            && !is_name(name)
        {
            return Err(ServiceError::invalid(
                format!("a snapshot's name has 1 to {NAME_CHARS_MAX} printable characters"),
                "give it another name, or none",
            ));
        }
        let taken = inner.on_thread(&entry, move |inner, entry, body| {
            inner.taken(entry, body, name)
        });
        let taken = taken.await?;
        inner.tell(who, "snapshot", id, "ok", None);
        Ok(taken)
    }

    /// The tenant's snapshots, newest first; with a sandbox, those of it.
    ///
    /// # Errors
    /// When the key does not permit it.
    pub async fn snapshots(
        &self,
        who: &Principal,
        sandbox: Option<Id>,
    ) -> Result<Vec<SnapshotView>, ServiceError> {
        who.require(Scope::Create)?;
        let snapshots = self.inner.registry.snapshots.read();
        let own = snapshots.iter().filter(|((tenant, _), record)| {
            tenant == who.tenant() && sandbox.is_none_or(|sandbox| record.sandbox == sandbox)
        });
        let mut own: Vec<_> = own.map(|(_, record)| seen(record)).collect();
        own.sort_unstable_by_key(|own| std::cmp::Reverse((own.created_ms, own.id)));
        Ok(own)
    }

    /// Forgets a snapshot. Sandboxes that were made from it go on.
    ///
    /// # Errors
    /// When there is no such snapshot.
    pub async fn delete_snapshot(&self, who: &Principal, id: &Id) -> Result<(), ServiceError> {
        who.require(Scope::Create)?;
        let inner = &self.inner;
        inner.snapshot_record(who.tenant(), id)?;
        let (tenant, own) = (Arc::clone(&who.tenant), *id);
        inner
            .aside(move |inner| inner.snapshot_forgotten(&tenant, &own))
            .await?;
        inner.tell(who, "delete-snapshot", id, "ok", None);
        Ok(())
    }

    /// Puts a sandbox into its state after an earlier turn. Later turns stay in the
    /// history of forks that were made of them, and are collected otherwise.
    ///
    /// # Errors
    /// When a turn waits, and for a turn that is not in the history.
    pub async fn rewind(
        &self,
        who: &Principal,
        id: &Id,
        turn: u64,
    ) -> Result<SandboxView, ServiceError> {
        let inner = &self.inner;
        let entry = inner.entry(who, id, Scope::Run)?;
        let rewound = inner.on_thread(&entry, move |inner, entry, body| {
            inner.rewound(entry, body, turn)
        });
        rewound.await?;
        inner.tell(who, "rewind", id, "ok", None);
        Ok(inner.view(&entry))
    }

    /// The saved turns of a sandbox, newest first.
    ///
    /// # Errors
    /// When there is no such sandbox.
    pub async fn history(&self, who: &Principal, id: &Id) -> Result<Vec<TurnRecord>, ServiceError> {
        let entry = self.inner.entry(who, id, Scope::Run)?;
        let read = self.inner.on_thread(&entry, |inner, entry, body| {
            let Some(head) = inner.head(entry, body)? else {
                return Ok(Vec::new());
            };
            let store = inner.store(Durability::Process);
            let records = store.trail(&head).map_err(|error| store_failed(&error))?;
            let mut turns: Vec<TurnRecord> = Vec::new();
            for record in records {
                // Files that were written after a turn are part of its state.
                if turns.last().is_some_and(|last| last.turn == record.turn) {
                    turns.pop();
                }
                turns.push(TurnRecord {
                    turn: record.turn,
                    status: record.status,
                    first_line: record.first_line,
                    saved_ms: record.time_unix_ms,
                });
            }
            Ok(turns)
        });
        read.await
    }

    /// Gives a sandbox an empty scope. Its files stay.
    ///
    /// # Errors
    /// When a turn of it waits, or a file does not fit any more.
    pub async fn restart(&self, who: &Principal, id: &Id) -> Result<SandboxView, ServiceError> {
        let inner = &self.inner;
        let entry = inner.entry(who, id, Scope::Run)?;
        inner.check_awake(&entry)?;
        let restarted = inner.on_thread(&entry, |inner, entry, body| inner.restarted(entry, body));
        restarted.await?;
        inner.tell(who, "restart", id, "ok", None);
        Ok(inner.view(&entry))
    }
}

impl Inner {
    /// Has everything of a sandbox saved, and refuses where a turn of it waits.
    fn settle(&self, entry: &Arc<Entry>, body: &mut Body) -> Result<(), ServiceError> {
        if !entry.profile.tools.is_empty() {
            // Whether a turn waits is known once it is awake.
            self.wake(entry, body)?;
        }
        if let Kind::Client(session) = &body.kind
            && session.is_waiting()
        {
            return Err(waits());
        }
        match body.is_unsaved {
            true => self.save_now(entry, body, "saved"),
            false => Ok(()),
        }
    }

    fn forked(
        &self,
        entry: &Arc<Entry>,
        body: &mut Body,
        lifetime: Duration,
    ) -> Result<SandboxView, ServiceError> {
        let admitted = Admitted(&entry.tenant, 1);
        let id = Id::random().map_err(|error| no_room(&error))?;
        if self.head(entry, body)?.is_some() {
            self.copy_state(entry.tenant.name(), &entry.store_name(), &id, None)?;
        }
        let now = now_ms();
        let record = {
            let parent = entry.record.lock();
            Record {
                id,
                created_ms: now,
                parent: Some(entry.id),
                lifetime: Lifetime::Until(now.saturating_add(millis(lifetime))),
                granted_ms: millis(lifetime),
                request: None,
                ended: None,
                ..parent.clone()
            }
        };
        let fork = self.enter(&entry.tenant, Arc::clone(&entry.profile), record)?;
        fork.turns
            .store(entry.turns.load(Ordering::Relaxed), Ordering::Relaxed);
        // As the next stock counts it: what it can go back to is its own.
        fork.set_stored(entry.stored_bytes.load(Ordering::Relaxed));
        admitted.stays();
        self.metrics.created.add(1);
        self.announce(Notified::Created, &fork, Some("fork"));
        Ok(self.view(&fork))
    }

    fn taken(
        &self,
        entry: &Arc<Entry>,
        body: &mut Body,
        name: Option<String>,
    ) -> Result<SnapshotView, ServiceError> {
        self.settle(entry, body)?;
        if self.head(entry, body)?.is_none() {
            // A sandbox without a turn has no state in the store yet.
            self.save_now(entry, body, "saved")?;
        }
        let Some(head) = self.head(entry, body)? else {
            return Err(ServiceError::internal("the sandbox was not saved"));
        };
        let tenant = entry.tenant.name();
        entry.tenant.usage.admit_snapshot(&entry.tenant.quota())?;
        let taken = || -> Result<SnapshotRecord, ServiceError> {
            let store = self.store(Durability::Power);
            let trail = store.trail(&head).map_err(|error| store_failed(&error))?;
            let Some(record) = trail.first() else {
                return Err(ServiceError::internal("the saved state has no record"));
            };
            let id = Id::random().map_err(|error| no_room(&error))?;
            let named = store.set_session(&snapshot_name(tenant, &id), None, head);
            named.map_err(|error| store_failed(&error))?;
            let snapshot = SnapshotRecord {
                version: VERSION,
                id,
                name,
                sandbox: entry.id,
                profile: entry.profile.name.clone(),
                turn: record.turn,
                created_ms: now_ms(),
                stored_bytes: stored_bytes(&trail),
            };
            let written = self.folder.write_snapshot(tenant, &snapshot);
            written.map_err(|error| no_room(&error))?;
            Ok(snapshot)
        };
        let snapshot = taken().inspect_err(|_| entry.tenant.usage.snapshot_left())?;
        entry.tenant.usage.stored(0, snapshot.stored_bytes);
        let view = seen(&snapshot);
        let key = (tenant.to_owned(), snapshot.id);
        self.registry.snapshots.write().insert(key, snapshot);
        Ok(view)
    }

    fn rewound(&self, entry: &Arc<Entry>, body: &mut Body, turn: u64) -> Result<(), ServiceError> {
        self.settle(entry, body)?;
        let Some(head) = self.head(entry, body)? else {
            return Err(no_turn(turn, 0));
        };
        let store = self.store(entry.record.lock().durability);
        let name = entry.store_name();
        let found = at_turn(store.as_ref(), &name, turn).map_err(|error| match error {
            memex_sessions::Error::NoTurn { turn, newest, .. } => no_turn(turn, newest),
            memex_sessions::Error::Store(error) => store_failed(&error),
            error => ServiceError::internal(error.to_string()),
        })?;
        // A turn of an equal request is to run again.
        let removed = self.folder.remove_turn(entry.tenant.name(), &entry.id);
        removed.map_err(|error| no_room(&error))?;
        let moved = store.set_session(&name, Some(head), found.id);
        moved.map_err(|error| store_failed(&error))?;
        self.forget_session(entry, body);
        body.keyed.clear();
        body.head = Some(Some(found.id));
        entry.turns.store(turn, Ordering::Relaxed);
        Ok(())
    }

    fn snapshot_forgotten(&self, tenant: &Tenant, id: &Id) -> Result<(), ServiceError> {
        let name = tenant.name();
        let removed = self.folder.remove_snapshot(name, id);
        removed.map_err(|error| no_room(&error))?;
        let key = (name.to_owned(), *id);
        let removed = self.registry.snapshots.write().remove(&key);
        if let Some(removed) = removed {
            tenant.usage.stored(removed.stored_bytes, 0);
            tenant.usage.snapshot_left();
        }
        // What is stored under the name is collected later.
        let _absent = self
            .store(Durability::Process)
            .remove_session(&snapshot_name(name, id));
        Ok(())
    }

    /// The snapshot of a tenant.
    pub(super) fn snapshot_record(
        &self,
        tenant: &str,
        id: &Id,
    ) -> Result<SnapshotRecord, ServiceError> {
        let snapshots = self.registry.snapshots.read();
        let found = snapshots.get(&(tenant.to_owned(), *id)).cloned();
        found.ok_or_else(|| ServiceError::not_found("snapshot", id.as_str()))
    }
}

/// Bytes that the states of a history have in the store.
pub(super) fn stored_bytes(trail: &[memex_snapshots::Record]) -> u64 {
    let sizes = trail.iter();
    let sizes = sizes.map(|record| record.head_bytes.saturating_add(record.chunk_bytes));
    sizes.fold(0, u64::saturating_add)
}

fn seen(record: &SnapshotRecord) -> SnapshotView {
    SnapshotView {
        id: record.id,
        name: record.name.clone(),
        sandbox: record.sandbox,
        turn: record.turn,
        created_ms: record.created_ms,
    }
}
