//! Attributes of descriptors and files.

use crate::abi::{
    FDFLAG_APPEND, FSTFLAG_ATIM, FSTFLAG_ATIM_NOW, FSTFLAG_MTIM, FSTFLAG_MTIM_NOW, FdStat,
    FileStat, FileType,
};
use crate::descriptor::Target;
use crate::errno::Errno;
use crate::filesystem::FileSystem;
use crate::host;
use crate::namespace::Source;
use crate::open::{FDFLAGS_ALL, follows};
use crate::resolution::{Last, Place, Resolved};
use crate::scratch::{Body, NodeId, Times};
use cap_std::fs::Metadata;
use std::sync::Arc;

const SCRATCH_DEVICE: u64 = 1;
const VIRTUAL_DEVICE: u64 = 2;

impl FileSystem {
    /// The attributes of a descriptor.
    ///
    /// # Errors
    /// `Badf` if it is not open, `Stale` if it was lost in a restore.
    pub fn fd_fdstat_get(&mut self, fd: u32) -> Result<FdStat, Errno> {
        let filetype = self.fd_filestat_get(fd)?.filetype;
        let descriptor = self.descriptor(fd)?;
        Ok(FdStat {
            filetype,
            flags: descriptor.flags,
            rights_base: descriptor.rights_base,
            rights_inheriting: descriptor.rights_inheriting,
        })
    }

    /// Sets the flags of a descriptor.
    ///
    /// # Errors
    /// `Inval` for unknown flags, `Badf` if it is not open.
    pub fn fd_fdstat_set_flags(&mut self, fd: u32, flags: u16) -> Result<(), Errno> {
        let descriptor = self.descriptor(fd)?;
        if flags & !FDFLAGS_ALL != 0 {
            return Err(Errno::Inval);
        }
        if let Target::HostFile { file, .. } = &descriptor.target {
            host::set_append(file, flags & FDFLAG_APPEND != 0)?;
        }
        descriptor.flags = flags;
        Ok(())
    }

    /// The attributes of an open file.
    ///
    /// # Errors
    /// `Badf` if it is not open, `Stale` if it was lost in a restore.
    pub fn fd_filestat_get(&mut self, fd: u32) -> Result<FileStat, Errno> {
        let path = Arc::clone(&self.descriptor(fd)?.path);
        match &self.descriptor(fd)?.target {
            Target::HostFile { mount, file } => {
                let (mount, metadata) = (*mount, host::file_metadata(file)?);
                Ok(self.stat_host(&metadata, mount, &path))
            }
            Target::HostDirectory { mount, dir, .. } => {
                let (mount, metadata) = (*mount, dir.dir_metadata()?);
                Ok(self.stat_host(&metadata, mount, &path))
            }
            Target::Scratch(node) => {
                let node = *node;
                self.stat_node(node)
            }
            Target::Virtual { mount } | Target::MountedFile { mount } => {
                let mount = *mount;
                self.stat_mount(mount)
            }
            Target::Lost => Err(Errno::Stale),
        }
    }

    /// Sets the times of an open file; `fst_flags` says which and how.
    ///
    /// # Errors
    /// `Inval` for contradictory flags, `Rofs` where nothing may be written.
    pub fn fd_filestat_set_times(
        &mut self,
        fd: u32,
        accessed_ns: u64,
        modified_ns: u64,
        fst_flags: u16,
    ) -> Result<(), Errno> {
        let (accessed, modified) = self.chosen_times(accessed_ns, modified_ns, fst_flags)?;
        self.descriptor(fd)?;
        let descriptor = self.table.get(fd)?;
        match &descriptor.target {
            Target::HostFile { mount, file } if self.is_writable(*mount) => {
                host::set_file_times(file, accessed, modified)
            }
            Target::HostDirectory { mount, dir, .. } if self.is_writable(*mount) => {
                host::set_times(dir, ".", false, accessed, modified)
            }
            Target::Scratch(node) => {
                let node = *node;
                self.set_node_times(node, accessed, modified);
                Ok(())
            }
            _ => Err(Errno::Rofs),
        }
    }

    /// The attributes of what a path names.
    ///
    /// # Errors
    /// `Noent`, `Notdir`, or `Notcapable` where the path leads out of a grant.
    pub fn path_filestat_get(
        &mut self,
        dirfd: u32,
        lookup_flags: u32,
        path: &[u8],
    ) -> Result<FileStat, Errno> {
        let (resolved, follow) = self.resolve_for_look(dirfd, lookup_flags, path)?;
        let stat = self.stat_resolved(&resolved, follow)?;
        if resolved.directory_required && stat.filetype != FileType::Directory {
            return Err(Errno::Notdir);
        }
        Ok(stat)
    }

