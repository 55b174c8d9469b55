//! What is done with a named session.

use std::sync::Arc;

use memex_runtime::{Display, Error as RuntimeError, Generators, Session, SessionFiles, Status};
use memex_sessions::{Outcome, PoolKey, SavedSession};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, mpsc};

use super::entry::{Body, Entry, Waiting};
use super::error::ScopeError;
use super::registry::Scopes;
use super::running::Running;

/// What a turn came to.
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    pub(crate) displays: Vec<Display>,
}

/// A session that is this call's, and its place among those that run.
struct Held {
    entry: Arc<Entry>,
    body: OwnedMutexGuard<Body>,
    _waiting: Waiting,
    _place: OwnedSemaphorePermit,
}

impl Scopes {
    /// Runs a block in the session of this name, which is made if there is none. `listener`
    /// gets its output as it comes.
    pub(crate) async fn run(
        &self,
        name: &str,
        code: String,
        running: Running,
        listener: Option<mpsc::Sender<String>>,
    ) -> Result<Ran, ScopeError> {
        self.with(name, move |scopes, held, key| {
            let name = held.entry.name.clone();
            let shared = &scopes.shared;
            shared.running.lock().insert(name.clone(), running.clone());
            held.entry.listener.set(listener);
            let saved = held.body.saved.as_mut();
            let ran = shared.pool.with(key, |session| {
                let ran = turn(session, &code, &running, saved);
                running.end();
                ran
            });
            held.entry.listener.set(None);
            shared.running.lock().remove(&name);
            let ran = ran.map_err(ScopeError::from).and_then(|ran| ran);
            let is_lost = match &ran {
                Ok(ran) => ran.outcome.status == Status::Fault,
                Err(ScopeError::Lost(_)) => true,
                Err(_) => false,
            };
            if is_lost {
                scopes.end_session(&mut held.body);
            }
            ran
        })
        .await
    }

    /// Gives the state of a session, now, a name of its own.
    pub(crate) async fn fork(&self, name: &str, new: &str) -> Result<(), ScopeError> {
        let (entry, body) = self.fresh_entry(new)?;
        let fresh = Fresh {
            scopes: self.clone(),
            entry,
            body,
            is_done: false,
        };
        self.with(name, move |scopes, _, key| {
            // As a whole, and not its fields.
            let mut fresh = fresh;
            let shared = &scopes.shared;
            let Fresh { entry, body, .. } = &mut fresh;
            let mut saved = scopes.saved(entry)?;
            if let Some(saved) = &saved
                && saved.image()?.is_some()
            {
                return Err(ScopeError::Exists {
                    name: entry.name.clone(),
                });
            }
            let mut options = Some(shared.equipment(entry));
            let forks = shared.pool.with(key, |session| {
                session.fork(1, |_| options.take().unwrap_or_default())
            })?;
            let mut forks = forks.map_err(lost)?;
            let Some(mut fork) = forks.pop() else {
                return Err(ScopeError::Lost("there is no fork".to_owned()));
            };
            if let Some(saved) = &mut saved {
                saved
                    .save(&mut fork, "", Status::Ok)
                    .map_err(ScopeError::Unsaved)?;
            }
            body.key = Some(shared.pool.insert(fork)?);
            body.saved = saved;
            fresh.is_done = true;
            Ok(())
        })
        .await
    }

    /// Empties the scope and the files of a session.
    pub(crate) async fn reset(&self, name: &str) -> Result<(), ScopeError> {
        self.on_thread(name, |scopes, held| {
            let shared = &scopes.shared;
            scopes.end_session(&mut held.body);
            let Held { entry, body, .. } = held;
            if body.saved.is_none() {
                body.saved = scopes.saved(entry)?;
            }
            let mut session = shared
                .sandbox()?
                .session(shared.equipment(entry))
                .map_err(memex_sessions::Error::from)?;
            if let Some(saved) = &mut body.saved {
                // What is continued later is the empty scope.
                saved
                    .save(&mut session, "", Status::Ok)
                    .map_err(ScopeError::Unsaved)?;
            }
            body.key = Some(shared.pool.insert(session)?);
            Ok(())
        })
        .await
    }

    /// Does something with the files of a session; what it `writes` is saved.
    pub(crate) async fn files<R: Send + 'static>(
        &self,
        name: &str,
        writes: bool,
        work: impl FnOnce(&mut SessionFiles<'_>) -> R + Send + 'static,
    ) -> Result<R, ScopeError> {
        self.with(name, move |scopes, held, key| {
            let saved = held.body.saved.as_mut().filter(|_| writes);
            scopes.shared.pool.with(key, |session| {
                let done = work(&mut session.files().map_err(lost)?);
                if let Some(saved) = saved {
                    saved
                        .save(session, "", Status::Ok)
                        .map_err(ScopeError::Unsaved)?;
                }
                Ok(done)
            })?
        })
        .await
    }

