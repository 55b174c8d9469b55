//! Getting at the session of a sandbox, from wherever it is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use memex_runtime::{Generators, Session, SessionOptions};
use memex_sessions::{
    Error, PoolError, Suspendable, Suspension, SuspensionError, from_store, load, options,
};
use memex_snapshots::SnapshotId;
use tokio::sync::{OwnedMutexGuard, oneshot};

use super::entry::{Body, Entry, Head, Kind, Place};
use super::registry::gone;
use super::state::{Assembled, Inner};
use crate::error::{ErrorKind, ServiceError};
use crate::ledger::WaitingRecord;
use crate::operations::webhooks::Kind as Notified;
use crate::sandbox::{Durability, EndReason, Ended};

impl Inner {
    /// Waits for the body of a sandbox, in the order of asking.
    pub(super) async fn body(
        &self,
        entry: &Arc<Entry>,
    ) -> Result<OwnedMutexGuard<Body>, ServiceError> {
        let body = Arc::clone(&entry.body).lock_owned().await;
        if !body.is_gone {
            return Ok(body);
        }
        let ended = entry.record.lock().ended;
        Err(gone(
            &entry.id,
            ended.unwrap_or(Ended {
                reason: EndReason::Deleted,
                at_ms: crate::clock::now_ms(),
            }),
        ))
    }

