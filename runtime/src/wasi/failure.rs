//! Error numbers for the guest.

use memex_filesystem::Errno;

/// `EFAULT`: a pointer outside of the guest's memory. The file system has no
/// use for it, so it is not among its error numbers.
pub(super) const FAULT: i32 = 21;

/// What a function answers: nothing, or an error number.
pub(super) type Answer = Result<(), Failure>;

/// An error number for the guest.
#[derive(Debug, Clone, Copy)]
pub(super) enum Failure {
    Errno(Errno),
    Fault,
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}
