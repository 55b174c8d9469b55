//! From a path to a place: a directory by handle and a name in it.
//!
//! Every step is taken from an open handle, and no step follows a link by
//! itself: links are read and walked like the rest of the path. So whatever
//! others rename or replace meanwhile, no step can leave the root.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, mkdirat, openat, readlinkat, statat};
use rustix::io::Errno;

use crate::Error;
use crate::path::{self, Step};

/// How many links one path may lead through, as Linux has it.
const LINKS_MAX: usize = 40;

/// Whether a link at the end of the path is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    Follow,
    Keep,
}

/// The target of a path.
pub(crate) struct Place<'r> {
    root: BorrowedFd<'r>,
    /// The directories below the root, outermost first.
    directories: Vec<(String, OwnedFd)>,
    /// Directories that are not there yet.
    missing: Vec<String>,
    /// The last name; `None` if the path names a directory by `.` or `..`.
    name: Option<String>,
    /// The attributes of what exists there.
    pub(crate) stat: Option<Stat>,
    /// The path as it was given.
    pub(crate) given: String,
}

impl<'r> Place<'r> {
    /// Walks a path from the root. Directories that are missing are not made.
    pub(crate) fn find(root: BorrowedFd<'r>, given: &str, last: Last) -> Result<Self, Error> {
        let (steps, must_be_directory) = path::parse(given)?;
        let mut place = Self {
            root,
            directories: Vec::new(),
            missing: Vec::new(),
            name: None,
            stat: None,
            given: given.to_owned(),
        };
        place.walk(steps.into(), last, must_be_directory)?;
        let is_directory = place.file_type().is_none_or(FileType::is_dir);
        if must_be_directory && !is_directory {
            return Err(place.system(Errno::NOTDIR));
        }
        Ok(place)
    }

    fn walk(&mut self, mut steps: VecDeque<Step>, last: Last, slash: bool) -> Result<(), Error> {
        let mut links = 0;
        while let Some(step) = steps.pop_front() {
            let Step::Down(name) = step else {
                self.step_up()?;
                continue;
            };
            let at_root = self.directories.is_empty() && self.missing.is_empty();
            if path::is_reserved(&name, at_root) {
                return Err(Error::Reserved {
                    path: path::shown(&self.given),
                });
            }
            let is_last = steps.is_empty();
            if !self.missing.is_empty() {
                self.step_into_nothing(name, is_last);
                continue;
            }
            let stat = match statat(self.directory(), &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => {
                    self.step_into_nothing(name, is_last);
                    continue;
                }
                Err(errno) => return Err(self.system(errno)),
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Symlink if !is_last || last == Last::Follow || slash => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(self.system(Errno::LOOP));
                    }
                    for step in self.read_link(&name)?.into_iter().rev() {
                        steps.push_front(step);
                    }
                    if steps.is_empty() {
                        self.stat = None;
                    }
                }
                FileType::Directory if !is_last => self.step_down(name)?,
                _ if !is_last => return Err(self.system(Errno::NOTDIR)),
                _ => {
                    self.name = Some(name);
                    self.stat = Some(stat);
                }
            }
        }
        Ok(())
    }

    fn step_up(&mut self) -> Result<(), Error> {
        if !self.missing.is_empty() {
            return Err(self.system(Errno::NOENT));
        }
        match self.directories.pop() {
            Some(_) => Ok(()),
            None => Err(Error::Outside {
                path: path::shown(&self.given),
            }),
        }
    }

    fn step_into_nothing(&mut self, name: String, is_last: bool) {
        if is_last {
            self.name = Some(name);
        } else {
            self.missing.push(name);
        }
    }

    fn step_down(&mut self, name: String) -> Result<(), Error> {
        let opened = openat(self.directory(), &name, DIRECTORY, Mode::empty());
        let handle = opened.map_err(|errno| self.system(errno))?;
        self.directories.push((name, handle));
        Ok(())
    }

    fn read_link(&self, name: &str) -> Result<Vec<Step>, Error> {
        let target = readlinkat(self.directory(), name, Vec::new());
        let target = target.map_err(|errno| self.system(errno))?;
        let target = target.to_str().map_err(|_| self.system(Errno::ILSEQ))?;
        match path::parse(target) {
            Ok((steps, _)) => Ok(steps),
            Err(Error::Outside { .. }) => Err(Error::Outside {
                path: path::shown(&self.given),
            }),
            Err(error) => Err(error),
        }
    }

    /// Makes the directories that are missing on the way.
    pub(crate) fn make_missing(&mut self) -> Result<(), Error> {
        while !self.missing.is_empty() {
            let name = self.missing.remove(0);
            match mkdirat(self.directory(), &name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => self.step_down(name)?,
                Err(errno) => return Err(self.system(errno)),
            }
        }
        Ok(())
    }

    /// The innermost directory that is there.
    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        match self.directories.last() {
            Some((_, handle)) => handle.as_fd(),
            None => self.root,
        }
    }

    /// The name in [`Self::directory`]; an error for `.` and the like.
    pub(crate) fn name(&self) -> Result<&str, Error> {
        match &self.name {
            Some(name) => Ok(name),
            None if self.given.is_empty() => Err(self.system(Errno::NOENT)),
            None => Err(self.system(Errno::ISDIR)),
        }
    }

    /// The path from the root, without links, `.` and `..`.
    pub(crate) fn canonical(&self) -> String {
        let names = self.directories.iter().map(|(name, _)| name);
        let names: Vec<&str> = names
            .chain(&self.missing)
            .chain(&self.name)
            .map(String::as_str)
            .collect();
        names.join("/")
    }

    /// How many directories would have to be made.
    pub(crate) fn missing(&self) -> usize {
        self.missing.len()
    }

    /// The canonical paths of the directories above, outermost first.
    pub(crate) fn ancestors(&self) -> Vec<String> {
        let mut above = String::new();
        let names = self.directories.iter().map(|(name, _)| name);
        let mut ancestors = Vec::new();
        for name in names.chain(&self.missing) {
            if !above.is_empty() {
                above.push('/');
            }
            above.push_str(name);
            ancestors.push(above.clone());
        }
        ancestors
    }

    /// What stands there; a path like `.` names a directory.
    pub(crate) fn file_type(&self) -> Option<FileType> {
        match (&self.name, &self.stat) {
            (None, _) => (!self.given.is_empty()).then_some(FileType::Directory),
            (Some(_), stat) => stat.map(|stat| FileType::from_raw_mode(stat.st_mode)),
        }
    }

    /// Opens the directory that stands there.
    pub(crate) fn open_directory(&self) -> Result<OwnedFd, Error> {
        let name = self.name.as_deref().unwrap_or(".");
        let opened = openat(self.directory(), name, DIRECTORY, Mode::empty());
        opened.map_err(|errno| self.system(errno))
    }

    /// An error of the system about this path.
    pub(crate) fn system(&self, errno: Errno) -> Error {
        Error::system(errno, &self.given)
    }
}

/// How directories are opened.
pub(crate) const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
