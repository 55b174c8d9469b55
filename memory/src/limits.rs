//! How a memory is opened: its mode, its limits, how durable it is.

use std::time::Duration;

/// Whose habits the memory follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Those that the trained model knows: links are taken literally, warnings
    /// stay hidden, only single files are limited.
    Compat,
    /// Those for every other model: links that can be understood are followed,
    /// warnings are shown, directories and the memory are limited too.
    #[default]
    Extended,
}

/// What a memory may hold. The journal is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One file, written or read. Default 1 MiB.
    pub file_bytes_max: u64,
    /// The files of one directory below the root; directories in it have as much
    /// for themselves. Default 10 MiB; `None` in compat mode.
    pub directory_bytes_max: Option<u64>,
    /// The whole memory. Default 100 MiB; `None` in compat mode.
    pub memory_bytes_max: Option<u64>,
    /// Files and directories of the whole memory. Default 200,000.
    pub entries_max: u64,
}

const MIB: u64 = 1 << 20;

impl Limits {
    /// The limits of a mode.
    #[must_use]
    pub fn of(mode: Mode) -> Self {
        let extended = mode == Mode::Extended;
        Self {
            file_bytes_max: MIB,
            directory_bytes_max: extended.then_some(10 * MIB),
            memory_bytes_max: extended.then_some(100 * MIB),
            entries_max: 200_000,
        }
    }
}

/// The failures that a change survives once its call has returned.
///
/// Either way every file is replaced as a whole, and the journal knows of a
/// change before the file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The end of any process, however it ends. The machine's page cache has
    /// the change; [`Memory::flush`](crate::Memory::flush) brings all changes
    /// to the disk at once, for instance when an answer is complete.
    #[default]
    Process,
    /// A power cut: the journal, the file and its directory are synced before
    /// the call returns. Costs three to four syncs a change: some 25 ms on an
    /// ordinary cloud disk, where the default costs some 0.1 ms.
    PowerCut,
}

/// How much of the past is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// What the journal may take on disk. The oldest changes go first, a
    /// segment at a time. Default 64 MiB.
    pub journal_bytes_max: u64,
    /// The size at which a new segment is begun. Default 4 MiB.
    pub segment_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            journal_bytes_max: 64 * MIB,
            segment_bytes: 4 * MIB,
        }
    }
}

/// How a memory is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Default [`Mode::Extended`].
    pub mode: Mode,
    /// Default [`Limits::of`] the mode.
    pub limits: Limits,
    /// Default [`Durability::Process`].
    pub durability: Durability,
    /// Default: the newest 64 MiB.
    pub retention: Retention,
    /// How long a writer waits for others at most. Default 10 s.
    pub lock_wait_max: Duration,
}

impl Options {
    /// The defaults of a mode.
    #[must_use]
    pub fn of(mode: Mode) -> Self {
        Self {
            mode,
            limits: Limits::of(mode),
            durability: Durability::default(),
            retention: Retention::default(),
            lock_wait_max: Duration::from_secs(10),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::of(Mode::default())
    }
}
