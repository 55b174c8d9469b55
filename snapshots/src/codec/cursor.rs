//! Bounded reading and writing of numbers, texts and arrays, little-endian.

use crate::Error;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// They are damaged.
    What(&'static str),
    /// They are of another version.
    Version {
        /// Theirs.
        found: u16,
        /// The one that is read.
        supported: u16,
    },
}

impl Flaw {
    /// The error for bytes found at `place`.
    pub(crate) fn at(self, place: String) -> Error {
        match self {
            Self::What(what) => Error::Damaged {
                place,
                what,
                remedy: "restore it from a copy, or remove it and rewind to a snapshot that does not need it",
            },
            Self::Version { found, supported } => Error::Version {
                place,
                found,
                supported,
            },
        }
    }
}

/// Reads from the front of a slice.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(SHORT)?;
        self.rest = rest;
        Ok(*array)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Flaw> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(SHORT)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Flaw> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Flaw> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Flaw> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Flaw> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Flaw::What("a flag is neither 0 nor 1")),
        }
    }

    /// A length of things that take `size` bytes each, all of them present, so
    /// that nothing is allocated for a length alone.
    pub(crate) fn count(&mut self, max: usize, size: usize) -> Result<usize, Flaw> {
        let count = usize::try_from(self.u32()?).map_err(|_| SHORT)?;
        if count > max {
            return Err(Flaw::What("a length is over its limit"));
        }
        if count.saturating_mul(size) > self.rest.len() {
            return Err(SHORT);
        }
        Ok(count)
    }

    pub(crate) fn text(&mut self, bytes_max: usize) -> Result<String, Flaw> {
        let length = self.count(bytes_max, 1)?;
        let text = std::str::from_utf8(self.bytes(length)?);
        Ok(text
            .map_err(|_| Flaw::What("a text is not UTF-8"))?
            .to_owned())
    }

    /// What was not read yet.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn end(&self) -> Result<(), Flaw> {
        match self.rest {
            [] => Ok(()),
            _ => Err(Flaw::What("bytes follow where it should end")),
        }
    }
}

const SHORT: Flaw = Flaw::What("it ends too early");

/// Writes at the end of a vector.
#[derive(Default)]
pub(crate) struct Sink {
    bytes: Vec<u8>,
}

impl Sink {
    pub(crate) fn array<const N: usize>(&mut self, array: &[u8; N]) {
        self.bytes.extend_from_slice(array);
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.bytes.push(u8::from(flag));
    }

    pub(crate) fn u64(&mut self, number: u64) {
        self.array(&number.to_le_bytes());
    }

    /// A length. Every caller's is bounded far below four billion.
    pub(crate) fn count(&mut self, count: usize) {
        self.array(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
