//! `fd_readdir`.

use std::sync::Arc;

use crate::abi::{DirEntry, FileType};
use crate::descriptor::Target;
use crate::entries::{Listing, is_child};
use crate::errno::Errno;
use crate::filesystem::FileSystem;
use crate::namespace::Mount;
use crate::path::{Normal, split};
use crate::resolution::{Last, resolve};
use crate::scratch::NodeId;

/// The most entries one call returns.
const BATCH_MAX: usize = 4096;
/// `.` and `..` come first.
const DOTS: u64 = 2;

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
                let is_behind = |listing: &Listing| listing.is_past(from);
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
