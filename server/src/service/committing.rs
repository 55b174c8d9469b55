//! Saving what a sandbox has come to, before it is acknowledged.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use memex_runtime::Session;
use memex_sessions::{Error, Suspension, SuspensionError, commit_noting, for_store};
use memex_snapshots::{Record, RecordDraft, SnapshotId, SnapshotStore};

use super::entry::{Body, Entry, Kind};
use super::state::Inner;
use super::turn::Turn;
use super::waking::{store_failed, text_of};
use crate::error::ServiceError;
use crate::ledger::{Folder, KeptTurn, VERSION, WaitingRecord};
use crate::names::Id;
use crate::sandbox::Durability;

/// What a commit needs besides the session.
pub(super) struct Commit {
    store: Arc<dyn SnapshotStore>,
    name: String,
    head: Option<SnapshotId>,
    folder: Folder,
    tenant: String,
    id: Id,
    durable: bool,
}

/// Why a commit came to nothing.
pub(super) enum CommitError {
    /// What came of the turn could not be kept for its key.
    Keep(io::Error),
    Save(Error),
}

impl From<Error> for CommitError {
    fn from(error: Error) -> Self {
        Self::Save(error)
    }
}

impl Commit {
    /// Saves a session. What came of a turn with a key is kept with the state that it led
    /// to, before the sandbox's name leads there: it counts once it does.
    pub(super) fn save(
        &self,
        session: &mut Session,
        code: &str,
        status: &str,
        kept: Option<&mut KeptTurn>,
    ) -> Result<Record, CommitError> {
        let (store, name) = (self.store.as_ref(), self.name.as_str());
        commit_noting(store, name, self.head, session, code, status, |record| {
            let Some(kept) = kept else {
                return Ok(());
            };
            kept.snapshot = Some(text_of(record.id));
            let written = self
                .folder
                .write_turn(&self.tenant, &self.id, kept, self.durable);
            written.map_err(CommitError::Keep)
        })
    }
}

impl Inner {
    pub(super) fn commit_of(
        &self,
        entry: &Entry,
        body: &mut Body,
        durability: Durability,
    ) -> Result<Commit, ServiceError> {
        Ok(Commit {
            store: Arc::clone(self.store(durability)),
            name: entry.store_name(),
            head: self.head(entry, body)?,
            folder: self.folder.clone(),
            tenant: entry.tenant.name().to_owned(),
            id: entry.id,
            durable: durability == Durability::Power,
        })
    }

    /// Saves what the session has that was not saved.
    pub(super) fn save_now(
        &self,
        entry: &Entry,
        body: &mut Body,
        status: &'static str,
    ) -> Result<(), ServiceError> {
        let durability = entry.record.lock().durability;
        let commit = self.commit_of(entry, body, durability)?;
        // A turn with a key that was not to be saved by itself is saved now.
        let newest = body.keyed.back().filter(|kept| kept.snapshot.is_none());
        let mut kept = newest.cloned();
        let saved = self.with_session(entry, body, move |session| {
            commit.save(session, "", status, kept.as_mut())
        })?;
        self.saved(entry, body, saved).map(|_| ())
    }

    /// Takes note of what was saved; what could not be saved is undone.
    pub(super) fn saved(
        &self,
        entry: &Entry,
        body: &mut Body,
        saved: Result<Record, CommitError>,
    ) -> Result<Record, ServiceError> {
        match saved {
            Ok(record) => {
                body.head = Some(Some(record.id));
                body.is_unsaved = false;
                for kept in &mut body.keyed {
                    let _known = kept.snapshot.get_or_insert_with(|| text_of(record.id));
                }
                let bytes = record.head_bytes.saturating_add(record.chunk_bytes);
                let before = entry.stored_bytes.load(Ordering::Relaxed);
                entry.set_stored(before.saturating_add(bytes));
                Ok(record)
            }
            Err(error) => {
                self.forget_session(entry, body);
                Err(match error {
                    CommitError::Keep(error) => super::assembling::no_room(&error),
                    CommitError::Save(error) => unsaved(&error),
                })
            }
        }
    }

    /// Saves a turn that waits: both states under names of the sandbox, then what ties
    /// them to the turn. Says whether it could be: a turn that a call holds waits in memory
    /// alone. The state before the turn may be one that the sandbox's own name does not
    /// lead to, so that there is more in the session than was saved in any case.
    pub(super) fn save_waiting(
        &self,
        entry: &Entry,
        body: &mut Body,
        turn: &Turn,
    ) -> Result<bool, ServiceError> {
        let durability = turn.durability;
        body.is_unsaved = true;
        let head = self.head(entry, body)?;
        let Kind::Client(session) = &mut body.kind else {
            return Err(ServiceError::internal(
                "a sandbox without client tools waits",
            ));
        };
        let request = turn.keyed.clone();
        let Suspension { state, start, turn } = match session.save() {
            Ok(saved) => saved,
            // A call holds the turn, which cannot be run again.
            Err(SuspensionError::State { .. }) => return Ok(false),
            Err(error) => return Err(self.suspension_failed(entry, body, &error)),
        };
        let store = self.store(durability).as_ref();
        let image = &entry.profile.image;
        let put = |encoded, name: &str| -> Result<SnapshotId, Error> {
            let saved = for_store(encoded)?;
            let draft = RecordDraft {
                status: "waiting".to_owned(),
                ..RecordDraft::new(image, entry.turns.load(Ordering::Relaxed))
            };
            let id = store.put(&saved, &draft)?.id;
            let known = store.session(name)?.map(|head| head.snapshot);
            if known != Some(id) {
                store.set_session(name, known, id)?;
            }
            Ok(id)
        };
        let [now, before] = entry.waiting_names();
        let written = || -> Result<WaitingRecord, Error> {
            Ok(WaitingRecord {
                version: VERSION,
                head: head.map(text_of),
                state: state
                    .map(|state| put(state, &now))
                    .transpose()?
                    .map(text_of),
                start: text_of(put(start, &before)?),
                turn,
                request,
            })
        };
        let record = written().map_err(|error| unsaved(&error))?;
        let durable = durability == Durability::Power;
        let written = self
            .folder
            .write_waiting(entry.tenant.name(), &entry.id, &record, durable);
        written.map_err(|error| super::assembling::no_room(&error))?;
        Ok(true)
    }

    /// Forgets a turn that waits no more.
    pub(super) fn forget_waiting(&self, entry: &Entry) {
        let removed = self.folder.remove_waiting(entry.tenant.name(), &entry.id);
        if let Err(error) = removed {
            // It names a state that the sandbox has left, and means nothing any more.
            tracing::warn!(sandbox = %entry.id, %error, "a turn that is over stays on disk");
        }
        let store = self.store(Durability::Process);
        for name in entry.waiting_names() {
            // There may be none.
            let _absent = store.remove_session(&name);
        }
    }
}

/// A turn that ran and could not be saved.
fn unsaved(error: &Error) -> ServiceError {
    let error = match error {
        Error::Save { source, .. } => source.as_ref(),
        error => error,
    };
    let mut told = match error {
        Error::Store(error) => store_failed(error),
        error => ServiceError::internal(error.to_string()),
    };
    told.message = format!(
        "{}; the turn is undone, and the sandbox as after its last saved turn",
        told.message
    );
    told
}