    /// Has a thread do something with a sandbox, when it is the tenant's turn.
    pub(super) async fn on_thread<R: Send + 'static>(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        work: impl FnOnce(&Self, &Arc<Entry>, &mut Body) -> Result<R, ServiceError> + Send + 'static,
    ) -> Result<R, ServiceError> {
        let user = self.using(entry)?;
        let mut body = self.body(entry).await?;
        // It may have waited until after everything was saved.
        self.check_ready()?;
        let (sender, result) = oneshot::channel();
        let (inner, used) = (Arc::clone(self), Arc::clone(entry));
        self.workers.post(&entry.tenant, move || {
            let done = work(&inner, &used, &mut body);
            drop(body);
            drop(user);
            // Whoever asked may have gone.
            let _gone = sender.send(done);
        })?;
        result
            .await
            .unwrap_or_else(|_| Err(ServiceError::internal("the work met a fault")))
    }

    /// Does something with the session of a sandbox, waking it first.
    pub(super) fn with_session<R: Send + 'static>(
        &self,
        entry: &Entry,
        body: &mut Body,
        work: impl FnOnce(&mut Session) -> R + Send + 'static,
    ) -> Result<R, ServiceError> {
        self.wake(entry, body)?;
        match &mut body.kind {
            Kind::Stored => Err(ServiceError::internal("the sandbox did not wake")),
            Kind::Pooled(key) => {
                let key = *key;
                let done = self.pool.with(key, work);
                done.map_err(|error| self.pool_failed(entry, body, &error))
            }
            Kind::Client(session) => {
                let done = session.with(work);
                done.map_err(|error| self.suspension_failed(entry, body, &error))
            }
        }
    }

    /// Brings a session into memory, from where it was saved.
    pub(super) fn wake(&self, entry: &Entry, body: &mut Body) -> Result<(), ServiceError> {
        // Also of one that is awake: the operator may have changed the settings since.
        let generation = entry.tenant.generation();
        if body.permitted_by != generation {
            self.check_policy(&entry.tenant, &entry.profile)?;
            body.permitted_by = generation;
        }
        match &body.kind {
            Kind::Stored => {}
            Kind::Pooled(_) | Kind::Client(_) => {
                entry.set_place(Place::Awake);
                return Ok(());
            }
        }
        let began = Instant::now();
        let assembled = self.assemble(&entry.profile)?;
        let head = self.head(entry, body)?;
        let sink = Box::new(body.relay.clone());
        let suspends = !entry.profile.tools.is_empty();
        body.kind = match (&assembled.tools, suspends) {
            (Some(tools), true) => {
                let options = options(None, Some(sink));
                let woken = self.wake_client(entry, head, &assembled, options);
                let woken = woken.or_else(|error| match error {
                    // The turn was saved and cannot go on: the state before it is there.
                    Error::Spec { what } => {
                        tracing::error!(sandbox = %entry.id, what, "a turn that waited is given up");
                        let _removed = self.folder.remove_waiting(entry.tenant.name(), &entry.id);
                        let options = options_with(&body.relay);
                        let broker = tools.broker(entry.id.as_str());
                        let session = self.client_at(entry, head, &assembled, broker, options);
                        session.map(|session| (session, None))
                    }
                    error => Err(error),
                });
                let (session, request) = woken.map_err(|error| wake_failed(entry, &error))?;
                body.waiting_request = request;
                // The state before a turn that waits may have been saved with it alone.
                body.is_unsaved = session.is_waiting();
                Kind::Client(Box::new(session))
            }
            (tools, _) => {
                let mut options = options(None, Some(sink));
                if let Some(tools) = tools {
                    options.calls = Some(Box::new(tools.broker(entry.id.as_str())));
                }
                let session = self.session_at(entry, head, &assembled, options);
                let session = session.map_err(|error| wake_failed(entry, &error))?;
                entry.turns.store(session.turns(), Ordering::Relaxed);
                let key = self.pool.insert(session);
                Kind::Pooled(key.map_err(|error| no_slot(&error))?)
            }
        };
        entry.set_place(Place::Awake);
        if head.is_some() {
            self.metrics.wake.observe(began.elapsed());
            self.announce(Notified::Woken, entry, None);
        }
        Ok(())
    }

    /// The newest saved state.
    pub(super) fn head(&self, entry: &Entry, body: &mut Body) -> Result<Head, ServiceError> {
        if let Some(head) = body.head {
            return Ok(head);
        }
        let store = self.store(Durability::Process);
        let found = store.session(&entry.store_name());
        let found = found.map_err(|error| store_failed(&error))?;
        let head = found.map(|head| head.snapshot);
        body.head = Some(head);
        Ok(head)
    }

    fn session_at(
        &self,
        _entry: &Entry,
        head: Head,
        assembled: &Assembled,
        options: SessionOptions,
    ) -> Result<Session, Error> {
        let Some(head) = head else {
            return Ok(assembled.sandbox.session(options)?);
        };
        let store = self.store(Durability::Process).as_ref();
        let (snapshot, _) = load(store, &head, &assembled.sandbox)?;
        let restored = assembled
            .sandbox
            .restore(&snapshot, Generators::Keep, options)?;
        Ok(restored.0)
    }

    /// A session with client tools: in the middle of its turn, or between turns.
    fn wake_client(
        &self,
        entry: &Entry,
        head: Head,
        assembled: &Assembled,
        options: SessionOptions,
    ) -> Result<(Suspendable, Option<(String, String)>), Error> {
        let unusable = |what: String| Error::Spec { what };
        let Some(tools) = &assembled.tools else {
            return Err(unusable("the sandbox has no tools".to_owned()));
        };
        let waiting = self.folder.waiting(entry.tenant.name(), &entry.id);
        let waiting = waiting.map_err(|error| unusable(error.to_string()))?;
        // One that stands elsewhere has gone on since.
        let waiting = waiting.filter(|waiting| waiting.head == head.map(|head| head.to_string()));
        let Some(waiting) = waiting else {
            let broker = tools.broker(entry.id.as_str());
            let session = self.client_at(entry, head, assembled, broker, options);
            return session.map(|session| (session, None));
        };
        let request = waiting.request.clone();
        let saved = self
            .suspension(waiting)
            .map_err(|error| unusable(error.to_string()))?;
        let broker = tools.broker_builder(entry.id.as_str());
        let session = Suspendable::restore(&assembled.sandbox, &saved, broker, options);
        Ok((session.map_err(of_suspension)?, request))
    }

    fn client_at(
        &self,
        entry: &Entry,
        head: Head,
        assembled: &Assembled,
        broker: memex_host_tools::Broker,
        options: SessionOptions,
    ) -> Result<Suspendable, Error> {
        let Some(head) = head else {
            return Suspendable::new(&assembled.sandbox, broker, options).map_err(of_suspension);
        };
        let store = self.store(Durability::Process).as_ref();
        let (snapshot, record) = load(store, &head, &assembled.sandbox)?;
        entry.turns.store(record.turn, Ordering::Relaxed);
        let sandbox = &assembled.sandbox;
        let session =
            Suspendable::from_snapshot(sandbox, &snapshot, Generators::Keep, broker, options);
        session.map_err(of_suspension)
    }

    fn suspension(&self, waiting: WaitingRecord) -> Result<Suspension, Error> {
        let store = self.store(Durability::Process).as_ref();
        let whole = |name: &str| -> Result<_, Error> {
            let id: SnapshotId = name.parse().map_err(|_| Error::Spec {
                what: "the saved turn names no snapshot".to_owned(),
            })?;
            from_store(store, store.get(&id)?.1)
        };
        Ok(Suspension {
            state: waiting.state.as_deref().map(whole).transpose()?,
            start: whole(&waiting.start)?,
            turn: waiting.turn,
        })
    }

    /// What a failed use of the pool leaves of a sandbox: its last saved state.
    pub(super) fn pool_failed(
        &self,
        entry: &Entry,
        body: &mut Body,
        error: &PoolError,
    ) -> ServiceError {
        match error {
            PoolError::Busy { .. } => ServiceError::new(
                ErrorKind::Conflict,
                "busy",
                "a turn of the sandbox runs",
                "wait for it, or interrupt it",
            ),
            PoolError::Unknown => {
                self.forget_session(entry, body);
                lost()
            }
            PoolError::Runtime(memex_runtime::Error::TooManySessions { .. }) => no_slot(error),
            error => {
                tracing::error!(sandbox = %entry.id, %error, "a session failed");
                self.forget_session(entry, body);
                lost()
            }
        }
    }

    pub(super) fn suspension_failed(
        &self,
        entry: &Entry,
        body: &mut Body,
        error: &SuspensionError,
    ) -> ServiceError {
        match error {
            SuspensionError::Answer(error) => ServiceError::invalid(
                error.to_string(),
                "answer each open call once; the turn's `calls` name them",
            ),
            SuspensionError::State { state, remedy } => ServiceError::new(
                ErrorKind::Conflict,
                if *state == "waiting" {
                    "waiting"
                } else {
                    "not-waiting"
                },
                format!("the sandbox is {state}"),
                *remedy,
            ),
            SuspensionError::Diverged => ServiceError::new(
                ErrorKind::Conflict,
                "diverged",
                error.to_string(),
                "the sandbox is in its state before the turn; run a block that awaits its calls",
            ),
            error => {
                tracing::error!(sandbox = %entry.id, %error, "a session failed");
                self.forget_session(entry, body);
                lost()
            }
        }
    }

    /// Drops what there is in memory of a sandbox.
    pub(super) fn forget_session(&self, entry: &Entry, body: &mut Body) {
        if let Kind::Pooled(key) = std::mem::take(&mut body.kind) {
            // It may be gone already.
            let _removed = self.pool.remove(key);
        }
        body.is_unsaved = false;
        // Turns that are lost with it are to run again.
        body.keyed.retain(|kept| kept.snapshot.is_some());
        body.head = None;
        entry.memory_bytes.store(0, Ordering::Relaxed);
        entry.set_place(Place::Store);
    }
}

