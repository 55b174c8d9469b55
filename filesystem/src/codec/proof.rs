//! Checks on a decoded tree.

use std::collections::{BTreeMap, BTreeSet};

use super::bytes::Reader;
use crate::error::Error;
use crate::scratch::{Body, NodeId, ROOTS, SCRATCH_DEPTH_MAX, Tree};
use crate::state::{Kind, Saved};

/// Counts links and proves what the tree promises: entries lead to nodes,
/// every directory but the roots has one name, there are no cycles and no
/// more depth than allowed, and nothing is kept that neither a name nor a
/// descriptor holds.
pub(super) fn check_nodes(
    reader: &Reader<'_>,
    tree: Option<&mut Tree>,
    open: &[Saved],
) -> Result<(), Error> {
    let Some(tree) = tree else {
        let strays = open
            .iter()
            .any(|saved| matches!(saved.kind, Kind::Scratch(id) if !is_root(id)));
        return if strays {
            Err(reader.damaged("a descriptor is of no node"))
        } else {
            Ok(())
        };
    };
    let links = count_links(reader, tree)?;
    let mut unnamed = Vec::new();
    for (id, node) in tree.nodes() {
        if links.contains_key(&id) {
            continue;
        }
        let empty = !matches!(&node.body, Body::Directory(names) if !names.is_empty());
        if !empty {
            return Err(reader.damaged("a directory cannot be reached"));
        }
        unnamed.push(id);
    }
    let held: BTreeSet<NodeId> = open
        .iter()
        .filter_map(|saved| match saved.kind {
            Kind::Scratch(id) => Some(id),
            _ => None,
        })
        .collect();
    if !unnamed.iter().all(|id| held.contains(id)) {
        return Err(reader.damaged("a node has neither name nor descriptor"));
    }
    if !held.iter().all(|id| tree.node(*id).is_ok()) {
        return Err(reader.damaged("a descriptor is of no node"));
    }
    for (id, count) in links {
        tree.set_links(id, count);
    }
    Ok(())
}

/// Walks from the roots, level by level, and counts the names of each node.
fn count_links(reader: &Reader<'_>, tree: &Tree) -> Result<BTreeMap<NodeId, u64>, Error> {
    let mut links = BTreeMap::new();
    let mut level = Vec::new();
    for (root, _) in ROOTS {
        if tree.directory(root).is_err() {
            return Err(reader.damaged("a root is missing"));
        }
        links.insert(root, 1);
        level.push(root);
    }
    for depth in 0.. {
        let mut below = Vec::new();
        for directory in level.iter().filter_map(|id| tree.directory(*id).ok()) {
            for (_, _, child) in directory.list(0) {
                let node = tree
                    .node(child)
                    .map_err(|_| reader.damaged("an entry leads to no node"))?;
                let count = links.entry(child).or_insert(0_u64);
                *count += 1;
                if matches!(node.body, Body::Directory(_)) {
                    if *count > 1 {
                        return Err(reader.damaged("a directory has two names"));
                    }
                    below.push(child);
                }
            }
        }
        if below.is_empty() {
            break;
        }
        if depth >= SCRATCH_DEPTH_MAX {
            return Err(reader.damaged("directories are too deep"));
        }
        level = below;
    }
    Ok(links)
}

fn is_root(id: NodeId) -> bool {
    ROOTS.iter().any(|(root, _)| *root == id)
}
