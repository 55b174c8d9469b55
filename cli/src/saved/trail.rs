//! One named session and its trail of snapshots.

use crate::failure::usage;
use anyhow::{Context as _, Result};
use memex_runtime::{Error, Generators, Outcome, Sandbox, Session, SessionOptions, Snapshot};
use memex_snapshots::{Digest, Record, RecordDraft, Saved, SessionLock, SnapshotId, SnapshotStore};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A named session that this process may write: nobody else can, while it
/// lives.
pub(crate) struct SavedSession {
    store: Arc<dyn SnapshotStore>,
    name: String,
    head: Option<SnapshotId>,
    generators: Generators,
    _lock: SessionLock,
}

impl SavedSession {
    /// Locks the name and finds its newest snapshot.
    pub(crate) fn open(
        store: Arc<dyn SnapshotStore>,
        name: &str,
        generators: Generators,
    ) -> Result<Self> {
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

    /// The name of the image that its newest snapshot was taken on.
    pub(crate) fn image(&self) -> Result<Option<String>> {
        let Some(head) = &self.head else {
            return Ok(None);
        };
        Ok(Some(self.store.get(head)?.0.image))
    }

    /// The session where its last turn left it, or a new one; with the files
    /// that were open and are gone.
    pub(crate) fn resume(
        &self,
        sandbox: &Sandbox,
        options: SessionOptions,
    ) -> Result<(Session, Vec<String>)> {
        let Some(head) = &self.head else {
            return Ok((sandbox.session(options)?, Vec::new()));
        };
        let (snapshot, _) = load(self.store.as_ref(), head, sandbox)
            .with_context(|| format!("cannot continue the session {}", self.name))?;
        let (session, lost) = sandbox.restore(&snapshot, self.generators, options)?;
        let lost = lost.into_iter().map(|file| file.path).collect();
        Ok((session, lost))
    }

    /// Saves the session after a turn. What this returns for is on disk.
    pub(crate) fn save(
        &mut self,
        session: &mut Session,
        code: &str,
        outcome: &Outcome,
    ) -> Result<Record> {
        let snapshot = session.snapshot()?;
        let sandbox = session.sandbox();
        let status = serde_json::to_value(outcome.status)?;
        let draft = RecordDraft {
            parent: self.head,
            first_line: first_line(code),
            status: status.as_str().unwrap_or_default().to_owned(),
            time_unix_ms: now_ms(),
            ..RecordDraft::new(sandbox.image().name(), snapshot.turn())
        };
        let record = put(
            self.store.as_ref(),
            sandbox,
            &snapshot,
            self.generators,
            &draft,
        )?;
        self.store
            .set_session(&self.name, self.head, record.id)
            .with_context(|| format!("cannot save the session {}", self.name))?;
        self.head = Some(record.id);
        Ok(record)
    }
}

/// Puts a snapshot into a store.
fn put(
    store: &dyn SnapshotStore,
    sandbox: &Sandbox,
    snapshot: &Snapshot,
    generators: Generators,
    draft: &RecordDraft,
) -> Result<Record> {
    let encoded = sandbox.encode(snapshot, generators)?;
    let chunk_ids = memex_runtime::snapshot_info(&encoded.head)?
        .chunks
        .into_iter()
        .map(Digest::from_bytes)
        .collect();
    let chunks = encoded
        .chunks
        .into_iter()
        .map(|chunk| (Digest::from_bytes(chunk.digest), chunk.bytes.into()))
        .collect();
    let saved = Saved {
        head: encoded.head,
        chunks,
        chunk_ids,
    };
    Ok(store.put(&saved, draft)?)
}

/// Gets a snapshot out of a store.
pub(crate) fn load(
    store: &dyn SnapshotStore,
    id: &SnapshotId,
    sandbox: &Sandbox,
) -> Result<(Snapshot, Record)> {
    let (record, head) = store.get(id)?;
    let (snapshot, _) = sandbox.decode(&head, |digest| {
        store
            .chunk(&Digest::from_bytes(*digest))
            .map_err(|error| Error::Snapshot(error.to_string()))
    })?;
    Ok((snapshot, record))
}

/// The newest snapshot of a name.
pub(crate) fn head_of(store: &dyn SnapshotStore, name: &str) -> Result<SnapshotId> {
    match store.session(name)? {
        Some(head) => Ok(head.snapshot),
        None => Err(usage(
            format!("there is no session {name}"),
            "`memex session list` shows the names",
        )),
    }
}

/// The record of one turn of a session.
pub(crate) fn at_turn(store: &dyn SnapshotStore, name: &str, turn: u64) -> Result<Record> {
    let trail = store.trail(&head_of(store, name)?)?;
    let newest = trail.first().map_or(0, |record| record.turn);
    trail
        .into_iter()
        .find(|record| record.turn == turn)
        .ok_or_else(|| {
            usage(
                format!("the session {name} has no saved turn {turn}; its newest is {newest}"),
                format!("`memex session log {name}` shows what is saved"),
            )
        })
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