    /// The same on a session that there is.
    async fn with<R: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Self, &mut Held, PoolKey) -> Result<R, ScopeError> + Send + 'static,
    ) -> Result<R, ScopeError> {
        self.on_thread(name, |scopes, held| {
            let key = match scopes.session(held) {
                Ok(key) => key,
                Err(error) => {
                    scopes.forget(&held.entry, &mut held.body);
                    return Err(error);
                }
            };
            work(scopes, held, key)
        })
        .await
    }

    /// Waits for the session, and works on it on a thread that may block.
    async fn on_thread<R: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Self, &mut Held) -> Result<R, ScopeError> + Send + 'static,
    ) -> Result<R, ScopeError> {
        let mut held = self.held(name).await?;
        let scopes = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&scopes, &mut held);
            held.entry.touch();
            done
        });
        done.await
            .map_err(|_| ScopeError::Lost("its thread ended in a panic".to_owned()))?
    }

    async fn held(&self, name: &str) -> Result<Held, ScopeError> {
        loop {
            let entry = self.entry(name)?;
            let waiting = entry.queue(self.shared.options.waiting_max);
            let waiting = waiting.map_err(|waiting| ScopeError::Busy {
                name: name.to_owned(),
                waiting,
            })?;
            let body = Arc::clone(&entry.body).lock_owned().await;
            if body.is_gone {
                continue;
            }
            let place = Arc::clone(&self.shared.turns).acquire_owned().await;
            return Ok(Held {
                entry,
                body,
                _waiting: waiting,
                _place: place.map_err(|_| ScopeError::Cancelled)?,
            });
        }
    }

    /// The session of an entry: the one there is, the saved one, or a new one.
    fn session(&self, held: &mut Held) -> Result<PoolKey, ScopeError> {
        let (shared, Held { entry, body, .. }) = (&self.shared, held);
        if let Some(key) = body.key {
            if shared.pool.place(key).is_ok() {
                return Ok(key);
            }
            body.key = None;
        }
        let options = shared.equipment(entry);
        if body.saved.is_none() {
            body.saved = self.saved(entry)?;
        }
        let key = match &body.saved {
            None => shared.pool.create(&shared.sandbox()?, options)?,
            Some(saved) => {
                let sandbox = shared.sandbox_of(saved.image()?.as_deref())?;
                let (session, _lost_files) = saved.resume(&sandbox, options)?;
                shared.pool.insert(session)?
            }
        };
        body.key = Some(key);
        Ok(key)
    }

    fn saved(&self, entry: &Entry) -> Result<Option<SavedSession>, ScopeError> {
        let store = self.shared.store.as_ref();
        let saved =
            store.map(|store| SavedSession::open(Arc::clone(store), &entry.name, Generators::Keep));
        Ok(saved.transpose()?)
    }

    fn end_session(&self, body: &mut Body) {
        if let Some(key) = body.key.take() {
            // One that the pool has given up is gone already.
            let _gone = self.shared.pool.remove(key);
        }
    }
}

/// Runs a turn, and saves what it came to.
fn turn(
    session: &mut Session,
    code: &str,
    running: &Running,
    saved: Option<&mut SavedSession>,
) -> Result<Ran, ScopeError> {
    if !running.begin(session.interrupter()) {
        return Err(ScopeError::Cancelled);
    }
    let outcome = session.run(code);
    running.end();
    let outcome = outcome.map_err(lost)?;
    if let Some(saved) = saved
        && !matches!(outcome.status, Status::Refused | Status::Fault)
    {
        saved
            .save(session, code, outcome.status)
            .map_err(ScopeError::Unsaved)?;
    }
    Ok(Ran {
        displays: outcome.displays.clone(),
        outcome: Outcome::of(&outcome, session),
    })
}

fn lost(error: RuntimeError) -> ScopeError {
    ScopeError::Lost(error.to_string())
}

/// An entry that a fork is to have. Unless the fork is made, its name is free again.
struct Fresh {
    scopes: Scopes,
    entry: Arc<Entry>,
    body: OwnedMutexGuard<Body>,
    is_done: bool,
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !self.is_done {
            self.scopes.forget(&self.entry, &mut self.body);
        }
    }
}
