//! A change: within the limits, journalled before it happens.

use std::os::fd::BorrowedFd;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, Mode, mkdirat, unlinkat};
use rustix::io::Errno;

use crate::journal::{Grown, Head, Journal, Lock};
use crate::ledger::Ledger;
use crate::path::FILTERS;
use crate::place::{Last, Place};
use crate::root::Root;
use crate::settling::{content, settle, temporary};
use crate::{Author, Change, Content, Durability, Error, files};

/// The longest names of sessions and tools that are journalled.
const AUTHOR_CHARS_MAX: usize = 200;

/// A change under way: the lock is held.
pub(crate) struct Transaction<'t> {
    pub(crate) root: &'t Root,
    pub(crate) author: Author<'t>,
    pub(crate) lock: Lock<'t>,
    pub(crate) journal: &'t mut Journal,
    pub(crate) ledger: &'t mut Ledger,
}

impl<'t> Transaction<'t> {
    pub(crate) fn find(&self, path: &str, last: Last) -> Result<Place<'t>, Error> {
        self.root.find(path, last)
    }

    /// Fails if the place is the memory's own.
    pub(crate) fn check_writable(&self, place: &Place<'_>) -> Result<(), Error> {
        match place.canonical().eq_ignore_ascii_case(FILTERS) {
            true => Err(Error::Reserved {
                path: place.given.clone(),
            }),
            false => Ok(()),
        }
    }

    pub(crate) fn file_bytes_max(&self) -> u64 {
        self.root.limits().file_bytes_max
    }

    pub(crate) fn is_extended(&self) -> bool {
        self.root.is_extended()
    }

    /// The content of a place.
    pub(crate) fn content(&self, place: &Place<'_>) -> Result<(Content, Vec<u8>), Error> {
        content(place, self.root.limits().file_bytes_max)
    }

    /// A content that the journal keeps.
    pub(crate) fn kept(&self, content: &Content) -> Result<Option<Vec<u8>>, Error> {
        self.journal.content(content)
    }

    /// Puts a file at a place.
    pub(crate) fn put(
        &mut self,
        mut place: Place<'_>,
        bytes: &[u8],
        undoes: Option<u64>,
    ) -> Result<(), Error> {
        place.name()?;
        let (before, before_bytes) = self.content(&place)?;
        if before == Content::Directory {
            return Err(place.system(Errno::ISDIR));
        }
        let limit = self.root.limits().file_bytes_max;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge {
                path: place.given.clone(),
                action: "create",
                bytes: bytes.len() as u64,
                limit,
            });
        }
        let after = Content::of(bytes);
        let growth = growth(&place, &before, &after);
        self.check_limits(&place, growth)?;
        let change = self.draft(&place, before, after, undoes);
        let durability = self.root.options().durability;
        let (root, makes_directories) = (self.root, place.missing() > 0);
        self.journalled(change, growth, (&before_bytes, bytes), |temporary| {
            place.make_missing()?;
            files::replace(&place, temporary, bytes, durability)?;
            match makes_directories && durability == Durability::PowerCut {
                true => root.flush(),
                false => Ok(()),
            }
        })
    }

    /// Removes what stands at a place and is no directory.
    pub(crate) fn remove(&mut self, place: &Place<'_>, undoes: Option<u64>) -> Result<(), Error> {
        let name = place.name()?;
        let (before, before_bytes) = self.content(place)?;
        match before {
            Content::Absent => return Err(place.system(Errno::NOENT)),
            Content::Directory => return Err(place.system(Errno::ISDIR)),
            _ => {}
        }
        let change = self.draft(place, before, Content::Absent, undoes);
        let durability = self.root.options().durability;
        self.journalled(change, Grown::default(), (&before_bytes, &[]), |_| {
            unlinkat(place.directory(), name, AtFlags::empty())
                .and_then(|()| files::sync_directory(place.directory(), durability))
                .map_err(|errno| place.system(errno))
        })
    }

    /// Makes a directory; that it is there already is fine.
    pub(crate) fn make_directory(
        &mut self,
        mut place: Place<'_>,
        undoes: Option<u64>,
    ) -> Result<(), Error> {
        match place.file_type() {
            Some(FileType::Directory) => return Ok(()),
            Some(_) => return Err(place.system(Errno::EXIST)),
            None => {}
        }
        let name = place.name()?.to_owned();
        let growth = growth(&place, &Content::Absent, &Content::Directory);
        self.check_limits(&place, growth)?;
        let change = self.draft(&place, Content::Absent, Content::Directory, undoes);
        let durability = self.root.options().durability;
        self.journalled(change, growth, (&[], &[]), |_| {
            place.make_missing()?;
            let made = mkdirat(place.directory(), &name, Mode::from_raw_mode(0o777));
            match made {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(place.system(errno)),
            }
            files::sync_directory(place.directory(), durability)
                .map_err(|errno| place.system(errno))
        })
    }

    /// Removes an empty directory.
    pub(crate) fn remove_directory(
        &mut self,
        place: &Place<'_>,
        undoes: Option<u64>,
    ) -> Result<(), Error> {
        let name = place.name()?;
        let change = self.draft(place, Content::Directory, Content::Absent, undoes);
        self.journalled(change, Grown::default(), (&[], &[]), |_| {
            unlinkat(place.directory(), name, AtFlags::REMOVEDIR)
                .map_err(|errno| place.system(errno))
        })
    }

    /// Removes a directory that a change made on its way, unless others have
    /// put something there since. Nothing is lost, so it is not journalled.
    pub(crate) fn remove_if_empty(&self, path: &str) {
        if let Ok(place) = self.find(path, Last::Keep)
            && let Ok(name) = place.name()
        {
            let _ = unlinkat(place.directory(), name, AtFlags::REMOVEDIR);
        }
    }

    /// Forgets the past and what was added up.
    pub(crate) fn forget(&mut self, records: BorrowedFd<'_>) -> Result<(), Error> {
        self.ledger.forget();
        Journal::remove(records)?;
        *self.journal = Journal::open(records)?;
        self.lock.finish(0);
        Ok(())
    }

    fn check_limits(&mut self, place: &Place<'_>, growth: Grown) -> Result<(), Error> {
        let root = self.root;
        let grown = self.journal.grown();
        self.ledger
            .check(root.handle(), root.limits(), place, growth, grown)
    }

    fn draft(
        &self,
        place: &Place<'_>,
        before: Content,
        after: Content,
        undoes: Option<u64>,
    ) -> Change {
        let short = |text: &str| text.chars().take(AUTHOR_CHARS_MAX).collect();
        let made = place.ancestors();
        let made_from = made.len().saturating_sub(place.missing());
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        Change {
            id: self.journal.next_id(),
            time_ms: time.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(0)),
            session: short(self.author.session),
            tool: short(self.author.tool),
            path: place.canonical(),
            before,
            after,
            undoes,
            made: made.into_iter().skip(made_from).collect(),
            undone: false,
        }
    }

    /// Writes the change down, makes it, and notes that it is finished or that
    /// it did not happen.
    fn journalled(
        &mut self,
        change: Change,
        growth: Grown,
        (before, after): (&[u8], &[u8]),
        make: impl FnOnce(&str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let options = self.root.options();
        let grown = self.journal.grown();
        let id = change.id;
        let head = Head {
            change,
            abandons: None,
            grown: Grown {
                bytes: grown.bytes.saturating_add(growth.bytes),
                entries: grown.entries.saturating_add(growth.entries),
            },
        };
        self.journal
            .append(head, before, after, options.retention, options.durability)?;
        match make(&temporary(id)) {
            Ok(()) => {
                self.lock.finish(id);
                Ok(())
            }
            Err(error) => {
                // If this cannot be written either, the next writer does it.
                let _ = settle(self.root, &self.lock, self.journal);
                Err(error)
            }
        }
    }
}

fn growth(place: &Place<'_>, before: &Content, after: &Content) -> Grown {
    let is_new = *before == Content::Absent;
    Grown {
        bytes: after.bytes().saturating_sub(before.bytes()),
        entries: u64::from(is_new) + place.missing() as u64,
    }
}
