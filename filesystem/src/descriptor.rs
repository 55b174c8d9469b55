//! Open descriptors.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use cap_std::fs::Dir;

use crate::abi::PREOPEN_FD;
use crate::entries::Listing;
use crate::errno::Errno;
use crate::scratch::NodeId;

/// The first number that `path_open` gives out.
pub(crate) const FIRST_FD: u32 = PREOPEN_FD + 1;

#[derive(Debug)]
pub(crate) struct Descriptor {
    /// The path it was opened by, links of scratch resolved.
    pub(crate) path: Arc<str>,
    pub(crate) rights_base: u64,
    pub(crate) rights_inheriting: u64,
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) flags: u16,
    pub(crate) offset: u64,
    pub(crate) target: Target,
}

#[derive(Debug)]
pub(crate) enum Target {
    Virtual {
        mount: usize,
    },
    MountedFile {
        mount: usize,
    },
    Scratch(NodeId),
    HostFile {
        mount: usize,
        file: File,
    },
    HostDirectory {
        mount: usize,
        dir: Dir,
        listing: Option<Box<Listing>>,
    },
    /// Not to be opened again after a restore.
    Lost,
}

/// The descriptors of a session.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// The preopen, made when it is first used as more than a starting point.
    pub(crate) root: Option<Descriptor>,
    open: BTreeMap<u32, Descriptor>,
    /// Every number below it, from [`FIRST_FD`] on, is taken.
    full_below: u32,
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Descriptor)> {
        self.open.iter().map(|(fd, descriptor)| (*fd, descriptor))
    }

    pub(crate) fn get(&self, fd: u32) -> Result<&Descriptor, Errno> {
        if fd == PREOPEN_FD {
            return self.root.as_ref().ok_or(Errno::Badf);
        }
        self.open.get(&fd).ok_or(Errno::Badf)
    }

    pub(crate) fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        if fd == PREOPEN_FD {
            return self.root.as_mut().ok_or(Errno::Badf);
        }
        self.open.get_mut(&fd).ok_or(Errno::Badf)
    }

    /// Puts it at the lowest free number.
    pub(crate) fn insert(&mut self, descriptor: Descriptor) -> Result<u32, Errno> {
        let mut fd = self.full_below.max(FIRST_FD);
        for taken in self.open.range(fd..).map(|(taken, _)| *taken) {
            if taken != fd {
                break;
            }
            fd = fd.checked_add(1).ok_or(Errno::Mfile)?;
        }
        self.open.insert(fd, descriptor);
        self.full_below = fd.saturating_add(1);
        Ok(fd)
    }

    /// Puts it at a given number, in place of what was there.
    pub(crate) fn put(&mut self, fd: u32, descriptor: Descriptor) -> Option<Descriptor> {
        self.open.insert(fd, descriptor)
    }

    pub(crate) fn remove(&mut self, fd: u32) -> Result<Descriptor, Errno> {
        let descriptor = self.open.remove(&fd).ok_or(Errno::Badf)?;
        self.full_below = self.full_below.min(fd);
        Ok(descriptor)
    }

    pub(crate) fn has_node(&self, node: NodeId) -> bool {
        self.open
            .values()
            .any(|open| matches!(open.target, Target::Scratch(id) if id == node))
    }
}
