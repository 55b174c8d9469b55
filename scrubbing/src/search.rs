//! Finds any of many forms in one pass over a text that can be read in several
//! ways.
//!
//! A text is a graph: its places, and from each the ways to read on. At every
//! place the pass holds the nodes that some way to it has reached, without those
//! that another of them ends with: what follows from the shorter follows from the
//! longer too, unless the shorter is escaped and begins before it. In ordinary text
//! there is one; [`WAYS_MAX`] bounds the others. So the time is linear in the text,
//! whatever the forms are.

use std::collections::VecDeque;

use super::automaton::{Automaton, NONE, ROOT};
use super::readings::{Reading, Readings};

/// Most ways that are followed at one place; the longest are kept.
const WAYS_MAX: usize = 8;
/// Places that are kept until it is clear that none overlaps another to come.
const FOUND_KEPT: usize = 256;

/// A form that was found, between two places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) label: u32,
}

/// A way to a place: how much of forms it has spelt, and where that began. If
/// some of it was escaped and then left out, it may have begun later.
#[derive(Debug, Clone, Copy)]
struct Way {
    node: u32,
    start: usize,
}

impl Automaton {
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

#[cfg(test)]
mod tests {
    use super::{FOUND_KEPT, Search};
    use crate::automaton::Automaton;

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
