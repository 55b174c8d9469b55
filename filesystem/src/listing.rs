//! `fd_readdir`.

use std::collections::VecDeque;
use std::sync::Arc;

use cap_std::fs::{Dir, MetadataExt, ReadDir};

use crate::abi::{DirEntry, FileType};
use crate::descriptor::Target;
use crate::errno::Errno;
use crate::filesystem::FileSystem;
use crate::host;
use crate::interrupt::Interrupt;
use crate::namespace::Mount;
use crate::path::{Normal, split};
use crate::resolution::{Last, resolve};
use crate::scratch::NodeId;

/// The most entries one call returns.
const BATCH_MAX: usize = 4096;
/// Entries read between two looks at the interrupt.
const LOOK_EVERY: u32 = 1024;
/// `.` and `..` come first.
const DOTS: u64 = 2;

/// The source of the entries of a host directory.
#[derive(Debug)]
enum Entries {
    /// The host, in its order.
    Host { entries: ReadDir, device: u64 },
    /// A constant mount, whose entries are in the order of their names.
    Constant(std::vec::IntoIter<(u64, String, FileType)>),
}

/// A host directory being listed.
///
/// It keeps the last batch, since a guest whose buffer cut an entry off asks
/// for it again; going back further starts the listing over.
#[derive(Debug)]
pub(crate) struct Listing {
    entries: Entries,
    /// The place of the first entry in `window`.
    start: u64,
    window: VecDeque<(u64, String, FileType)>,
}

impl FileSystem {
    /// Lists a directory: `.`, `..`, then mounts, then the rest.
    ///
    /// Cookie 0 is the beginning, and each entry's `next` is the cookie that
    /// continues after it. At most `limit` entries are returned, none at the
    /// end. In scratch, names that come and go while a listing is under way
    /// disturb no others.
    ///
    /// # Errors
    /// `Notdir` for a file, `Badf` if it is not open, `Intr` if it is given up.
    pub fn fd_readdir(
        &mut self,
        fd: u32,
        cookie: u64,
        limit: usize,
    ) -> Result<Vec<DirEntry>, Errno> {
        self.descriptor(fd)?;
        let namespace = Arc::clone(&self.namespace);
        let interrupt = self.interrupt.clone();
        let descriptor = self.table.get(fd)?;
        match descriptor.target {
            Target::MountedFile { .. } | Target::HostFile { .. } => return Err(Errno::Notdir),
            Target::Scratch(node) => {
                self.tree.directory(node)?;
            }
            _ => {}
        }
        let limit = limit.min(BATCH_MAX);
        let path = Arc::clone(&descriptor.path);
        let mount = namespace
            .find(&path)
            .filter(|(_, rest)| rest.is_empty())
            .and_then(|(mount, _)| namespace.mount(mount));
        let mut entries = Vec::new();
        if cookie == 0 && limit > 0 {
            entries.push(self.dot(fd)?);
        }
        if cookie <= 1 && entries.len() < limit {
            entries.push(self.dot_dot(fd, &path)?);
        }
        self.list_mounts(mount, cookie, limit, &mut entries)?;
        let base = DOTS.saturating_add(mount.map_or(0, |mount| mount.children.len() as u64));
        let from = cookie.saturating_sub(base);
        let want = limit.saturating_sub(entries.len());
        if want == 0 {
            return Ok(entries);
        }
        let scratch = match &mut self.table.get_mut(fd)?.target {
            Target::Scratch(node) => Some(*node),
            Target::HostDirectory { dir, listing, .. } => {
                // The beginning is a listing of its own: names may have come and gone.
                let is_behind = |listing: &Listing| from < listing.start;
                if cookie == 0 || listing.as_deref().is_none_or(is_behind) {
                    let constant = namespace
                        .find(&path)
                        .and_then(|(mount, _)| namespace.mount(mount))
                        .is_some_and(|mount| mount.constant);
                    *listing = Some(Box::new(Listing::new(dir, constant.then_some(&*path))?));
                }
                if let Some(listing) = listing {
                    let found = listing.batch(from, want, mount, &interrupt)?;
                    entries.extend(found.map(|(place, ino, name, filetype)| DirEntry {
                        next: base.saturating_add(place).saturating_add(1),
                        ino,
                        name,
                        filetype,
                    }));
                }
                None
            }
            _ => None,
        };
        if let Some(node) = scratch {
            self.list_scratch(node, base, from, want, mount, &mut entries)?;
        }
        Ok(entries)
    }

    fn dot(&mut self, fd: u32) -> Result<DirEntry, Errno> {
        Ok(DirEntry {
            next: 1,
            ino: self.fd_filestat_get(fd)?.ino,
            name: ".".to_owned(),
            filetype: FileType::Directory,
        })
    }

