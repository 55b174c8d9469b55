//! Single files: read within a bound, replaced as a whole.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::BorrowedFd;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RawMode, fchmod, fstat, fsync, openat, renameat, unlinkat,
};
use rustix::io::Errno;

use crate::place::Place;
use crate::{Durability, Error};

/// Reads the regular file that stands at a place, or says why not.
///
/// What is no regular file is not opened at all, and opening does not wait if
/// another process puts a FIFO there in between.
pub(crate) fn read(place: &Place<'_>, action: &'static str, limit: u64) -> Result<Vec<u8>, Error> {
    let not_a_file = || Error::NotAFile {
        path: place.given.clone(),
    };
    match place.file_type() {
        None => return Err(place.system(Errno::NOENT)),
        Some(FileType::RegularFile) => {}
        Some(_) => return Err(not_a_file()),
    }
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = openat(place.directory(), place.name()?, flags, Mode::empty());
    let handle = opened.map_err(|errno| place.system(errno))?;
    let stat = fstat(&handle).map_err(|errno| place.system(errno))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(not_a_file());
    }
    let too_large = |bytes| Error::TooLarge {
        path: place.given.clone(),
        action,
        bytes,
        limit,
    };
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    if size > limit {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1));
    // The file may grow while it is read.
    let mut bounded = File::from(handle).take(limit.saturating_add(1));
    let read = bounded.read_to_end(&mut bytes);
    read.map_err(|error| place.system(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
    match bytes.len() as u64 > limit {
        true => Err(too_large(bytes.len() as u64)),
        false => Ok(bytes),
    }
}

/// Puts a file with these bytes in place of what stands there, by way of a
/// temporary file beside it.
pub(crate) fn replace(
    place: &Place<'_>,
    temporary: &str,
    bytes: &[u8],
    durability: Durability,
) -> Result<(), Error> {
    let directory = place.directory();
    let name = place.name()?;
    let kept = place
        .stat
        .filter(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
    let mode = kept.map(|stat| stat.st_mode & 0o777);
    let replaced = write_new(directory, temporary, bytes, mode, durability)
        .and_then(|()| renameat(directory, temporary, directory, name));
    if let Err(errno) = replaced {
        // If it cannot be removed now, the next writer does it.
        let _ = unlinkat(directory, temporary, AtFlags::empty());
        return Err(place.system(errno));
    }
    sync_directory(directory, durability).map_err(|errno| place.system(errno))
}

fn write_new(
    directory: BorrowedFd<'_>,
    name: &str,
    bytes: &[u8],
    mode: Option<RawMode>,
    durability: Durability,
) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let create = || openat(directory, name, flags, Mode::from_raw_mode(0o666));
    let handle = match create() {
        // Left by a writer that was killed.
        Err(Errno::EXIST) => {
            unlinkat(directory, name, AtFlags::empty())?;
            create()?
        }
        other => other?,
    };
    if let Some(mode) = mode {
        fchmod(&handle, Mode::from_raw_mode(mode))?;
    }
    let mut file = File::from(handle);
    let written = file.write_all(bytes);
    written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    match durability {
        Durability::Process => Ok(()),
        Durability::PowerCut => fsync(&file),
    }
}

/// Brings the names in a directory to the disk, if that is asked for.
pub(crate) fn sync_directory(
    directory: BorrowedFd<'_>,
    durability: Durability,
) -> Result<(), Errno> {
    match durability {
        Durability::Process => Ok(()),
        Durability::PowerCut => fsync(directory),
    }
}

/// The text of a file with the ends of lines that Python would give it, or the
/// words that Python has for bytes that are no UTF-8.
pub(crate) fn decode(path: &str, bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|error| {
        let bytes = error.as_bytes();
        Error::NotText {
            path: path.to_owned(),
            what: codec_words(bytes, error.utf8_error()),
        }
    })
}

/// Line ends as Python's text mode reads them.
#[must_use]
pub fn universal_newlines(text: String) -> String {
    match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace('\r', "\n"),
        false => text,
    }
}

fn codec_words(bytes: &[u8], error: std::str::Utf8Error) -> String {
    let start = error.valid_up_to();
    let first = bytes.get(start).copied().unwrap_or(0);
    let reason = match error.error_len() {
        None => "unexpected end of data",
        Some(1) if !(0xc2..=0xf4).contains(&first) => "invalid start byte",
        Some(_) => "invalid continuation byte",
    };
    let length = match error.error_len() {
        Some(length) => length,
        None => bytes.len().saturating_sub(start),
    };
    let what = match length {
        1 => format!("byte 0x{first:02x} in position {start}"),
        _ => format!("bytes in position {start}-{}", start + length - 1),
    };
    format!("'utf-8' codec can't decode {what}: {reason}")
}
