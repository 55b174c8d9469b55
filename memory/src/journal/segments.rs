//! The segments together: caught up with, appended to, dropped when old.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, Mode, mkdirat, openat, statat, unlinkat};
use rustix::io::Errno;

use super::record::{Grown, Head};
use super::segment::{self, Segment, Tail};
use crate::place::DIRECTORY;
use crate::{Content, ContentDigest, Durability, Error, Retention, files};

const JOURNAL: &str = "journal";
const PLACE: &str = ".memex/journal";

/// The journal, as a writer sees it.
pub(crate) struct Journal {
    directory: OwnedFd,
    current: Segment,
    torn: bool,
    last: Option<Head>,
}

impl Journal {
    /// Opens the journal and reads its newest segment; call with the lock held.
    pub(crate) fn open(records: BorrowedFd<'_>) -> Result<Self, Error> {
        match mkdirat(records, JOURNAL, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno)),
        }
        let directory = open_directory(records)?;
        let numbers = numbers(directory.as_fd())?;
        // A torn segment may hold no record at all: ids go on from the one before.
        let mut last = None;
        let newest = numbers.last().copied();
        for number in numbers.iter().rev().skip(1) {
            let mut segment = Segment::open(directory.as_fd(), *number, false).map_err(failed)?;
            segment.read_on(|head| last = Some(head)).map_err(failed)?;
            if last.is_some() {
                break;
            }
        }
        let current = Segment::open(directory.as_fd(), newest.unwrap_or(1), true);
        let mut journal = Self {
            current: current.map_err(failed)?,
            directory,
            torn: false,
            last,
        };
        journal.read_on()?;
        Ok(journal)
    }

    fn read_on(&mut self) -> Result<(), Error> {
        let last = &mut self.last;
        let tail = self.current.read_on(|head| *last = Some(head));
        self.torn = tail.map_err(failed)? == Tail::Torn;
        Ok(())
    }

    /// Reads what others appended; false if the journal was replaced under us
    /// and has to be opened again.
    pub(crate) fn catch_up(&mut self) -> Result<bool, Error> {
        loop {
            let (size, is_named) = self.current.size().map_err(failed)?;
            if !is_named || size < self.current.end {
                return Ok(false);
            }
            if size > self.current.end {
                self.read_on()?;
            }
            let next = self.current.number.saturating_add(1);
            match statat(
                &self.directory,
                segment::name(next),
                AtFlags::SYMLINK_NOFOLLOW,
            ) {
                Ok(_) => {
                    let next = Segment::open(self.directory.as_fd(), next, true);
                    self.current = next.map_err(failed)?;
                    self.torn = false;
                }
                Err(Errno::NOENT) => return Ok(true),
                Err(errno) => return Err(failed(errno)),
            }
        }
    }

    /// The newest record.
    pub(crate) fn last(&self) -> Option<&Head> {
        self.last.as_ref()
    }

    pub(crate) fn next_id(&self) -> u64 {
        let last = self.last.as_ref().map_or(0, |head| head.change.id);
        last.saturating_add(1)
    }

    pub(crate) fn grown(&self) -> Grown {
        self.last
            .as_ref()
            .map(|head| head.grown)
            .unwrap_or_default()
    }

    /// Appends a record.
    pub(crate) fn append(
        &mut self,
        head: Head,
        before: &[u8],
        after: &[u8],
        retention: Retention,
        durability: Durability,
    ) -> Result<(), Error> {
        if self.torn || self.current.end >= retention.segment_bytes {
            self.rotate(retention, durability)?;
        }
        if let Err(error) = self.current.append(&head, before, after) {
            // It may be partly written: the next writer begins a new one.
            self.torn = true;
            return Err(error);
        }
        if durability == Durability::PowerCut {
            let synced = self.current.sync();
            synced.map_err(|e| failed(Errno::from_io_error(&e).unwrap_or(Errno::IO)))?;
        }
        self.last = Some(head);
        Ok(())
    }

    fn rotate(&mut self, retention: Retention, durability: Durability) -> Result<(), Error> {
        let next = self.current.number.saturating_add(1);
        let directory = self.directory.as_fd();
        self.current = Segment::open(directory, next, true).map_err(failed)?;
        self.torn = false;
        let mut sizes = Vec::new();
        for number in numbers(directory)? {
            let stat = statat(directory, segment::name(number), AtFlags::SYMLINK_NOFOLLOW);
            let size = stat.map_err(failed)?.st_size;
            sizes.push((number, u64::try_from(size).unwrap_or(0)));
        }
        let mut total: u64 = sizes.iter().map(|(_, size)| size).sum();
        for (number, size) in sizes {
            let fits = total.saturating_add(retention.segment_bytes) <= retention.journal_bytes_max;
            if fits || number >= next {
                break;
            }
            unlinkat(directory, segment::name(number), AtFlags::empty()).map_err(failed)?;
            total -= size;
        }
        files::sync_directory(directory, durability).map_err(failed)
    }

    /// Everything that can be read of a journal, oldest first, without a lock.
    pub(crate) fn read_all(records: BorrowedFd<'_>) -> Result<Vec<Head>, Error> {
        let directory = match open_directory(records) {
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            other => other?,
        };
        let mut heads = Vec::new();
        for number in numbers(directory.as_fd())? {
            match Segment::open(directory.as_fd(), number, false) {
                Ok(mut segment) => {
                    segment.read_on(|head| heads.push(head)).map_err(failed)?;
                }
                // Dropped by a writer in between.
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        Ok(heads)
    }

    /// A content, from whichever segment holds it.
    pub(crate) fn content(&self, content: &Content) -> Result<Option<Vec<u8>>, Error> {
        let Content::File { digest, bytes } = content else {
            return Ok(None);
        };
        if *bytes == 0 {
            return Ok(Some(Vec::new()));
        }
        if let Some(bytes) = self.current.content(digest) {
            return Ok(Some(bytes));
        }
        self.older_content(digest)
    }

    fn older_content(&self, digest: &ContentDigest) -> Result<Option<Vec<u8>>, Error> {
        for number in numbers(self.directory.as_fd())?.into_iter().rev() {
            let segment = Segment::open(self.directory.as_fd(), number, false);
            let mut segment = segment.map_err(failed)?;
            segment.read_on(|_| ()).map_err(failed)?;
            if let Some(bytes) = segment.content(digest) {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Forgets everything.
    pub(crate) fn remove(records: BorrowedFd<'_>) -> Result<(), Error> {
        let directory = match open_directory(records) {
            Err(error) if error.is_not_found() => return Ok(()),
            other => other?,
        };
        for number in numbers(directory.as_fd())? {
            let removed = unlinkat(&directory, segment::name(number), AtFlags::empty());
            removed.map_err(failed)?;
        }
        Ok(())
    }
}

fn open_directory(records: BorrowedFd<'_>) -> Result<OwnedFd, Error> {
    openat(records, JOURNAL, DIRECTORY, Mode::empty()).map_err(failed)
}

fn numbers(directory: BorrowedFd<'_>) -> Result<Vec<u32>, Error> {
    let mut numbers = Vec::new();
    for entry in Dir::read_from(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_str().ok();
        let digits = name.filter(|name| name.len() == 8);
        let number: Option<u32> = digits.and_then(|name| name.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn failed(errno: Errno) -> Error {
    Error::system(errno, PLACE)
}
