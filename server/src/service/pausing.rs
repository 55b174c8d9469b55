//! Lifetimes: extending, pausing, resuming.

use std::sync::Arc;
use std::time::Duration;

use super::assembling::no_room;
use super::entry::{Body, Entry, Kind, Place};
use super::registry::gone;
use super::running::waits;
use super::state::{Inner, Service};
use crate::clock::{millis, now_ms};
use crate::error::{ErrorKind, ServiceError};
use crate::ledger::{Lifetime, Record};
use crate::names::Id;
use crate::sandbox::{Durability, SandboxView};
use crate::tenants::{Principal, Scope};

impl Service {
    /// Has a sandbox live for so long from now on. Of one that is paused, so much is left.
    ///
    /// # Errors
    /// When there is no such sandbox, or it may not live for so long.
    pub async fn set_lifetime(
        &self,
        who: &Principal,
        id: &Id,
        lifetime: Duration,
    ) -> Result<SandboxView, ServiceError> {
        let inner = &self.inner;
        let entry = inner.entry(who, id, Scope::Create)?;
        let lifetime = millis(inner.lifetime(&entry.tenant, Some(lifetime))?);
        inner.change(&entry, |record| {
            record.granted_ms = lifetime;
            record.lifetime = match record.lifetime {
                Lifetime::Paused(_) => Lifetime::Paused(lifetime),
                Lifetime::Until(_) => Lifetime::Until(now_ms().saturating_add(lifetime)),
            };
        })?;
        Ok(inner.view(&entry))
    }

    /// Has a sandbox sleep until it is resumed. Its lifetime stands still.
    ///
    /// # Errors
    /// `already-paused`, and when it cannot be saved.
    pub async fn pause(&self, who: &Principal, id: &Id) -> Result<SandboxView, ServiceError> {
        let inner = &self.inner;
        let entry = inner.entry(who, id, Scope::Create)?;
        // A turn that runs ends first.
        let paused = inner.on_thread(&entry, |inner, entry, body| inner.paused(entry, body));
        paused.await?;
        inner.tell(who, "pause", id, "ok", None);
        Ok(inner.view(&entry))
    }

    /// Ends the pause of a sandbox, if there is one, and says whether there was. A lifetime
    /// counts from now on; without one, what was left is left.
    ///
    /// # Errors
    /// When there is no such sandbox, or it may not live for so long.
    pub async fn resume(
        &self,
        who: &Principal,
        id: &Id,
        lifetime: Option<Duration>,
    ) -> Result<(SandboxView, bool), ServiceError> {
        let inner = &self.inner;
        let scope = match (who.only, lifetime) {
            // Whoever may run code in it may have it go on, and gives it no time.
            (Some(_), None) => Scope::Run,
            _ => Scope::Create,
        };
        let entry = inner.entry(who, id, scope)?;
        inner.check_ready()?;
        let wanted = match lifetime {
            None => None,
            Some(lifetime) => Some(millis(inner.lifetime(&entry.tenant, Some(lifetime))?)),
        };
        let mut was_paused = false;
        let standard_ms = millis(entry.tenant.lifetime());
        inner.change(&entry, |record| {
            was_paused = record.is_paused(now_ms());
            if was_paused && let Lifetime::Until(_) = record.lifetime {
                record.lifetime = record.pause_by_time(standard_ms);
            }
            record.granted_ms = wanted.unwrap_or(record.granted_ms);
            record.lifetime = match (record.lifetime, wanted) {
                (Lifetime::Until(until), None) => Lifetime::Until(until),
                (Lifetime::Paused(left), None) => Lifetime::Until(now_ms().saturating_add(left)),
                (_, Some(wanted)) => Lifetime::Until(now_ms().saturating_add(wanted)),
            };
        })?;
        entry.touch();
        if was_paused {
            inner.tell(who, "resume", id, "ok", None);
        }
        Ok((inner.view(&entry), was_paused))
    }
}

impl Inner {
    /// Pauses a sandbox: what it has is saved, and its lifetime stands still.
    pub(super) fn paused(&self, entry: &Arc<Entry>, body: &mut Body) -> Result<(), ServiceError> {
        if matches!(entry.record.lock().lifetime, Lifetime::Paused(_)) {
            return Err(ServiceError::new(
                ErrorKind::Conflict,
                "already-paused",
                format!("the sandbox {} is paused already", entry.id),
                "resume it to use it",
            ));
        }
        self.put_away(entry, body)?;
        self.change(entry, |record| {
            if let Lifetime::Until(until) = record.lifetime {
                record.lifetime = Lifetime::Paused(until.saturating_sub(now_ms()));
            }
        })
    }

    /// Leaves nothing of a sandbox in memory that is not in the store.
    pub(super) fn put_away(&self, entry: &Arc<Entry>, body: &mut Body) -> Result<(), ServiceError> {
        if body.is_unsaved {
            match &body.kind {
                Kind::Client(session) if session.is_waiting() => {
                    let turn = self
                        .going_on(entry)
                        .with_request(body.waiting_request.clone());
                    if !self.save_waiting(entry, body, &turn)? {
                        return Err(waits());
                    }
                }
                Kind::Stored => {}
                Kind::Pooled(_) | Kind::Client(_) => self.save_now(entry, body, "saved")?,
            }
        }
        self.forget_session(entry, body);
        body.keyed = std::collections::VecDeque::new();
        entry.set_place(Place::Store);
        Ok(())
    }

    /// Changes the record of a sandbox that has not ended, on disk first.
    pub(super) fn change(
        &self,
        entry: &Entry,
        change: impl FnOnce(&mut Record),
    ) -> Result<(), ServiceError> {
        let mut record = entry.record.lock();
        if let Some(ended) = record.ended {
            return Err(gone(&entry.id, ended));
        }
        let mut changed = record.clone();
        change(&mut changed);
        if changed == *record {
            return Ok(());
        }
        let durable = record.durability == Durability::Power;
        let written = self
            .folder
            .write_record(entry.tenant.name(), &changed, durable);
        written.map_err(|error| no_room(&error))?;
        *record = changed;
        Ok(())
    }
}
