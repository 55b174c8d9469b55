//! One database: where it is, its pool of connections, and how a call runs.

use super::access::Access;
use super::engine::{Bounds, Engine};
use super::files::DataSet;
use super::limits::SqlLimits;
use super::{catalog, messages};
use memex_host_tools::{CallContext, ToolError};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;

/// Where a database's tables are.
pub(super) enum Source {
    /// In a SQLite file, at a resolved path.
    File { path: PathBuf, access: Access },
    /// In data files.
    Set(Box<DataSet>),
}

/// A named database.
pub(super) struct Database {
    name: String,
    source: Source,
    limits: Arc<SqlLimits>,
    permits: Arc<Semaphore>,
    /// At most as many as there are permits.
    idle: Mutex<Vec<Pooled>>,
}

struct Pooled {
    engine: Engine,
    /// Device and number of the file it was opened on: a connection to a file
    /// that was replaced is given up.
    identity: (u64, u64),
}

/// What the work of one call sees.
pub(super) struct Scope<'a> {
    pub(super) engine: &'a Engine,
    pub(super) database: &'a str,
    pub(super) limits: &'a SqlLimits,
    /// The tables of data files, loaded or not.
    set: Option<Vec<String>>,
    /// What a reader of the tables at hand should know of them.
    pub(super) notes: Vec<String>,
}

impl Scope<'_> {
    /// The tables and views there are, at most as many as are listed.
    pub(super) fn tables(&self) -> Vec<String> {
        match &self.set {
            Some(tables) => tables.clone(),
            None => catalog::table_names(self.engine.connection(), self.limits.tables_max)
                .unwrap_or_default(),
        }
    }
}

impl Database {
    pub(super) fn new(name: String, source: Source, limits: Arc<SqlLimits>) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(limits.connections_max)),
            idle: Mutex::default(),
            name,
            source,
            limits,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// Runs `work` on a thread for blocking work, with a connection of its own.
    /// Data files that `mentioned` names are loaded before.
    ///
    /// The caller is answered at the deadline even if the engine is in the
    /// middle of something it cannot interrupt; the connection stays taken.
    pub(super) async fn run<T: Send + 'static>(
        self: Arc<Self>,
        context: &CallContext,
        mentioned: HashSet<String>,
        work: impl FnOnce(&Scope<'_>) -> Result<T, ToolError> + Send + 'static,
    ) -> Result<T, ToolError> {
        let limits = Arc::clone(&self.limits);
        let own = Instant::now().checked_add(limits.statement_timeout);
        let deadline = own.map_or(context.deadline, |own| own.min(context.deadline));
        // Dropping this future, for whatever reason, interrupts the statement.
        let cancelled = context.cancelled.child_token();
        let _interrupt = cancelled.clone().drop_guard();
        let bounds = Bounds {
            deadline,
            cancelled: cancelled.clone(),
        };
        let answered = async move {
            let permit = Arc::clone(&self.permits).acquire_owned().await;
            let work = move || {
                let answer = self.work(&bounds, &mentioned, work);
                drop(permit);
                answer
            };
            tokio::task::spawn_blocking(work)
                .await
                .unwrap_or_else(|fault| {
                    let message =
                        "sql: the query failed inside the engine; the data may be damaged";
                    Err(ToolError::new("OSError", message).with_detail(fault.to_string()))
                })
        };
        match tokio::time::timeout_at(deadline.into(), cancelled.run_until_cancelled(answered))
            .await
        {
            Ok(Some(answer)) => answer,
            Ok(None) => Err(ToolError::new(
                "InterruptedError",
                "sql: the call was interrupted",
            )),
            Err(_) => Err(messages::timeout(&limits)),
        }
    }

    fn work<T>(
        &self,
        bounds: &Bounds,
        mentioned: &HashSet<String>,
        work: impl FnOnce(&Scope<'_>) -> Result<T, ToolError>,
    ) -> Result<T, ToolError> {
        // Held until the work is done: tables are not replaced under a query.
        let ready = match &self.source {
            Source::File { .. } => None,
            Source::Set(set) => Some(set.ready(mentioned, bounds)?),
        };
        let set = ready.as_ref().map(|ready| ready.tables.clone());
        let notes = ready.as_ref().map(|ready| ready.notes(mentioned));
        let mut pooled = self.connection()?;
        let answer = pooled
            .engine
            .within(bounds, |engine| {
                work(&Scope {
                    engine,
                    database: &self.name,
                    limits: &self.limits,
                    set,
                    notes: notes.unwrap_or_default(),
                })
            })
            .map_err(|error| messages::plain(&error, &self.name, &self.limits))?;
        self.idle.lock().push(pooled);
        answer
    }

    fn connection(&self) -> Result<Pooled, ToolError> {
        let identity = match &self.source {
            Source::Set(set) => (0, u64::from(set.place().1)),
            Source::File { path, .. } => {
                let status = std::fs::symlink_metadata(path).map_err(|error| {
                    let message =
                        format!("sql: the database {:?} is not there any more", self.name);
                    ToolError::new("OSError", message).with_detail(error.to_string())
                })?;
                (status.dev(), status.ino())
            }
        };
        let mut idle = self.idle.lock();
        idle.retain(|pooled| pooled.identity == identity);
        if let Some(pooled) = idle.pop() {
            return Ok(pooled);
        }
        drop(idle);
        let engine = match &self.source {
            Source::File { path, access } => Engine::open_file(path, *access, &self.limits),
            Source::Set(set) => Engine::open_memory(&set.place().0, &self.limits),
        };
        let engine = engine.map_err(|error| {
            messages::plain(&error, &self.name, &self.limits).with_detail(error.to_string())
        })?;
        Ok(Pooled { engine, identity })
    }
}
