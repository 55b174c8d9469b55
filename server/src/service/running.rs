//! Turns.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use memex_runtime::Status;
use memex_sessions::{Outcome, SuspendedStep, status_word};

use super::assembling::no_room;
use super::committing::Commit;
use super::entry::{Body, Entry, Kind};
use super::registry::{mismatch, paused};
use super::session_turn::{Ended, VARIABLES_REFUSED, cancelled, ended, run_plain};
use super::state::{Inner, Service};
use super::turn::Turn;
use super::waking::{lost, store_failed, text_of};
use crate::clock::now_ms;
use crate::error::{ErrorKind, ServiceError};
use crate::ledger::KeptTurn;
use crate::names::Id;
use crate::operations::webhooks::Kind as Notified;
use crate::sandbox::{Durability, Waiting};
use crate::tenants::{HeldBody, Principal, Scope};
use crate::turns::{TurnControl, TurnEvent, TurnRequest, TurnStream};

/// Turns with a key that a sandbox remembers in memory.
const KEYED_MAX: usize = 16;
/// The longest key.
pub(super) const KEY_BYTES_MAX: usize = 255;

impl Service {
    /// Runs a block. The stream's last event says what came of it.
    ///
    /// # Errors
    /// When it does not begin: the quota is used up, the sandbox is paused, waits, or too
    /// many wait for it.
    pub async fn start_turn(
        &self,
        who: &Principal,
        id: &Id,
        request: TurnRequest,
    ) -> Result<TurnStream, ServiceError> {
        let inner = &self.inner;
        let entry = inner.entry_for_work(who, id, Scope::Run)?;
        let keyed = match request.idempotency_key {
            None => None,
            Some(key) => {
                check_key(&key)?;
                Some((
                    key,
                    blake3::hash(request.code.as_bytes()).to_hex().to_string(),
                ))
            }
        };
        let durability = request.durability.unwrap_or(entry.record.lock().durability);
        let around = request.around.as_ref();
        let around = around.map_or(0, |around| around.before.len() + around.after.len());
        let held = HeldBody::admit(&entry.tenant, request.code.len() + around)?;
        let turn = Turn {
            _held: Some(Arc::new(held)),
            code: request.code,
            around: request.around.map(Arc::new),
            durability,
            keyed,
            control: TurnControl::default(),
            began: Instant::now(),
            spent_us: Arc::default(),
        };
        let action = blake3::hash(turn.code.as_bytes()).to_hex();
        inner.tell(who, "turn", id, "begun", Some(action.as_str()));
        inner.begin(&entry, turn, Inner::perform).await
    }

    /// The same, to its end: its last event.
    ///
    /// # Errors
    /// As [`Service::start_turn`], and when the turn came to nothing.
    pub async fn run(
        &self,
        who: &Principal,
        id: &Id,
        request: TurnRequest,
    ) -> Result<TurnEvent, ServiceError> {
        last(self.start_turn(who, id, request).await?).await
    }

    /// Interrupts the turn that runs: `KeyboardInterrupt` is raised in it, or it is stopped
    /// and rolled back. Says whether one was running.
    ///
    /// # Errors
    /// When there is no such sandbox.
    pub async fn interrupt(
        &self,
        who: &Principal,
        id: &Id,
        hard: bool,
    ) -> Result<bool, ServiceError> {
        let entry = self.inner.entry(who, id, Scope::Run)?;
        let control = entry.control.lock().clone();
        Ok(control.is_some_and(|control| control.cancel(hard)))
    }
}

/// Reads a turn to its end.
pub(super) async fn last(mut turn: TurnStream) -> Result<TurnEvent, ServiceError> {
    let mut last = None;
    while let Some(event) = turn.next().await {
        last = Some(event);
    }
    match last {
        Some(TurnEvent::Failed(error)) => Err(error),
        Some(event) if event.is_last() => Ok(event),
        _ => Err(ServiceError::internal("the turn's thread met a fault")),
    }
}

