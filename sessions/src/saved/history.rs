//! One named session and its history of snapshots.

use super::encoding::for_store;
use crate::error::Error;
use memex_runtime::{Generators, Sandbox, Session, SessionOptions, Snapshot, Status};
use memex_snapshots::{Digest, Record, RecordDraft, Saved, SessionLock, SnapshotId, SnapshotStore};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A named session that this process may write: nobody else can, while it
/// lives.
pub struct SavedSession {
    store: Arc<dyn SnapshotStore>,
    name: String,
    head: Option<SnapshotId>,
    /// What becomes of them when the session is continued.
    generators: Generators,
    _lock: SessionLock,
}

impl SavedSession {
    /// Locks the name and finds its newest snapshot.
    ///
    /// # Errors
    /// [`Error::Store`], also when another process has the session.
    pub fn open(
        store: Arc<dyn SnapshotStore>,
        name: &str,
        generators: Generators,
    ) -> Result<Self, Error> {
        let lock = store.lock_session(name)?;
        let head = store.session(name)?.map(|head| head.snapshot);
        Ok(Self {
            store,
            name: name.to_owned(),
            head,
            generators,
            _lock: lock,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the image that its newest snapshot was taken on; none of a new
    /// session.
    ///
    /// # Errors
    /// [`Error::Continue`] for a snapshot that cannot be read.
    pub fn image(&self) -> Result<Option<String>, Error> {
        let Some(head) = &self.head else {
            return Ok(None);
        };
        let (record, _) = self.store.get(head).map_err(|error| Error::Continue {
            name: self.name.clone(),
            source: Box::new(error.into()),
        })?;
        Ok(Some(record.image))
    }

    /// The session where its last turn left it, or a new one; with the files
    /// that were open and are gone.
    ///
    /// # Errors
    /// [`Error::Continue`] for a snapshot that cannot be read, [`Error::Runtime`].
    pub fn resume(
        &self,
        sandbox: &Sandbox,
        options: SessionOptions,
    ) -> Result<(Session, Vec<String>), Error> {
        let Some(head) = &self.head else {
            return Ok((sandbox.session(options)?, Vec::new()));
        };
        let loaded = load(self.store.as_ref(), head, sandbox);
        let (snapshot, _) = loaded.map_err(|source| Error::Continue {
            name: self.name.clone(),
            source: Box::new(source),
        })?;
        let (session, lost) = sandbox.restore(&snapshot, self.generators, options)?;
        let lost = lost.into_iter().map(|file| file.path).collect();
        Ok((session, lost))
    }

    /// Saves the session after a turn of this code that ended so. What this
    /// returns for is on disk.
    ///
    /// # Errors
    /// [`Error::Save`] when somebody else moved the name, [`Error::Store`],
    /// [`Error::Runtime`].
    pub fn save(
        &mut self,
        session: &mut Session,
        code: &str,
        status: Status,
    ) -> Result<Record, Error> {
        let store = self.store.as_ref();
        let word = status_word(status);
        let record = commit(store, &self.name, self.head, session, code, word)?;
        self.head = Some(record.id);
        Ok(record)
    }
}

/// Saves a session under a name whose newest snapshot is `head`, after a turn of this code
/// that ended so. Who calls this has the right to the name: [`SavedSession`] by a lock of
/// its own, a server by one for all of its sessions.
///
/// # Errors
/// As [`SavedSession::save`].
pub fn commit(
    store: &dyn SnapshotStore,
    name: &str,
    head: Option<SnapshotId>,
    session: &mut Session,
    code: &str,
    status: &str,
) -> Result<Record, Error> {
    commit_noting(store, name, head, session, code, status, |_| Ok(()))
}

/// The same, with something to be done between its two steps: when `note` runs, the
/// snapshot is in the store, and the name does not lead to it yet.
///
/// # Errors
/// As [`commit`], and those of `note`, after which the name is as it was.
pub fn commit_noting<E: From<Error>>(
    store: &dyn SnapshotStore,
    name: &str,
    head: Option<SnapshotId>,
    session: &mut Session,
    code: &str,
    status: &str,
    note: impl FnOnce(&Record) -> Result<(), E>,
) -> Result<Record, E> {
    let (saved, draft) = turn_of(head, session, code, status)?;
    let (mut note, mut noted) = (Some(note), Ok(()));
    let record = store.put_named(&saved, &draft, name, head, &mut |record| {
        if let Some(note) = note.take() {
            noted = note(record);
        }
        noted.is_ok()
    });
    noted?;
    let failed = |error| match error {
        memex_snapshots::Error::Conflict { .. } => Error::Save {
            name: name.to_owned(),
            source: Box::new(Error::Store(error)),
        },
        error => Error::Store(error),
    };
    // Without a refusal of `note`, which is told above, there is a record.
    let record = record.map_err(failed)?;
    record.ok_or_else(|| {
        E::from(Error::NoSession {
            name: name.to_owned(),
        })
    })
}

/// What is saved of a session after a turn, generators included: it is where the session goes
/// on.
fn turn_of(
    head: Option<SnapshotId>,
    session: &mut Session,
    code: &str,
    status: &str,
) -> Result<(Saved, RecordDraft), Error> {
    let snapshot = session.snapshot()?;
    let sandbox = session.sandbox();
    let draft = RecordDraft {
        parent: head,
        first_line: first_line(code),
        status: status.to_owned(),
        time_unix_ms: now_ms(),
        ..RecordDraft::new(sandbox.image().name(), snapshot.turn())
    };
    let saved = for_store(sandbox.encode(&snapshot, Generators::Keep)?)?;
    Ok((saved, draft))
}

/// Gets a snapshot out of a store.
///
/// # Errors
/// [`Error::Store`], and [`Error::Runtime`] for one that belongs to another
/// image or is damaged.
pub fn load(
    store: &dyn SnapshotStore,
    id: &SnapshotId,
    sandbox: &Sandbox,
) -> Result<(Snapshot, Record), Error> {
    let (record, head) = store.get(id)?;
    let (snapshot, _) = sandbox.decode(&head, |digest| {
        store
            .chunk(&Digest::from_bytes(*digest))
            .map_err(|error| memex_runtime::Error::Snapshot(error.to_string()))
    })?;
    Ok((snapshot, record))
}

/// The newest snapshot of a name.
///
/// # Errors
/// [`Error::NoSession`], [`Error::Store`].
pub fn head_of(store: &dyn SnapshotStore, name: &str) -> Result<SnapshotId, Error> {
    match store.session(name)? {
        Some(head) => Ok(head.snapshot),
        None => Err(Error::NoSession {
            name: name.to_owned(),
        }),
    }
}

/// The record of one turn of a session.
///
/// # Errors
/// [`Error::NoSession`], [`Error::NoTurn`], [`Error::Store`].
pub fn at_turn(store: &dyn SnapshotStore, name: &str, turn: u64) -> Result<Record, Error> {
    let history = store.trail(&head_of(store, name)?)?;
    let newest = history.first().map_or(0, |record| record.turn);
    history
        .into_iter()
        .find(|record| record.turn == turn)
        .ok_or_else(|| Error::NoTurn {
            name: name.to_owned(),
            turn,
            newest,
        })
}

/// What records call it.
#[must_use]
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Exception => "exception",
        Status::Limit => "limit",
        Status::Refused => "refused",
        Status::Fault => "fault",
    }
}

fn first_line(code: &str) -> String {
    let line = code.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or_default().chars().take(200).collect()
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
