//! What happens to sandboxes that nobody asks for: sleep, timeouts, and the end.
//!
//! Once a second every sandbox is looked at, without waiting for any lock of one that is
//! used; what takes time runs on the threads of turns, beside the tenant's own work.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use memex_sessions::PoolPlace;
use memex_snapshots::{GRACE_DEFAULT, Retention};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::entry::{Body, Entry, Kind, Place};
use super::state::{Inner, Service};
use super::states::stored_bytes;
use crate::clock::{millis, now_ms, wall_ms};
use crate::error::ServiceError;
use crate::operations::webhooks::Kind as Notified;
use crate::sandbox::{Durability, EndReason, OnTimeout};

/// How often sandboxes are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How far the machine's clock may be from the service's.
const STEP: Duration = Duration::from_mins(1);

/// What is due for a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Its lifetime is over.
    Timeout,
    /// It was idle in a slot.
    Sleep,
    /// It slept in memory.
    PutAway,
    /// It slept for too long.
    Unused,
    /// Why it ended was known for long enough.
    Forget,
}

impl Service {
    /// Takes no more work, lets turns end for so long, or until `hurry`, interrupts those
    /// that are left, and saves everything.
    pub async fn drain(&self, grace: Duration, hurry: CancellationToken) {
        let inner = &self.inner;
        inner.begin_draining();
        inner.stop.cancel();
        let until = Instant::now() + grace;
        while inner.is_busy() && Instant::now() < until && !hurry.is_cancelled() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for hard in [false, true] {
            for entry in inner.registry.all() {
                if let Some(control) = entry.control.lock().as_ref() {
                    let _ran = control.cancel(hard);
                }
            }
            let until = Instant::now() + Duration::from_secs(2);
            while inner.is_busy() && Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        for entry in inner.registry.all() {
            if entry.place() == Place::Store {
                continue;
            }
            let Ok(mut body) = Arc::clone(&entry.body).try_lock_owned() else {
                continue;
            };
            let (inner, used) = (Arc::clone(inner), Arc::clone(&entry));
            let saved = tokio::task::spawn_blocking(move || inner.put_away(&used, &mut body)).await;
            if let Ok(Err(error)) = saved {
                tracing::error!(sandbox = %entry.id, %error, "a sandbox could not be saved");
            }
        }
        let folder = inner.folder.clone();
        let settled = tokio::task::spawn_blocking(move || folder.settle()).await;
        if let Ok(Err(error)) = settled {
            tracing::error!(%error, "the ledger could not be made durable");
        }
    }
}

impl Inner {
    /// Looks after sandboxes until the service is gone.
    pub(super) fn watch(self: &Arc<Self>, runtime: &Handle) {
        let (inner, stop) = (Arc::downgrade(self), self.stop.clone());
        runtime.spawn(async move {
            let mut ticks = tokio::time::interval(LOOK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                let Some(inner) = Weak::upgrade(&inner) else {
                    return;
                };
                // It reads files, and may be the last one to hold the service.
                let looked = tokio::task::spawn_blocking(move || inner.look_around());
                if looked.await.is_err() {
                    tracing::error!("looking after idle sandboxes met a fault");
                }
            }
        });
    }

