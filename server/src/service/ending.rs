//! Ending sandboxes.

use std::sync::Arc;

use super::entry::{Body, Entry};
use super::state::{Inner, Service};
use crate::clock::now_ms;
use crate::error::ServiceError;
use crate::names::Id;
use crate::operations::webhooks::Kind as Notified;
use crate::sandbox::{Durability, EndReason, Ended};
use crate::tenants::{Principal, Scope};

impl Service {
    /// Ends a sandbox. A turn that runs in it is stopped.
    ///
    /// # Errors
    /// When there is no such sandbox, or it has ended already.
    pub async fn delete(&self, who: &Principal, id: &Id) -> Result<(), ServiceError> {
        let inner = &self.inner;
        let entry = inner.entry(who, id, Scope::Create)?;
        let ended = inner.end(&entry, EndReason::Deleted).await;
        inner.tell(who, "delete", id, "ok", None);
        ended
    }
}

impl Inner {
    /// Ends a sandbox, once its turn has been stopped.
    pub(super) async fn end(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        reason: EndReason,
    ) -> Result<(), ServiceError> {
        let control = entry.control.lock().clone();
        if let Some(control) = control {
            let _ran = control.cancel(true);
        }
        let mut body = self.body(entry).await?;
        let durability = entry.record.lock().durability;
        if self.is_quick(durability) && entry.profile.tools.is_empty() {
            return self.ended(entry, &mut body, reason);
        }
        let used = Arc::clone(entry);
        self.aside(move |inner| inner.ended(&used, &mut body, reason))
            .await
    }

    /// Ends a sandbox that nobody else uses. Its record says why for a day. One whose
    /// lifetime was prolonged just now lives on.
    pub(super) fn ended(
        &self,
        entry: &Arc<Entry>,
        body: &mut Body,
        reason: EndReason,
    ) -> Result<(), ServiceError> {
        let tenant = entry.tenant.name();
        {
            let mut record = entry.record.lock();
            let at_ms = now_ms();
            if reason == EndReason::Expired && !record.lifetime.is_over(at_ms) {
                return Ok(());
            }
            let mut changed = record.clone();
            changed.ended = Some(Ended { reason, at_ms });
            let durable = record.durability == Durability::Power;
            // A disk that is full takes no reason, and can be rid of a record.
            let written = self.folder.write_record(tenant, &changed, durable);
            let written = written.or_else(|_| self.folder.remove_record(tenant, &entry.id));
            written.map_err(|error| super::assembling::no_room(&error))?;
            *record = changed;
        }
        body.is_gone = true;
        self.forget_session(entry, body);
        body.keyed = std::collections::VecDeque::new();
        entry.set_stored(0);
        entry.tenant.usage.left(1);
        self.metrics.ended(reason);
        self.announce(Notified::Ended, entry, Some(reason.name()));
        if !entry.profile.tools.is_empty() {
            self.forget_waiting(entry);
        }
        let _absent = self.folder.remove_turn(tenant, &entry.id);
        // What is stored under the name is collected later. There may be nothing yet.
        let _absent = self
            .store(Durability::Process)
            .remove_session(&entry.store_name());
        Ok(())
    }
}
