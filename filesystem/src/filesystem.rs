//! One session's file system: its parts, and what every call starts with.

use std::sync::Arc;

use crate::abi::{PREOPEN_FD, RIGHTS_ALL};
use crate::descriptor::{Descriptor, Table, Target};
use crate::errno::Errno;
use crate::interrupt::Interrupt;
use crate::moving::Alone;
use crate::namespace::{Namespace, Source};
use crate::path::normalise;
use crate::quota::{Breach, Granted, Ledger, Quota};
use crate::resolution::{Last, Place, Resolved, resolve};
use crate::scratch::{NodeId, Tree};

/// The files of one session.
///
/// Calls are named after WASI preview 1 and take its numbers as they come from
/// the guest. Descriptor 3 is the one preopened directory, `/`; 0 to 2 belong
/// to the embedder and are `Badf` here. A descriptor of a directory stands for
/// its path: after a rename it leads to whatever has that path then.
#[derive(Debug)]
pub struct FileSystem {
    pub(crate) namespace: Arc<Namespace>,
    pub(crate) tree: Arc<Tree>,
    pub(crate) table: Table,
    pub(crate) ledger: Ledger,
    pub(crate) now_ns: u64,
    pub(crate) interrupt: Interrupt,
    pub(crate) is_host_held: bool,
}

impl FileSystem {
    /// A file system with empty scratch and nothing open. Allocates nothing.
    pub fn new(namespace: Arc<Namespace>, quota: Quota) -> Self {
        Self {
            tree: Arc::clone(&namespace.empty),
            namespace,
            table: Table::default(),
            ledger: Ledger::new(quota, Granted::default()),
            now_ns: 0,
            interrupt: Interrupt::default(),
            is_host_held: false,
        }
    }

    /// Sets the time that changes are stamped with, in nanoseconds since 1970.
    pub fn set_now_ns(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
    }

