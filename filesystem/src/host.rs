//! Files and directories of the host, through a mount's handle.
//!
//! Paths given here are relative and already normal; `cap-std` walks them
//! without leaving the handle, whatever links or renames it meets.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirEntryExt, FileExt};

use cap_std::fs::{
    Dir, FileType as HostType, FileTypeExt, Metadata, MetadataExt, OpenOptions, OpenOptionsExt,
};
use rustix::fs::{AtFlags, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT};

use crate::abi::{FileStat, FileType};
use crate::errno::Errno;

/// The device of constant mounts, all of them: where a session's other mounts
/// come in the order of mounts must not show.
const CONSTANT_DEVICE: u64 = 3;
/// Devices below this number are not of the host.
pub(crate) const FIRST_DEVICE: u64 = 4;
/// The time that constant mounts show: 1980-01-01, the first that archives of
/// the ZIP form can hold.
const CONSTANT_NS: u64 = 315_532_800 * 1_000_000_000;

/// How to open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Want {
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) create: Create,
    pub(crate) directory: bool,
    pub(crate) follow: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Create {
    Never,
    /// It was found missing and may be made.
    Missing,
    /// It must not be there.
    New,
}

#[derive(Debug)]
pub(crate) enum Opened {
    File(File),
    Directory(Dir),
}

/// Opens a regular file or a directory and nothing else.
///
/// The kind is checked before, since opening a device can act on it and
/// opening a FIFO can wait, and again after, since it may have been swapped.
pub(crate) fn open(dir: &Dir, path: &str, want: Want) -> Result<Opened, Errno> {
    if want.create == Create::Never {
        let metadata = metadata(dir, path, want.follow)?;
        let kind = metadata.file_type();
        if kind.is_symlink() {
            return Err(Errno::Loop);
        }
        if kind.is_dir() {
            return open_directory(dir, path, want);
        }
        if want.directory {
            return Err(Errno::Notdir);
        }
        if !kind.is_file() {
            return Err(Errno::Acces);
        }
    }
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if !want.follow {
        flags |= OFlags::NOFOLLOW;
    }
    let mut options = OpenOptions::new();
    options
        .read(want.read || !want.write)
        .write(want.write || want.create != Create::Never)
        .create(want.create == Create::Missing)
        .create_new(want.create == Create::New)
        .custom_flags(flags.bits() as i32);
    let file = dir.open_with(path, &options)?.into_std();
    if file.metadata()?.is_file() {
        Ok(Opened::File(file))
    } else {
        Err(Errno::Acces)
    }
}

fn open_directory(dir: &Dir, path: &str, want: Want) -> Result<Opened, Errno> {
    if want.write && !want.directory {
        return Err(Errno::Isdir);
    }
    Ok(Opened::Directory(dir.open_dir(path)?))
}

pub(crate) fn metadata(dir: &Dir, path: &str, follow: bool) -> Result<Metadata, Errno> {
    if path == "." {
        return Ok(dir.dir_metadata()?);
    }
    Ok(if follow {
        dir.metadata(path)?
    } else {
        dir.symlink_metadata(path)?
    })
}

pub(crate) fn file_metadata(file: &File) -> Result<Metadata, Errno> {
    Ok(Metadata::from_file(file)?)
}

/// Does the name exist, even as a dangling link?
pub(crate) fn exists(dir: &Dir, path: &str) -> Result<bool, Errno> {
    match metadata(dir, path, false) {
        Ok(_) => Ok(true),
        Err(Errno::Noent) => Ok(false),
        Err(errno) => Err(errno),
    }
}

