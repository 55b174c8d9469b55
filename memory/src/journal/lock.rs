//! One writer at a time, across processes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, flock, fstat, mkdirat, openat, statat,
};
use rustix::io::{Errno, pread, pwrite};

use crate::Error;
use crate::path::RECORDS;
use crate::place::DIRECTORY;

/// How long a waiting writer sleeps between two attempts.
const PAUSE_MIN: Duration = Duration::from_micros(20);
const PAUSE_MAX: Duration = Duration::from_millis(2);

const LOCK: &str = "lock";

/// The memory's records and the file that writers lock. The lock goes with the
/// process that holds it, however that ends.
pub(crate) struct LockFile {
    records: OwnedFd,
    file: OwnedFd,
}

/// A lock that is held.
pub(crate) struct Lock<'l> {
    file: &'l LockFile,
}

impl LockFile {
    /// Whether a directory has the records that make it a memory: no link and
    /// nothing else of these names counts.
    pub(crate) fn is_there(root: BorrowedFd<'_>) -> bool {
        let Ok(records) = openat(root, RECORDS, DIRECTORY, Mode::empty()) else {
            return false;
        };
        statat(&records, LOCK, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
    }

    /// Opens the records of a memory, and makes them if asked to.
    pub(crate) fn open(root: BorrowedFd<'_>, make: bool) -> Result<Self, Error> {
        let failed = |errno| Error::system(errno, RECORDS);
        if make {
            match mkdirat(root, RECORDS, Mode::from_raw_mode(0o700)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        let records = openat(root, RECORDS, DIRECTORY, Mode::empty()).map_err(failed)?;
        let mut flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if make {
            flags |= OFlags::CREATE;
        }
        let file = openat(&records, LOCK, flags, Mode::from_raw_mode(0o600)).map_err(failed)?;
        Ok(Self { records, file })
    }

    /// The directory of the records.
    pub(crate) fn records(&self) -> BorrowedFd<'_> {
        self.records.as_fd()
    }

    /// Whether the file has been removed under us, so that others lock another.
    pub(crate) fn is_stale(&self) -> bool {
        fstat(&self.file).is_ok_and(|stat| stat.st_nlink == 0)
    }

    /// Waits for the lock until the deadline.
    ///
    /// `flock` cannot wait with a bound, and a writer that was stopped must not
    /// hang every other session: hence attempts with pauses in between.
    pub(crate) fn lock(&self, wait: Duration) -> Result<Lock<'_>, Error> {
        let started = Instant::now();
        let mut pause = PAUSE_MIN;
        loop {
            match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Lock { file: self }),
                Err(Errno::WOULDBLOCK | Errno::INTR) => {}
                Err(errno) => return Err(Error::system(errno, RECORDS)),
            }
            let waited = started.elapsed();
            if waited >= wait {
                return Err(Error::Busy {
                    waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
                });
            }
            std::thread::sleep(pause.min(wait - waited));
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

impl Lock<'_> {
    /// The newest change that is known to be finished.
    pub(crate) fn finished(&self) -> u64 {
        let mut id = [0; 8];
        match pread(&self.file.file, &mut id, 0) {
            Ok(8) => u64::from_le_bytes(id),
            _ => 0,
        }
    }

    /// Notes that a change is finished. If that fails, the next writer looks
    /// at the file itself.
    pub(crate) fn finish(&self, id: u64) {
        let _ = pwrite(&self.file.file, &id.to_le_bytes(), 0);
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        let _ = flock(&self.file.file, FlockOperation::Unlock);
    }
}
