//! Giving back the room of what is not needed any more.
//!
//! A file of which less than half is the newest of its keys is written anew: that part goes
//! behind the journal's end, is made durable, and the file is removed. A removal is needed
//! for as long as an older file may hold the value: it goes along until there is none.

use std::sync::Arc;

use crate::change::Change;
use crate::error::Error;
use crate::files::HEADER_BYTES;
use crate::journal::Journal;
use crate::place::Place;
use crate::reading::each_record;

/// Bytes that are moved at a time, while nobody else writes.
const MOVED_AT_ONCE: usize = 1 << 20;

/// What tidying has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tidied {
    /// Bytes that were given back.
    pub bytes: u64,
    /// Bytes that were written anew for it.
    pub moved_bytes: u64,
}

/// A record on its way to the end.
struct Moving {
    at: Place,
    key: Box<[u8]>,
    value: Option<Vec<u8>>,
    time_unix_ms: u64,
}

impl Journal {
    /// Writes one file anew that holds little, if there is one. To be called now and then;
    /// others read and write meanwhile.
    ///
    /// # Errors
    /// As [`append`](Self::append); nothing is lost.
    pub fn tidy(&self) -> Result<Tidied, Error> {
        let _alone = self.tidying.lock();
        self.directory.keep_reserve();
        let newest = self.end.lock().number;
        // What is sealed goes to the disk without anybody waiting for it.
        if self.settled().file < newest {
            self.settle(Place::new(newest, HEADER_BYTES))?;
        }
        let Some((number, bytes)) = self.emptiest(newest) else {
            return Ok(Tidied::default());
        };
        let moved_bytes = self.move_on(number)?;
        // A copy that is not on the disk is none.
        self.settle(self.end())?;
        self.index.write().segments.remove(&number);
        self.directory.remove(number)?;
        // Before a removal is forgotten that this file made necessary.
        self.directory.sync()?;
        Ok(Tidied {
            bytes: u64::from(bytes),
            moved_bytes,
        })
    }

    /// Bytes of all files, and of what is the newest of its key.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        let index = self.index.read();
        index
            .segments
            .values()
            .fold((0, 0), |(all, live), segment| {
                (all + u64::from(segment.bytes), live + segment.live)
            })
    }

    /// The sealed file with the least in it, where that is less than half.
    fn emptiest(&self, newest: u32) -> Option<(u32, u32)> {
        let index = self.index.read();
        let sealed = index.segments.range(..newest);
        sealed
            .filter(|(_, segment)| segment.live * 2 < u64::from(segment.bytes))
            .min_by_key(|(_, segment)| segment.live)
            .map(|(number, segment)| (*number, segment.bytes))
    }

    fn move_on(&self, number: u32) -> Result<u64, Error> {
        let (file, end, is_oldest) = {
            let index = self.index.read();
            let Some(segment) = index.segments.get(&number) else {
                return Ok(0);
            };
            let is_oldest = index.segments.range(..number).next().is_none();
            (Arc::clone(&segment.file), segment.bytes, is_oldest)
        };
        let (mut batch, mut batch_bytes, mut moved) = (Vec::new(), 0_usize, 0);
        let mut failed = None;
        each_record(&self.directory, number, &file, end, |at, record| {
            let is_needed = match record.value {
                Some(_) => self.is_newest(record.key, at),
                None => !is_oldest && !self.has(record.key),
            };
            if !is_needed || failed.is_some() {
                return;
            }
            batch_bytes = batch_bytes.saturating_add(record.bytes);
            batch.push(Moving {
                at,
                key: record.key.into(),
                value: record.value.map(<[u8]>::to_vec),
                time_unix_ms: record.time_unix_ms,
            });
            if batch_bytes >= MOVED_AT_ONCE {
                match self.move_batch(&batch) {
                    Ok(bytes) => moved += bytes,
                    Err(error) => failed = Some(error),
                }
                batch.clear();
                batch_bytes = 0;
            }
        })?;
        match failed {
            Some(error) => Err(error),
            None => Ok(moved + self.move_batch(&batch)?),
        }
    }

    /// Writes records behind the end, those that are still the newest of their keys.
    fn move_batch(&self, batch: &[Moving]) -> Result<u64, Error> {
        let mut end = self.end.lock();
        let still: Vec<(Change<'_>, u64)> = batch
            .iter()
            .filter_map(|moving| {
                let change = match &moving.value {
                    Some(value) => self
                        .is_newest(&moving.key, moving.at)
                        .then(|| Change::put(&moving.key, value)),
                    None => (!self.has(&moving.key)).then(|| Change::remove(&moving.key)),
                };
                // What this gives back is more than it takes.
                change.map(|change| (change.freeing(), moving.time_unix_ms))
            })
            .collect();
        if still.is_empty() {
            return Ok(0);
        }
        self.write(&mut end, &still)?;
        let bytes = still.iter().map(|(change, _)| {
            let value = change.value.map_or(0, <[u8]>::len);
            crate::record::record_bytes(change.key.len(), value) as u64
        });
        Ok(bytes.sum())
    }

    fn is_newest(&self, key: &[u8], at: Place) -> bool {
        let index = self.index.read();
        index.slots.get(key).is_some_and(|slot| slot.at == at)
    }
}
