//! The in-memory trees: a flat table of nodes, shared with checkpoints.
//!
//! A [`Tree`] is cloned by cloning `Arc`s. A checkpoint keeps one and costs
//! nothing; the first change after it copies the table of pointers, and from
//! then on only the nodes and chunks that change. The table is flat, so that
//! no walk and no drop recurses as deep as a guest can nest directories.

mod content;
mod directory;
mod node;
mod roots;
mod tree;

pub(crate) use content::{CHUNK_BYTES, Content};
pub(crate) use directory::Directory;
pub(crate) use node::{Body, Node, Times};
pub(crate) use roots::{HOME_ROOT, NodeId, ROOTS, TMP_ROOT};
pub use tree::SCRATCH_DEPTH_MAX;
pub(crate) use tree::Tree;