    fn look_around(self: &Arc<Self>) {
        if let Err(error) = self.read_keys() {
            tracing::error!(%error, "the keys stay as they were");
        }
        match self.folder.journal().tidy() {
            Ok(tidied) if tidied.bytes > 0 => tracing::info!(
                bytes = tidied.bytes,
                moved_bytes = tidied.moved_bytes,
                "a file of the ledger is written anew"
            ),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the ledger cannot be tidied"),
        }
        let now = now_ms();
        self.tell_of_a_step(now);
        let memory_is_full = {
            let held = self.pool.stats().memory_bytes;
            held > self.options.memory_bytes / 10 * 8
        };
        let mut ended = HashMap::new();
        for entry in self.registry.all() {
            let end = entry.record.lock().ended;
            if let Some(end) = end {
                let tenant = entry.tenant.name().to_owned();
                let of_tenant: &mut Vec<_> = ended.entry(tenant).or_default();
                of_tenant.push((end.at_ms, Arc::clone(&entry)));
            }
            if let Some(control) = entry.control.lock().as_ref() {
                // An interrupt that came just before its turn began met nothing.
                control.again();
            }
            if let Some(due) = self.due(&entry, now, memory_is_full) {
                self.attend(&entry, due);
            }
        }
        for of_tenant in ended.into_values() {
            self.forget_first(of_tenant);
        }
        let last = self.last_collection_ms.load(Ordering::Relaxed);
        if now.saturating_sub(last) >= millis(self.options.collection)
            && !self.is_collecting.swap(true, Ordering::SeqCst)
        {
            self.last_collection_ms.store(now, Ordering::Relaxed);
            let inner = Arc::clone(self);
            // Lifetimes go on meanwhile.
            tokio::task::spawn_blocking(move || {
                inner.collect();
                inner.is_collecting.store(false, Ordering::SeqCst);
            });
        }
    }

    /// Tells the operator when the machine's clock was set: lifetimes go by the time that
    /// passes, until the server is started again.
    fn tell_of_a_step(&self, now: u64) {
        let is_apart = wall_ms().abs_diff(now) > millis(STEP);
        if is_apart != self.is_apart.swap(is_apart, Ordering::Relaxed) {
            tracing::warn!(
                is_apart,
                service_ms = now,
                "the machine's clock was set; lifetimes go by the time that passes"
            );
        }
    }

    fn due(&self, entry: &Entry, now: u64, memory_is_full: bool) -> Option<Due> {
        let idle = now.saturating_sub(entry.used_ms.load(Ordering::Relaxed));
        let is_used = entry.users.load(Ordering::SeqCst) > 0;
        {
            let record = entry.record.lock();
            if let Some(ended) = record.ended {
                let known = now.saturating_sub(ended.at_ms) < millis(self.options.remembered);
                return (!known).then_some(Due::Forget);
            }
            if record.lifetime.is_over(now) {
                return Some(Due::Timeout);
            }
        }
        if is_used {
            return None;
        }
        match entry.place() {
            Place::Awake if idle >= millis(self.options.idle) => Some(Due::Sleep),
            Place::Memory if memory_is_full || idle >= millis(self.options.memory_idle) => {
                Some(Due::PutAway)
            }
            Place::Store if idle >= millis(self.options.unused) => Some(Due::Unused),
            _ => None,
        }
    }

    fn attend(self: &Arc<Self>, entry: &Arc<Entry>, due: Due) {
        if due == Due::Forget {
            self.forget(entry);
            return;
        }
        if due == Due::Timeout {
            // The turn that runs is over by this; the sandbox ends when it has.
            if let Some(control) = entry.control.lock().as_ref() {
                let _ran = control.cancel(false);
            }
        }
        let Ok(mut body) = Arc::clone(&entry.body).try_lock_owned() else {
            return;
        };
        if body.is_gone {
            return;
        }
        let (inner, used) = (Arc::clone(self), Arc::clone(entry));
        let posted = self.workers.post_aside(&entry.tenant, move || {
            if let Err(error) = inner.attended(&used, &mut body, due) {
                tracing::warn!(sandbox = %used.id, ?due, %error, "it is tried again");
            }
        });
        // Where too much waits, it is looked at again.
        drop(posted);
    }