pub(crate) fn stat(metadata: &Metadata, mount: usize) -> FileStat {
    FileStat {
        dev: FIRST_DEVICE.saturating_add(mount as u64),
        ino: serial(metadata.dev(), metadata.ino()),
        filetype: filetype(metadata.file_type()),
        nlink: metadata.nlink(),
        size: metadata.size(),
        atim: nanoseconds(metadata.atime(), metadata.atime_nsec()),
        mtim: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        ctim: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// The attributes of what lies at `path` in a constant mount: those that follow
/// from its content, and constants for the others.
pub(crate) fn constant_stat(metadata: &Metadata, path: &str) -> FileStat {
    let filetype = filetype(metadata.file_type());
    FileStat {
        dev: CONSTANT_DEVICE,
        ino: constant_serial(path),
        filetype,
        nlink: 1,
        size: match filetype {
            FileType::RegularFile => metadata.size(),
            _ => 0,
        },
        atim: CONSTANT_NS,
        mtim: CONSTANT_NS,
        ctim: CONSTANT_NS,
    }
}

/// The serial number of what lies at a guest path of a constant mount: FNV-1a,
/// mixed as the host's numbers are.
pub(crate) fn constant_serial(path: &str) -> u64 {
    let hash = path.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    serial(CONSTANT_DEVICE, hash)
}

/// The serial number and kind of a directory entry, without a lookup.
pub(crate) fn entry(entry: &cap_std::fs::DirEntry, device: u64) -> (u64, FileType) {
    let kind = entry.file_type().map_or(FileType::Unknown, filetype);
    (serial(device, entry.ino()), kind)
}

fn filetype(kind: HostType) -> FileType {
    if kind.is_file() {
        FileType::RegularFile
    } else if kind.is_dir() {
        FileType::Directory
    } else if kind.is_symlink() {
        FileType::SymbolicLink
    } else if kind.is_char_device() {
        FileType::CharacterDevice
    } else if kind.is_block_device() {
        FileType::BlockDevice
    } else if kind.is_socket() {
        FileType::SocketStream
    } else {
        FileType::Unknown
    }
}

/// Mixes the host's numbers, so that they do not show and equal files still
/// compare equal (the finaliser of SplitMix64, a bijection).
fn serial(device: u64, inode: u64) -> u64 {
    let mut mixed = device.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ inode;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)).max(1)
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> u64 {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let nanoseconds = u64::try_from(nanoseconds).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}

/// Sets the times of what a path names, without opening it.
pub(crate) fn set_times(
    dir: &Dir,
    path: &str,
    follow: bool,
    accessed: Option<u64>,
    modified: Option<u64>,
) -> Result<(), Errno> {
    let times = timestamps(accessed, modified);
    if path == "." {
        return Ok(rustix::fs::futimens(readable(dir)?, &times)?);
    }
    let link = metadata(dir, path, false)?.file_type().is_symlink();
    let target = if link && follow {
        let target = dir.canonicalize(path)?;
        target.to_str().ok_or(Errno::Ilseq)?.to_owned()
    } else {
        path.to_owned()
    };
    if matches!(target.as_str(), "" | ".") {
        return Ok(rustix::fs::futimens(readable(dir)?, &times)?);
    }
    let (parent, name) = parent(dir, &target)?;
    Ok(rustix::fs::utimensat(
        &parent,
        name,
        &times,
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}

pub(crate) fn set_file_times(
    handle: impl std::os::fd::AsFd,
    accessed: Option<u64>,
    modified: Option<u64>,
) -> Result<(), Errno> {
    Ok(rustix::fs::futimens(
        handle,
        &timestamps(accessed, modified),
    )?)
}

fn timestamps(accessed: Option<u64>, modified: Option<u64>) -> Timestamps {
    let timespec = |time: Option<u64>| match time {
        Some(time) => Timespec {
            tv_sec: (time / 1_000_000_000) as i64,
            tv_nsec: (time % 1_000_000_000) as _,
        },
        None => Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
    };
    Timestamps {
        last_access: timespec(accessed),
        last_modification: timespec(modified),
    }
}

/// A handle of the same directory that can be acted on; `cap-std` opens its
/// own only as starting points.
pub(crate) fn readable(dir: &Dir) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(dir, ".", flags, Mode::empty())?)
}

/// The directory that holds a name, by handle, and the name.
pub(crate) fn parent<'p>(dir: &Dir, path: &'p str) -> Result<(Dir, &'p str), Errno> {
    match path.rsplit_once('/') {
        None => Ok((dir.try_clone()?, path)),
        Some((parent, name)) => Ok((dir.open_dir(parent)?, name)),
    }
}

/// The numbers that tell a file from all others.
#[allow(
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    reason = "their types differ between systems"
)]
pub(crate) fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}

pub(crate) fn read(file: &File, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
    if i64::try_from(offset).is_err() {
        return Ok(0);
    }
    Ok(file.read_at(buffer, offset)?)
}

/// Makes writes go to the end, or no longer.
pub(crate) fn set_append(file: &File, append: bool) -> Result<(), Errno> {
    let mut flags = rustix::fs::fcntl_getfl(file)?;
    flags.set(OFlags::APPEND, append);
    Ok(rustix::fs::fcntl_setfl(file, flags)?)
}
