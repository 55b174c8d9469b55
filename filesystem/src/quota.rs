//! Quotas of files, and their use.

use crate::errno::Errno;

/// Bounds on one session's use of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Descriptors open at once, the preopen not counted.
    pub open_files: u64,
    /// Bytes held in scratch (by length, holes included) plus bytes ever
    /// written to grants.
    pub file_bytes: u64,
    /// Names held in scratch plus names ever created in grants.
    pub files: u64,
}

impl Quota {
    /// No bound at all: for states of one's own.
    pub const MAX: Self = Self {
        open_files: u64::MAX,
        file_bytes: u64::MAX,
        files: u64::MAX,
    };
}

/// A bound that a call ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The field of [`Quota`].
    pub name: &'static str,
    /// Its value.
    pub limit: u64,
    /// The value that it would have had.
    pub actual: u64,
}

/// The account of one session.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) quota: Quota,
    pub(crate) granted: Granted,
    pub(crate) breach: Option<Breach>,
}

/// What was spent on grants. It only grows: what the host has been given
/// cannot be taken back by deleting it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) bytes: u64,
    pub(crate) files: u64,
}

impl Ledger {
    pub(crate) fn new(quota: Quota, granted: Granted) -> Self {
        Self {
            quota,
            granted,
            breach: None,
        }
    }

    /// May one more file be open beside `open` others?
    pub(crate) fn admit_open(&mut self, open: usize) -> Result<(), Errno> {
        let actual = (open as u64).saturating_add(1);
        let limit = self.quota.open_files;
        self.admit("open_files", limit, actual, Errno::Mfile)
    }

    /// May one more name be made beside `held` in scratch?
    pub(crate) fn admit_file(&mut self, held: u64) -> Result<(), Errno> {
        let actual = held.saturating_add(self.granted.files).saturating_add(1);
        let limit = self.quota.files;
        self.admit("files", limit, actual, Errno::Nospc)
    }

    /// May `more` bytes be written beside `held` in scratch?
    pub(crate) fn admit_bytes(&mut self, held: u64, more: u64) -> Result<(), Errno> {
        if more == 0 {
            return Ok(());
        }
        let actual = held.saturating_add(self.granted.bytes).saturating_add(more);
        let limit = self.quota.file_bytes;
        self.admit("file_bytes", limit, actual, Errno::Nospc)
    }

    pub(crate) fn spend_bytes(&mut self, bytes: u64) {
        self.granted.bytes = self.granted.bytes.saturating_add(bytes);
    }

    pub(crate) fn spend_file(&mut self) {
        self.granted.files = self.granted.files.saturating_add(1);
    }

    fn admit(
        &mut self,
        name: &'static str,
        limit: u64,
        actual: u64,
        errno: Errno,
    ) -> Result<(), Errno> {
        if actual <= limit {
            return Ok(());
        }
        self.breach = Some(Breach {
            name,
            limit,
            actual,
        });
        Err(errno)
    }
}
