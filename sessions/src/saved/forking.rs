//! Another name for a session's state.

use memex_runtime::{Generators, without_generators};
use memex_snapshots::{Record, RecordDraft, Saved, SnapshotStore};

use super::history::{at_turn, head_of};
use crate::error::Error;

/// Gives the state of a session another name, which goes its own way from
/// there: with random generators of its own, unless they are to be kept. Without
/// a turn, the newest state.
///
/// # Errors
/// [`Error::NoSession`], [`Error::NoTurn`], [`Error::SessionExists`] when the new name is
/// taken, and [`Error::Store`].
pub fn fork(
    store: &dyn SnapshotStore,
    name: &str,
    new: &str,
    turn: Option<u64>,
    generators: Generators,
) -> Result<Record, Error> {
    let id = match turn {
        Some(turn) => at_turn(store, name, turn)?.id,
        None => head_of(store, name)?,
    };
    let _lock = store.lock_session(new)?;
    if store.session(new)?.is_some() {
        return Err(Error::SessionExists {
            name: new.to_owned(),
        });
    }
    let (mut record, head) = store.get(&id)?;
    if generators == Generators::Fresh {
        record = put_reseeded(store, &record, &head)?;
    }
    store.set_session(new, None, record.id)?;
    Ok(record)
}

/// Puts the same state under a head that leaves the generators out.
fn put_reseeded(store: &dyn SnapshotStore, record: &Record, head: &[u8]) -> Result<Record, Error> {
    let saved = Saved {
        head: without_generators(head)?,
        chunks: Vec::new(),
        chunk_ids: record.chunk_ids.clone(),
    };
    let draft = RecordDraft {
        parent: record.parent,
        turn: record.turn,
        image: record.image.clone(),
        first_line: record.first_line.clone(),
        status: record.status.clone(),
        time_unix_ms: record.time_unix_ms,
        label: None,
    };
    Ok(store.put(&saved, &draft)?)
}
