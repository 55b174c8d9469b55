//! `path_rename`.

use crate::confinement;
use crate::errno::Errno;
use crate::filesystem::{FileSystem, Spot, spot};
use crate::path::below;
use crate::scratch::{NodeId, SCRATCH_DEPTH_MAX};

impl FileSystem {
    /// Moves a name within its mount, over what has the new name.
    ///
    /// # Errors
    /// `Xdev` across mounts, `Inval` into itself, `Notempty`, `Isdir` or
    /// `Notdir` if what is there does not match, `Rofs`, `Busy` for a mount
    /// point. On the host, `Notcapable` for a link of the host's own that is
    /// absolute or has `..`, and for a directory that holds one which leads out
    /// of it, if it gets another parent; `Xdev` if it holds too much to look, or
    /// for another parent where the host has no locks; `Busy` or `Intr` while
    /// another session moves names.
    pub fn path_rename(
        &mut self,
        old_dirfd: u32,
        old_path: &[u8],
        new_dirfd: u32,
        new_path: &[u8],
    ) -> Result<(), Errno> {
        let old = self.resolve_name(old_dirfd, old_path)?;
        let new = self.resolve_name(new_dirfd, new_path)?;
        let required = new.directory_required;
        match (spot(old)?, spot(new)?) {
            (
                Spot::Host {
                    mount: from,
                    rest: old,
                },
                Spot::Host {
                    mount: to,
                    rest: new,
                },
            ) if from == to => {
                let alone = self.alone(from)?;
                let dir = self.host_dir(from)?;
                confinement::rename(dir, &old, &new, required, alone.as_ref(), &self.interrupt)
            }
            (
                Spot::Scratch {
                    mount: from,
                    path: old_path,
                    parent: old_parent,
                    name: old_name,
                    node,
                    ..
                },
                Spot::Scratch {
                    mount: to,
                    path: new_path,
                    parent,
                    name,
                    node: replaced,
                    depth,
                },
            ) if from == to => {
                let node = node.ok_or(Errno::Noent)?;
                if replaced == Some(node) {
                    // The same file under both names: nothing to do, by POSIX.
                    return Ok(());
                }
                if required && self.tree.directory(node).is_err() {
                    return Err(Errno::Notdir);
                }
                if below(&old_path, &new_path).is_some() {
                    return Err(Errno::Inval);
                }
                self.check_replacement(node, replaced, depth)?;
                let now_ns = self.now_ns;
                let tree = self.tree_mut();
                if replaced.is_some() {
                    tree.unlink(parent, &name, now_ns)?;
                }
                tree.unlink(old_parent, &old_name, now_ns)?;
                tree.link(parent, &name, node, now_ns)?;
                if let Some(replaced) = replaced {
                    self.release(replaced);
                }
                Ok(())
            }
            _ => Err(Errno::Xdev),
        }
    }

    fn check_replacement(
        &self,
        node: NodeId,
        replaced: Option<NodeId>,
        depth: usize,
    ) -> Result<(), Errno> {
        let moves_directory = self.tree.directory(node).is_ok();
        if moves_directory && depth.saturating_add(self.tree.height(node)) > SCRATCH_DEPTH_MAX + 1 {
            return Err(Errno::Nametoolong);
        }
        let Some(replaced) = replaced else {
            return Ok(());
        };
        match (moves_directory, self.tree.directory(replaced)) {
            (true, Ok(directory)) if directory.is_empty() => Ok(()),
            (true, Ok(_)) => Err(Errno::Notempty),
            (true, Err(_)) => Err(Errno::Notdir),
            (false, Ok(_)) => Err(Errno::Isdir),
            (false, Err(_)) => Ok(()),
        }
    }
}
