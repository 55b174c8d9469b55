//! A session's files as a value.

use std::sync::Arc;

use crate::errno::Errno;
use crate::quota::Granted;
use crate::scratch::{Body, NodeId, ROOTS, Tree};

/// The scratch trees, open descriptors and counters of a session at one time.
///
/// Cloning and keeping one is cheap: content is shared with the session and
/// with other states until one of them changes it. Host files are not part of
/// it: they are kept by path and position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileState {
    /// `None`: never used.
    pub(crate) tree: Option<Arc<Tree>>,
    pub(crate) open: Arc<[Saved]>,
    pub(crate) granted: Granted,
}

/// A descriptor in a [`FileState`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) fd: u32,
    pub(crate) path: Arc<str>,
    pub(crate) rights_base: u64,
    pub(crate) rights_inheriting: u64,
    pub(crate) flags: u16,
    pub(crate) offset: u64,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By node, since its name may be gone.
    Scratch(NodeId),
    /// A file outside scratch, by path.
    File,
    /// A directory outside scratch, by path.
    Directory,
    /// Lost in an earlier restore.
    Lost,
}

/// A descriptor that a restore could not open again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostFile {
    /// Its number, which stays taken until it is closed.
    pub fd: u32,
    /// The guest path it was opened by.
    pub path: String,
    /// The result of opening it again.
    pub reason: Errno,
}

impl FileState {
    /// Bytes held in scratch, counted as the quota counts them.
    #[must_use]
    pub fn scratch_bytes(&self) -> u64 {
        self.tree.as_ref().map_or(0, |tree| tree.bytes())
    }
}

/// The regular files in scratch with their lengths, sorted by path.
#[must_use]
pub fn scratch_files(state: &FileState) -> Vec<(String, u64)> {
    let Some(tree) = &state.tree else {
        return Vec::new();
    };
    let mut files = Vec::new();
    let mut directories: Vec<(NodeId, String)> = ROOTS
        .iter()
        .map(|(root, path)| (*root, (*path).to_owned()))
        .collect();
    while let Some((id, path)) = directories.pop() {
        let Ok(directory) = tree.directory(id) else {
            continue;
        };
        for (_, name, child) in directory.list(0) {
            let path = format!("{path}/{name}");
            match tree.node(child).map(|node| &node.body) {
                Ok(Body::File(content)) => files.push((path, content.size())),
                Ok(Body::Directory(_)) => directories.push((child, path)),
                Ok(Body::Symlink(_)) | Err(_) => {}
            }
        }
    }
    files.sort();
    files
}
