//! The numbers and records of WASI preview 1 that file calls use.

/// Follow a symbolic link in the last component of a path.
pub const LOOKUP_SYMLINK_FOLLOW: u32 = 1;

/// Create the file if it is not there.
pub const OFLAG_CREAT: u16 = 1;
/// Fail unless it is a directory.
pub const OFLAG_DIRECTORY: u16 = 2;
/// With [`OFLAG_CREAT`]: fail if it is there already.
pub const OFLAG_EXCL: u16 = 4;
/// Cut the file to no bytes.
pub const OFLAG_TRUNC: u16 = 8;

/// Every write goes to the end.
pub const FDFLAG_APPEND: u16 = 1;
/// Data reaches the disk before a write returns.
pub const FDFLAG_DSYNC: u16 = 2;
/// Never wait. Regular files ignore it.
pub const FDFLAG_NONBLOCK: u16 = 4;
/// As [`FDFLAG_DSYNC`], for reads. Ignored.
pub const FDFLAG_RSYNC: u16 = 8;
/// Data and attributes reach the disk before a write returns.
pub const FDFLAG_SYNC: u16 = 16;

/// The right to read, which makes a descriptor readable.
pub const RIGHT_FD_READ: u64 = 1 << 1;
/// The right to write, which makes a descriptor writable.
pub const RIGHT_FD_WRITE: u64 = 1 << 6;
/// Every right that preview 1 names.
pub const RIGHTS_ALL: u64 = (1 << 30) - 1;

/// Offsets count from the start.
pub const WHENCE_SET: u8 = 0;
/// Offsets count from the current position.
pub const WHENCE_CUR: u8 = 1;
/// Offsets count from the end.
pub const WHENCE_END: u8 = 2;

/// Set the access time to the given one.
pub const FSTFLAG_ATIM: u16 = 1;
/// Set the access time to the present.
pub const FSTFLAG_ATIM_NOW: u16 = 2;
/// Set the modification time to the given one.
pub const FSTFLAG_MTIM: u16 = 4;
/// Set the modification time to the present.
pub const FSTFLAG_MTIM_NOW: u16 = 8;

/// The descriptor of the one preopened directory, `/`.
pub const PREOPEN_FD: u32 = 3;

/// The kind of a file; `as u8` is the number of preview 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FileType {
    /// None of the others, a FIFO for one.
    Unknown = 0,
    /// A block device.
    BlockDevice = 1,
    /// A character device.
    CharacterDevice = 2,
    /// A directory.
    Directory = 3,
    /// A regular file.
    RegularFile = 4,
    /// A stream socket.
    SocketStream = 6,
    /// A symbolic link.
    SymbolicLink = 7,
}

/// The attributes of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FdStat {
    /// The kind of file.
    pub filetype: FileType,
    /// The `FDFLAG_*` in force.
    pub flags: u16,
    /// The rights of the descriptor itself.
    pub rights_base: u64,
    /// The rights of descriptors opened through it.
    pub rights_inheriting: u64,
}

/// The attributes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// The device: one number per mount.
    pub dev: u64,
    /// The serial number: derived, stable, never 0, and not the host's.
    pub ino: u64,
    /// The kind of file.
    pub filetype: FileType,
    /// How many names it has.
    pub nlink: u64,
    /// Its length in bytes.
    pub size: u64,
    /// Last access, in nanoseconds since 1970.
    pub atim: u64,
    /// Last change of content, in nanoseconds since 1970.
    pub mtim: u64,
    /// Last change of attributes, in nanoseconds since 1970.
    pub ctim: u64,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// The cookie that continues after this entry.
    pub next: u64,
    /// Its serial number.
    pub ino: u64,
    /// Its name.
    pub name: String,
    /// The kind of file.
    pub filetype: FileType,
}
