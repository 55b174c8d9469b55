//! The bounds of an import.

/// What an import may take in. Every bound has a finite default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportLimits {
    /// The size of an archive or document. Default 2 GiB.
    pub archive_bytes_max: u64,
    /// Entries of an archive, or files of a folder. Default 50,000.
    pub entries_max: u64,
    /// What one entry may unpack to. Default 256 MiB.
    pub entry_bytes_max: u64,
    /// What all entries together may unpack to. Default 1 GiB.
    pub unpacked_bytes_max: u64,
    /// Archives in archives. Default 2.
    pub nesting_max: u32,
    /// Files that are written. Default 20,000.
    pub files_max: usize,
    /// The text of one file; longer ones are split. Default 64 KiB.
    pub file_text_bytes_max: usize,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self {
            archive_bytes_max: 2 << 30,
            entries_max: 50_000,
            entry_bytes_max: 256 << 20,
            unpacked_bytes_max: 1 << 30,
            nesting_max: 2,
            files_max: 20_000,
            file_text_bytes_max: 64 << 10,
        }
    }
}
