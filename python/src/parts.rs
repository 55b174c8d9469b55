//! What a sandbox is made of.

use std::sync::atomic::{AtomicU64, Ordering};

use memex_runtime::{Generators, Sandbox, Session, SessionOptions, Snapshot};
use memex_sessions::{Resolved, Suspendable, SuspensionError, Tools, options};

use crate::sink::Listener;
use crate::turns::{Fault, Turns};

/// What a sandbox is made of.
pub(crate) struct Parts {
    pub(crate) sandbox: Sandbox,
    pub(crate) resolved: Resolved,
    pub(crate) tools: Option<Tools>,
    pub(crate) host: memex_sessions::Host,
    /// Whether calls of some tools wait for the client.
    pub(crate) suspends: bool,
}

impl Parts {
    /// The session called `name` that `make` makes with the options it is given, and what it
    /// returns beside it.
    pub(crate) fn turns<T>(
        &self,
        name: &str,
        listener: &Listener,
        make: impl FnOnce(SessionOptions) -> Result<(Session, T), Fault>,
    ) -> Result<(Turns, T), Fault> {
        let mut made = options(None, Some(Box::new(listener.clone())));
        let broker = self.tools.as_ref().map(|tools| tools.broker(name));
        if !self.suspends {
            if let Some(broker) = broker {
                made.calls = Some(Box::new(broker));
            }
            let (session, more) = make(made)?;
            return Ok((Turns::plain(session), more));
        }
        let broker = broker.ok_or(SuspensionError::NoClientTools)?;
        let (session, more) = Suspendable::of(broker, made, make)?;
        Ok((Turns::suspendable(session), more))
    }

    /// The session in the state of a snapshot, and the files that were open then and are
    /// gone. The sandbox is of the snapshot's own image.
    pub(crate) fn restored(
        &self,
        sandbox: &Sandbox,
        snapshot: &Snapshot,
        generators: Generators,
    ) -> Result<(Made, Vec<String>), Fault> {
        let (name, listener) = (new_name(), Listener::default());
        let (turns, lost) = self.turns(&name, &listener, |options| {
            let (session, lost) = sandbox.restore(snapshot, generators, options)?;
            let lost = lost.into_iter().map(|file| file.path).collect();
            Ok((session, lost))
        })?;
        Ok(((turns, name, listener), lost))
    }

    /// So many sessions in the state of one, with random generators of their own.
    pub(crate) fn forks(&self, turns: &mut Turns, count: usize) -> Result<Vec<Made>, Fault> {
        let taken = turns.with(|session| {
            let snapshot = session.snapshot()?;
            Ok::<_, memex_runtime::Error>((session.sandbox().clone(), snapshot))
        })?;
        let (sandbox, snapshot) = taken?;
        let fork = |_| Ok(self.restored(&sandbox, &snapshot, Generators::Fresh)?.0);
        (0..count).map(fork).collect()
    }
}

/// A session with its name, and what follows its output.
pub(crate) type Made = (Turns, String, Listener);

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A name that audit records and tools know a session by.
pub(crate) fn new_name() -> String {
    format!("session-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}
