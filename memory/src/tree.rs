//! Walks over directories, by handle, never through links.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, openat, statat};
use rustix::io::Errno;

use crate::path::{self, PATH_DEPTH_MAX};
use crate::place::DIRECTORY;

/// How many entries any walk looks at: more are an error, not a wait.
pub(crate) const ENTRIES_MAX: u64 = 1_000_000;

/// An entry of a directory.
pub(crate) struct Entry {
    /// For showing; odd bytes are replaced.
    pub(crate) name: String,
    /// As the system has it.
    pub(crate) raw: CString,
    pub(crate) kind: FileType,
    /// Whether the name is UTF-8, so that a path can name it.
    pub(crate) is_text: bool,
}

/// The entries of a directory by code point, without the memory's own.
pub(crate) fn entries(directory: BorrowedFd<'_>, at_root: bool) -> Result<Vec<Entry>, Errno> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let raw = entry.file_name();
        let name = raw.to_string_lossy();
        if name == "." || name == ".." || path::is_reserved(&name, at_root) {
            continue;
        }
        let mut kind = entry.file_type();
        if kind == FileType::Unknown {
            let stat = statat(directory, raw, AtFlags::SYMLINK_NOFOLLOW);
            kind = stat.map_or(kind, |stat| FileType::from_raw_mode(stat.st_mode));
        }
        entries.push(Entry {
            is_text: raw.to_str().is_ok(),
            raw: raw.to_owned(),
            name: name.into_owned(),
            kind,
        });
        if entries.len() as u64 > ENTRIES_MAX {
            return Err(Errno::OVERFLOW);
        }
    }
    entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Opens a directory by its name in another.
pub(crate) fn open(directory: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    openat(directory, name, DIRECTORY, Mode::empty())
}

/// How much a directory holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sizes {
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
    /// The bytes of the files in every directory below, by its path from the
    /// top; directories in it have their own.
    pub(crate) directories: BTreeMap<String, u64>,
}

/// Adds up a directory. What vanishes or cannot be read meanwhile counts
/// nothing; links count nothing.
pub(crate) fn measure(top: BorrowedFd<'_>, at_root: bool) -> Result<Sizes, Errno> {
    let mut sizes = Sizes::default();
    sizes.bytes = measure_into(top, "", at_root, 0, &mut sizes)?;
    Ok(sizes)
}

/// Adds up a directory, and notes what its own files have.
fn measure_into(
    directory: BorrowedFd<'_>,
    path: &str,
    at_root: bool,
    depth: usize,
    sizes: &mut Sizes,
) -> Result<u64, Errno> {
    let (mut own, mut below) = (0_u64, 0_u64);
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let raw = entry.file_name();
        let name = raw.to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        if name.starts_with(b".") && path::is_reserved(&raw.to_string_lossy(), at_root) {
            continue;
        }
        sizes.entries += 1;
        if sizes.entries > ENTRIES_MAX {
            return Err(Errno::OVERFLOW);
        }
        let mut kind = entry.file_type();
        if kind == FileType::RegularFile || kind == FileType::Unknown {
            let Ok(stat) = statat(directory, raw, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            kind = FileType::from_raw_mode(stat.st_mode);
            if kind == FileType::RegularFile {
                own = own.saturating_add(u64::try_from(stat.st_size).unwrap_or(0));
            }
        }
        if kind == FileType::Directory && depth < PATH_DEPTH_MAX {
            let Ok(handle) = openat(directory, raw, DIRECTORY, Mode::empty()) else {
                continue;
            };
            let separator = if path.is_empty() { "" } else { "/" };
            let below_path = format!("{path}{separator}{}", raw.to_string_lossy());
            let held = measure_into(handle.as_fd(), &below_path, false, depth + 1, sizes)?;
            below = below.saturating_add(held);
        }
    }
    if !path.is_empty() {
        sizes.directories.insert(path.to_owned(), own);
    }
    Ok(own.saturating_add(below))
}

/// A regular file that a walk found.
pub(crate) struct Found {
    /// From the root.
    pub(crate) path: String,
    pub(crate) bytes: u64,
}

/// All regular files whose paths are text, by path; hidden ones only if asked.
pub(crate) fn files(root: BorrowedFd<'_>, hidden: bool) -> Result<Vec<Found>, Errno> {
    let mut found = Vec::new();
    files_into(root, "", hidden, 0, &mut found)?;
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn files_into(
    directory: BorrowedFd<'_>,
    path: &str,
    hidden: bool,
    depth: usize,
    found: &mut Vec<Found>,
) -> Result<(), Errno> {
    for entry in entries(directory, depth == 0)? {
        if !entry.is_text || (!hidden && is_hidden(&entry.name)) {
            continue;
        }
        let separator = if path.is_empty() { "" } else { "/" };
        let below = format!("{path}{separator}{}", entry.name);
        match entry.kind {
            FileType::RegularFile => {
                let stat = statat(directory, &entry.name, AtFlags::SYMLINK_NOFOLLOW);
                found.push(Found {
                    path: below,
                    bytes: stat.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0)),
                });
                if found.len() as u64 > ENTRIES_MAX {
                    return Err(Errno::OVERFLOW);
                }
            }
            FileType::Directory if depth < PATH_DEPTH_MAX => {
                if let Ok(handle) = open(directory, &entry.raw) {
                    files_into(handle.as_fd(), &below, hidden, depth + 1, found)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a listing leaves the name out.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name == "__pycache__"
}
