//! The calls of a turn with their replies, so that the turn can be run again.
//!
//! The second run makes the same calls, as far as the code does the same with the same
//! replies. Each gets the reply that the same call (by content, and by how often it was
//! made) got in the first run, and nothing is done twice. A run that makes another call
//! while calls of the first run are left over has taken another way: it is refused, unless
//! the call is one of a client tool, which does nothing before it is answered.

use memex_channel::{Frame, Reply, Ticket};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// What makes two calls the same: BLAKE3 of the head without `await`, and of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(pub(super) [u8; 32]);

impl Key {
    pub(crate) fn of(frame: &Frame<'_>) -> Self {
        const AWAITED: &[u8] = b",\"await\":true}";
        let mut hasher = blake3::Hasher::new();
        // The guest's dispatcher writes it last; one that writes it elsewhere gets a key
        // of its own for each way to call.
        let (head, end) = match frame.head.strip_suffix(AWAITED) {
            Some(head) => (head, &b"}"[..]),
            None => (frame.head, &b""[..]),
        };
        hasher.update(&((head.len() + end.len()) as u64).to_le_bytes());
        hasher.update(head);
        hasher.update(end);
        for part in &frame.parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }
}

/// What a call gets from the journal.
#[derive(Debug)]
pub(crate) enum Replay {
    /// It was made before, and this was the reply.
    Reply(Reply),
    /// It was made before, and is open: a call of a client tool, by its number.
    Open(u64),
    /// It was made before, at this place, and was not answered.
    Anew(usize),
    /// It is new, and the turn has made all calls of its first run.
    New,
    /// It is new, and calls of the first run are left over that were made side by side:
    /// either those come later, or the turn has taken another way.
    Ahead,
    /// It is new, and the turn has taken another way than in its first run.
    Diverged,
}

#[derive(Debug, Clone)]
pub(in crate::broker) struct Entry {
    pub(super) key: Key,
    /// The tool; empty if there is none of the name that was called.
    pub(in crate::broker) tool: String,
    pub(in crate::broker) reply: Option<Reply>,
    /// The number of the call, if it is one of a client tool.
    pub(in crate::broker) call: Option<u64>,
    pub(super) awaited: bool,
    /// Whether this run of the turn has made the call.
    pub(super) made: bool,
}

/// The journal of one turn.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) entries: Vec<Entry>,
    /// Entries whose replies come later.
    tickets: BTreeMap<Ticket, usize>,
    /// Entries of calls of client tools.
    calls: BTreeMap<u64, usize>,
    left: Left,
    bytes: usize,
    /// Whether replies were left out since they were too large to keep.
    overflowed: bool,
}

/// The entries that this run of the turn has not made, so that looking one up takes the
/// same time however many there are.
#[derive(Debug, Default)]
struct Left {
    by_key: HashMap<Key, VecDeque<usize>>,
    /// No entry before this one is left.
    first: usize,
    count: usize,
    awaited: usize,
}

/// Bytes that an entry takes besides its reply and the name of its tool.
const ENTRY_BYTES: usize = 256;

impl Journal {
    /// Forgets the turn.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The turn begins again.
    pub(super) fn rewind(&mut self) {
        self.tickets.clear();
        for entry in &mut self.entries {
            entry.made = false;
        }
        self.left = Left::of(&self.entries);
    }

    /// Whether the turn could be run again.
    pub(super) fn is_complete(&self) -> bool {
        !self.overflowed
    }

    /// What a call that the turn makes gets.
    pub(super) fn replay(&mut self, key: Key, tool: &str) -> Replay {
        if self.left.count == 0 {
            return Replay::New;
        }
        while self
            .entries
            .get(self.left.first)
            .is_some_and(|entry| entry.made)
        {
            self.left.first += 1;
        }
        let first = self.entries.get(self.left.first);
        let is_next = first.is_some_and(|first| first.key == key);
        // Calls that run side by side may come in another order.
        let side_by_side = self.left.awaited > 0;
        if !is_next && !side_by_side {
            return Replay::Diverged;
        }
        let Some(at) = self.left.take(key) else {
            return Replay::Ahead;
        };
        let Some(entry) = self.entries.get_mut(at) else {
            return Replay::Ahead;
        };
        if entry.tool != tool {
            // Its reply was permitted under another tool's name: the journal was forged.
            return Replay::Diverged;
        }
        entry.made = true;
        self.left.count -= 1;
        self.left.awaited -= usize::from(entry.awaited);
        match (&entry.reply, entry.call) {
            (Some(reply), _) => Replay::Reply(reply.clone()),
            (None, Some(call)) => Replay::Open(call),
            (None, None) => Replay::Anew(at),
        }
    }

