//! The directory of a memory, and how it was opened.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use cap_std::fs::Dir;
use rustix::fs::{fstat, openat};

use crate::place::{DIRECTORY, Last, Place};
use crate::{Error, Limits, Mode, Options};

/// A directory, held by its handle.
#[derive(Debug)]
pub(crate) struct Root {
    handle: OwnedFd,
    options: Options,
}

impl Root {
    pub(crate) fn of(directory: &Dir, options: Options) -> Result<Self, Error> {
        // The handle of a `Dir` may be good for walking only.
        let handle = openat(directory, ".", DIRECTORY, rustix::fs::Mode::empty());
        let handle = handle.map_err(|errno| Error::system(errno, "."))?;
        Ok(Self { handle, options })
    }

    pub(crate) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.options.limits
    }

    pub(crate) fn is_extended(&self) -> bool {
        self.options.mode == Mode::Extended
    }

    /// Fails if the directory was removed.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match fstat(&self.handle) {
            Ok(stat) if stat.st_nlink > 0 => Ok(()),
            _ => Err(Error::Gone),
        }
    }

    pub(crate) fn find(&self, path: &str, last: Last) -> Result<Place<'_>, Error> {
        Place::find(self.handle(), path, last)
    }

    /// Brings everything that has changed to the disk.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        rustix::fs::syncfs(&self.handle).map_err(|errno| Error::system(errno, ""))
    }
}