/// Checks the key of a request.
pub(super) fn check_key(key: &str) -> Result<(), ServiceError> {
    let is_key =
        (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    match is_key {
        true => Ok(()),
        false => Err(ServiceError::invalid(
            format!("an idempotency key is 1 to {KEY_BYTES_MAX} printable characters of ASCII"),
            "draw a random one, such as a UUID, for each request",
        )),
    }
}

impl Inner {
    /// Refuses turns in a sandbox that is paused.
    pub(super) fn check_awake(&self, entry: &Entry) -> Result<(), ServiceError> {
        match entry.record.lock().is_paused(now_ms()) {
            false => Ok(()),
            true => Err(paused(&entry.id)),
        }
    }

    /// The sandbox that somebody may work in: it is awake, and there is time for it.
    pub(super) fn entry_for_work(
        &self,
        who: &Principal,
        id: &Id,
        scope: Scope,
    ) -> Result<Arc<Entry>, ServiceError> {
        let entry = self.entry(who, id, scope)?;
        self.check_awake(&entry)?;
        let (usage, quota) = (&entry.tenant.usage, entry.tenant.quota());
        usage.admit_turn(&quota, now_ms())?;
        Ok(entry)
    }

    /// Begins something whose events are read: `work` runs on a thread, once the sandbox
    /// and the tenant's turn are there.
    pub(super) async fn begin(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        turn: Turn,
        work: impl FnOnce(&Self, &Arc<Entry>, &mut Body, &Turn) -> Result<TurnEvent, ServiceError>
        + Send
        + 'static,
    ) -> Result<TurnStream, ServiceError> {
        let user = self.using(entry)?;
        let mut body = self.body(entry).await?;
        // It may have waited until after everything was saved.
        self.check_ready()?;
        let reader = body.relay.connect();
        let control = turn.control.clone();
        *entry.control.lock() = Some(control.clone());
        let stream = TurnStream::new(reader, control);
        let (inner, used) = (Arc::clone(self), Arc::clone(entry));
        self.workers.post(&entry.tenant, move || {
            inner.metrics.queue.observe(turn.began.elapsed());
            let relay = body.relay.clone();
            let worked = catch_unwind(AssertUnwindSafe(|| work(&inner, &used, &mut body, &turn)));
            let worked = worked.unwrap_or_else(|_| {
                tracing::error!(sandbox = %used.id, "a turn's thread met a fault");
                inner.forget_session(&used, &mut body);
                Err(lost())
            });
            let event = worked.unwrap_or_else(TurnEvent::Failed);
            *used.control.lock() = None;
            inner.count(&used, &event, &turn);
            // Before the body is another's, who gives the relay another reader.
            relay.send(event);
            drop(body);
            drop(user);
        })?;
        Ok(stream)
    }

    /// Runs a turn, or finds that it ran.
    fn perform(
        &self,
        entry: &Arc<Entry>,
        body: &mut Body,
        turn: &Turn,
    ) -> Result<TurnEvent, ServiceError> {
        if let Some((key, digest)) = &turn.keyed
            && let Some(outcome) = self.kept(entry, body, key, digest)?
        {
            return Ok(TurnEvent::Done(Box::new(outcome)));
        }
        // It may have been paused while this waited.
        self.check_awake(entry)?;
        self.wake(entry, body)?;
        if turn.control.is_cancelled() {
            return Err(cancelled());
        }
        body.relay.send(TurnEvent::Started);
        let commit = self.commit_for(entry, body, turn)?;
        match &mut body.kind {
            Kind::Stored => Err(ServiceError::internal("the sandbox did not wake")),
            Kind::Pooled(key) => {
                let key = *key;
                let ran = self
                    .pool
                    .with(key, |session| run_plain(session, turn, commit.as_ref()));
                let ran = ran.map_err(|error| self.pool_failed(entry, body, &error))?;
                self.finish(entry, body, ran)
            }
            Kind::Client(session) if session.is_waiting() => {
                // The request that began the turn that waits comes again.
                let is_again = turn.keyed.is_some() && turn.keyed == body.waiting_request;
                match is_again {
                    true => Ok(TurnEvent::Waiting(Waiting {
                        calls: session.open_calls(),
                    })),
                    false => Err(waits()),
                }
            }
            Kind::Client(_) if turn.around.is_some() => Err(ServiceError::new(
                ErrorKind::Unsupported,
                "client-tools",
                "an execution with variables of its own cannot run where client tools are",
                "set the variables when the sandbox is made",
            )),
            Kind::Client(session) => {
                if !turn.control.begin(session.interrupter()) {
                    return Err(cancelled());
                }
                let step = session.start(&turn.code);
                turn.control.end();
                let step = step.map_err(|error| self.suspension_failed(entry, body, &error))?;
                self.step(entry, body, turn, step)
            }
        }
    }

    fn commit_for(
        &self,
        entry: &Entry,
        body: &mut Body,
        turn: &Turn,
    ) -> Result<Option<Commit>, ServiceError> {
        if turn.durability == Durability::Memory {
            return Ok(None);
        }
        self.commit_of(entry, body, turn.durability).map(Some)
    }

    /// What a turn of a sandbox with client tools has come to.
    pub(super) fn step(
        &self,
        entry: &Arc<Entry>,
        body: &mut Body,
        turn: &Turn,
        step: SuspendedStep,
    ) -> Result<TurnEvent, ServiceError> {
        let outcome = match step {
            SuspendedStep::Waiting { calls, .. } => {
                body.waiting_request.clone_from(&turn.keyed);
                match turn.durability {
                    Durability::Memory => body.is_unsaved = true,
                    _ => {
                        let saved = self.save_waiting(entry, body, turn);
                        // What is told as undone does not wait.
                        let _is_saved = saved.inspect_err(|_| self.forget_session(entry, body))?;
                    }
                }
                return Ok(TurnEvent::Waiting(Waiting { calls }));
            }
            SuspendedStep::Done(outcome) => outcome,
        };
        let commit = self.commit_for(entry, body, turn)?;
        let own = turn.clone();
        let ran = self.with_session(entry, body, move |session| {
            Ok(ended(session, &outcome, &own, commit.as_ref()))
        })?;
        let event = self.finish(entry, body, ran)?;
        body.waiting_request = None;
        self.forget_waiting(entry);
        Ok(event)
    }

    fn finish(
        &self,
        entry: &Arc<Entry>,
        body: &mut Body,
        ran: Result<Ended, ServiceError>,
    ) -> Result<TurnEvent, ServiceError> {
        let Ended {
            outcome,
            saved,
            kept,
        } = match ran {
            Ok(ended) => ended,
            Err(error) => {
                if !matches!(error.code, "cancelled" | VARIABLES_REFUSED) {
                    self.forget_session(entry, body);
                }
                return Err(error);
            }
        };
        entry.turns.store(outcome.turn, Ordering::Relaxed);
        entry
            .memory_bytes
            .store(outcome.memory_bytes, Ordering::Relaxed);
        if outcome.status == Status::Fault {
            self.forget_session(entry, body);
        } else {
            match saved {
                None => body.is_unsaved = true,
                Some(saved) => drop(self.saved(entry, body, saved)?),
            }
            if kept.is_some() && body.keyed.len() >= KEYED_MAX {
                body.keyed.pop_front();
            }
            body.keyed.extend(kept);
        }
        for display in outcome.displays.iter().flatten() {
            body.relay.send(TurnEvent::Display(display.clone()));
        }
        Ok(TurnEvent::Done(Box::new(outcome)))
    }

    /// What the turn of an equal request came to.
    fn kept(
        &self,
        entry: &Entry,
        body: &mut Body,
        key: &str,
        digest: &str,
    ) -> Result<Option<Outcome>, ServiceError> {
        let mut found = body.keyed.iter().find(|kept| kept.key == key).cloned();
        if found.is_none() && body.keyed.is_empty() {
            found = self.kept_on_disk(entry, body, key)?;
        }
        match found {
            None => Ok(None),
            Some(kept) if kept.request == digest => Ok(Some(kept.outcome)),
            Some(_) => Err(mismatch(key)),
        }
    }

    /// The same, of one that an earlier process may have run: it counts where the state that
    /// it led to is in the sandbox's history.
    fn kept_on_disk(
        &self,
        entry: &Entry,
        body: &mut Body,
        key: &str,
    ) -> Result<Option<KeptTurn>, ServiceError> {
        let kept = match self.folder.turn(entry.tenant.name(), &entry.id) {
            // A loss of power can leave this, of a turn that was not to survive one.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                tracing::warn!(sandbox = %entry.id, %error, "a turn with a key is forgotten");
                None
            }
            kept => kept.map_err(|error| no_room(&error))?,
        };
        let kept = kept.filter(|kept| kept.key == key);
        let (Some(kept), Some(head)) = (kept, self.head(entry, body)?) else {
            return Ok(None);
        };
        let store = self.store(Durability::Process);
        let trail = store.trail(&head).map_err(|error| store_failed(&error))?;
        let mut ids = trail.iter().map(|record| Some(text_of(record.id)));
        if ids.any(|id| id == kept.snapshot) {
            return Ok(Some(kept));
        }
        match trail.last() {
            Some(oldest) if oldest.parent.is_some() && oldest.turn > kept.turn => {
                Err(ServiceError::new(
                    ErrorKind::Conflict,
                    "idempotency-forgotten",
                    "the turn of this key is older than the sandbox's history",
                    "use a new key for a new request",
                ))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn count(&self, entry: &Entry, event: &TurnEvent, turn: &Turn) {
        let status = match event {
            TurnEvent::Done(outcome) => status_word(outcome.status),
            TurnEvent::Waiting(_) => "waiting",
            _ => "failed",
        };
        if let TurnEvent::Done(outcome) = event
            && let Some(limit) = &outcome.limit
        {
            self.metrics.limit_hit(&limit.name);
            self.announce(Notified::LimitHit, entry, Some(&limit.name));
        }
        self.metrics.turn_ended(status, turn.began.elapsed());
        let guest_us = turn.spent_us.load(Ordering::Relaxed);
        entry.cpu_us.fetch_add(guest_us, Ordering::Relaxed);
        entry.tenant.usage.spend(guest_us, now_ms());
    }
}

/// What is said of a sandbox whose turn waits.
pub(super) fn waits() -> ServiceError {
    ServiceError::new(
        ErrorKind::Conflict,
        "waiting",
        "a turn of the sandbox waits for answers",
        "answer its calls, or cancel the turn",
    )
}
