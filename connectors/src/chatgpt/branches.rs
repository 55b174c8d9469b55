//! The order of messages in a tree: the branch that was seen last, and the others.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::chats::time;

/// The nodes of a conversation in the order in which they were seen.
pub(super) struct Order<'m> {
    /// The branch that was seen last.
    pub(super) main: Vec<&'m str>,
    /// The others, each with the node after which it leaves a branch.
    pub(super) others: Vec<(Option<&'m str>, Vec<&'m str>)>,
}

/// A conversation's nodes by their ids, and who follows whom.
struct Tree<'m> {
    nodes: BTreeMap<&'m str, &'m Value>,
    parents: HashMap<&'m str, &'m str>,
    children: HashMap<&'m str, Vec<&'m str>>,
}

/// The order of `nodes`; `current` is the one that was seen last. Where nothing says who
/// follows whom, time does. Nodes in a circle are met once.
pub(super) fn order<'m>(nodes: &[(&'m str, &'m Value)], current: Option<&'m str>) -> Order<'m> {
    let tree = Tree::new(nodes);
    let current = current.filter(|id| tree.nodes.contains_key(id));
    let roots = tree.nodes.keys().filter(|id| !tree.has_parent(id)).count();
    let mut seen = HashSet::new();
    let main = match (current, roots) {
        (Some(current), _) => tree.climb(current, &mut seen),
        (None, 0 | 1) => match tree.newest_leaf() {
            Some(leaf) => tree.climb(leaf, &mut seen),
            None => Vec::new(),
        },
        (None, _) => {
            let all: Vec<&str> = tree.by_time(tree.nodes.keys().copied());
            seen.extend(all.iter().copied());
            all
        }
    };
    let main_nodes: HashSet<&str> = main.iter().copied().collect();
    let mut others = Vec::new();
    let left: Vec<&str> = tree.by_time(tree.nodes.keys().copied());
    // First those that leave a branch or begin one, then what is left of circles.
    for begins in [true, false] {
        for id in &left {
            let parent = tree.parents.get(id).copied();
            let leaves = parent.is_none_or(|parent| {
                main_nodes.contains(parent) || !tree.nodes.contains_key(parent)
            });
            if begins && !leaves {
                continue;
            }
            let branch = tree.descend(id, &mut seen);
            if !branch.is_empty() {
                others.push((parent.filter(|parent| main_nodes.contains(parent)), branch));
            }
        }
    }
    Order { main, others }
}

impl<'m> Tree<'m> {
    fn new(nodes: &[(&'m str, &'m Value)]) -> Self {
        let mut tree = Self {
            nodes: nodes.iter().copied().collect(),
            parents: HashMap::new(),
            children: HashMap::new(),
        };
        for (id, node) in nodes {
            if let Some(parent) = node.get("parent").and_then(Value::as_str) {
                tree.parents.insert(id, parent);
            }
        }
        // A node that cannot be read has its place in the list of the one before it.
        for (id, node) in nodes {
            let children = node.get("children").and_then(Value::as_array);
            let children = children.into_iter().flatten().filter_map(Value::as_str);
            for child in children.filter(|child| child != id) {
                tree.parents.entry(child).or_insert(id);
            }
        }
        for (child, parent) in &tree.parents {
            tree.children.entry(parent).or_default().push(child);
        }
        tree
    }

    fn has_parent(&self, id: &str) -> bool {
        self.parents.contains_key(id)
    }

    fn time(&self, id: &str) -> f64 {
        let node = self.nodes.get(id).copied();
        let message = node.and_then(|node| node.get("message"));
        time(message.and_then(|message| message.get("create_time"))).unwrap_or(0.0)
    }

    fn by_time(&self, ids: impl Iterator<Item = &'m str>) -> Vec<&'m str> {
        let mut ids: Vec<&str> = ids.collect();
        ids.sort_by(|a, b| {
            let by_time = self.time(a).total_cmp(&self.time(b));
            by_time.then_with(|| a.cmp(b))
        });
        ids
    }

    fn newest_leaf(&self) -> Option<&'m str> {
        let leaves = self.nodes.keys().copied();
        let leaves = leaves.filter(|id| !self.children.contains_key(id));
        match self.by_time(leaves).last() {
            Some(leaf) => Some(leaf),
            // Nothing but a circle.
            None => self.by_time(self.nodes.keys().copied()).last().copied(),
        }
    }

    /// From a node up to the first one, in the order in which they were said.
    fn climb(&self, from: &'m str, seen: &mut HashSet<&'m str>) -> Vec<&'m str> {
        let mut branch = Vec::new();
        let mut at = Some(from);
        while let Some(id) = at.filter(|id| seen.insert(id)) {
            branch.push(id);
            at = self.parents.get(id).copied();
        }
        branch.reverse();
        branch
    }

    /// A node and what follows it, branch after branch.
    fn descend(&self, from: &'m str, seen: &mut HashSet<&'m str>) -> Vec<&'m str> {
        let mut found = Vec::new();
        let mut left = vec![from];
        while let Some(id) = left.pop() {
            if !seen.insert(id) {
                continue;
            }
            found.push(id);
            let children = self.children.get(id).cloned().unwrap_or_default();
            left.extend(self.by_time(children.into_iter()).into_iter().rev());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(mapping: &Value, current: Option<&str>) -> String {
        let nodes: Vec<(&str, &Value)> = mapping
            .as_object()
            .unwrap()
            .iter()
            .map(|(id, node)| (id.as_str(), node))
            .collect();
        let order = order(&nodes, current);
        let others = order.others.iter().map(|(after, nodes)| {
            let after = after.unwrap_or("-");
            format!(" | {after}: {}", nodes.join(""))
        });
        format!("{}{}", order.main.join(""), others.collect::<String>())
    }

    #[test]
    fn every_node_is_met_once_whatever_the_tree() {
        for (mapping, current, expect) in [
            (
                json!({"a": {"parent": null}, "b": {"parent": "a"}, "c": {"parent": "a"}, "d": {"parent": "c"}}),
                Some("b"),
                "ab | a: cd",
            ),
            // Without a current node: the newest leaf.
            (
                json!({"a": {}, "b": {"parent": "a", "message": {"create_time": 2}}, "c": {"parent": "a", "message": {"create_time": "1"}}}),
                None,
                "ab | a: c",
            ),
            // A node that cannot be read, and one that is not there.
            (
                json!({"a": {"children": ["b"]}, "b": null, "c": {"parent": "b"}}),
                Some("c"),
                "abc",
            ),
            (
                json!({"a": {"children": ["x"]}, "c": {"parent": "x"}}),
                Some("c"),
                "axc",
            ),
            (
                json!({"a": {"parent": "x"}, "b": {}}),
                Some("a"),
                "xa | -: b",
            ),
            // A list that only time orders.
            (
                json!({"a": {"message": {"create_time": 2}}, "b": {"message": {"create_time": 1}}}),
                None,
                "ba",
            ),
            // Circles.
            (json!({"a": {"parent": "a"}}), Some("a"), "a"),
            (
                json!({"a": {"parent": "b"}, "b": {"parent": "a"}, "c": {}}),
                Some("c"),
                "c | -: ab",
            ),
            (
                json!({"a": {"parent": "b"}, "b": {"parent": "a"}}),
                None,
                "ab",
            ),
            (json!({}), Some("a"), ""),
        ] {
            assert_eq!(told(&mapping, current), expect, "{mapping}");
        }
    }
}
