//! A reader over the input of a native.

use crate::room::Room;
use std::cell::Cell;
use std::io::{BufRead, Error, Read, Result, Seek, SeekFrom};

/// Bytes or seeks between two looks at the interrupt. Small, since a few bytes can
/// make a codec go over a whole image.
const LOOK_EVERY: usize = 1024;
/// Most bytes that one read hands out, for the same reason.
const READ_MAX_BYTES: usize = 64 << 10;

/// Reads the input, looks at the interrupt as it goes, and remembers whether the
/// codec asked for more than there is. Fails for good once the turn is to end.
pub(crate) struct Source<'a> {
    bytes: &'a [u8],
    at: u64,
    unlooked: usize,
    room: &'a Room<'a>,
    notes: &'a Notes,
}

/// What a codec did with its source, for those who handed the source over.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    is_cut_off: Cell<bool>,
}

impl Notes {
    /// Whether the codec asked for more than there is.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.is_cut_off.get()
    }
}

impl<'a> Source<'a> {
    pub(crate) fn new(bytes: &'a [u8], room: &'a Room<'a>, notes: &'a Notes) -> Self {
        Self {
            bytes,
            at: 0,
            unlooked: 0,
            room,
            notes,
        }
    }

    fn rest(&self) -> &'a [u8] {
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        self.bytes.get(at..).unwrap_or_default()
    }

    fn pass(&mut self, bytes: usize) -> Result<()> {
        self.unlooked = self.unlooked.saturating_add(bytes.max(1));
        if self.unlooked >= LOOK_EVERY {
            self.unlooked = 0;
            self.room.look().map_err(Error::other)?;
        }
        Ok(())
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let rest = self.rest();
        let count = rest.len().min(buffer.len()).min(READ_MAX_BYTES);
        self.pass(count)?;
        if count == 0 && !buffer.is_empty() {
            self.notes.is_cut_off.set(true);
        }
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        let rest = self.rest();
        self.pass(0)?;
        if rest.is_empty() {
            self.notes.is_cut_off.set(true);
        }
        Ok(rest.get(..rest.len().min(READ_MAX_BYTES)).unwrap_or(rest))
    }

    fn consume(&mut self, amount: usize) {
        self.unlooked = self.unlooked.saturating_add(amount);
        self.at = self.at.saturating_add(amount as u64);
    }
}

impl Seek for Source<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.pass(1)?;
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => (self.bytes.len() as u64).checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let at = at.ok_or_else(|| Error::other("a place before the beginning"))?;
        self.at = at;
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::room::Bounds;

    fn room(interrupt: &dyn Fn() -> bool) -> Room<'_> {
        let bounds = Bounds {
            bytes_max: 1 << 20,
            working_bytes_max: 1 << 20,
            work_max: None,
        };
        Room::new(bounds, interrupt)
    }

    #[test]
    fn reading_past_the_end_is_noted_and_reading_to_it_is_not() {
        let room = room(&|| false);
        let notes = Notes::default();
        let mut source = Source::new(b"abcd", &room, &notes);
        let mut four = [0; 4];
        source.read_exact(&mut four).unwrap();
        assert_eq!((&four, source.at), (b"abcd", 4));
        assert!(!notes.is_cut_off());
        assert!(source.read_exact(&mut four).is_err());
        assert!(notes.is_cut_off());
        source.seek(SeekFrom::Start(u64::MAX)).unwrap();
        assert_eq!(source.fill_buf().unwrap(), b"");
        assert!(source.seek(SeekFrom::End(-5)).is_err());
    }

    #[test]
    fn an_interrupt_is_seen_within_a_kilobyte_and_stays() {
        let is_told = Cell::new(false);
        let interrupt = || is_told.get();
        let room = room(&interrupt);
        let notes = Notes::default();
        let bytes = vec![0; 1 << 16];
        let mut source = Source::new(&bytes, &room, &notes);
        let mut byte = [0];
        for _ in 0..LOOK_EVERY * 3 {
            source.read_exact(&mut byte).unwrap();
        }
        is_told.set(true);
        let more = (0..LOOK_EVERY).find(|_| source.read_exact(&mut byte).is_err());
        assert!(more.is_some());
        is_told.set(false);
        assert!(room.was_interrupted() && room.look().is_err());
    }
}
