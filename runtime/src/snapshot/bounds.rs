//! Bounds of a snapshot: those of a session under a policy.

use super::format::{KIND_FILES, KIND_LINES, KIND_PAGES, LINE_BYTES};
use crate::error::Error;
use memex_filesystem::{FileState, Quota};

/// The most that a snapshot's reader takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) memory_bytes: u64,
    pub(crate) files: Quota,
}

impl Bounds {
    /// For snapshots that this process has encoded itself.
    pub(crate) const OWN: Self = Self {
        memory_bytes: u64::MAX,
        files: Quota::MAX,
    };

    /// Holds what a table states against the bounds, before any of it is
    /// fetched or unpacked: `total` is the sum of a kind's sizes.
    pub(super) fn check(&self, memory_bytes: u64, total: impl Fn(u8) -> u64) -> Result<(), Error> {
        if memory_bytes > self.memory_bytes {
            return Err(too_large(
                "memory has",
                memory_bytes,
                self.memory_bytes,
                "raise memory_bytes",
            ));
        }
        // Each page once, and each line of it once.
        let line_bytes = (4 + LINE_BYTES as u64) * (memory_bytes / LINE_BYTES as u64);
        if total(KIND_PAGES) > memory_bytes || total(KIND_LINES) > line_bytes {
            return Err(Error::Snapshot("it has more pages than its memory".into()));
        }
        let limit = FileState::encoded_bytes_max(&self.files);
        match total(KIND_FILES) {
            files if files > limit => Err(too_large(
                "files take",
                files,
                limit,
                "raise file_bytes or files",
            )),
            _ => Ok(()),
        }
    }
}

fn too_large(what: &str, stated: u64, limit: u64, remedy: &str) -> Error {
    Error::Snapshot(format!(
        "its {what} {stated} bytes, and {limit} are allowed\nhint: {remedy}"
    ))
}
