//! The journal.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, RwLock};

use crate::change::{Change, KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::error::Error;
use crate::files::{Directory, HEADER_BYTES};
use crate::index::{Index, Kept, Segment, Slot};
use crate::place::Place;
use crate::reading;
use crate::record::{self, record_bytes};
use crate::settling::{Settling, Unsettled};

/// The largest file, whatever the options say.
const SEGMENT_BYTES_MAX: u32 = 1 << 30;
/// Bytes of the changes of one call.
const APPEND_BYTES_MAX: usize = 256 << 20;

/// How a journal keeps its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The size at which a new file is begun. Default: 64 MiB; at most 1 GiB.
    pub segment_bytes: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
        }
    }
}

/// Named values in files that only grow, for one process and any number of its threads.
///
/// Each key costs about a hundred bytes of memory. What was appended can be read at once,
/// and survives the end of the process; [`settle`](Self::settle) makes it survive a loss of
/// power.
#[derive(Debug)]
pub struct Journal {
    pub(crate) directory: Directory,
    options: Options,
    pub(crate) index: RwLock<Index>,
    pub(crate) end: Mutex<End>,
    settling: Settling,
    /// Held while files are rewritten.
    pub(crate) tidying: Mutex<()>,
}

/// The file that is written, and what has it writes alone.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) number: u32,
    file: Arc<File>,
    bytes: u32,
    /// A write came to nothing and could not be taken back.
    is_broken: bool,
}

