//! The one writer: waits for its turn, follows what others journalled, and
//! settles what a killed one left.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, unlinkat};

use crate::journal::{Head, Journal, Lock, LockFile};
use crate::ledger::Ledger;
use crate::path::TEMPORARY;
use crate::place::{Last, Place};
use crate::transaction::Transaction;
use crate::{Author, Change, Content, Error, Memory, Options, files};

/// The state of a memory between its changes.
#[derive(Default)]
pub(crate) struct Writer {
    lock: Option<LockFile>,
    journal: Option<Journal>,
    ledger: Ledger,
}

impl Memory {
    /// Runs one or several changes under the memory's lock.
    pub(crate) fn change<T>(
        &self,
        author: Author<'_>,
        make: impl FnOnce(&mut Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.check_root()?;
        let wait = wait_of(author, self.options().lock_wait_max);
        let wait_until = Instant::now() + wait;
        let Some(mut writer) = self.writer().try_lock_until(wait_until) else {
            return Err(Error::Busy {
                waited_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            });
        };
        let Writer {
            lock,
            journal,
            ledger,
        } = &mut *writer;
        if lock.as_ref().is_none_or(LockFile::is_stale) {
            *lock = Some(LockFile::open(self.root(), true)?);
            *journal = None;
        }
        let Some(file) = lock else {
            return Err(Error::Gone);
        };
        let lock = file.lock(wait_until.saturating_duration_since(Instant::now()))?;
        let journal = caught_up(journal, file)?;
        settle(self.root(), &lock, journal, self.options())?;
        let mut transaction = Transaction {
            memory: self,
            author,
            lock,
            journal,
            ledger,
        };
        make(&mut transaction)
    }
}

fn wait_of(author: Author<'_>, wait_max: Duration) -> Duration {
    let left = author
        .deadline
        .map(|deadline| deadline.saturating_duration_since(Instant::now()));
    left.map_or(wait_max, |left| left.min(wait_max))
}

fn caught_up<'j>(
    journal: &'j mut Option<Journal>,
    file: &LockFile,
) -> Result<&'j mut Journal, Error> {
    let is_current = match journal.as_mut() {
        Some(journal) => journal.catch_up()?,
        None => false,
    };
    if !is_current {
        *journal = None;
    }
    match journal {
        Some(journal) => Ok(journal),
        None => Ok(journal.insert(Journal::open(file.records())?)),
    }
}

impl Writer {
    /// Puts in order what a killed writer left, if the memory has records and
    /// no other process is writing.
    pub(crate) fn recover(&mut self, root: BorrowedFd<'_>, options: &Options) -> Result<(), Error> {
        let file = LockFile::open(root, false)?;
        {
            let lock = file.lock(Duration::ZERO)?;
            let journal = caught_up(&mut self.journal, &file)?;
            settle(root, &lock, journal, options)?;
        }
        self.lock = Some(file);
        Ok(())
    }
}

/// Finds out whether the newest change happened, if its writer could not say.
pub(crate) fn settle(
    root: BorrowedFd<'_>,
    lock: &Lock<'_>,
    journal: &mut Journal,
    options: &Options,
) -> Result<(), Error> {
    let Some(last) = journal.last().cloned() else {
        return Ok(());
    };
    let id = last.change.id;
    if lock.finished() == id || last.abandons.is_some() {
        return Ok(());
    }
    if let Ok(place) = Place::find(root, &last.change.path, Last::Keep) {
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
