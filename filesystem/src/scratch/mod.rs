//! The in-memory trees: a flat table of nodes, shared with checkpoints.
//!
//! A [`Tree`] is cloned by cloning `Arc`s. A checkpoint keeps one and costs
//! nothing; the first change after it copies the table of pointers, and from
//! then on only the nodes and chunks that change. The table is flat, so that
//! no walk and no drop recurses as deep as a guest can nest directories.

mod content;
mod directory;
mod tree;

pub(crate) use content::{CHUNK_BYTES, Content};
pub(crate) use directory::Directory;
pub(crate) use tree::Tree;

use std::sync::Arc;

/// How many directories deep scratch may go below its mount.
pub const SCRATCH_DEPTH_MAX: usize = 128;

pub(crate) type NodeId = u64;

/// The root of `/tmp`.
pub(crate) const TMP_ROOT: NodeId = 1;
/// The root of `/home/user`.
pub(crate) const HOME_ROOT: NodeId = 2;

/// The roots and where they are mounted.
pub(crate) const ROOTS: [(NodeId, &str); 2] = [(TMP_ROOT, "/tmp"), (HOME_ROOT, "/home/user")];

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
