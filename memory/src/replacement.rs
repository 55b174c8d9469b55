//! A memory replaced by another: everything it holds, and its past.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, FileType, Stat, fstat, unlinkat};
use rustix::io::Errno;

use crate::journal::LockFile;
use crate::path::{self, PATH_DEPTH_MAX, Step};
use crate::place::{Last, Place};
use crate::{Author, Error, Memory, files, tree};

/// The name under which new files are written.
const TEMPORARY: &str = ".new.memex-tmp";

impl Memory {
    /// Puts these files in place of everything that the memory holds. What can
    /// be refused is refused before anything is removed.
    pub(crate) fn replace_all(
        &self,
        author: Author<'_>,
        files: &[(&str, &[u8])],
    ) -> Result<(), Error> {
        for (path, bytes) in files {
            check(path)?;
            let limit = self.limits().file_bytes_max;
            if bytes.len() as u64 > limit {
                return Err(Error::TooLarge {
                    path: path::shown(path),
                    action: "create",
                    bytes: bytes.len() as u64,
                    limit,
                });
            }
        }
        let total = files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        if let Some(limit) = self
            .limits()
            .memory_bytes_max
            .filter(|limit| total > *limit)
        {
            return Err(Error::Full {
                place: "the memory".to_owned(),
                unit: "bytes",
                actual: total,
                limit,
            });
        }
        let failed = |errno| Error::system(errno, "");
        // Asked before the change, which makes the records of a new memory.
        if !LockFile::is_there(self.root()) && !is_empty(self.root()).map_err(failed)? {
            return Err(Error::NotAMemory);
        }
        let durability = self.options().durability;
        self.change(author, |transaction| {
            let top = fstat(self.root()).map_err(failed)?;
            check_removable(self.root(), &top, true, 0).map_err(failed)?;
            let records = LockFile::open(self.root(), false)?;
            transaction.forget(records.records())?;
            clear(self.root(), true, 0).map_err(failed)?;
            for (path, bytes) in files {
                let mut place = Place::find(self.root(), path, Last::Keep)?;
                place.make_missing()?;
                files::replace(&place, TEMPORARY, bytes, durability)?;
            }
            Ok(())
        })
    }
}

/// Only plain paths: what is written must be what is read again.
fn check(path: &str) -> Result<(), Error> {
    let (steps, directory) = path::parse(path)?;
    let is_plain = !directory && !steps.is_empty();
    let reserved = steps.iter().enumerate().any(|(depth, step)| match step {
        Step::Up => true,
        Step::Down(name) => path::is_reserved(name, depth == 0),
    });
    match is_plain && !reserved {
        true => Ok(()),
        false => Err(Error::InvalidPath {
            path: path::shown(path),
            what: "it is no path of a file in a memory",
        }),
    }
}

fn is_empty(directory: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(tree::entries(directory, true)?.is_empty())
}

/// Fails if [`clear`] would stop halfway, or go into what is mounted inside.
fn check_removable(
    directory: BorrowedFd<'_>,
    top: &Stat,
    at_root: bool,
    depth: usize,
) -> Result<(), Errno> {
    for entry in tree::entries(directory, at_root)? {
        if entry.kind != FileType::Directory {
            continue;
        }
        if depth >= PATH_DEPTH_MAX {
            return Err(Errno::NAMETOOLONG);
        }
        let below = tree::open(directory, &entry.raw)?;
        if fstat(&below)?.st_dev != top.st_dev {
            return Err(Errno::XDEV);
        }
        check_removable(below.as_fd(), top, false, depth + 1)?;
    }
    Ok(())
}

fn clear(directory: BorrowedFd<'_>, at_root: bool, depth: usize) -> Result<(), Errno> {
    for entry in tree::entries(directory, at_root)? {
        if entry.kind == FileType::Directory {
            if depth >= PATH_DEPTH_MAX {
                return Err(Errno::NAMETOOLONG);
            }
            let below = tree::open(directory, &entry.raw)?;
            clear(below.as_fd(), false, depth + 1)?;
            unlinkat(directory, &entry.raw, AtFlags::REMOVEDIR)?;
        } else {
            unlinkat(directory, &entry.raw, AtFlags::empty())?;
        }
    }
    Ok(())
}
