//! How the interface of all stores maps onto a place.

use std::time::SystemTime;

use crate::backend::{Backend, Key};
use crate::codec::{decode_chunk, decode_pointer, decode_snapshot, encode_pointer};
use crate::put::When;
use crate::record::unix_ms;
use crate::{
    Digest, Error, GcReport, Record, RecordDraft, Retention, Saved, SessionHead, SessionLock,
    SnapshotId, SnapshotStore, check_session_name, collection, put, trail,
};

impl<B: Backend> SnapshotStore for B {
    fn put(&self, saved: &Saved, draft: &RecordDraft) -> Result<Record, Error> {
        put::put(self, saved, draft, When::Now)
    }

    fn get(&self, id: &SnapshotId) -> Result<(Record, Vec<u8>), Error> {
        let key = Key::snapshot(id);
        let object = self.read(&key)?.ok_or(Error::NoSnapshot { id: *id })?;
        let (record, head) =
            decode_snapshot(&object, id).map_err(|flaw| flaw.at(self.place(&key)))?;
        Ok((record, head.to_vec()))
    }

    fn chunk(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        read_chunk(self, digest, self.read(&Key::chunk(digest))?)
    }

    fn chunks(&self, digests: &[Digest]) -> Result<Vec<Vec<u8>>, Error> {
        let keys: Vec<Key> = digests.iter().map(Key::chunk).collect();
        let objects = self.read_many(&keys)?;
        let pairs = digests.iter().zip(objects);
        pairs
            .map(|(digest, object)| read_chunk(self, digest, object))
            .collect()
    }

    fn session(&self, name: &str) -> Result<Option<SessionHead>, Error> {
        check_session_name(name)?;
        let read = |object: Vec<u8>| {
            decode_pointer(&object, name).map_err(|flaw| flaw.at(self.place_pointer(name)))
        };
        self.read_pointer(name)?.map(read).transpose()
    }

    fn set_session(
        &self,
        name: &str,
        expected: Option<SnapshotId>,
        new: SnapshotId,
    ) -> Result<(), Error> {
        check_session_name(name)?;
        let pass = self.enter()?;
        self.get(&new)?;
        name_it(self, pass, name, expected, new)
    }

    fn put_named(
        &self,
        saved: &Saved,
        draft: &RecordDraft,
        name: &str,
        expected: Option<SnapshotId>,
        note: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<Option<Record>, Error> {
        check_session_name(name)?;
        let record = put::put(self, saved, draft, When::Named)?;
        if !note(&record) {
            return Ok(None);
        }
        match expected == Some(record.id) {
            // The same state as before: the name leads there.
            true => self.settle()?,
            // It is young, and not collected.
            false => name_it(self, self.enter()?, name, expected, record.id)?,
        }
        Ok(Some(record))
    }

    fn sessions(&self) -> Result<Vec<SessionHead>, Error> {
        let names = self.list_pointers()?;
        let heads = names.iter().map(|name| self.session(name));
        heads.filter_map(Result::transpose).collect()
    }

    fn remove_session(&self, name: &str) -> Result<(), Error> {
        check_session_name(name)?;
        match self.remove_pointer(name)? {
            true => Ok(()),
            false => Err(Error::NoSession {
                name: name.to_owned(),
            }),
        }
    }

    fn trail(&self, id: &SnapshotId) -> Result<Vec<Record>, Error> {
        trail::trail(self, id)
    }

    fn gc(&self, retention: &Retention, now: SystemTime) -> Result<GcReport, Error> {
        collection::collect(self, retention, now)
    }

    fn lock_session(&self, name: &str) -> Result<SessionLock, Error> {
        check_session_name(name)?;
        self.lock(name)
    }
}

fn read_chunk<B: Backend>(
    backend: &B,
    digest: &Digest,
    object: Option<Vec<u8>>,
) -> Result<Vec<u8>, Error> {
    let object = object.ok_or(Error::MissingChunk { digest: *digest })?;
    decode_chunk(&object, digest).map_err(|flaw| flaw.at(backend.place(&Key::chunk(digest))))
}

/// Moves a name to a snapshot that is there.
fn name_it<B: Backend>(
    backend: &B,
    pass: B::Pass<'_>,
    name: &str,
    expected: Option<SnapshotId>,
    new: SnapshotId,
) -> Result<(), Error> {
    swap(backend, name, expected, new)?;
    if backend.intact(&pass)? {
        return Ok(());
    }
    // A sweep may have missed the new name. Once it is over, what is still
    // there was kept: snapshots go before their chunks.
    drop(pass);
    let _pass = backend.enter()?;
    match backend.read(&Key::snapshot(&new))? {
        Some(_) => Ok(()),
        None => {
            match expected {
                Some(expected) => swap(backend, name, Some(new), expected)?,
                None => drop(backend.remove_pointer(name)?),
            }
            Err(Error::NoSnapshot { id: new })
        }
    }
}

fn swap<B: Backend>(
    backend: &B,
    name: &str,
    expected: Option<SnapshotId>,
    new: SnapshotId,
) -> Result<(), Error> {
    let written = encode_pointer(&SessionHead {
        name: name.to_owned(),
        snapshot: new,
        updated_unix_ms: unix_ms(SystemTime::now()),
    });
    backend.swap_pointer(name, &|current| {
        let found = current
            .map(|object| decode_pointer(object, name))
            .transpose()
            .map_err(|flaw| flaw.at(backend.place_pointer(name)))?
            .map(|head| head.snapshot);
        if found != expected {
            return Err(Error::Conflict {
                name: name.to_owned(),
                expected,
                found,
            });
        }
        Ok(written.clone())
    })
}
