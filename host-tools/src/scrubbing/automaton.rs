//! Finds any of many forms in one pass over a text that can be read in several
//! ways.
//!
//! The forms make a trie whose nodes know the longest other prefix of a form
//! that they end with, as Aho and Corasick have it. A text is a graph: its
//! places, and from each the ways to read on. At every place the pass holds the
//! nodes that some way to it has reached, without those that another of them
//! ends with: what follows from the shorter follows from the longer too, unless
//! the shorter is escaped and begins before it. In ordinary text there is one; [`WAYS_MAX`] bounds the others. A node that does
//! not go on is left for the next that goes on otherwise, as Knuth has it, so that
//! a form of many equal bytes is not climbed down byte by byte at each place. So
//! the time is linear in the text, whatever the forms are.

use std::collections::VecDeque;

use super::readings::{Reading, Readings, is_sign, other_sign};

/// Most ways that are followed at one place; the longest are kept.
const WAYS_MAX: usize = 8;
/// Places that are kept until it is clear that none overlaps another to come.
const FOUND_KEPT: usize = 256;
/// No node, or no label.
const NONE: u32 = u32::MAX;
const ROOT: u32 = 0;

/// A form that was found, between two places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) label: u32,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    byte: u8,
    first_child: u32,
    next_sibling: u32,
    depth: u32,
    /// The longest other node that this one ends with.
    shorter: u32,
    /// The longest of those that goes on with a byte that this one does not.
    other: u32,
    /// The longest whole form that this node ends with.
    whole: u32,
    /// Of the form that ends here.
    label: u32,
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
    pairs: Pairs,
    /// The length of the longest form.
    longest: usize,
}

/// A way to a place: how much of forms it has spelt, and where that began. If
/// some of it was escaped and then left out, it may have begun later.
#[derive(Debug, Clone, Copy)]
struct Way {
    node: u32,
    start: usize,
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

