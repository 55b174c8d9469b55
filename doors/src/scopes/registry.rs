//! All sessions of a door.

use std::collections::HashMap;
use std::sync::Arc;

use memex_runtime::{NoProgress, Progress, Sandbox, SessionOptions};
use memex_sessions::{Host, Pool, PoolOptions, Resolved, Tools};
use memex_snapshots::{SnapshotStore, check_session_name};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::entry::{Body, Entry};
use super::error::ScopeError;
use super::options::ScopeOptions;
use super::running::Running;

/// Sessions by name, of one spec. Cloning gives another handle of the same ones.
#[derive(Clone)]
pub struct Scopes {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    resolved: Resolved,
    host: Host,
    tools: Option<Tools>,
    pub(super) store: Option<Arc<dyn SnapshotStore>>,
    pub(super) options: ScopeOptions,
    pub(super) pool: Pool,
    sandbox: Mutex<Option<Sandbox>>,
    entries: Mutex<HashMap<String, Arc<Entry>>>,
    pub(super) turns: Arc<Semaphore>,
    pub(super) running: Mutex<HashMap<String, Running>>,
}

impl Scopes {
    /// No session yet. Each will be one of `resolved`, with these tools, and, where there is
    /// a store, be saved in it under its name after every turn and found there again.
    #[must_use]
    pub fn new(
        resolved: Resolved,
        host: Host,
        tools: Option<Tools>,
        store: Option<Arc<dyn SnapshotStore>>,
        options: ScopeOptions,
    ) -> Self {
        let pool = Pool::new(PoolOptions {
            sessions_max: options.sessions_max.saturating_add(1),
            ..PoolOptions::default()
        });
        Self {
            shared: Arc::new(Shared {
                resolved,
                host,
                tools,
                store,
                options,
                pool,
                sandbox: Mutex::default(),
                entries: Mutex::default(),
                turns: Arc::new(Semaphore::new(options.turns_max)),
                running: Mutex::default(),
            }),
        }
    }

    /// Loads the image and links its code, which the first session would do otherwise; an
    /// image that is not there is built, which takes minutes. Blocks.
    ///
    /// # Errors
    /// As [`Resolved::sandbox`].
    pub fn warm(&self, progress: &mut dyn Progress) -> Result<(), memex_sessions::Error> {
        self.shared.sandbox_with(progress).map(|_| ())
    }

    /// What the sessions are made of.
    #[must_use]
    pub fn resolved(&self) -> &Resolved {
        &self.shared.resolved
    }

    /// The tools that the code has.
    #[must_use]
    pub fn tools(&self) -> Option<&Tools> {
        self.shared.tools.as_ref()
    }

    /// Whether sessions are saved.
    #[must_use]
    pub fn are_saved(&self) -> bool {
        self.shared.store.is_some()
    }

    /// Stops every turn that runs. Sessions are as after their last turn.
    pub fn stop(&self) {
        for running in self.shared.running.lock().values() {
            running.stop();
        }
    }

    pub(super) fn entry(&self, name: &str) -> Result<Arc<Entry>, ScopeError> {
        check_name(name)?;
        let mut entries = self.shared.entries.lock();
        if let Some(entry) = entries.get(name) {
            return Ok(Arc::clone(entry));
        }
        self.make_room(&mut entries)?;
        let entry = Entry::new(name);
        entries.insert(name.to_owned(), Arc::clone(&entry));
        Ok(entry)
    }

    /// An entry of a name that none has, with its body.
    pub(super) fn fresh_entry(
        &self,
        name: &str,
    ) -> Result<(Arc<Entry>, tokio::sync::OwnedMutexGuard<Body>), ScopeError> {
        check_name(name)?;
        let exists = || ScopeError::Exists {
            name: name.to_owned(),
        };
        let mut entries = self.shared.entries.lock();
        if entries.contains_key(name) {
            return Err(exists());
        }
        self.make_room(&mut entries)?;
        let entry = Entry::new(name);
        // Nobody else knows it.
        let body = Arc::clone(&entry.body)
            .try_lock_owned()
            .map_err(|_| exists())?;
        entries.insert(name.to_owned(), Arc::clone(&entry));
        Ok((entry, body))
    }

    /// Takes an entry out whose body the caller has.
    pub(super) fn forget(&self, entry: &Entry, body: &mut Body) {
        body.is_gone = true;
        if let Some(key) = body.key.take() {
            // One that the pool has given up is gone already.
            let _gone = self.shared.pool.remove(key);
        }
        body.saved = None;
        self.shared.entries.lock().remove(&entry.name);
    }

    /// Lets go of the session that was unused for longest, if there are too many.
    fn make_room(&self, entries: &mut HashMap<String, Arc<Entry>>) -> Result<(), ScopeError> {
        let options = &self.shared.options;
        let count = entries.len();
        if count < options.sessions_max {
            return Ok(());
        }
        let mut by_use: Vec<_> = entries.values().cloned().collect();
        by_use.sort_by_key(|entry| entry.used());
        for entry in by_use {
            if self.shared.store.is_none() && entry.used().elapsed() < options.idle {
                break;
            }
            let Ok(mut body) = entry.body.try_lock() else {
                continue;
            };
            body.is_gone = true;
            if let Some(key) = body.key.take() {
                let _gone = self.shared.pool.remove(key);
            }
            body.saved = None;
            entries.remove(&entry.name);
            return Ok(());
        }
        Err(ScopeError::Full { count })
    }
}

impl Shared {
    pub(super) fn sandbox(&self) -> Result<Sandbox, memex_sessions::Error> {
        self.sandbox_with(&mut NoProgress)
    }

    fn sandbox_with(&self, progress: &mut dyn Progress) -> Result<Sandbox, memex_sessions::Error> {
        let mut sandbox = self.sandbox.lock();
        if let Some(sandbox) = sandbox.as_ref() {
            return Ok(sandbox.clone());
        }
        let made = self.resolved.sandbox(&self.host, progress)?;
        Ok(sandbox.insert(made).clone())
    }

    /// The sandbox of the image that a session was saved on.
    pub(super) fn sandbox_of(&self, image: Option<&str>) -> Result<Sandbox, memex_sessions::Error> {
        let sandbox = self.sandbox()?;
        match image {
            Some(name) if name != sandbox.image().name() => {
                self.resolved
                    .sandbox_on(&self.host, Some(name), &mut NoProgress)
            }
            _ => Ok(sandbox),
        }
    }

    /// What a session of this entry gets.
    pub(super) fn equipment(&self, entry: &Entry) -> SessionOptions {
        let calls = self.tools.as_ref().map(|tools| tools.broker(&entry.name));
        SessionOptions {
            calls: calls.map(|broker| Box::new(broker) as _),
            sink: Some(entry.listener.sink()),
            ..SessionOptions::default()
        }
    }
}

fn check_name(name: &str) -> Result<(), ScopeError> {
    check_session_name(name).map_err(|error| {
        ScopeError::Name(format!(
            "{error}\nhint: letters, digits, `-`, `_` and `.` make a session_id"
        ))
    })
}

impl std::fmt::Debug for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scopes")
            .field("sessions", &self.shared.entries.lock().len())
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}