    fn dot_dot(&mut self, fd: u32, path: &str) -> Result<DirEntry, Errno> {
        let parent = Normal {
            path: split(path).map_or("/", |(parent, _)| parent).to_owned(),
            directory_required: true,
        };
        let stat = resolve(&self.namespace, &self.tree, parent, Last::Follow)
            .and_then(|parent| self.stat_resolved(&parent, true));
        let ino = match stat {
            Ok(stat) => stat.ino,
            // The parent is gone; the entry must be listed all the same.
            Err(_) => self.fd_filestat_get(fd)?.ino,
        };
        Ok(DirEntry {
            next: DOTS,
            ino,
            name: "..".to_owned(),
            filetype: FileType::Directory,
        })
    }

    fn list_mounts(
        &self,
        mount: Option<&Mount>,
        cookie: u64,
        limit: usize,
        entries: &mut Vec<DirEntry>,
    ) -> Result<(), Errno> {
        let children = mount
            .map(|mount| mount.children.as_slice())
            .unwrap_or_default();
        for ((name, child), place) in children.iter().zip(DOTS..) {
            if place < cookie {
                continue;
            }
            if entries.len() >= limit {
                break;
            }
            let stat = self.stat_mount(*child)?;
            entries.push(DirEntry {
                next: place.saturating_add(1),
                ino: stat.ino,
                name: name.clone(),
                filetype: stat.filetype,
            });
        }
        Ok(())
    }

    fn list_scratch(
        &self,
        node: NodeId,
        base: u64,
        from: u64,
        want: usize,
        mount: Option<&Mount>,
        entries: &mut Vec<DirEntry>,
    ) -> Result<(), Errno> {
        let shown = self
            .tree
            .directory(node)?
            .list(from)
            .filter(|(_, name, _)| !is_child(mount, name))
            .take(want);
        for (place, name, child) in shown {
            let stat = self.stat_node(child)?;
            entries.push(DirEntry {
                next: base.saturating_add(place).saturating_add(1),
                ino: stat.ino,
                name: name.to_owned(),
                filetype: stat.filetype,
            });
        }
        Ok(())
    }
}

impl Listing {
    /// Lists `dir`; `constant` is its guest path if it is of a constant mount.
    fn new(dir: &Dir, constant: Option<&str>) -> Result<Self, Errno> {
        let device = dir.dir_metadata()?.dev();
        let entries = Entries::Host {
            entries: dir.entries()?,
            device,
        };
        Ok(Self {
            entries: match constant {
                None => entries,
                Some(path) => entries.in_order(path)?,
            },
            start: 0,
            window: VecDeque::new(),
        })
    }

    /// Entries from a place on, which must not be before the window. The place
    /// is what a guest says, and the way there may be long.
    ///
    /// Names that are not UTF-8 are left out, as no path could reach them;
    /// so are those that a mount hides.
    fn batch(
        &mut self,
        from: u64,
        want: usize,
        mount: Option<&Mount>,
        interrupt: &Interrupt,
    ) -> Result<impl Iterator<Item = (u64, u64, String, FileType)>, Errno> {
        let mut at_end = false;
        let mut walked = 0_u32;
        while !at_end {
            walked = walked.wrapping_add(1);
            if walked.is_multiple_of(LOOK_EVERY) {
                interrupt.check()?;
            }
            while self.start < from && self.window.pop_front().is_some() {
                self.start = self.start.saturating_add(1);
            }
            if self.start >= from && self.window.len() >= want {
                break;
            }
            match self.entries.next()? {
                None => at_end = true,
                Some(entry) if is_child(mount, &entry.1) => {}
                Some(entry) => self.window.push_back(entry),
            }
        }
        let start = self.start;
        let past_end = start < from;
        Ok(self
            .window
            .iter()
            .take(if past_end { 0 } else { want })
            .zip(start..)
            .map(|((ino, name, filetype), place)| (place, *ino, name.clone(), *filetype)))
    }
}

impl Entries {
    /// The next entry whose name is UTF-8.
    fn next(&mut self) -> Result<Option<(u64, String, FileType)>, Errno> {
        match self {
            Self::Constant(entries) => Ok(entries.next()),
            Self::Host { entries, device } => {
                for entry in entries {
                    let entry = entry?;
                    if let Ok(name) = entry.file_name().into_string() {
                        let (ino, filetype) = host::entry(&entry, *device);
                        return Ok(Some((ino, name, filetype)));
                    }
                }
                Ok(None)
            }
        }
    }

    /// The entries of a constant mount's directory at a guest path. How many
    /// there are was bounded when the directory was made.
    fn in_order(mut self, path: &str) -> Result<Self, Errno> {
        let mut found = Vec::new();
        while let Some((_, name, filetype)) = self.next()? {
            let ino = host::constant_serial(&format!("{}/{name}", path.trim_end_matches('/')));
            found.push((ino, name, filetype));
        }
        found.sort_by(|(_, a, _), (_, b, _)| a.cmp(b));
        Ok(Self::Constant(found.into_iter()))
    }
}

fn is_child(mount: Option<&Mount>, name: &str) -> bool {
    mount.is_some_and(|mount| mount.children.iter().any(|(child, _)| child == name))
}
