//! A node: a file, a directory or a symbolic link.

use std::sync::Arc;

use super::content::Content;
use super::directory::Directory;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// Entries that name it. At 0 it lives as long as it is open.
    pub(crate) links: u64,
    pub(crate) times: Times,
    pub(crate) body: Body,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) accessed_ns: u64,
    pub(crate) modified_ns: u64,
    pub(crate) changed_ns: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    File(Content),
    Directory(Directory),
    Symlink(Arc<str>),
}

impl Body {
    /// Its charge to the quota.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::File(content) => content.size(),
            Self::Directory(_) => 0,
            Self::Symlink(target) => target.len() as u64,
        }
    }
}

impl Times {
    pub(crate) fn all(now_ns: u64) -> Self {
        Self {
            accessed_ns: now_ns,
            modified_ns: now_ns,
            changed_ns: now_ns,
        }
    }
}
