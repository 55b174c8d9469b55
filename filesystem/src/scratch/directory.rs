//! The names in a scratch directory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::Arc;

use super::roots::NodeId;

/// Names with their nodes, listed in the order they were made.
///
/// The place of a name in the listing is a number that is never used again,
/// so that a listing under way neither skips nor repeats names while others
/// come and go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Directory {
    names: BTreeMap<Arc<str>, (u64, NodeId)>,
    order: BTreeMap<u64, Arc<str>>,
    next_place: u64,
}

impl Directory {
    pub(crate) fn get(&self, name: &str) -> Option<NodeId> {
        self.names.get(name).map(|(_, node)| *node)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn next_place(&self) -> u64 {
        self.next_place
    }

    /// Names from a place on, with their places and nodes.
    pub(crate) fn list(&self, from: u64) -> impl Iterator<Item = (u64, &str, NodeId)> {
        self.order.range(from..).filter_map(|(place, name)| {
            let (_, node) = self.names.get(name)?;
            Some((*place, name.as_ref(), *node))
        })
    }

    /// Adds a name, or points it to another node.
    pub(crate) fn insert(&mut self, name: &str, node: NodeId) {
        let place = self.next_place;
        self.insert_at(place, name, node);
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<NodeId> {
        let (place, node) = self.names.remove(name)?;
        self.order.remove(&place);
        Some(node)
    }

    /// Adds a name at a place not below those before; false if it is there.
    pub(crate) fn insert_at(&mut self, place: u64, name: &str, node: NodeId) -> bool {
        let name: Arc<str> = name.into();
        match self.names.entry(Arc::clone(&name)) {
            Slot::Occupied(mut slot) => {
                slot.get_mut().1 = node;
                false
            }
            Slot::Vacant(slot) => {
                slot.insert((place, node));
                self.order.insert(place, name);
                self.next_place = place.saturating_add(1);
                true
            }
        }
    }

    pub(crate) fn set_next_place(&mut self, place: u64) {
        self.next_place = place;
    }
}
