//! A stream of JSON, mended as it is read.

use super::changes::Changes;
use super::scanner::Scanner;
use std::io::{Read, Result};

/// What is read at a time.
const PIECE_BYTES: usize = 32 << 10;

/// Reads JSON from a stream of what is nearly JSON.
#[derive(Debug)]
pub struct Mended<R> {
    inner: R,
    scanner: Scanner,
    piece: Vec<u8>,
    /// What was read and is not decided yet: part of a word, an escape or a character.
    undecided: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
    is_at_end: bool,
}

impl<R: Read> Mended<R> {
    /// Reads from `inner`, without a buffer between them: it is read in large pieces.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            scanner: Scanner::default(),
            piece: Vec::new(),
            undecided: Vec::new(),
            ready: Vec::new(),
            given: 0,
            is_at_end: false,
        }
    }

    /// What was changed in that which was read so far.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.scanner.changes
    }

    fn fill(&mut self) -> Result<()> {
        self.piece.resize(PIECE_BYTES, 0);
        let count = self.inner.read(&mut self.piece)?;
        self.is_at_end = count == 0;
        self.undecided
            .extend_from_slice(self.piece.get(..count).unwrap_or_default());
        self.ready.clear();
        self.given = 0;
        let used = self
            .scanner
            .take(&self.undecided, self.is_at_end, &mut self.ready);
        self.undecided.drain(..used);
        Ok(())
    }
}

impl<R: Read> Read for Mended<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.given == self.ready.len() && !self.is_at_end {
            self.fill()?;
        }
        let mut rest = self.ready.get(self.given..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.given += count;
        Ok(count)
    }
}
