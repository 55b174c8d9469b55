//! The forms of all secrets as one machine.
//!
//! The forms make a trie whose nodes know the longest other prefix of a form
//! that they end with, as Aho and Corasick have it. A node that does not go on is
//! left for the next that goes on otherwise, as Knuth has it, so that a form of
//! many equal bytes is not climbed down byte by byte at each place.

use super::pairs::Pairs;

/// No node, or no label.
pub(super) const NONE: u32 = u32::MAX;
pub(super) const ROOT: u32 = 0;

#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    byte: u8,
    first_child: u32,
    next_sibling: u32,
    pub(super) depth: u32,
    /// The longest other node that this one ends with.
    shorter: u32,
    /// The longest of those that goes on with a byte that this one does not.
    other: u32,
    /// The longest whole form that this node ends with.
    pub(super) whole: u32,
    /// Of the form that ends here.
    pub(super) label: u32,
    /// Numbers of the tree that `shorter` makes: a node ends with another if it
    /// is below it.
    enter: u32,
    leave: u32,
}

impl Node {
    fn new(byte: u8, depth: u32) -> Self {
        Self {
            byte,
            first_child: NONE,
            next_sibling: NONE,
            depth,
            shorter: ROOT,
            other: ROOT,
            whole: NONE,
            label: NONE,
            enter: 0,
            leave: 0,
        }
    }
}

/// The forms of all secrets.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    /// The root first; empty if there are no forms.
    nodes: Vec<Node>,
    /// The pairs of bytes at which a form can begin: most places of a text are
    /// passed over by looking here alone.
    pub(super) pairs: Pairs,
    /// The length of the longest form.
    longest: usize,
}

impl Automaton {
    /// From forms in lower case, each with a label.
    pub(super) fn new(forms: Vec<(Vec<u8>, u32)>) -> Self {
        let mut automaton = Self::default();
        if forms.iter().all(|(form, _)| form.is_empty()) {
            return automaton;
        }
        automaton.nodes.push(Node::new(0, 0));
        automaton.longest = forms.iter().map(|(form, _)| form.len()).max().unwrap_or(0);
        automaton.pairs = Pairs::of(forms.iter().map(|(form, _)| form.as_slice()));
        for (form, label) in &forms {
            automaton.insert(form, *label);
        }
        automaton.link();
        automaton
    }

    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The length of the longest form.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    fn insert(&mut self, form: &[u8], label: u32) {
        let mut node = ROOT;
        for byte in form {
            node = match self.child(node, *byte) {
                NONE => self.add(node, *byte),
                child => child,
            };
        }
        if let Some(last) = self.node_mut(node)
            && node != ROOT
            && last.label == NONE
        {
            last.label = label;
        }
    }

    fn add(&mut self, parent: u32, byte: u8) -> u32 {
        let Ok(index) = u32::try_from(self.nodes.len()) else {
            return parent;
        };
        let depth = self.node(parent).depth.saturating_add(1);
        let mut node = Node::new(byte, depth);
        node.next_sibling = self.node(parent).first_child;
        self.nodes.push(node);
        if let Some(parent) = self.node_mut(parent) {
            parent.first_child = index;
        }
        index
    }

    /// Fills in what nodes end with, the shallow ones first.
    fn link(&mut self) {
        let mut order = vec![ROOT];
        let mut next = 0;
        while let Some(parent) = order.get(next).copied() {
            next += 1;
            let mut child = self.node(parent).first_child;
            while child != NONE {
                let Node {
                    byte,
                    next_sibling,
                    label,
                    ..
                } = *self.node(child);
                let shorter = match parent {
                    ROOT => ROOT,
                    _ => self.step(self.node(parent).shorter, byte),
                };
                let whole = match label {
                    NONE => self.node(shorter).whole,
                    _ => child,
                };
                let other = match self.goes_on_as(child, shorter) {
                    true => self.node(shorter).other,
                    false => shorter,
                };
                if let Some(node) = self.node_mut(child) {
                    node.shorter = shorter;
                    node.other = other;
                    node.whole = whole;
                }
                order.push(child);
                child = next_sibling;
            }
        }
        self.number(&order);
    }

    fn number(&mut self, order: &[u32]) {
        let mut sizes = vec![1_u32; self.nodes.len()];
        for node in order.iter().rev().filter(|node| **node != ROOT) {
            let size = sizes.get(*node as usize).copied().unwrap_or(1);
            if let Some(slot) = sizes.get_mut(self.node(*node).shorter as usize) {
                *slot = slot.saturating_add(size);
            }
        }
        let mut free = vec![1_u32; self.nodes.len()];
        for node in order {
            let size = sizes.get(*node as usize).copied().unwrap_or(1);
            let enter = match *node {
                ROOT => 0,
                _ => match free.get_mut(self.node(*node).shorter as usize) {
                    Some(slot) => {
                        let enter = *slot;
                        *slot = slot.saturating_add(size);
                        enter
                    }
                    None => 0,
                },
            };
            if let Some(slot) = free.get_mut(*node as usize) {
                *slot = enter.saturating_add(1);
            }
            if let Some(node) = self.node_mut(*node) {
                node.enter = enter;
                node.leave = enter.saturating_add(size);
            }
        }
    }

    pub(super) fn node(&self, index: u32) -> &Node {
        const NOWHERE: Node = Node {
            byte: 0,
            first_child: NONE,
            next_sibling: NONE,
            depth: 0,
            shorter: ROOT,
            other: ROOT,
            whole: NONE,
            label: NONE,
            enter: 0,
            leave: 0,
        };
        self.nodes.get(index as usize).unwrap_or(&NOWHERE)
    }

    fn node_mut(&mut self, index: u32) -> Option<&mut Node> {
        self.nodes.get_mut(index as usize)
    }

    fn child(&self, parent: u32, byte: u8) -> u32 {
        let mut child = self.node(parent).first_child;
        while child != NONE {
            let node = self.node(child);
            if node.byte == byte {
                return child;
            }
            child = node.next_sibling;
        }
        NONE
    }

    /// The longest node that ends with this one's bytes and one more.
    pub(super) fn step(&self, mut node: u32, byte: u8) -> u32 {
        loop {
            match self.child(node, byte) {
                NONE if node == ROOT => return ROOT,
                NONE => node = self.node(node).other,
                child => return child,
            }
        }
    }

    /// Whether a node goes on with every byte that another goes on with.
    fn goes_on_as(&self, node: u32, other: u32) -> bool {
        let mut child = self.node(other).first_child;
        while child != NONE {
            let Node {
                byte, next_sibling, ..
            } = *self.node(child);
            if self.child(node, byte) == NONE {
                return false;
            }
            child = next_sibling;
        }
        true
    }

    /// Whether `long` ends with `short`.
    pub(super) fn ends_with(&self, long: u32, short: u32) -> bool {
        let (long, short) = (self.node(long), self.node(short));
        (short.enter..short.leave).contains(&long.enter)
    }
}