    /// Whether there is a form in the text.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        let mut search = Search::new(self, text, |_| ());
        search.run(true);
        !search.found.is_empty()
    }

    /// Tells all places of forms, in order and apart. Few of them are held at once,
    /// however many there are.
    pub(super) fn find(&self, text: &[u8], tell: impl FnMut(Found)) {
        let mut search = Search::new(self, text, tell);
        search.run(false);
        search.ahead.clear();
        search.settle(text.len());
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

    fn node(&self, index: u32) -> &Node {
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
    fn step(&self, mut node: u32, byte: u8) -> u32 {
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
    fn ends_with(&self, long: u32, short: u32) -> bool {
        let (long, short) = (self.node(long), self.node(short));
        (short.enter..short.leave).contains(&long.enter)
    }
}

/// One pass over a text.
struct Search<'a, T> {
    automaton: &'a Automaton,
    text: &'a [u8],
    tell: T,
    found: Vec<Found>,
    /// How many are found before the next look at what can be told.
    settle_at: usize,
    /// The ways to the place that is looked at, and to those behind it.
    ahead: VecDeque<Vec<Way>>,
    /// Lists to be used again.
    spare: Vec<Vec<Way>>,
}

impl<'a, T: FnMut(Found)> Search<'a, T> {
    fn new(automaton: &'a Automaton, text: &'a [u8], tell: T) -> Self {
        Self {
            automaton,
            text,
            tell,
            found: Vec::new(),
            settle_at: FOUND_KEPT,
            ahead: VecDeque::new(),
            spare: Vec::new(),
        }
    }

    fn run(&mut self, first: bool) {
        if self.automaton.is_empty() {
            return;
        }
        let mut readings = Readings::default();
        let mut at = 0;
        while at < self.text.len() && (!first || self.found.is_empty()) {
            if self.found.len() >= self.settle_at {
                self.settle(at);
            }
            let mut ways = self.ahead.pop_front().unwrap_or_default();
            if ways.is_empty() && !self.automaton.pairs.may_begin(self.text, at) {
                if self.ahead.is_empty() {
                    match self.automaton.pairs.next(self.text, at + 1) {
                        Some(next) => at = next,
                        None => return,
                    }
                } else {
                    at += 1;
                }
                self.recycle(ways);
                continue;
            }
            if ways.is_empty() {
                ways.push(Way {
                    node: ROOT,
                    start: at,
                });
            }
            readings.read(self.text, at);
            for reading in readings.all() {
                for way in &ways {
                    self.follow(*way, at, reading);
                }
            }
            self.recycle(ways);
            at += 1;
        }
    }

    /// Tells what nothing that is found from `at` on can overlap: no way that is
    /// followed begins before it.
    fn settle(&mut self, at: usize) {
        let begun = self.ahead.iter().flatten().map(|way| way.start).min();
        let settled = begun.map_or(at, |begun| begun.min(at));
        let mut found = apart(std::mem::take(&mut self.found));
        let told = found.partition_point(|found| found.end <= settled);
        found.drain(..told).for_each(&mut self.tell);
        self.settle_at = (2 * found.len()).max(FOUND_KEPT);
        self.found = found;
    }

    fn recycle(&mut self, mut ways: Vec<Way>) {
        if ways.capacity() > 0 && self.spare.len() < 64 {
            ways.clear();
            self.spare.push(ways);
        }
    }

    /// Goes on from `at` by one reading.
    fn follow(&mut self, way: Way, at: usize, reading: &Reading) {
        let automaton = self.automaton;
        let (mut node, before) = (way.node, automaton.node(way.node).depth as usize);
        for byte in reading.bytes() {
            node = automaton.step(node, *byte);
        }
        if node == ROOT {
            return;
        }
        let spelt = before + reading.bytes().len();
        let begin = |depth: usize| {
            let end = reading.end;
            if depth >= spelt {
                way.start
            } else if end - way.start == spelt {
                // Nothing of it is escaped.
                end - depth
            } else if depth <= reading.bytes().len() {
                at
            } else {
                // Every byte that was left out took a place at least.
                way.start + (spelt - depth)
            }
        };
        let reached = automaton.node(node);
        if reached.whole != NONE && !reading.bytes().is_empty() {
            let whole = automaton.node(reached.whole);
            self.note(Found {
                start: begin(whole.depth as usize),
                end: reading.end,
                label: whole.label,
            });
        }
        let start = begin(reached.depth as usize);
        self.add(reading.end - at - 1, Way { node, start });
    }

    /// Adds a way to the place that is so many behind the next one.
    fn add(&mut self, distance: usize, way: Way) {
        while self.ahead.len() <= distance {
            self.ahead.push_back(self.spare.pop().unwrap_or_default());
        }
        let Some(ways) = self.ahead.get_mut(distance) else {
            return;
        };
        for known in ways.iter_mut() {
            if known.node == way.node {
                known.start = known.start.min(way.start);
                return;
            }
            if known.start <= way.start && self.automaton.ends_with(known.node, way.node) {
                return;
            }
        }
        ways.retain(|known| {
            known.start < way.start || !self.automaton.ends_with(way.node, known.node)
        });
        if ways.len() < WAYS_MAX {
            ways.push(way);
            return;
        }
        let depth = |way: &Way| self.automaton.node(way.node).depth;
        if let Some(shortest) = ways.iter_mut().min_by_key(|way| depth(way))
            && depth(shortest) < depth(&way)
        {
            *shortest = way;
        }
    }

    /// Keeps a place, as one with the last where they overlap: a text of one
    /// byte alone could have one at every byte.
    fn note(&mut self, mut found: Found) {
        if let Some(last) = self.found.last_mut()
            && found.start < last.end
            && last.start < found.end
        {
            found.label = last.label;
            found.start = found.start.min(last.start);
            found.end = found.end.max(last.end);
            *last = found;
            return;
        }
        self.found.push(found);
    }
}

/// In order, with those that overlap made one.
fn apart(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_unstable_by_key(|found| (found.start, found.end));
    found.dedup_by(|next, last| {
        let overlap = next.start < last.end;
        if overlap {
            last.end = last.end.max(next.end);
        }
        overlap
    });
    found
}

/// A set of pairs of bytes.
#[derive(Debug, Default)]
struct Pairs {
    words: Vec<u64>,
}

impl Pairs {
    /// The pairs with which these forms can begin in a text.
    fn of<'a>(forms: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut pairs = Self {
            words: vec![0; (1 << 16) / 64],
        };
        for form in forms {
            let [first, second, ..] = form else { continue };
            for begin in written(*first) {
                for next in written(*second).chain(signs()) {
                    pairs.insert(begin, next);
                }
            }
        }
        // What an escape stands for is found out at the place.
        for sign in *b"%\\&=" {
            for second in 0..=u8::MAX {
                pairs.insert(sign, second);
            }
        }
        pairs
    }

    fn insert(&mut self, first: u8, second: u8) {
        let bit = usize::from(first) << 8 | usize::from(second);
        if let Some(word) = self.words.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }

    fn contains(&self, first: u8, second: u8) -> bool {
        let bit = usize::from(first) << 8 | usize::from(second);
        self.words
            .get(bit / 64)
            .is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    fn may_begin(&self, text: &[u8], at: usize) -> bool {
        match text.get(at..at + 2) {
            Some([first, second]) => self.contains(*first, *second),
            _ => false,
        }
    }

    /// The first place from `from` on at which a form may begin.
    fn next(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut pairs = text.get(from..)?.windows(2);
        let found = pairs
            .position(|pair| matches!(pair, [first, second] if self.contains(*first, *second)));
        found.map(|index| from + index)
    }
}

/// Bytes behind which a form may go on.
fn signs() -> impl Iterator<Item = u8> {
    (0..=u8::MAX).filter(|byte| is_sign(*byte))
}

/// The bytes that stand for this one without being escapes, itself among them.
fn written(byte: u8) -> impl Iterator<Item = u8> {
    let other = (0..=u8::MAX).filter(move |sign| other_sign(*sign) == Some(byte));
    [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]
        .into_iter()
        .chain(other)
}

#[cfg(test)]
mod tests {
    use super::{Automaton, FOUND_KEPT, Search};

    #[test]
    fn few_places_are_held_at_once() {
        let forms = [("abcdefgh", 0), ("efghefghefgh", 1), ("x,abc", 2)];
        let forms = forms.map(|(form, label)| (form.as_bytes().to_vec(), label));
        let automaton = Automaton::new(forms.to_vec());
        for unit in ["abcdefgh", "abcdefgh,", "efgh", "abcd\\u0065fgh x,abcdefgh"] {
            let text = unit.repeat(100_000);
            let (mut told, mut end) = (0_usize, 0);
            let mut search = Search::new(&automaton, text.as_bytes(), |found| {
                assert!(found.start >= end && found.start < found.end);
                end = found.end;
                told += 1;
            });
            search.run(false);
            let held = search.found.capacity();
            search.ahead.clear();
            search.settle(text.len());
            assert!(held <= 4 * FOUND_KEPT, "{unit}: {held}");
            assert!(told > 0 && end + 1 >= text.len(), "{unit}: {told}, {end}");
        }
    }
}
