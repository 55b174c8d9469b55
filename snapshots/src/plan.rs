//! Planning a collection. Pure: it sees a survey of the store and touches
//! nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::backend::Key;
use crate::{Digest, Retention, SnapshotId};

/// A snapshot, as far as a collection needs to know it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) parent: Option<SnapshotId>,
    pub(crate) turn: u64,
    pub(crate) labelled: bool,
    pub(crate) young: bool,
    pub(crate) chunk_ids: Vec<Digest>,
}

/// What is in a store.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) nodes: HashMap<SnapshotId, Node>,
    pub(crate) links: HashMap<SnapshotId, SnapshotId>,
    /// Where sessions stand.
    pub(crate) heads: BTreeSet<SnapshotId>,
}

/// What should become of it.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) kept: HashSet<SnapshotId>,
    /// The links that kept snapshots need and do not have.
    pub(crate) links: BTreeMap<SnapshotId, SnapshotId>,
    pub(crate) chunks: HashSet<Digest>,
    /// Snapshots that a trail reaches and the survey could not read.
    pub(crate) unreadable: BTreeSet<SnapshotId>,
}

/// Decides over everything in `survey`. `damaged` are the snapshots that are
/// there and cannot be read.
pub(crate) fn plan(survey: &Survey, damaged: &HashSet<SnapshotId>, retention: &Retention) -> Plan {
    let mut plan = Plan::default();
    for (id, node) in &survey.nodes {
        if node.labelled || node.young {
            plan.kept.insert(*id);
        }
    }
    for head in &survey.heads {
        let mut distance = 0;
        survey.walk(*head, |id, node| {
            if damaged.contains(&id) {
                plan.unreadable.insert(id);
            }
            if node.is_some_and(|node| retention.keeps(distance, node.turn)) {
                plan.kept.insert(id);
            }
            distance += 1;
            true
        });
    }
    for id in &plan.kept {
        let Some(node) = survey.nodes.get(id) else {
            continue;
        };
        plan.chunks.extend(&node.chunk_ids);
        if let Some(link) = survey.missing_link(*id, node, &plan.kept) {
            plan.links.insert(*id, link);
        }
    }
    plan
}

impl Plan {
    /// Whether an object has a place in the store that the plan leads to.
    pub(crate) fn keeps(&self, key: &Key) -> bool {
        use crate::backend::Kind;
        match key.kind {
            Kind::Snapshot | Kind::Link => self.kept.contains(&SnapshotId::from_bytes(key.digest)),
            Kind::Chunk => self.chunks.contains(&Digest::from_bytes(key.digest)),
        }
    }
}

impl Survey {
    /// Visits `start` and its ancestors, each once, while `visit` says so.
    fn walk(&self, start: SnapshotId, mut visit: impl FnMut(SnapshotId, Option<&Node>) -> bool) {
        let mut seen = HashSet::new();
        let mut next = Some(start);
        while let Some(id) = next.filter(|id| seen.insert(*id)) {
            let node = self.nodes.get(&id);
            if !visit(id, node) {
                return;
            }
            next = node.and_then(|node| self.before(id, node));
        }
    }

    /// The parent; or if that is gone, what the link says; or else the parent
    /// all the same, since it may be there and unreadable.
    fn before(&self, id: SnapshotId, node: &Node) -> Option<SnapshotId> {
        let parent = node.parent?;
        if self.nodes.contains_key(&parent) {
            return Some(parent);
        }
        Some(self.links.get(&id).copied().unwrap_or(parent))
    }

    /// The link that `id` will need once only `kept` are left, if it does not
    /// have it.
    fn missing_link(
        &self,
        id: SnapshotId,
        node: &Node,
        kept: &HashSet<SnapshotId>,
    ) -> Option<SnapshotId> {
        if node.parent.is_none_or(|parent| kept.contains(&parent)) {
            return None;
        }
        let mut nearest = None;
        self.walk(id, |ancestor, _| {
            if ancestor != id && kept.contains(&ancestor) {
                nearest = Some(ancestor);
            }
            nearest.is_none()
        });
        nearest.filter(|nearest| self.links.get(&id) != Some(nearest))
    }
}
