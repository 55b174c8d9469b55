//! A writer for the output of a native.

use crate::refusal::Refusal;
use crate::room::Room;
use std::io::{Error, Result, Write};

/// Bytes between two looks at the interrupt.
const LOOK_EVERY: usize = 16 << 10;

/// Takes output up to the room's bound, and looks at the interrupt as it goes.
pub(crate) struct Sink<'a> {
    bytes: Vec<u8>,
    unlooked: usize,
    room: &'a Room<'a>,
    refusal: Option<Refusal>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(room: &'a Room<'a>) -> Self {
        Self {
            bytes: Vec::new(),
            unlooked: 0,
            room,
            refusal: None,
        }
    }

    /// Takes more.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> std::result::Result<(), Refusal> {
        self.unlooked = self.unlooked.saturating_add(bytes.len());
        if self.unlooked >= LOOK_EVERY {
            self.unlooked = 0;
            self.room.look()?;
        }
        let size = (self.bytes.len() as u64).saturating_add(bytes.len() as u64);
        self.room.admit_output(size)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// What was taken, or why it was not.
    pub(crate) fn finish(self) -> std::result::Result<Vec<u8>, Refusal> {
        match self.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(self.bytes),
        }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        if let Err(refusal) = self.push(bytes) {
            self.refusal = Some(refusal.clone());
            return Err(Error::other(refusal));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Takes output up to a bound, for codecs that want a writer of any thread: those who
/// call them look at the interrupt in between.
#[derive(Debug)]
pub(crate) struct Bounded {
    bytes: Vec<u8>,
    bytes_max: u64,
    asked_for: u64,
}

impl Bounded {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self {
            bytes: Vec::new(),
            bytes_max,
            asked_for: 0,
        }
    }

    /// What was taken, or why it was not.
    pub(crate) fn finish(self) -> std::result::Result<Vec<u8>, Refusal> {
        if self.asked_for > self.bytes_max {
            return Err(Refusal::OutputBytes {
                bytes: self.asked_for,
                limit: self.bytes_max,
            });
        }
        Ok(self.bytes)
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let size = (self.bytes.len() as u64).saturating_add(bytes.len() as u64);
        self.asked_for = self.asked_for.max(size);
        if size > self.bytes_max {
            return Err(Error::other("the output is too large"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
