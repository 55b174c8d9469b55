//! The error numbers a guest is given.

use std::fmt;
use std::io;

/// An error of WASI preview 1; `as u16` is its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Errno {
    /// Permission denied.
    Acces = 2,
    /// Not now; try again.
    Again = 6,
    /// No such descriptor, or not open for this.
    Badf = 8,
    /// In use: a mount point cannot be moved or removed; others move names.
    Busy = 10,
    /// The host's disk quota is used up.
    Dquot = 19,
    /// It is there already.
    Exist = 20,
    /// The file would be too large.
    Fbig = 22,
    /// The path is not UTF-8.
    Ilseq = 25,
    /// Interrupted.
    Intr = 27,
    /// An argument makes no sense.
    Inval = 28,
    /// The host could not read or write.
    Io = 29,
    /// It is a directory.
    Isdir = 31,
    /// Too many symbolic links, or one where none may be.
    Loop = 32,
    /// Too many open files in this session.
    Mfile = 33,
    /// Too many names for one file.
    Mlink = 34,
    /// The path, a component or the depth is too long.
    Nametoolong = 37,
    /// Too many open files in the host.
    Nfile = 41,
    /// No such file or directory.
    Noent = 44,
    /// Not enough memory.
    Nomem = 48,
    /// No space: the disk's, or the session's quota.
    Nospc = 51,
    /// It is not a directory.
    Notdir = 54,
    /// The directory is not empty.
    Notempty = 55,
    /// Not supported.
    Notsup = 58,
    /// Not permitted.
    Perm = 63,
    /// The file system is read-only.
    Rofs = 69,
    /// The file behind the descriptor could not be opened again after a restore.
    Stale = 72,
    /// The file is being executed.
    Txtbsy = 74,
    /// The two paths are in different mounts.
    Xdev = 75,
    /// The path leads out of what was granted.
    Notcapable = 76,
}

impl fmt::Display for Errno {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?} ({})", *self as u16)
    }
}

impl std::error::Error for Errno {}

impl From<rustix::io::Errno> for Errno {
    fn from(error: rustix::io::Errno) -> Self {
        use rustix::io::Errno as Host;
        match error {
            // NXIO: a FIFO or device appeared where a file had been.
            Host::ACCESS | Host::NXIO | Host::NODEV => Self::Acces,
            Host::AGAIN => Self::Again,
            Host::BUSY => Self::Busy,
            Host::DQUOT => Self::Dquot,
            Host::EXIST => Self::Exist,
            Host::FBIG => Self::Fbig,
            Host::ILSEQ => Self::Ilseq,
            Host::INTR => Self::Intr,
            Host::INVAL => Self::Inval,
            Host::ISDIR => Self::Isdir,
            Host::LOOP => Self::Loop,
            Host::MLINK => Self::Mlink,
            Host::NAMETOOLONG => Self::Nametoolong,
            Host::MFILE | Host::NFILE => Self::Nfile,
            Host::NOENT => Self::Noent,
            Host::NOMEM => Self::Nomem,
            Host::NOSPC => Self::Nospc,
            Host::NOTDIR => Self::Notdir,
            Host::NOTEMPTY => Self::Notempty,
            Host::OPNOTSUPP | Host::NOSYS => Self::Notsup,
            Host::PERM => Self::Perm,
            Host::ROFS => Self::Rofs,
            Host::STALE => Self::Stale,
            Host::TXTBSY => Self::Txtbsy,
            Host::XDEV => Self::Xdev,
            _ => Self::Io,
        }
    }
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Self {
        if let Some(host) = rustix::io::Errno::from_io_error(&error) {
            return host.into();
        }
        match error.kind() {
            // The one refusal that `cap-std` makes itself: the path escapes.
            io::ErrorKind::PermissionDenied => Self::Notcapable,
            io::ErrorKind::NotFound => Self::Noent,
            io::ErrorKind::AlreadyExists => Self::Exist,
            io::ErrorKind::NotADirectory => Self::Notdir,
            io::ErrorKind::InvalidInput => Self::Inval,
            io::ErrorKind::Unsupported => Self::Notsup,
            _ => Self::Io,
        }
    }
}
