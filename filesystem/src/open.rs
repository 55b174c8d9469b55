//! `path_open`.

use std::sync::Arc;

use crate::abi::{
    FDFLAG_APPEND, FDFLAG_DSYNC, FDFLAG_NONBLOCK, FDFLAG_RSYNC, FDFLAG_SYNC, LOOKUP_SYMLINK_FOLLOW,
    OFLAG_CREAT, OFLAG_DIRECTORY, OFLAG_EXCL, OFLAG_TRUNC, RIGHT_FD_READ, RIGHT_FD_WRITE,
    RIGHTS_ALL,
};
use crate::descriptor::{Descriptor, Target};
use crate::errno::Errno;
use crate::filesystem::FileSystem;
use crate::host::{self, Create, Opened, Want};
use crate::resolution::{Last, Place, Resolved};
use crate::scratch::{Body, Content, NodeId};

pub(crate) const FDFLAGS_ALL: u16 =
    FDFLAG_APPEND | FDFLAG_DSYNC | FDFLAG_NONBLOCK | FDFLAG_RSYNC | FDFLAG_SYNC;
const OFLAGS_ALL: u16 = OFLAG_CREAT | OFLAG_DIRECTORY | OFLAG_EXCL | OFLAG_TRUNC;

/// The request of a call to `path_open`.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    read: bool,
    write: bool,
    create: bool,
    exclusive: bool,
    truncate: bool,
    /// Asked for by flag: rights to write are then no contradiction.
    directory: bool,
    /// Asked for by flag or by a slash at the end.
    directory_required: bool,
    follow: bool,
}

impl FileSystem {
    /// Opens a file or directory and returns the lowest free descriptor.
    ///
    /// Only [`RIGHT_FD_READ`] and [`RIGHT_FD_WRITE`] of the rights decide
    /// anything; the others are kept and reported.
    ///
    /// # Errors
    /// Among others: `Notcapable` where the path leads out of a grant, `Acces`
    /// for anything but a regular file or directory, `Rofs` for writing where
    /// that was not granted, `Mfile` and `Nospc` for a quota.
    #[allow(clippy::too_many_arguments)]
    pub fn path_open(
        &mut self,
        dirfd: u32,
        lookup_flags: u32,
        path: &[u8],
        oflags: u16,
        rights_base: u64,
        rights_inheriting: u64,
        fdflags: u16,
    ) -> Result<u32, Errno> {
        let follow = follows(lookup_flags)?;
        if oflags & !OFLAGS_ALL != 0 || fdflags & !FDFLAGS_ALL != 0 {
            return Err(Errno::Inval);
        }
        let has = |flag| oflags & flag != 0;
        let exclusive = has(OFLAG_CREAT) && has(OFLAG_EXCL);
        if has(OFLAG_CREAT) && has(OFLAG_DIRECTORY) {
            return Err(Errno::Inval);
        }
        let last = if follow && !exclusive {
            Last::Follow
        } else {
            Last::Keep
        };
        let resolved = self.resolve(dirfd, path, last)?;
        let request = Request {
            read: rights_base & RIGHT_FD_READ != 0,
            write: rights_base & RIGHT_FD_WRITE != 0,
            create: has(OFLAG_CREAT),
            exclusive,
            truncate: has(OFLAG_TRUNC),
            directory: has(OFLAG_DIRECTORY),
            directory_required: has(OFLAG_DIRECTORY) || resolved.directory_required,
            follow: last == Last::Follow,
        };
        self.ledger.admit_open(self.table.len())?;
        let target = self.open_target(&resolved, request)?;
        let directory = match &target {
            Target::Virtual { .. } | Target::HostDirectory { .. } => true,
            Target::Scratch(node) => self.tree.directory(*node).is_ok(),
            _ => false,
        };
        let descriptor = Descriptor {
            path: resolved.path.into(),
            rights_base: rights_base & RIGHTS_ALL,
            rights_inheriting: rights_inheriting & RIGHTS_ALL,
            read: request.read,
            write: request.write && !directory,
            flags: fdflags,
            offset: 0,
            target,
        };
        if let (Target::HostFile { file, .. }, true) =
            (&descriptor.target, fdflags & FDFLAG_APPEND != 0)
        {
            host::set_append(file, true)?;
        }
        self.table.insert(descriptor)
    }

