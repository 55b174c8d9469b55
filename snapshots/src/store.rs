//! The interface of all stores.

use std::time::SystemTime;

use crate::{
    Digest, Error, GcReport, Record, RecordDraft, Retention, Saved, SessionHead, SessionLock,
    SnapshotId,
};

/// A place where saved states live.
///
/// Every method may be called from any number of threads and, unless the store
/// is in memory, processes at once. Nothing that is read is trusted: bytes
/// that are not what was stored are [`Error::Damaged`].
pub trait SnapshotStore: Send + Sync {
    /// Saves a state. Once this returns, it is as durable as the store is.
    ///
    /// A state that is already there is left as it is and its first record
    /// returned, label and parent included.
    ///
    /// # Errors
    /// [`Error::MissingChunk`] for a chunk neither given nor there,
    /// [`Error::TooLarge`] and [`Error::WrongDigest`] for what may not be
    /// stored, [`Error::Full`] and [`Error::ReadOnly`] where there is no room.
    fn put(&self, saved: &Saved, draft: &RecordDraft) -> Result<Record, Error>;

    /// A snapshot's record and head.
    ///
    /// # Errors
    /// [`Error::NoSnapshot`], [`Error::Damaged`].
    fn get(&self, id: &SnapshotId) -> Result<(Record, Vec<u8>), Error>;

    /// A chunk's bytes.
    ///
    /// # Errors
    /// [`Error::MissingChunk`], [`Error::Damaged`].
    fn chunk(&self, digest: &Digest) -> Result<Vec<u8>, Error>;

    /// Many chunks' bytes, in order; a remote store fetches them at once.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk), for the first chunk that has one.
    fn chunks(&self, digests: &[Digest]) -> Result<Vec<Vec<u8>>, Error> {
        digests.iter().map(|digest| self.chunk(digest)).collect()
    }

    /// Where a session stands.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Damaged`].
    fn session(&self, name: &str) -> Result<Option<SessionHead>, Error>;

    /// Moves a session from `expected` to `new`; with no `expected`, names a
    /// new one. Compares and swaps: of two writers, one gets the conflict.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it stands elsewhere, [`Error::NoSnapshot`] if
    /// `new` is not in the store.
    fn set_session(
        &self,
        name: &str,
        expected: Option<SnapshotId>,
        new: SnapshotId,
    ) -> Result<(), Error>;

    /// Saves a state and moves a session to it, as [`put`](Self::put) and
    /// [`set_session`](Self::set_session) do. A store that can makes both durable at once.
    ///
    /// In between, `note` is given the record: what it keeps of the state counts once the
    /// session has moved there. Where it says no, the session does not move, and there is
    /// no record.
    ///
    /// # Errors
    /// As [`put`](Self::put) and [`set_session`](Self::set_session).
    fn put_named(
        &self,
        saved: &Saved,
        draft: &RecordDraft,
        name: &str,
        expected: Option<SnapshotId>,
        note: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<Option<Record>, Error> {
        let record = self.put(saved, draft)?;
        if !note(&record) {
            return Ok(None);
        }
        // The same state as before: the name leads there.
        if expected != Some(record.id) {
            self.set_session(name, expected, record.id)?;
        }
        Ok(Some(record))
    }

    /// All sessions, by name.
    ///
    /// # Errors
    /// [`Error::Damaged`] for the first that cannot be read.
    fn sessions(&self) -> Result<Vec<SessionHead>, Error>;

    /// Forgets a session's name, readable or not. Its snapshots stay until
    /// they are collected.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    fn remove_session(&self, name: &str) -> Result<(), Error>;

    /// A snapshot and its ancestors, newest first, at most
    /// [`TRAIL_RECORDS_MAX`](crate::TRAIL_RECORDS_MAX), none twice. Where a
    /// record's parent is not the next record's id, what lay between was
    /// collected.
    ///
    /// # Errors
    /// [`Error::NoSnapshot`], [`Error::Damaged`].
    fn trail(&self, id: &SnapshotId) -> Result<Vec<Record>, Error>;

    /// Removes what neither a session nor `retention` keeps. Others may go on
    /// reading and writing meanwhile; a crash leaves nothing kept in ruins.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a session or a snapshot on a trail cannot be
    /// read: what it needs is not known, so nothing is removed.
    fn gc(&self, retention: &Retention, now: SystemTime) -> Result<GcReport, Error>;

    /// Takes the right to run a session, without waiting.
    ///
    /// # Errors
    /// [`Error::SessionInUse`] names the holder.
    fn lock_session(&self, name: &str) -> Result<SessionLock, Error>;
}