    /// Whether replies are left over, now that the turn is over or waits.
    pub(super) fn has_left_over(&self) -> bool {
        let mut left = self.entries.iter().filter(|entry| !entry.made);
        self.left.count > 0 && left.any(|entry| entry.reply.is_some())
    }

    /// Notes a call that is made, and its place.
    pub(super) fn note(
        &mut self,
        key: Key,
        tool: &str,
        awaited: bool,
        max_bytes: usize,
    ) -> Option<usize> {
        self.grow(ENTRY_BYTES + tool.len(), max_bytes)?;
        self.entries.push(Entry {
            key,
            tool: tool.to_owned(),
            reply: None,
            call: None,
            awaited,
            made: true,
        });
        Some(self.entries.len() - 1)
    }

    /// The entry is an open call of a client tool.
    pub(super) fn set_call(&mut self, at: usize, call: u64) {
        if let Some(entry) = self.entries.get_mut(at) {
            entry.call = Some(call);
            self.calls.insert(call, at);
        }
    }

    /// The reply of an entry comes with this ticket.
    pub(super) fn expect(&mut self, at: usize, ticket: Ticket) {
        self.tickets.insert(ticket, at);
    }

    /// The reply of an entry.
    pub(super) fn fill(&mut self, at: usize, reply: &Reply, max_bytes: usize) {
        if self.grow(reply.encoded_len(), max_bytes).is_some()
            && let Some(entry) = self.entries.get_mut(at)
        {
            entry.reply = Some(reply.clone());
        }
    }

    /// The reply that came with a ticket.
    pub(super) fn fill_ticket(&mut self, ticket: Ticket, reply: &Reply, max_bytes: usize) {
        if let Some(at) = self.tickets.remove(&ticket) {
            self.fill(at, reply, max_bytes);
        }
    }

    /// The entry of an open call.
    pub(super) fn of_call(&self, call: u64) -> Option<usize> {
        self.calls.get(&call).copied()
    }

    /// The journal of a turn that was saved, if it is no larger than it may be.
    pub(super) fn restored(entries: Vec<Entry>, max_bytes: usize) -> Option<Self> {
        let mut journal = Self::default();
        for entry in &entries {
            let reply = entry.reply.as_ref().map_or(0, Reply::encoded_len);
            journal.grow(
                reply.checked_add(ENTRY_BYTES + entry.tool.len())?,
                max_bytes,
            )?;
        }
        let calls = entries.iter().enumerate();
        journal.calls = calls
            .filter_map(|(at, entry)| Some((entry.call?, at)))
            .collect();
        journal.left = Left::of(&entries);
        journal.entries = entries;
        Some(journal)
    }

    fn grow(&mut self, bytes: usize, max_bytes: usize) -> Option<()> {
        let total = self.bytes.checked_add(bytes);
        match total.filter(|total| *total <= max_bytes && !self.overflowed) {
            Some(total) => {
                self.bytes = total;
                Some(())
            }
            None => {
                self.overflowed = true;
                None
            }
        }
    }
}

impl Left {
    fn of(entries: &[Entry]) -> Self {
        let mut left = Self::default();
        for (at, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.made) {
            left.by_key.entry(entry.key).or_default().push_back(at);
            left.count += 1;
            left.awaited += usize::from(entry.awaited);
        }
        left
    }

    /// The first entry of a key.
    fn take(&mut self, key: Key) -> Option<usize> {
        self.by_key.get_mut(&key)?.pop_front()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn key(n: u8) -> Key {
        Key([n; 32])
    }

    fn journal(calls: &[(u8, bool, Option<&str>)]) -> Journal {
        let mut journal = Journal::default();
        for (n, awaited, reply) in calls {
            let at = journal.note(key(*n), "t", *awaited, 1 << 20).unwrap();
            match reply {
                Some("") => {}
                Some(reply) => {
                    journal.fill(at, &Reply::answer(reply.as_bytes().to_vec()), 1 << 20);
                }
                None => journal.set_call(at, u64::from(*n)),
            }
        }
        journal.rewind();
        journal
    }

    fn head(replay: Replay) -> Result<String, &'static str> {
        match replay {
            Replay::Reply(reply) => Ok(String::from_utf8(reply.head).unwrap()),
            Replay::Open(_) => Err("open"),
            Replay::Anew(_) => Err("anew"),
            Replay::Ahead => Err("ahead"),
            Replay::New => Err("new"),
            Replay::Diverged => Err("diverged"),
        }
    }

