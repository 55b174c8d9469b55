//! Names and symbolic links.

use crate::abi::FileType;
use crate::confinement;
use crate::errno::Errno;
use crate::filesystem::{FileSystem, Spot, is_mount_point, spot};
use crate::host;
use crate::open::follows;
use crate::path::PATH_BYTES_MAX;
use crate::resolution::{Last, Place};
use crate::scratch::Body;

impl FileSystem {
    /// Gives a file a second name in the same mount.
    ///
    /// # Errors
    /// `Xdev` across mounts, `Exist`, `Perm` for a directory, `Notsup` for
    /// following a link on the host, `Notcapable` for a link of the host's own
    /// that is absolute or has `..`.
    pub fn path_link(
        &mut self,
        old_dirfd: u32,
        old_lookup_flags: u32,
        old_path: &[u8],
        new_dirfd: u32,
        new_path: &[u8],
    ) -> Result<(), Errno> {
        let follow = follows(old_lookup_flags)?;
        let last = if follow { Last::Follow } else { Last::Keep };
        let old = self.resolve(old_dirfd, old_path, last)?;
        let stat = self.stat_resolved(&old, false)?;
        if stat.filetype == FileType::Directory {
            return Err(Errno::Perm);
        }
        if old.directory_required {
            return Err(Errno::Notdir);
        }
        let new = self.resolve_name(new_dirfd, new_path)?;
        if is_mount_point(&new) {
            return Err(Errno::Exist);
        }
        if old.mount != new.mount {
            return Err(Errno::Xdev);
        }
        let required = new.directory_required;
        match (spot(old)?, spot(new)?) {
            (Spot::Host { mount, rest: old }, Spot::Host { rest: new, .. }) => {
                if follow && stat.filetype == FileType::SymbolicLink {
                    return Err(Errno::Notsup);
                }
                let dir = self.host_dir(mount)?;
                if host::exists(dir, &new)? {
                    return Err(Errno::Exist);
                }
                if required {
                    return Err(Errno::Noent);
                }
                self.ledger.admit_file(self.tree.entries())?;
                {
                    let _alone = self.alone(mount)?;
                    confinement::hard_link(self.host_dir(mount)?, &old, &new)?;
                }
                self.ledger.spend_file();
                Ok(())
            }
            (
                Spot::Scratch { node: old, .. },
                Spot::Scratch {
                    parent, name, node, ..
                },
            ) => {
                let old = old.ok_or(Errno::Noent)?;
                if node.is_some() {
                    return Err(Errno::Exist);
                }
                if required {
                    return Err(Errno::Noent);
                }
                self.ledger.admit_file(self.tree.entries())?;
                let now_ns = self.now_ns;
                self.tree_mut().link(parent, &name, old, now_ns)
            }
            _ => Err(Errno::Xdev),
        }
    }

    /// Makes a symbolic link that says `target`.
    ///
    /// In scratch it may say anything and is resolved within the namespace.
    /// On the host it must lead below its own directory, so that no program of
    /// the host is led out by it, wherever it is moved.
    ///
    /// # Errors
    /// `Exist`, `Rofs`, `Nospc` for the quota, `Notcapable` on the host for a
    /// target that is absolute, has `..` or names nothing.
    pub fn path_symlink(&mut self, target: &[u8], dirfd: u32, path: &[u8]) -> Result<(), Errno> {
        if target.len() > PATH_BYTES_MAX {
            return Err(Errno::Nametoolong);
        }
        // A copy: what is judged below is what the link will hold.
        let target = String::from_utf8(target.to_vec()).map_err(|_| Errno::Ilseq)?;
        if target.contains('\0') {
            return Err(Errno::Inval);
        }
        if target.is_empty() {
            return Err(Errno::Noent);
        }
        let resolved = self.resolve_name(dirfd, path)?;
        if is_mount_point(&resolved) {
            return Err(Errno::Exist);
        }
        let required = resolved.directory_required;
        match spot(resolved)? {
            Spot::Host { mount, rest } => {
                if host::exists(self.host_dir(mount)?, &rest)? {
                    return Err(Errno::Exist);
                }
                if required {
                    return Err(Errno::Noent);
                }
                if !confinement::is_downward(target.as_bytes()) {
                    return Err(Errno::Notcapable);
                }
                self.ledger.admit_file(self.tree.entries())?;
                {
                    let _alone = self.alone(mount)?;
                    confinement::check_reached(self.host_dir(mount)?, &rest, &target)?;
                    self.host_dir(mount)?.symlink(&target, &rest)?;
                }
                self.ledger.spend_file();
                Ok(())
            }
            Spot::Scratch { node: Some(_), .. } => Err(Errno::Exist),
            Spot::Scratch { .. } if required => Err(Errno::Noent),
            Spot::Scratch { parent, name, .. } => {
                self.ledger.admit_file(self.tree.entries())?;
                self.ledger
                    .admit_bytes(self.tree.bytes(), target.len() as u64)?;
                let now_ns = self.now_ns;
                let body = Body::Symlink(target.into());
                self.tree_mut().create(parent, &name, body, now_ns)?;
                Ok(())
            }
        }
    }

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// `Inval` if it is none, `Notcapable` for an absolute one on the host,
    /// which would disclose paths there.
    pub fn path_readlink(&mut self, dirfd: u32, path: &[u8]) -> Result<String, Errno> {
        let resolved = self.resolve_name(dirfd, path)?;
        if self.stat_resolved(&resolved, false)?.filetype != FileType::SymbolicLink {
            return Err(Errno::Inval);
        }
        match resolved.place {
            Place::Host { rest, .. } => self
                .host_dir(resolved.mount)?
                .read_link(&rest)?
                .into_os_string()
                .into_string()
                .map_err(|_| Errno::Ilseq),
            Place::Scratch {
                node: Some(node), ..
            } => match &self.tree.node(node)?.body {
                Body::Symlink(target) => Ok(target.as_ref().to_owned()),
                Body::File(_) | Body::Directory(_) => Err(Errno::Inval),
            },
            _ => Err(Errno::Inval),
        }
    }

    /// Removes a name that is not a directory's. An open scratch file lives
    /// on, and counts, until it is closed.
    ///
    /// # Errors
    /// `Noent`, `Isdir`, `Rofs`, `Busy` for a mount point.
    pub fn path_unlink_file(&mut self, dirfd: u32, path: &[u8]) -> Result<(), Errno> {
        let resolved = self.resolve_name(dirfd, path)?;
        match spot(resolved)? {
            Spot::Host { mount, rest } => Ok(self.host_dir(mount)?.remove_file(&rest)?),
            Spot::Scratch {
                parent, name, node, ..
            } => {
                let node = node.ok_or(Errno::Noent)?;
                if self.tree.directory(node).is_ok() {
                    return Err(Errno::Isdir);
                }
                let now_ns = self.now_ns;
                self.tree_mut().unlink(parent, &name, now_ns)?;
                self.release(node);
                Ok(())
            }
        }
    }
}