    /// Sets what calls that take long ask whether they are to be given up. It
    /// is no part of the state that is taken and put back.
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = interrupt;
    }

    /// Makes host directories read-only (`Rofs`), whatever was granted and is open, or ends
    /// that. It is no part of the state that is taken and put back.
    pub fn hold_host(&mut self, is_held: bool) {
        self.is_host_held = is_held;
    }

    /// The last bound a call ran into since this was last asked.
    pub fn take_breach(&mut self) -> Option<Breach> {
        self.ledger.breach.take()
    }

    /// The length of the name of a preopened directory.
    ///
    /// # Errors
    /// `Badf` for every descriptor but 3.
    pub fn fd_prestat_get(&self, fd: u32) -> Result<u32, Errno> {
        self.fd_prestat_dir_name(fd).map(|name| name.len() as u32)
    }

    /// The name of a preopened directory.
    ///
    /// # Errors
    /// `Badf` for every descriptor but 3.
    pub fn fd_prestat_dir_name(&self, fd: u32) -> Result<&str, Errno> {
        if fd == PREOPEN_FD {
            Ok("/")
        } else {
            Err(Errno::Badf)
        }
    }

    /// Closes a descriptor.
    ///
    /// # Errors
    /// `Badf` if it is not open, `Notsup` for the preopen.
    pub fn fd_close(&mut self, fd: u32) -> Result<(), Errno> {
        if fd == PREOPEN_FD {
            return Err(Errno::Notsup);
        }
        let closed = self.table.remove(fd)?;
        self.forget(&closed);
        Ok(())
    }

    /// Moves a descriptor to the number of another, which is closed.
    ///
    /// # Errors
    /// `Badf` unless both are open, `Notsup` if either is the preopen.
    pub fn fd_renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        if from == PREOPEN_FD || to == PREOPEN_FD {
            return Err(Errno::Notsup);
        }
        self.table.get(from)?;
        self.table.get(to)?;
        if from == to {
            return Ok(());
        }
        let moved = self.table.remove(from)?;
        if let Some(closed) = self.table.put(to, moved) {
            self.forget(&closed);
        }
        Ok(())
    }

    /// A descriptor that is open and not lost.
    pub(crate) fn descriptor(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        if fd == PREOPEN_FD && self.table.root.is_none() {
            self.table.root = Some(self.open_root()?);
        }
        let descriptor = self.table.get_mut(fd)?;
        match descriptor.target {
            Target::Lost => Err(Errno::Stale),
            _ => Ok(descriptor),
        }
    }

    /// Finds what a call's directory and path name.
    pub(crate) fn resolve(&self, fd: u32, path: &[u8], last: Last) -> Result<Resolved, Errno> {
        let normal = normalise(self.directory_path(fd)?, path)?;
        let mut resolved = resolve(&self.namespace, &self.tree, normal, last)?;
        if self.is_host_held
            && let Place::Host { writable, .. } = &mut resolved.place
        {
            *writable = false;
        }
        Ok(resolved)
    }

    pub(crate) fn tree_mut(&mut self) -> &mut Tree {
        Arc::make_mut(&mut self.tree)
    }

    /// Frees a node that has neither a name nor a descriptor.
    pub(crate) fn release(&mut self, node: NodeId) {
        let nameless = self.tree.node(node).is_ok_and(|node| node.links == 0);
        if nameless && !self.table.has_node(node) {
            self.tree_mut().release(node);
        }
    }

    pub(crate) fn forget(&mut self, closed: &Descriptor) {
        if let Target::Scratch(node) = closed.target {
            self.release(node);
        }
    }

    fn directory_path(&self, fd: u32) -> Result<&str, Errno> {
        if fd == PREOPEN_FD {
            return Ok("/");
        }
        let descriptor = self.table.get(fd)?;
        match descriptor.target {
            Target::Virtual { .. } | Target::HostDirectory { .. } => Ok(&descriptor.path),
            Target::Scratch(node) => {
                self.tree.directory(node)?;
                Ok(&descriptor.path)
            }
            Target::MountedFile { .. } | Target::HostFile { .. } => Err(Errno::Notdir),
            Target::Lost => Err(Errno::Stale),
        }
    }

    fn open_root(&self) -> Result<Descriptor, Errno> {
        let (mount, _) = self.namespace.find("/").ok_or(Errno::Noent)?;
        let source = &self.namespace.mount(mount).ok_or(Errno::Noent)?.source;
        let target = match source {
            Source::Directory { dir, .. } => Target::HostDirectory {
                mount,
                dir: dir.try_clone()?,
                listing: None,
            },
            Source::Scratch(root) => Target::Scratch(*root),
            Source::Virtual | Source::File(_) | Source::Alias(_) => Target::Virtual { mount },
        };
        Ok(Descriptor {
            path: "/".into(),
            rights_base: RIGHTS_ALL,
            rights_inheriting: RIGHTS_ALL,
            read: false,
            write: false,
            flags: 0,
            offset: 0,
            target,
        })
    }

    /// Keeps all other sessions from moving names of a host mount; none where
    /// it cannot be locked.
    pub(crate) fn alone(&self, mount: usize) -> Result<Option<Alone>, Errno> {
        Alone::wait(self.host_dir(mount)?, &self.interrupt)
    }

    /// The handle of a host mount.
    pub(crate) fn host_dir(&self, mount: usize) -> Result<&cap_std::fs::Dir, Errno> {
        match self.namespace.mount(mount).map(|mount| &mount.source) {
            Some(Source::Directory { dir, .. }) => Ok(dir),
            _ => Err(Errno::Noent),
        }
    }

    /// The handle of a mounted file.
    pub(crate) fn host_file(&self, mount: usize) -> Result<&std::fs::File, Errno> {
        match self.namespace.mount(mount).map(|mount| &mount.source) {
            Some(Source::File(file)) => Ok(file),
            _ => Err(Errno::Noent),
        }
    }
}

/// Where a name can be made or taken away.
pub(crate) enum Spot {
    Host {
        mount: usize,
        rest: String,
    },
    Scratch {
        mount: usize,
        path: String,
        parent: NodeId,
        name: String,
        node: Option<NodeId>,
        depth: usize,
    },
}

/// The spot of a name that is to be changed; mount points have none.
pub(crate) fn spot(resolved: Resolved) -> Result<Spot, Errno> {
    let Resolved {
        path, mount, place, ..
    } = resolved;
    match place {
        Place::Virtual | Place::Absent | Place::File => Err(Errno::Rofs),
        Place::Host {
            writable: false, ..
        } => Err(Errno::Rofs),
        Place::ScratchRoot(_) => Err(Errno::Busy),
        Place::Host { rest, .. } if rest == "." => Err(Errno::Busy),
        Place::Host { rest, .. } => Ok(Spot::Host { mount, rest }),
        Place::Scratch {
            parent,
            name,
            node,
            depth,
        } => Ok(Spot::Scratch {
            mount,
            path,
            parent,
            name,
            node,
            depth,
        }),
    }
}

/// Is it the root of a mount, or a directory made up for one? Then it exists.
pub(crate) fn is_mount_point(resolved: &Resolved) -> bool {
    match &resolved.place {
        Place::Virtual | Place::File | Place::ScratchRoot(_) => true,
        Place::Host { rest, .. } => rest == ".",
        Place::Absent | Place::Scratch { .. } => false,
    }
}
