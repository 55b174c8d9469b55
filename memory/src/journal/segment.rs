//! One file of the journal.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;

use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use super::record::{self, Head, PREFIX_BYTES, Prefix};
use crate::{Content, ContentDigest, Error};

/// A segment as far as it has been read.
pub(super) struct Segment {
    pub(super) number: u32,
    file: File,
    /// The offset of the next record.
    pub(super) end: u64,
    /// The offsets of contents.
    contents: HashMap<ContentDigest, (u64, u32)>,
}

/// What follows the records that could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    Clean,
    /// A record that a killed writer left unfinished, or damage.
    Torn,
}

/// A segment's name.
pub(super) fn name(number: u32) -> String {
    format!("{number:08}")
}

impl Segment {
    pub(super) fn open(journal: BorrowedFd<'_>, number: u32, make: bool) -> Result<Self, Errno> {
        let mut flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        flags |= match make {
            true => OFlags::RDWR | OFlags::CREATE,
            false => OFlags::RDONLY,
        };
        let handle = openat(journal, name(number), flags, Mode::from_raw_mode(0o600))?;
        let stat = fstat(&handle)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Errno::INVAL);
        }
        Ok(Self {
            number,
            file: File::from(handle),
            end: 0,
            contents: HashMap::new(),
        })
    }

    /// The size on disk, and whether the file still has a name.
    pub(super) fn size(&self) -> Result<(u64, bool), Errno> {
        let stat = fstat(&self.file)?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        Ok((size, stat.st_nlink > 0))
    }

    /// Reads the records that were appended since, and calls `each` with them.
    pub(super) fn read_on(&mut self, mut each: impl FnMut(Head)) -> Result<Tail, Errno> {
        let (size, _) = self.size()?;
        while self.end < size {
            let Some((head, bytes)) = self.read_one(size) else {
                return Ok(Tail::Torn);
            };
            self.end = self.end.saturating_add(bytes);
            each(head);
        }
        Ok(Tail::Clean)
    }

    fn read_one(&mut self, size: u64) -> Option<(Head, u64)> {
        let mut prefix = [0; PREFIX_BYTES];
        self.file.read_exact_at(&mut prefix, self.end).ok()?;
        let prefix = Prefix::decode(&prefix)?;
        let head_at = self.end.checked_add(PREFIX_BYTES as u64)?;
        if self.end.checked_add(prefix.record_bytes())? > size {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(prefix.head).ok()?];
        self.file.read_exact_at(&mut bytes, head_at).ok()?;
        let head = prefix.head(&bytes)?;
        let contents_at = head_at + u64::from(prefix.head);
        self.know(&head, contents_at, [prefix.before, prefix.after]);
        Some((head, prefix.record_bytes()))
    }

    fn know(&mut self, head: &Head, mut at: u64, lengths: [u32; 2]) {
        for (content, length) in [&head.change.before, &head.change.after]
            .into_iter()
            .zip(lengths)
        {
            if let Content::File { digest, bytes } = content
                && u64::from(length) == *bytes
            {
                self.contents.entry(digest.clone()).or_insert((at, length));
            }
            at += u64::from(length);
        }
    }

    pub(super) fn holds(&self, digest: &ContentDigest) -> bool {
        self.contents.contains_key(digest)
    }

    /// Appends a record with those of its contents that are new to the segment.
    pub(super) fn append(&mut self, head: &Head, before: &[u8], after: &[u8]) -> Result<(), Error> {
        let before = self.unless_held(&head.change.before, before);
        let after = match head.change.before == head.change.after {
            true => &[],
            false => self.unless_held(&head.change.after, after),
        };
        let record = record::encode(head, before, after)?;
        let failed = |error: std::io::Error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
            Error::system(errno, ".memex/journal")
        };
        self.file.write_all_at(&record, self.end).map_err(failed)?;
        let contents = record.len() - before.len() - after.len();
        let contents_at = self.end.saturating_add(contents as u64);
        let lengths = [before, after].map(|bytes| u32::try_from(bytes.len()).unwrap_or(0));
        self.know(head, contents_at, lengths);
        self.end = self.end.saturating_add(record.len() as u64);
        Ok(())
    }

    fn unless_held<'b>(&self, content: &Content, bytes: &'b [u8]) -> &'b [u8] {
        match content {
            Content::File { digest, .. } if !self.holds(digest) => bytes,
            _ => &[],
        }
    }

    /// A content in the segment, if it matches its digest.
    pub(super) fn content(&self, digest: &ContentDigest) -> Option<Vec<u8>> {
        let (at, length) = *self.contents.get(digest)?;
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        self.file.read_exact_at(&mut bytes, at).ok()?;
        (ContentDigest::of(&bytes) == *digest).then_some(bytes)
    }

    pub(super) fn sync(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }
}