    fn attended(&self, entry: &Arc<Entry>, body: &mut Body, due: Due) -> Result<(), ServiceError> {
        let (on_timeout, is_over) = {
            let record = entry.record.lock();
            (record.on_timeout, record.lifetime.is_over(now_ms()))
        };
        match (due, on_timeout) {
            // It was prolonged or used since this was found to be due.
            (Due::Timeout, _) if !is_over => Ok(()),
            (Due::Unused, _) if entry.users.load(Ordering::SeqCst) > 0 => Ok(()),
            (Due::Timeout, OnTimeout::Pause) => self.paused_by_time(entry, body),
            (Due::Timeout, OnTimeout::Delete) => self.ended(entry, body, EndReason::Expired),
            (Due::Sleep, _) => self.sleep(entry, body),
            (Due::PutAway, _) => self.put_away(entry, body),
            (Due::Unused, _) => self.ended(entry, body, EndReason::Unused),
            (Due::Forget, _) => Ok(()),
        }
    }

    fn paused_by_time(&self, entry: &Arc<Entry>, body: &mut Body) -> Result<(), ServiceError> {
        self.put_away(entry, body)?;
        let given_ms = millis(entry.tenant.lifetime());
        self.change(entry, |record| {
            if record.lifetime.is_over(now_ms()) {
                record.lifetime = record.pause_by_time(given_ms);
            }
        })
    }

    /// Gives the slot of an idle sandbox back.
    fn sleep(&self, entry: &Arc<Entry>, body: &mut Body) -> Result<(), ServiceError> {
        match &body.kind {
            Kind::Pooled(key) => {
                let place = self.pool.sleep(*key);
                let place = place.map_err(|error| self.pool_failed(entry, body, &error))?;
                if place != PoolPlace::Awake {
                    entry.set_place(Place::Memory);
                    self.metrics.slept.add(1);
                    self.announce(Notified::Slept, entry, None);
                }
                Ok(())
            }
            // It has a thread of its own, which goes with it: what it is stays in the store.
            Kind::Client(_) => self.put_away(entry, body),
            Kind::Stored => {
                entry.set_place(Place::Store);
                Ok(())
            }
        }
    }

    /// Forgets those of a tenant's ended sandboxes that are too many.
    fn forget_first(&self, mut ended: Vec<(u64, Arc<Entry>)>) {
        let too_many = ended.len().saturating_sub(self.options.ended_max);
        if too_many > 0 {
            ended.sort_unstable_by_key(|(at_ms, _)| *at_ms);
            for (_, entry) in ended.iter().take(too_many) {
                self.forget(entry);
            }
        }
    }

    fn forget(&self, entry: &Entry) {
        let removed = self.folder.remove_record(entry.tenant.name(), &entry.id);
        if let Err(error) = removed {
            tracing::warn!(sandbox = %entry.id, %error, "the record of an ended sandbox stays");
            return;
        }
        self.registry.remove(&entry.id);
        let request = entry.record.lock().request.clone();
        if let Some((key, digest)) = request {
            self.registry.tell(entry.tenant.name(), &key, &digest, None);
        }
    }

    /// Rids the store of what nobody needs, and takes stock of what is left.
    fn collect(&self) {
        self.remove_unneeded();
        let store = self.store(Durability::Process);
        let retention = Retention {
            last: Some(self.options.history_turns),
            every: None,
            grace: GRACE_DEFAULT,
        };
        match store.gc(&retention, SystemTime::now()) {
            Ok(report) => tracing::info!(
                removed = report.removed,
                bytes = report.bytes,
                "the store is collected"
            ),
            Err(error) => tracing::error!(%error, "the store cannot be collected"),
        }
        for entry in self.registry.all() {
            if entry.record.lock().ended.is_none() {
                self.take_stock(&entry);
            }
        }
    }

    fn take_stock(&self, entry: &Entry) {
        let store = self.store(Durability::Process);
        let Ok(Some(head)) = store.session(&entry.store_name()) else {
            return;
        };
        if let Ok(records) = store.trail(&head.snapshot) {
            entry.set_stored(stored_bytes(&records));
        }
    }

    /// Whether anything runs or waits for a thread.
    fn is_busy(&self) -> bool {
        self.workers.load() != (0, 0)
    }
}