    /// Sets the times of what a path names; `fst_flags` says which and how.
    ///
    /// # Errors
    /// As [`Self::path_filestat_get`] and [`Self::fd_filestat_set_times`].
    pub fn path_filestat_set_times(
        &mut self,
        dirfd: u32,
        lookup_flags: u32,
        path: &[u8],
        accessed_ns: u64,
        modified_ns: u64,
        fst_flags: u16,
    ) -> Result<(), Errno> {
        let (accessed, modified) = self.chosen_times(accessed_ns, modified_ns, fst_flags)?;
        let (resolved, follow) = self.resolve_for_look(dirfd, lookup_flags, path)?;
        let stat = self.stat_resolved(&resolved, follow)?;
        if resolved.directory_required && stat.filetype != FileType::Directory {
            return Err(Errno::Notdir);
        }
        let node = match &resolved.place {
            Place::Virtual | Place::Absent | Place::File => return Err(Errno::Rofs),
            Place::Host { writable, .. } if !writable => return Err(Errno::Rofs),
            Place::Host { rest, .. } => {
                let dir = self.host_dir(resolved.mount)?;
                return host::set_times(dir, rest, follow, accessed, modified);
            }
            Place::ScratchRoot(node) => *node,
            Place::Scratch { node, .. } => node.ok_or(Errno::Noent)?,
        };
        self.set_node_times(node, accessed, modified);
        Ok(())
    }

    pub(crate) fn stat_resolved(
        &self,
        resolved: &Resolved,
        follow: bool,
    ) -> Result<FileStat, Errno> {
        match &resolved.place {
            Place::Absent => Err(Errno::Noent),
            Place::Virtual | Place::File => self.stat_mount(resolved.mount),
            Place::ScratchRoot(node) => self.stat_node(*node),
            Place::Scratch { node, .. } => self.stat_node(node.ok_or(Errno::Noent)?),
            Place::Host { rest, .. } => {
                let dir = self.host_dir(resolved.mount)?;
                let metadata = host::metadata(dir, rest, follow)?;
                Ok(self.stat_host(&metadata, resolved.mount, &resolved.path))
            }
        }
    }

    pub(crate) fn stat_node(&self, id: NodeId) -> Result<FileStat, Errno> {
        let node = self.tree.node(id)?;
        Ok(FileStat {
            dev: SCRATCH_DEVICE,
            ino: id,
            filetype: match node.body {
                Body::File(_) => FileType::RegularFile,
                Body::Directory(_) => FileType::Directory,
                Body::Symlink(_) => FileType::SymbolicLink,
            },
            nlink: node.links,
            size: node.body.bytes(),
            atim: node.times.accessed_ns,
            mtim: node.times.modified_ns,
            ctim: node.times.changed_ns,
        })
    }

    /// The attributes of something of the host at a guest path.
    fn stat_host(&self, metadata: &Metadata, mount: usize, path: &str) -> FileStat {
        match self.namespace.mount(mount) {
            Some(found) if found.constant => host::constant_stat(metadata, path),
            _ => host::stat(metadata, mount),
        }
    }

    /// The attributes of the root of a mount.
    pub(crate) fn stat_mount(&self, mount: usize) -> Result<FileStat, Errno> {
        let found = self.namespace.mount(mount).ok_or(Errno::Noent)?;
        match &found.source {
            Source::Directory { dir, .. } => {
                Ok(self.stat_host(&dir.dir_metadata()?, mount, &found.path))
            }
            Source::File(file) => {
                Ok(self.stat_host(&host::file_metadata(file)?, mount, &found.path))
            }
            Source::Scratch(root) => self.stat_node(*root),
            Source::Virtual | Source::Alias(_) => Ok(FileStat {
                dev: VIRTUAL_DEVICE,
                ino: (mount as u64).saturating_add(1),
                filetype: FileType::Directory,
                nlink: 1,
                size: 0,
                atim: 0,
                mtim: 0,
                ctim: 0,
            }),
        }
    }

    pub(crate) fn is_writable(&self, mount: usize) -> bool {
        !self.is_host_held
            && self.namespace.mount(mount).is_some_and(|mount| {
                matches!(mount.source, Source::Directory { writable: true, .. })
            })
    }

    /// Resolves for calls that look at what the name leads to; a slash at the
    /// end follows a link.
    fn resolve_for_look(
        &self,
        dirfd: u32,
        lookup_flags: u32,
        path: &[u8],
    ) -> Result<(Resolved, bool), Errno> {
        let follow = follows(lookup_flags)? || path.ends_with(b"/");
        let last = if follow { Last::Follow } else { Last::Keep };
        Ok((self.resolve(dirfd, path, last)?, follow))
    }

    fn chosen_times(
        &self,
        accessed_ns: u64,
        modified_ns: u64,
        flags: u16,
    ) -> Result<(Option<u64>, Option<u64>), Errno> {
        let known = FSTFLAG_ATIM | FSTFLAG_ATIM_NOW | FSTFLAG_MTIM | FSTFLAG_MTIM_NOW;
        if flags & !known != 0 {
            return Err(Errno::Inval);
        }
        let choose = |given: u16, now: u16, time: u64| match (flags & given, flags & now) {
            (0, 0) => Ok(None),
            (0, _) => Ok(Some(self.now_ns)),
            (_, 0) => Ok(Some(time)),
            _ => Err(Errno::Inval),
        };
        Ok((
            choose(FSTFLAG_ATIM, FSTFLAG_ATIM_NOW, accessed_ns)?,
            choose(FSTFLAG_MTIM, FSTFLAG_MTIM_NOW, modified_ns)?,
        ))
    }

    fn set_node_times(&mut self, node: NodeId, accessed: Option<u64>, modified: Option<u64>) {
        let changed_ns = self.now_ns;
        self.tree_mut().set_times(node, |times| {
            *times = Times {
                accessed_ns: accessed.unwrap_or(times.accessed_ns),
                modified_ns: modified.unwrap_or(times.modified_ns),
                changed_ns,
            };
        });
    }
}