    #[test]
    fn equal_calls_get_their_replies_in_order() {
        let mut journal = journal(&[
            (1, false, Some("a")),
            (1, false, Some("b")),
            (2, false, None),
        ]);
        assert_eq!(head(journal.replay(key(1), "t")), Ok("a".into()));
        assert!(journal.has_left_over());
        assert_eq!(head(journal.replay(key(1), "t")), Ok("b".into()));
        assert_eq!(head(journal.replay(key(2), "t")), Err("open"));
        assert!(!journal.has_left_over());
        assert_eq!(head(journal.replay(key(1), "t")), Err("new"));
    }

    #[test]
    fn a_reply_of_one_tool_is_not_given_under_the_name_of_another() {
        let mut journal = journal(&[(1, false, Some("a"))]);
        assert_eq!(head(journal.replay(key(1), "other")), Err("diverged"));
    }

    #[test]
    fn another_way_is_noticed() {
        let mut plain = journal(&[(1, false, Some("a")), (2, false, None)]);
        assert_eq!(head(plain.replay(key(3), "t")), Err("diverged"));
        let mut beside = journal(&[(1, true, Some("a")), (2, true, Some("b"))]);
        assert_eq!(head(beside.replay(key(2), "t")), Ok("b".into()));
        assert_eq!(head(beside.replay(key(3), "t")), Err("ahead"));
        assert!(beside.has_left_over());
        assert_eq!(head(beside.replay(key(1), "t")), Ok("a".into()));
        assert_eq!(head(beside.replay(key(3), "t")), Err("new"));
    }

    #[test]
    fn a_call_that_was_not_answered_is_made_anew_at_its_place() {
        let mut journal = journal(&[(1, true, Some("")), (2, true, Some("b"))]);
        assert_eq!(head(journal.replay(key(2), "t")), Ok("b".into()));
        let Replay::Anew(at) = journal.replay(key(1), "t") else {
            panic!("it was made before");
        };
        journal.fill(at, &Reply::answer(b"a".to_vec()), 1 << 20);
        assert_eq!(journal.entries.len(), 2);
        journal.rewind();
        assert_eq!(head(journal.replay(key(1), "t")), Ok("a".into()));
    }

    /// A journal that was forged for it takes no longer than one that was not.
    #[test]
    fn a_long_journal_is_looked_up_at_once() {
        const COUNT: usize = 100_000;
        let entry = |n: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&(n as u64).to_le_bytes());
            Entry {
                key: Key(bytes),
                tool: String::new(),
                reply: Some(Reply::answer(Vec::new())),
                call: None,
                awaited: true,
                made: false,
            }
        };
        let entries: Vec<Entry> = (0..COUNT).map(entry).collect();
        let bytes = COUNT * (ENTRY_BYTES + entries[0].reply.as_ref().unwrap().encoded_len());
        assert!(Journal::restored(entries.clone(), bytes - 1).is_none());
        let mut journal = Journal::restored(entries, bytes).unwrap();
        let begun = std::time::Instant::now();
        // From the last to the first: the worst order for a walk from the front.
        for n in (0..COUNT).rev() {
            assert_eq!(head(journal.replay(entry(n).key, "")), Ok(String::new()));
        }
        assert_eq!(head(journal.replay(key(9), "")), Err("new"));
        // Quadratic, it is minutes.
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    }

    #[test]
    fn what_is_too_large_to_keep_is_told() {
        let mut journal = Journal::default();
        let at = journal.note(key(1), "t", false, ENTRY_BYTES + 10).unwrap();
        assert!(journal.is_complete());
        journal.fill(at, &Reply::answer(vec![0; 100]), ENTRY_BYTES + 10);
        assert!(!journal.is_complete());
        assert!(journal.note(key(2), "t", false, 1 << 20).is_none());
    }

    #[test]
    fn both_ways_to_call_have_one_key() {
        let frame = |head| Frame {
            op: 2,
            head,
            parts: vec![b"x"],
        };
        let plain = Key::of(&frame(br#"{"tool":"f","arguments":{}}"#));
        let awaited = Key::of(&frame(br#"{"tool":"f","arguments":{},"await":true}"#));
        assert_eq!(plain, awaited);
        assert_ne!(plain, Key::of(&frame(br#"{"tool":"g","arguments":{}}"#)));
    }
}
