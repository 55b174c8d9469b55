//! A change, as the journal records it.

use std::time::Instant;

use serde::{Deserialize, Serialize};

/// The BLAKE3 digest of a file's content, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentDigest(String);

impl ContentDigest {
    /// The digest of a content.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().to_string())
    }

    /// The 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The content of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// Nothing.
    Absent,
    /// A file whose content the journal keeps.
    File {
        /// Its digest.
        digest: ContentDigest,
        /// Its size.
        bytes: u64,
    },
    /// A directory.
    Directory,
    /// Something whose content the journal does not keep: a file larger than
    /// files may be, a link, a device.
    NotKept {
        /// Its size.
        bytes: u64,
    },
}

impl Content {
    /// A file of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::File {
            digest: ContentDigest::of(bytes),
            bytes: bytes.len() as u64,
        }
    }

    /// The size in bytes; nothing and directories have none.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Absent | Self::Directory => 0,
            Self::File { bytes, .. } | Self::NotKept { bytes } => *bytes,
        }
    }
}

/// One change of the memory, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Counts up from 1.
    pub id: u64,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// The session that made it; empty for a person.
    pub session: String,
    /// The tool or command that made it.
    pub tool: String,
    /// The changed path, from the root.
    pub path: String,
    /// The old content.
    pub before: Content,
    /// The new content.
    pub after: Content,
    /// The change that this one undid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<u64>,
    /// Directories that it made on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<String>,
    /// Whether it was undone since.
    #[serde(skip)]
    pub undone: bool,
}

/// The author of a change, and its deadline.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// The session; empty for a person at the command line.
    pub session: &'a str,
    /// The tool or command.
    pub tool: &'a str,
    /// When to give up waiting for other writers, if that is before
    /// [`Options::lock_wait_max`](crate::Options::lock_wait_max).
    pub deadline: Option<Instant>,
}

impl<'a> Author<'a> {
    /// A person who uses a command.
    #[must_use]
    pub fn person(command: &'a str) -> Self {
        Self {
            session: "",
            tool: command,
            deadline: None,
        }
    }

    /// A session that calls a tool.
    #[must_use]
    pub fn session(session: &'a str, tool: &'a str) -> Self {
        Self {
            session,
            tool,
            deadline: None,
        }
    }
}
