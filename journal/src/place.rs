//! A position in the files of a journal.

/// Where something ends in a journal: what was appended up to there, and nothing after it.
///
/// Places are ordered as their changes were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The number of the file.
    pub(crate) file: u32,
    /// Bytes of it.
    pub(crate) bytes: u32,
}

impl Place {
    pub(crate) fn new(file: u32, bytes: u32) -> Self {
        Self { file, bytes }
    }

    /// In one number, which orders as the place does.
    pub(crate) fn number(self) -> u64 {
        u64::from(self.file) << 32 | u64::from(self.bytes)
    }

    pub(crate) fn from_number(number: u64) -> Self {
        Self {
            file: u32::try_from(number >> 32).unwrap_or(u32::MAX),
            bytes: u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX),
        }
    }
}
