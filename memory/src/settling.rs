//! Settling what a writer left that was killed, and reading what stands where.

use rustix::fs::{AtFlags, FileType, unlinkat};

use crate::journal::{Head, Journal, Lock};
use crate::path::TEMPORARY;
use crate::place::{Last, Place};
use crate::root::Root;
use crate::{Change, Content, Error, Options, files};

/// Finds out whether the newest change happened, if its writer could not say.
pub(crate) fn settle(root: &Root, lock: &Lock<'_>, journal: &mut Journal) -> Result<(), Error> {
    let options = root.options();
    let Some(last) = journal.last().cloned() else {
        return Ok(());
    };
    let id = last.change.id;
    if lock.finished() == id || last.abandons.is_some() {
        return Ok(());
    }
    if let Ok(place) = root.find(&last.change.path, Last::Keep) {
        // Most often there is none.
        let _ = unlinkat(place.directory(), temporary(id), AtFlags::empty());
        let (now, _) = content(&place, options.limits.file_bytes_max)?;
        if now == last.change.before && now != last.change.after {
            abandon(journal, last, options)?;
        }
    }
    let newest = journal.last().map_or(id, |head| head.change.id);
    lock.finish(newest);
    Ok(())
}

fn abandon(journal: &mut Journal, head: Head, options: &Options) -> Result<(), Error> {
    let id = head.change.id;
    let head = Head {
        change: Change {
            id: journal.next_id(),
            ..head.change
        },
        abandons: Some(id),
        grown: journal.grown(),
    };
    journal.append(head, &[], &[], options.retention, options.durability)
}

pub(crate) fn temporary(id: u64) -> String {
    format!(".{id}{TEMPORARY}")
}

/// The content of a place, with its bytes if the journal can keep them.
pub(crate) fn content(place: &Place<'_>, limit: u64) -> Result<(Content, Vec<u8>), Error> {
    let not_kept = || {
        let size = place.stat.map_or(0, |stat| stat.st_size);
        Content::NotKept {
            bytes: u64::try_from(size).unwrap_or(0),
        }
    };
    match place.file_type() {
        None => Ok((Content::Absent, Vec::new())),
        Some(FileType::Directory) => Ok((Content::Directory, Vec::new())),
        Some(FileType::RegularFile) => match files::read(place, "read", limit) {
            Ok(bytes) => Ok((Content::of(&bytes), bytes)),
            Err(error) if error.is_not_found() => Ok((Content::Absent, Vec::new())),
            Err(Error::TooLarge { .. } | Error::NotAFile { .. }) => Ok((not_kept(), Vec::new())),
            Err(error) if error.is_denied() => Ok((not_kept(), Vec::new())),
            Err(error) => Err(error),
        },
        Some(_) => Ok((not_kept(), Vec::new())),
    }
}
