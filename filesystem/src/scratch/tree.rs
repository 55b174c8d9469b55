//! The table of nodes and the operations that keep it whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::content::Content;
use super::directory::Directory;
use super::node::{Body, Node, Times};
use super::roots::{NodeId, ROOTS};
use crate::errno::Errno;

/// How many directories deep scratch may go below its mount.
pub const SCRATCH_DEPTH_MAX: usize = 128;

/// All nodes of a session's scratch.
///
/// Every directory but a root has exactly one entry that names it, so paths
/// without symbolic links are unique and there are no cycles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(super) nodes: BTreeMap<NodeId, Arc<Node>>,
    next_id: NodeId,
    bytes: u64,
    entries: u64,
}

impl Tree {
    pub(crate) fn new() -> Self {
        let mut tree = Self::bare();
        for (id, _) in ROOTS {
            tree.insert(
                id,
                Node {
                    links: 1,
                    times: Times::default(),
                    body: Body::Directory(Directory::default()),
                },
            );
        }
        tree
    }

    /// Without even the roots: what decoding starts from.
    pub(crate) fn bare() -> Self {
        Self {
            nodes: BTreeMap::new(),
            next_id: ROOTS.len() as NodeId + 1,
            bytes: 0,
            entries: 0,
        }
    }

    /// Bytes held, counted by length.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Names held.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    pub(crate) fn next_id(&self) -> NodeId {
        self.next_id
    }

    pub(crate) fn nodes(&self) -> impl ExactSizeIterator<Item = (NodeId, &Node)> {
        self.nodes.iter().map(|(id, node)| (*id, node.as_ref()))
    }

    pub(crate) fn node(&self, id: NodeId) -> Result<&Node, Errno> {
        self.nodes.get(&id).map(Arc::as_ref).ok_or(Errno::Noent)
    }

    pub(crate) fn directory(&self, id: NodeId) -> Result<&Directory, Errno> {
        match &self.node(id)?.body {
            Body::Directory(directory) => Ok(directory),
            Body::File(_) | Body::Symlink(_) => Err(Errno::Notdir),
        }
    }

    pub(crate) fn content(&self, id: NodeId) -> Result<&Content, Errno> {
        match &self.node(id)?.body {
            Body::File(content) => Ok(content),
            Body::Directory(_) => Err(Errno::Isdir),
            Body::Symlink(_) => Err(Errno::Loop),
        }
    }

    pub(crate) fn set_times(&mut self, id: NodeId, change: impl FnOnce(&mut Times)) {
        if let Some(node) = self.node_mut(id) {
            change(&mut node.times);
        }
    }

    /// Writes to a file.
    pub(crate) fn write(
        &mut self,
        id: NodeId,
        offset: u64,
        data: &[u8],
        now_ns: u64,
    ) -> Result<(), Errno> {
        self.change(id, now_ns, |content| content.write(offset, data))
    }

    /// Cuts or extends a file.
    pub(crate) fn resize(&mut self, id: NodeId, size: u64, now_ns: u64) -> Result<(), Errno> {
        self.change(id, now_ns, |content| content.resize(size))
    }

    /// Makes a node and names it.
    pub(crate) fn create(
        &mut self,
        parent: NodeId,
        name: &str,
        body: Body,
        now_ns: u64,
    ) -> Result<NodeId, Errno> {
        self.directory(parent)?;
        let id = self.next_id;
        self.next_id = id.checked_add(1).ok_or(Errno::Nospc)?;
        let node = Node {
            links: 0,
            times: Times::all(now_ns),
            body,
        };
        self.insert(id, node);
        self.link(parent, name, id, now_ns)?;
        Ok(id)
    }

    /// Gives a node one more name. The name must be free.
    pub(crate) fn link(
        &mut self,
        parent: NodeId,
        name: &str,
        id: NodeId,
        now_ns: u64,
    ) -> Result<(), Errno> {
        self.directory_mut(parent, now_ns)?.insert(name, id);
        self.entries = self.entries.saturating_add(1);
        if let Some(node) = self.node_mut(id) {
            node.links = node.links.saturating_add(1);
            node.times.changed_ns = now_ns;
        }
        Ok(())
    }

    /// Takes a name away and returns the node it named.
    pub(crate) fn unlink(
        &mut self,
        parent: NodeId,
        name: &str,
        now_ns: u64,
    ) -> Result<NodeId, Errno> {
        let directory = self.directory_mut(parent, now_ns)?;
        let id = directory.remove(name).ok_or(Errno::Noent)?;
        self.entries = self.entries.saturating_sub(1);
        if let Some(node) = self.node_mut(id) {
            node.links = node.links.saturating_sub(1);
            node.times.changed_ns = now_ns;
        }
        Ok(id)
    }

    /// Forgets a node that has no name; the caller knows that it is not open.
    pub(crate) fn release(&mut self, id: NodeId) {
        if self.nodes.get(&id).is_some_and(|node| node.links == 0)
            && let Some(node) = self.nodes.remove(&id)
        {
            self.bytes = self.bytes.saturating_sub(node.body.bytes());
        }
    }

    /// How many levels of directories and files lie at and below a node,
    /// counted no further than past [`SCRATCH_DEPTH_MAX`].
    pub(crate) fn height(&self, id: NodeId) -> usize {
        let mut level = vec![id];
        let mut height = 0;
        while !level.is_empty() && height <= SCRATCH_DEPTH_MAX {
            height += 1;
            level = level
                .into_iter()
                .filter_map(|id| self.directory(id).ok())
                .flat_map(|directory| directory.list(0).map(|(_, _, id)| id))
                .collect();
        }
        height
    }

    /// Puts a node in while decoding; false if its number is taken or the
    /// sum of sizes overflows.
    pub(crate) fn insert_decoded(&mut self, id: NodeId, node: Node) -> bool {
        let entries = match &node.body {
            Body::Directory(directory) => directory.len() as u64,
            Body::File(_) | Body::Symlink(_) => 0,
        };
        let Some(bytes) = self.bytes.checked_add(node.body.bytes()) else {
            return false;
        };
        self.entries = self.entries.saturating_add(entries);
        self.bytes = bytes;
        self.nodes.insert(id, Arc::new(node)).is_none()
    }

    pub(crate) fn set_next_id(&mut self, id: NodeId) {
        self.next_id = id;
    }

    pub(crate) fn set_links(&mut self, id: NodeId, links: u64) {
        if let Some(node) = self.node_mut(id) {
            node.links = links;
        }
    }

    fn insert(&mut self, id: NodeId, node: Node) {
        self.bytes = self.bytes.saturating_add(node.body.bytes());
        self.nodes.insert(id, Arc::new(node));
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(&id).map(Arc::make_mut)
    }

    fn directory_mut(&mut self, id: NodeId, now_ns: u64) -> Result<&mut Directory, Errno> {
        let node = self.node_mut(id).ok_or(Errno::Noent)?;
        match &mut node.body {
            Body::Directory(directory) => {
                node.times.modified_ns = now_ns;
                node.times.changed_ns = now_ns;
                Ok(directory)
            }
            Body::File(_) | Body::Symlink(_) => Err(Errno::Notdir),
        }
    }

    fn change(
        &mut self,
        id: NodeId,
        now_ns: u64,
        change: impl FnOnce(&mut Content),
    ) -> Result<(), Errno> {
        let node = self.node_mut(id).ok_or(Errno::Noent)?;
        let Body::File(content) = &mut node.body else {
            return Err(Errno::Isdir);
        };
        let before = content.size();
        change(content);
        let after = content.size();
        node.times.modified_ns = now_ns;
        node.times.changed_ns = now_ns;
        self.bytes = self.bytes.saturating_sub(before).saturating_add(after);
        Ok(())
    }
}
