//! Reading the files when a journal is opened.
//!
//! Records follow one another, so the first one that does not hold ends what can be read:
//! the process or the machine ended while it was written. From there on everything is cut,
//! later files included, which leaves the journal as it was at an earlier time. But each
//! record says up to where the journal was on the disk when it was written. Where bytes
//! below that do not hold, the disk has changed them: they are passed over, and told.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::change::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::error::Error;
use crate::files::{Directory, HEADER_BYTES};
use crate::index::{Index, Segment, Slot};
use crate::place::Place;
use crate::record::{self, Record};

/// Bytes of a file that are read at a time; a record is never longer.
const WINDOW_BYTES: usize = 4 << 20;

/// Reads everything, cuts what was not written to its end, and returns what there is with
/// the number of the newest file.
pub(crate) fn read(directory: &Directory) -> Result<(Index, u32), Error> {
    let numbers = directory.numbers()?;
    let found = scan(directory, &numbers, None)?;
    let index = match found.first_bad {
        Some(bad) if bad >= found.settled => {
            // What follows a record that does not hold is later than it.
            scan(directory, &numbers, Some(bad))?.index
        }
        Some(bad) if bad.bytes == 0 => {
            return Err(Error::NotAJournal {
                file: directory.segment_path(bad.file),
                what: "its beginning is lost",
            });
        }
        _ => found.index,
    };
    match index.segments.last_key_value() {
        Some((number, _)) => {
            let newest = *number;
            Ok((index, newest))
        }
        None => begun(directory, index),
    }
}

/// A journal that has no file yet.
fn begun(directory: &Directory, mut index: Index) -> Result<(Index, u32), Error> {
    const FIRST: u32 = 1;
    let file = directory.create(FIRST)?;
    index
        .segments
        .insert(FIRST, Segment::new(&Arc::new(file), HEADER_BYTES));
    directory.sync()?;
    Ok((index, FIRST))
}

#[derive(Default)]
struct Scan {
    index: Index,
    /// The first bytes that are no record.
    first_bad: Option<Place>,
    /// Up to where the journal was on the disk, by the word of its records.
    settled: Place,
}

/// Reads all files; with a place to cut at, up to there, and removes what follows.
fn scan(directory: &Directory, numbers: &[u32], cut: Option<Place>) -> Result<Scan, Error> {
    let mut scan = Scan::default();
    for &number in numbers {
        if cut.is_some_and(|cut| number > cut.file) {
            tracing::warn!(file = number, "a file behind the journal's end is removed");
            directory.remove(number)?;
            continue;
        }
        let is_cut = cut.filter(|cut| cut.file == number);
        let Some((file, length)) = directory.open_segment(number)? else {
            scan.without_beginning(directory, number, is_cut.is_some())?;
            continue;
        };
        let end = match is_cut {
            Some(cut) => {
                let lost = length.saturating_sub(cut.bytes);
                tracing::warn!(file = number, bytes = lost, "the journal's end is cut off");
                let cutting = file.set_len(u64::from(cut.bytes));
                let path = directory.segment_path(number);
                cutting.map_err(|error| Error::io("cut", path, error))?;
                cut.bytes
            }
            None => length,
        };
        let file = Arc::new(file);
        scan.index.segments.insert(number, Segment::new(&file, end));
        let Scan {
            index,
            first_bad,
            settled,
        } = &mut scan;
        let bad = each_record(directory, number, &file, end, |at, record| {
            *settled = record.settled.max(*settled);
            let slot = record
                .value
                .map(|value| Slot::new(at, value.len(), record.time_unix_ms));
            index.apply(record.key, slot);
        })?;
        if let Some(bad) = bad {
            first_bad.get_or_insert(bad);
        }
    }
    Ok(scan)
}

impl Scan {
    /// A file that was begun and has no beginning: the journal ends before it.
    fn without_beginning(
        &mut self,
        directory: &Directory,
        number: u32,
        is_cut: bool,
    ) -> Result<(), Error> {
        if !is_cut {
            self.first_bad.get_or_insert(Place::new(number, 0));
            return Ok(());
        }
        directory.remove(number)?;
        let file = Arc::new(directory.create(number)?);
        let segment = Segment::new(&file, HEADER_BYTES);
        self.index.segments.insert(number, segment);
        Ok(())
    }
}

/// Reads the records of a file in order, up to a length; bytes that are none are passed
/// over to the next record. Returns where the first such bytes are.
pub(crate) fn each_record(
    directory: &Directory,
    number: u32,
    file: &File,
    end: u32,
    mut take: impl FnMut(Place, &Record<'_>),
) -> Result<Option<Place>, Error> {
    let mut window = Window {
        file,
        end,
        from: 0,
        bytes: Vec::new(),
    };
    let failed = |error| Error::io("read", directory.segment_path(number), error);
    let (mut at, mut first_bad) = (HEADER_BYTES, None);
    while at < end {
        let bytes = window.at(at).map_err(failed)?;
        if let Some(record) = record::decode(bytes) {
            take(Place::new(number, at), &record);
            at = at.saturating_add(u32::try_from(record.bytes).unwrap_or(u32::MAX));
            continue;
        }
        first_bad.get_or_insert(Place::new(number, at));
        let next = next_record(&mut window, at).map_err(failed)?;
        let next = next.unwrap_or(end);
        tracing::warn!(
            file = number,
            at,
            bytes = next.saturating_sub(at),
            "bytes of the journal are no record"
        );
        at = next;
    }
    Ok(first_bad)
}

/// The next place after `at` where a record that holds begins.
fn next_record(window: &mut Window<'_>, at: u32) -> std::io::Result<Option<u32>> {
    let mut from = at.saturating_add(1);
    while from < window.end {
        let bytes = window.at(from)?;
        // Beyond this, a record might not be whole in the window.
        let searched = bytes.len().min(WINDOW_BYTES / 2);
        let places = bytes.windows(record::MAGIC.len()).take(searched);
        let mut found = places
            .enumerate()
            .filter(|(_, window)| *window == record::MAGIC)
            .map(|(place, _)| place);
        let is_record =
            |place: &usize| record::decode(bytes.get(*place..).unwrap_or_default()).is_some();
        if let Some(place) = found.find(is_record) {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            return Ok(Some(from.saturating_add(place)));
        }
        from = from.saturating_add(u32::try_from(searched.max(1)).unwrap_or(u32::MAX));
    }
    Ok(None)
}

/// A part of a file, in memory.
struct Window<'a> {
    file: &'a File,
    end: u32,
    from: u32,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// What lies at a place: to the end of the file, or at least as much as a record can
    /// have.
    fn at(&mut self, at: u32) -> std::io::Result<&[u8]> {
        let into = usize::try_from(at.saturating_sub(self.from)).unwrap_or(usize::MAX);
        let left = self.bytes.len().saturating_sub(into);
        let wanted = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX);
        if left < wanted.min(WINDOW_BYTES / 2) || at < self.from {
            self.bytes.resize(wanted.min(WINDOW_BYTES), 0);
            self.file.read_exact_at(&mut self.bytes, u64::from(at))?;
            self.from = at;
            return Ok(&self.bytes);
        }
        Ok(self.bytes.get(into..).unwrap_or_default())
    }
}

const _: () = {
    let longest = record::HEADER_BYTES + KEY_BYTES_MAX + VALUE_BYTES_MAX;
    assert!(longest <= WINDOW_BYTES / 2, "a record is whole in a window");
};