impl Journal {
    /// Opens the journal of a directory, and makes it where it is not there. Reads all of
    /// its files.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::NotAJournal`], [`Error::Version`], and what the system
    /// says.
    pub fn open(directory: &Path, options: Options) -> Result<Self, Error> {
        let directory = Directory::open(directory)?;
        let (index, number) = reading::read(&directory)?;
        let newest = index.segments.get(&number);
        let newest = newest.ok_or_else(|| Error::Closed {
            directory: directory.path().to_owned(),
        })?;
        let end = End {
            number,
            file: Arc::clone(&newest.file),
            bytes: newest.bytes,
            is_broken: false,
        };
        directory.keep_reserve();
        let first = index.segments.keys().next().copied().unwrap_or_default();
        Ok(Self {
            directory,
            options,
            index: RwLock::new(index),
            end: Mutex::new(end),
            // The process before this one may have settled nothing.
            settling: Settling::from(Place::new(first, 0)),
            tidying: Mutex::default(),
        })
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Writes changes behind all before them, in order and at once. They are there for
    /// readers when this returns; [`settle`](Self::settle) with the place that it returns
    /// makes them durable.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Vanished`], [`Error::TooLarge`], [`Error::Closed`], and what
    /// the system says; nothing is changed.
    pub fn append(&self, changes: &[Change<'_>]) -> Result<Place, Error> {
        let time = now_unix_ms();
        let timed: Vec<_> = changes.iter().map(|change| (*change, time)).collect();
        let mut end = self.end.lock();
        self.write(&mut end, &timed)
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`Error::Damaged`], and what the system says.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let (slot, file) = {
            let index = self.index.read();
            let Some(slot) = index.slots.get(key).copied() else {
                return Ok(None);
            };
            let segment = index.segments.get(&slot.at.file);
            (slot, segment.map(|segment| Arc::clone(&segment.file)))
        };
        let path = || self.directory.segment_path(slot.at.file);
        let damaged = || Error::Damaged {
            file: path(),
            at: slot.at.bytes,
        };
        let file = file.ok_or_else(damaged)?;
        let length = usize::try_from(slot.record_bytes(key)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length.min(record_bytes(KEY_BYTES_MAX, VALUE_BYTES_MAX))];
        file.read_exact_at(&mut bytes, u64::from(slot.at.bytes))
            .map_err(|error| Error::io("read", path(), error))?;
        let record = record::decode(&bytes).filter(|record| record.key == key);
        if record.is_none_or(|record| record.value.is_none()) {
            return Err(damaged());
        }
        bytes.drain(..record_bytes(key.len(), 0).min(length));
        Ok(Some(bytes))
    }

    /// Whether a key has a value.
    #[must_use]
    pub fn has(&self, key: &[u8]) -> bool {
        self.index.read().slots.contains_key(key)
    }

    /// What is known of the value of a key without reading it.
    #[must_use]
    pub fn kept(&self, key: &[u8]) -> Option<Kept> {
        self.index.read().kept(key)
    }

    /// The keys that begin so, in no order.
    #[must_use]
    pub fn keys(&self, prefix: &[u8]) -> Vec<(Box<[u8]>, Kept)> {
        let index = self.index.read();
        let found = index.slots.iter();
        let found = found.filter(|(key, _)| key.starts_with(prefix));
        let kept = |key: &[u8], slot: &Slot| Kept {
            bytes: slot.record_bytes(key),
            written_unix_ms: slot.written_unix_ms(),
        };
        found
            .map(|(key, slot)| (key.clone(), kept(key, slot)))
            .collect()
    }

    /// Waits until everything up to a place is on the disk. All that wait at a time share
    /// one flush.
    ///
    /// # Errors
    /// What the system says, after which nothing more is written: [`Error::Closed`].
    pub fn settle(&self, place: Place) -> Result<(), Error> {
        let settled = self.settling.settle(place, |from| self.flush(from));
        settled.map_err(|unsettled| match unsettled {
            Unsettled::Failed(error) => error,
            Unsettled::Closed => self.closed(),
        })
    }

    /// The place behind everything that is written.
    #[must_use]
    pub fn end(&self) -> Place {
        let end = self.end.lock();
        Place::new(end.number, end.bytes)
    }

    /// Up to where it is on the disk.
    pub(crate) fn settled(&self) -> Place {
        self.settling.settled()
    }

    /// Flushes the files that have anything after `from`.
    fn flush(&self, from: Place) -> Result<Place, Error> {
        let to = self.end();
        let files: Vec<(u32, Arc<File>)> = {
            let index = self.index.read();
            let segments = index.segments.range(from.file..=to.file);
            segments
                .map(|(number, segment)| (*number, Arc::clone(&segment.file)))
                .collect()
        };
        for (number, file) in files {
            let synced = file.sync_data();
            let path = || self.directory.segment_path(number);
            synced.map_err(|error| Error::io("make durable", path(), error))?;
        }
        if to.file > from.file {
            self.directory.sync()?;
        }
        Ok(to)
    }

    /// Writes changes with their times, behind the end that the caller has.
    pub(crate) fn write(
        &self,
        end: &mut End,
        changes: &[(Change<'_>, u64)],
    ) -> Result<Place, Error> {
        let bytes = self.encoded(changes)?;
        if end.is_broken || self.settling.has_failed() {
            return Err(self.closed());
        }
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let most = self.options.segment_bytes.min(SEGMENT_BYTES_MAX);
        let frees = changes.iter().all(|(change, _)| change.frees);
        if end.bytes > HEADER_BYTES && end.bytes.saturating_add(length) > most {
            match self.begin_file(end) {
                // The file that is there can grow a little more.
                Err(Error::Full { .. }) if frees && end.bytes < SEGMENT_BYTES_MAX => {}
                begun => begun?,
            }
        }
        if let Err(error) = self.write_bytes(end, &bytes) {
            let is_full = matches!(error, Error::Full { .. });
            if !(is_full && frees && self.directory.give_reserve()) {
                return Err(error);
            }
            self.write_bytes(end, &bytes)?;
        }
        let mut at = Place::new(end.number, end.bytes);
        let mut index = self.index.write();
        for (change, time) in changes {
            let slot = change.value.map(|value| Slot::new(at, value.len(), *time));
            index.apply(change.key, slot);
            let value = change.value.map_or(0, <[u8]>::len);
            let written = record_bytes(change.key.len(), value);
            let written = u32::try_from(written).unwrap_or(u32::MAX);
            at.bytes = at.bytes.saturating_add(written);
        }
        if let Some(segment) = index.segments.get_mut(&end.number) {
            segment.bytes = at.bytes;
        }
        end.bytes = at.bytes;
        Ok(at)
    }

    fn encoded(&self, changes: &[(Change<'_>, u64)]) -> Result<Vec<u8>, Error> {
        let mut total = 0_usize;
        for (change, _) in changes {
            let value = change.value.map_or(0, <[u8]>::len);
            for (what, actual, limit) in [
                ("a key", change.key.len(), KEY_BYTES_MAX),
                ("a value", value, VALUE_BYTES_MAX),
            ] {
                if actual > limit {
                    return Err(Error::TooLarge {
                        what,
                        actual,
                        limit,
                    });
                }
            }
            total = total.saturating_add(record_bytes(change.key.len(), value));
        }
        if total > APPEND_BYTES_MAX {
            return Err(Error::TooLarge {
                what: "a set of changes",
                actual: total,
                limit: APPEND_BYTES_MAX,
            });
        }
        let settled = self.settled();
        let mut bytes = Vec::with_capacity(total);
        for (change, time) in changes {
            record::encode(change, *time, settled, &mut bytes);
        }
        Ok(bytes)
    }

    fn write_bytes(&self, end: &mut End, bytes: &[u8]) -> Result<(), Error> {
        let path = || self.directory.segment_path(end.number);
        let failed = |error| Error::io("write", path(), error);
        // A file without a name takes what is written, and it is lost with the process.
        if end.file.metadata().map_err(failed)?.nlink() == 0 {
            return Err(Error::Vanished { file: path() });
        }
        if let Err(error) = end.file.write_all_at(bytes, u64::from(end.bytes)) {
            // Part of it may be there, as whole records that were refused.
            let error = failed(error);
            end.is_broken = end.file.set_len(u64::from(end.bytes)).is_err();
            return Err(error);
        }
        Ok(())
    }

    fn begin_file(&self, end: &mut End) -> Result<(), Error> {
        let number = end.number.saturating_add(1);
        let file = Arc::new(self.directory.create(number)?);
        let segment = Segment::new(&file, HEADER_BYTES);
        self.index.write().segments.insert(number, segment);
        *end = End {
            number,
            file,
            bytes: HEADER_BYTES,
            is_broken: false,
        };
        Ok(())
    }

    fn closed(&self) -> Error {
        Error::Closed {
            directory: self.directory.path().to_owned(),
        }
    }
}

/// Now; a clock set before 1970 reads as zero.
fn now_unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