    pub(crate) fn open_target(
        &mut self,
        resolved: &Resolved,
        request: Request,
    ) -> Result<Target, Errno> {
        let mount = resolved.mount;
        match &resolved.place {
            Place::Virtual => {
                directory_allowed(request)?;
                Ok(Target::Virtual { mount })
            }
            Place::ScratchRoot(root) => {
                directory_allowed(request)?;
                Ok(Target::Scratch(*root))
            }
            Place::Absent if request.create => Err(Errno::Rofs),
            Place::Absent => Err(Errno::Noent),
            Place::File => {
                if request.exclusive {
                    return Err(Errno::Exist);
                }
                if request.directory_required {
                    return Err(Errno::Notdir);
                }
                if request.write || request.truncate {
                    return Err(Errno::Rofs);
                }
                Ok(Target::MountedFile { mount })
            }
            Place::Host { rest, writable } => self.open_host(mount, rest, *writable, request),
            Place::Scratch {
                parent, name, node, ..
            } => match node {
                Some(node) => self.open_node(*node, request),
                None if !request.create => Err(Errno::Noent),
                None if request.directory_required => Err(Errno::Isdir),
                None => {
                    self.ledger.admit_file(self.tree.entries())?;
                    let body = Body::File(Content::default());
                    let now_ns = self.now_ns;
                    let node = self.tree_mut().create(*parent, name, body, now_ns)?;
                    Ok(Target::Scratch(node))
                }
            },
        }
    }

    fn open_node(&mut self, node: NodeId, request: Request) -> Result<Target, Errno> {
        if request.exclusive {
            return Err(Errno::Exist);
        }
        match &self.tree.node(node)?.body {
            Body::Symlink(_) => return Err(Errno::Loop),
            Body::Directory(_) => directory_allowed(request)?,
            Body::File(_) if request.directory_required => return Err(Errno::Notdir),
            Body::File(content) => {
                if request.truncate && content.size() > 0 {
                    let now_ns = self.now_ns;
                    self.tree_mut().resize(node, 0, now_ns)?;
                }
            }
        }
        Ok(Target::Scratch(node))
    }

    fn open_host(
        &mut self,
        mount: usize,
        rest: &str,
        writable: bool,
        request: Request,
    ) -> Result<Target, Errno> {
        let namespace = Arc::clone(&self.namespace);
        let Some(crate::namespace::Source::Directory { dir, .. }) =
            namespace.mount(mount).map(|mount| &mount.source)
        else {
            return Err(Errno::Noent);
        };
        let changes = request.truncate || (request.write && !request.directory);
        if changes && !writable {
            return Err(Errno::Rofs);
        }
        let found = match host::metadata(dir, rest, request.follow) {
            Ok(_) => true,
            Err(Errno::Noent) => false,
            Err(errno) => return Err(errno),
        };
        let create = match (found, request.create) {
            (true, _) if request.exclusive => return Err(Errno::Exist),
            (true, _) => Create::Never,
            (false, false) => return Err(Errno::Noent),
            (false, true) if !writable => return Err(Errno::Rofs),
            (false, true) if request.directory_required => return Err(Errno::Isdir),
            (false, true) if request.exclusive => Create::New,
            (false, true) => Create::Missing,
        };
        if create != Create::Never {
            self.ledger.admit_file(self.tree.entries())?;
        }
        let want = Want {
            read: request.read,
            write: request.write || request.truncate,
            create,
            directory: request.directory,
            follow: request.follow,
        };
        let opened = host::open(dir, rest, want)?;
        if create != Create::Never {
            self.ledger.spend_file();
        }
        match opened {
            Opened::Directory(dir) => {
                directory_allowed(request)?;
                Ok(Target::HostDirectory {
                    mount,
                    dir,
                    listing: None,
                })
            }
            Opened::File(_) if request.directory_required => Err(Errno::Notdir),
            Opened::File(file) => {
                if request.truncate {
                    file.set_len(0)?;
                }
                Ok(Target::HostFile { mount, file })
            }
        }
    }
}

impl Request {
    /// For what was open before: nothing is made or cut.
    pub(crate) fn again(rights_base: u64, directory: bool) -> Self {
        Self {
            read: rights_base & RIGHT_FD_READ != 0,
            write: rights_base & RIGHT_FD_WRITE != 0,
            create: false,
            exclusive: false,
            truncate: false,
            directory,
            directory_required: directory,
            follow: true,
        }
    }
}

/// May a directory answer this request?
fn directory_allowed(request: Request) -> Result<(), Errno> {
    if request.exclusive {
        return Err(Errno::Exist);
    }
    let writes = request.write && !request.directory;
    if writes || request.truncate || request.create {
        return Err(Errno::Isdir);
    }
    Ok(())
}

/// Reads lookup flags.
pub(crate) fn follows(lookup_flags: u32) -> Result<bool, Errno> {
    match lookup_flags {
        0 => Ok(false),
        LOOKUP_SYMLINK_FOLLOW => Ok(true),
        _ => Err(Errno::Inval),
    }
}
