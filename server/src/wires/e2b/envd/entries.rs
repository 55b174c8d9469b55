//! Files and folders, as clients read them.

use memex_trajectories::Timestamp;
use serde::Serialize;

use super::changes::{Kind, Seen};
use crate::service::{FileEntry, FileKind};

const NS_PER_MS: u64 = 1_000_000;

/// An entry in proto3's JSON: a 64-bit number is a text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    path: String,
    size: String,
    mode: u32,
    permissions: &'static str,
    owner: &'static str,
    group: &'static str,
    modified_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    symlink_target: Option<String>,
}

impl From<FileEntry> for Entry {
    fn from(entry: FileEntry) -> Self {
        // There are no owners and permissions in a sandbox: these are what files and
        // folders of a user usually have.
        let (kind, mode, permissions) = match entry.kind {
            FileKind::File => ("FILE_TYPE_FILE", 0o644, "-rw-r--r--"),
            FileKind::Folder => ("FILE_TYPE_DIRECTORY", 0o755, "drwxr-xr-x"),
            FileKind::Link => ("FILE_TYPE_SYMLINK", 0o777, "lrwxrwxrwx"),
            FileKind::Other => ("FILE_TYPE_UNSPECIFIED", 0o644, "-rw-r--r--"),
        };
        Self {
            name: entry.name,
            kind,
            path: entry.path,
            size: entry.bytes.to_string(),
            mode,
            permissions,
            owner: "user",
            group: "user",
            modified_time: Timestamp::from_unix_ms(entry.modified_ns / NS_PER_MS),
            symlink_target: entry.target,
        }
    }
}

/// What watchers compare of an entry.
pub(super) fn seen(entry: &FileEntry) -> Seen {
    Seen {
        kind: match entry.kind {
            FileKind::File | FileKind::Other => Kind::File,
            FileKind::Folder => Kind::Folder,
            FileKind::Link => Kind::Link,
        },
        size: entry.bytes,
        modified_ns: entry.modified_ns,
    }
}
