//! A second descriptor of an open file, and how much room there is.

use crate::abi::PREOPEN_FD;
use crate::descriptor::{Descriptor, Target};
use crate::errno::Errno;
use crate::filesystem::FileSystem;

/// How much of a session's bytes for files is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The bound: `file_bytes` of the [quota](crate::Quota).
    pub total_bytes: u64,
    /// What scratch holds, and what was ever written to grants.
    pub used_bytes: u64,
}

impl FileSystem {
    /// Opens a file once more, with the same rights and flags, at the lowest free
    /// number. The new descriptor begins at the same offset and then moves its own:
    /// unlike on a Unix, reading through one does not move the other.
    ///
    /// # Errors
    /// `Badf` if it is not open, `Notsup` for a directory, `Mfile` for the quota,
    /// `Stale` if the file was lost in a restore.
    pub fn fd_duplicate(&mut self, fd: u32) -> Result<u32, Errno> {
        self.ledger.admit_open(self.table.len())?;
        let descriptor = self.duplicate(fd)?;
        self.table.insert(descriptor)
    }

    /// As [`Self::fd_duplicate`], in the place of the descriptor `to`, which is closed.
    ///
    /// # Errors
    /// `Badf` unless both are open, `Notsup` for a directory.
    pub fn fd_duplicate_to(&mut self, fd: u32, to: u32) -> Result<(), Errno> {
        if to == PREOPEN_FD {
            return Err(Errno::Notsup);
        }
        self.table.get(to)?;
        let descriptor = self.duplicate(fd)?;
        if fd != to
            && let Some(closed) = self.table.put(to, descriptor)
        {
            self.forget(&closed);
        }
        Ok(())
    }

    /// How much of the bytes for files is used.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            total_bytes: self.ledger.quota.file_bytes,
            used_bytes: self.tree.bytes().saturating_add(self.ledger.granted.bytes),
        }
    }

    fn duplicate(&mut self, fd: u32) -> Result<Descriptor, Errno> {
        if fd == PREOPEN_FD {
            return Err(Errno::Notsup);
        }
        self.descriptor(fd)?;
        let open = self.table.get(fd)?;
        let target = match &open.target {
            Target::Scratch(node) if self.tree.directory(*node).is_ok() => {
                return Err(Errno::Notsup);
            }
            Target::Scratch(node) => Target::Scratch(*node),
            Target::MountedFile { mount } => Target::MountedFile { mount: *mount },
            Target::HostFile { mount, file } => Target::HostFile {
                mount: *mount,
                file: file.try_clone()?,
            },
            Target::Virtual { .. } | Target::HostDirectory { .. } => return Err(Errno::Notsup),
            Target::Lost => return Err(Errno::Stale),
        };
        Ok(Descriptor {
            path: open.path.clone(),
            rights_base: open.rights_base,
            rights_inheriting: open.rights_inheriting,
            read: open.read,
            write: open.write,
            flags: open.flags,
            offset: open.offset,
            target,
        })
    }
}
