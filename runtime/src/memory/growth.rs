//! Memory beyond the image: where a heap that grows keeps its pages.
//!
//! What grows is written to an unnamed file in memory that the slot maps
//! shared. *Freezing* maps the same range of the file anew, copy-on-write: from
//! then on the file does not change, and forks map it too. A heap of a hundred
//! megabytes is frozen by one system call and is never copied.
//!
//! ```text
//!   address: 0 ──── image ──── │ ─── layers, copy-on-write ─── │ ── active ── │ size
//!   backed by:  image file       files, frozen                  a file, shared
//! ```
//! Where the system has no such files, growth is ordinary private memory, and
//! forks copy it. So it is beyond [`LAYERS_MAX`] files: a session that is rolled back, or
//! made from another, grows into a file of its own, and each is a descriptor of the host.

use crate::platform::PAGE_BYTES;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Most files that a session's memory lies in.
pub(super) const LAYERS_MAX: usize = 4;

/// A frozen range of memory: pages `[first, first + pages)` come from `file` at
/// `offset`. That range of the file is never written again.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) first: u32,
    pub(crate) pages: u32,
    pub(crate) file: Arc<File>,
    pub(crate) offset: u64,
}

impl Layer {
    /// Whether `page` is one of the layer's.
    pub(crate) fn holds(&self, page: u32) -> bool {
        page.checked_sub(self.first)
            .is_some_and(|index| index < self.pages)
    }

    /// Reads whole pages from `first` on into `buffer`.
    pub(crate) fn read(&self, first: u32, buffer: &mut [u8]) -> io::Result<()> {
        let index = first
            .checked_sub(self.first)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let offset = self.offset + u64::from(index) * PAGE_BYTES as u64;
        self.file.read_exact_at(buffer, offset)
    }

    /// Bytes of its range that are not holes.
    pub(crate) fn end(&self) -> u32 {
        self.first + self.pages
    }
}

/// Makes an unnamed file in memory, or `None` where there are none.
pub(super) fn unnamed_file() -> io::Result<Option<File>> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{MemfdFlags, memfd_create};
        let file = memfd_create("memex-heap", MemfdFlags::CLOEXEC)?;
        Ok(Some(File::from(file)))
    }
    #[cfg(not(target_os = "linux"))]
    {
        Ok(None)
    }
}
