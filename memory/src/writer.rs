//! The one writer: waits for its turn, and follows what others journalled.

use std::time::{Duration, Instant};

use crate::journal::{Journal, LockFile};
use crate::ledger::Ledger;
use crate::root::Root;
use crate::settling::settle;
use crate::transaction::Transaction;
use crate::{Author, Error};

/// The state of a memory between its changes.
#[derive(Default)]
pub(crate) struct Writer {
    lock: Option<LockFile>,
    journal: Option<Journal>,
    ledger: Ledger,
}

impl Writer {
    /// Runs one or several changes under the lock, once no other process has it.
    pub(crate) fn change<T>(
        &mut self,
        root: &Root,
        author: Author<'_>,
        wait_until: Instant,
        make: impl FnOnce(&mut Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Self {
            lock,
            journal,
            ledger,
        } = self;
        if lock.as_ref().is_none_or(LockFile::is_stale) {
            *lock = Some(LockFile::open(root.handle(), true)?);
            *journal = None;
        }
        let Some(file) = lock else {
            return Err(Error::Gone);
        };
        let lock = file.lock(wait_until.saturating_duration_since(Instant::now()))?;
        let journal = caught_up(journal, file)?;
        settle(root, &lock, journal)?;
        let mut transaction = Transaction {
            root,
            author,
            lock,
            journal,
            ledger,
        };
        make(&mut transaction)
    }

    /// Puts in order what a killed writer left, if the memory has records and
    /// no other process is writing.
    pub(crate) fn recover(&mut self, root: &Root) -> Result<(), Error> {
        let file = LockFile::open(root.handle(), false)?;
        {
            let lock = file.lock(Duration::ZERO)?;
            let journal = caught_up(&mut self.journal, &file)?;
            settle(root, &lock, journal)?;
        }
        self.lock = Some(file);
        Ok(())
    }
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
