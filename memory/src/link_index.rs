//! An index of names that edits by hand cannot make wrong.
//!
//! A file that is added, removed or renamed changes the time of its directory. The index is
//! used while every directory has the identity and the times that it had before it was read;
//! one that had changed shortly before that might change once more without a new time, and
//! then no index is kept. Aliases stand in the files themselves, and are compared file by file.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, Stat, fstat, statat};
use rustix::io::Errno;

use crate::names::{Names, folded};
use crate::path::PATH_DEPTH_MAX;
use crate::tree::{self, ENTRIES_MAX, is_hidden};

/// How long a directory must have been at rest for its time to tell it from what it becomes.
const REST: Duration = Duration::from_millis(100);
/// Directories whose times are compared for each link; in a memory of more nothing is kept.
const DIRECTORIES_MAX: usize = 2_000;

/// The names of a memory's files, kept between links.
#[derive(Debug, Default)]
pub(crate) struct LinkIndex {
    kept: Option<Kept>,
    /// The aliases in files, by path.
    aliases: HashMap<String, (Stamp, Vec<String>)>,
}

#[derive(Debug)]
struct Kept {
    names: Arc<Names>,
    directories: Vec<(String, Stamp)>,
}

/// What tells a file or directory from another, and from what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    identity: (u64, u64),
    size: i64,
    changed: (i64, i64),
    modified: (i64, i64),
}

impl Stamp {
    // The types of the fields are not the same on every system.
    #[allow(clippy::unnecessary_cast)]
    fn of(stat: &Stat) -> Self {
        Self {
            identity: (stat.st_dev as u64, stat.st_ino as u64),
            size: stat.st_size as i64,
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        }
    }

    /// Whether a change at or after `now` would have another time.
    fn is_at_rest(&self, now: Duration) -> bool {
        let newest = self.changed.max(self.modified);
        let seconds = u64::try_from(newest.0).unwrap_or(0);
        let nanos = u32::try_from(newest.1).unwrap_or(0);
        Duration::new(seconds, nanos).saturating_add(REST) < now
    }
}

impl LinkIndex {
    /// The names of all files, those that are hidden left out.
    pub(crate) fn names(&mut self, root: BorrowedFd<'_>) -> Result<Arc<Names>, Errno> {
        if let Some(kept) = self.kept.as_ref().filter(|kept| kept.holds(root)) {
            return Ok(Arc::clone(&kept.names));
        }
        self.kept = None;
        let mut walk = Walk {
            now: now(),
            files: Vec::new(),
            directories: Vec::new(),
            is_at_rest: true,
        };
        walk.directory(root, "", 0)?;
        let names: Arc<Names> = Arc::new(walk.files.into_iter().collect());
        if walk.is_at_rest && walk.directories.len() <= DIRECTORIES_MAX {
            self.kept = Some(Kept {
                names: Arc::clone(&names),
                directories: walk.directories,
            });
        }
        Ok(names)
    }

    /// The first file by path that has one of these names as an alias. `read` gets the text of
    /// a file.
    pub(crate) fn aliased(
        &mut self,
        root: BorrowedFd<'_>,
        names: &Names,
        targets: &[String],
        read: &dyn Fn(&str) -> Option<Vec<String>>,
    ) -> Option<String> {
        let now = now();
        let mut aliases = HashMap::new();
        for path in names.paths().filter(|path| path.ends_with(".md")) {
            let Ok(stat) = statat(root, path, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let stamp = Stamp::of(&stat);
            let known = self.aliases.remove(path);
            let known = known.filter(|(kept, _)| *kept == stamp && stamp.is_at_rest(now));
            let found = match known {
                Some((_, found)) => found,
                None => read(path).unwrap_or_default(),
            };
            aliases.insert(path.to_owned(), (stamp, found));
        }
        self.aliases = aliases;
        let wanted: Vec<String> = targets.iter().map(|target| folded(target)).collect();
        let has = |path: &str| {
            let found = self.aliases.get(path).map(|(_, found)| found.as_slice());
            let mut found = found.unwrap_or_default().iter();
            found.any(|alias| wanted.contains(&folded(alias)))
        };
        names.paths().find(|path| has(path)).map(str::to_owned)
    }
}

impl Kept {
    fn holds(&self, root: BorrowedFd<'_>) -> bool {
        self.directories.iter().all(|(path, stamp)| {
            let stat = match path.is_empty() {
                true => fstat(root),
                false => statat(root, path.as_str(), AtFlags::SYMLINK_NOFOLLOW),
            };
            stat.is_ok_and(|stat| Stamp::of(&stat) == *stamp)
        })
    }
}

fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

struct Walk {
    now: Duration,
    files: Vec<String>,
    directories: Vec<(String, Stamp)>,
    is_at_rest: bool,
}

impl Walk {
    fn directory(
        &mut self,
        directory: BorrowedFd<'_>,
        path: &str,
        depth: usize,
    ) -> Result<(), Errno> {
        // Asked before its entries: what comes while they are read has a later time.
        let stamp = Stamp::of(&fstat(directory)?);
        self.is_at_rest &= stamp.is_at_rest(self.now);
        self.directories.push((path.to_owned(), stamp));
        for entry in tree::entries(directory, depth == 0)? {
            if !entry.is_text || is_hidden(&entry.name) {
                continue;
            }
            let separator = if path.is_empty() { "" } else { "/" };
            let below = format!("{path}{separator}{}", entry.name);
            match entry.kind {
                FileType::RegularFile => self.files.push(below),
                FileType::Directory if depth < PATH_DEPTH_MAX => {
                    match tree::open(directory, &entry.raw) {
                        Ok(handle) => self.directory(handle.as_fd(), &below, depth + 1)?,
                        // It may be opened later, which changes no time that was looked at.
                        Err(_) => self.is_at_rest = false,
                    }
                }
                _ => {}
            }
            if self.files.len() as u64 > ENTRIES_MAX {
                return Err(Errno::OVERFLOW);
            }
        }
        Ok(())
    }
}
