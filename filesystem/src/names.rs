//! The names that calls change.

use crate::abi::FileType;
use crate::errno::Errno;
use crate::filesystem::FileSystem;
use crate::resolution::{Last, Resolved};

impl FileSystem {
    /// Like [`FileSystem::resolve`], for calls that change the name itself and
    /// never follow it, and so never take a link followed by a slash.
    pub(crate) fn resolve_name(&self, fd: u32, path: &[u8]) -> Result<Resolved, Errno> {
        let resolved = self.resolve(fd, path, Last::Keep)?;
        if resolved.directory_required {
            match self.stat_resolved(&resolved, false) {
                Ok(stat) if stat.filetype != FileType::Directory => {
                    return Err(Errno::Notdir);
                }
                Ok(_) | Err(Errno::Noent) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(resolved)
    }
}