fn options_with(relay: &crate::turns::Relay) -> SessionOptions {
    options(None, Some(Box::new(relay.clone())))
}

fn of_suspension(error: SuspensionError) -> Error {
    match error {
        SuspensionError::Runtime(error) => Error::Runtime(error),
        error => Error::Spec {
            what: error.to_string(),
        },
    }
}

/// What is said of a session that a fault took away.
pub(super) fn lost() -> ServiceError {
    ServiceError::internal(
        "a fault of the server ended the session; the sandbox is as after its last saved turn",
    )
}

fn no_slot(error: &PoolError) -> ServiceError {
    ServiceError::new(
        ErrorKind::Unavailable,
        "no-slot",
        error.to_string(),
        "try again in a moment",
    )
    .retry_after(std::time::Duration::from_secs(1))
}

fn wake_failed(entry: &Entry, error: &Error) -> ServiceError {
    tracing::error!(sandbox = %entry.id, %error, "a sandbox does not wake");
    match error {
        Error::Store(error) => store_failed(error),
        Error::Runtime(memex_runtime::Error::TooManySessions { .. }) => ServiceError::new(
            ErrorKind::Unavailable,
            "no-slot",
            "as many sandboxes are awake as the policy allows",
            "try again in a moment",
        )
        .retry_after(std::time::Duration::from_secs(1)),
        error => ServiceError::internal(format!("the sandbox cannot be woken: {error}")),
    }
}

/// A store that cannot be used now.
pub(super) fn store_failed(error: &memex_snapshots::Error) -> ServiceError {
    use memex_snapshots::Error;
    match error {
        Error::Full { .. } => ServiceError::new(
            ErrorKind::NoSpace,
            "no-space",
            "the server's store is full",
            "delete sandboxes and snapshots, or tell the operator",
        ),
        error => {
            tracing::error!(%error, "the store failed");
            ServiceError::new(
                ErrorKind::Unavailable,
                "store-unavailable",
                "the server's store cannot be used now",
                "try again in a moment",
            )
            .retry_after(std::time::Duration::from_secs(2))
        }
    }
}

/// Names a store's snapshots by text.
pub(super) fn text_of(id: SnapshotId) -> String {
    id.to_string()
}

/// Compile-time proof that a body moves to the thread that uses it.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<OwnedMutexGuard<Body>>();
};
