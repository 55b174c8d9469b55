//! Files and folders, as clients read them.

use memex_trajectories::Timestamp;
use serde::Serialize;

use crate::service::{FileEntry, FileKind};

const NS_PER_MS: u64 = 1_000_000;

/// A file or folder.
#[derive(Debug, Serialize)]
pub(super) struct Info {
    path: String,
    #[serde(rename = "type")]
    kind: &'static str,
    size: u64,
    modified_at: Timestamp,
    created_at: Timestamp,
    owner: &'static str,
    group: &'static str,
    /// Octal digits, written as a decimal number.
    mode: u32,
}

impl From<FileEntry> for Info {
    fn from(entry: FileEntry) -> Self {
        let modified = Timestamp::from_unix_ms(entry.modified_ns / NS_PER_MS);
        // There are no owners and permissions in a sandbox: these are what files and
        // folders of a user usually have.
        let (kind, mode) = match entry.kind {
            FileKind::File => ("file", 644),
            FileKind::Folder => ("directory", 755),
            FileKind::Link => ("symlink", 777),
            FileKind::Other => ("other", 644),
        };
        Self {
            path: entry.path,
            kind,
            size: entry.bytes,
            modified_at: modified,
            created_at: modified,
            owner: "user",
            group: "user",
            mode,
        }
    }
}
