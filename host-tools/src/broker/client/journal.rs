//! The calls of a turn with their replies, so that the turn can be run again.
//!
//! The second run makes the same calls, as far as the code does the same with the same
//! replies. Each gets the reply that the same call (by content, and by how often it was
//! made) got in the first run, and nothing is done twice. A run that makes another call
//! while replies are left over has taken another way: it is refused.

use memex_channel::{Frame, Reply, Ticket};
use std::collections::BTreeMap;

/// What makes two calls the same: BLAKE3 of the head without `await`, and of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// It is new.
    New,
    /// It is new, and the turn has taken another way than in its first run.
    Diverged,
}

#[derive(Debug, Clone)]
pub(in crate::broker) struct Entry {
    pub(super) key: Key,
    pub(super) reply: Option<Reply>,
    /// The number of the open call of a client tool.
    pub(super) call: Option<u64>,
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
    bytes: usize,
    /// Whether replies were left out since they were too large to keep.
    overflowed: bool,
}

/// Bytes that an entry takes besides its reply.
const ENTRY_BYTES: usize = 128;

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
        // A call of a tool that had not answered is made anew.
        self.entries
            .retain(|entry| entry.reply.is_some() || entry.call.is_some());
    }

    /// Whether the turn could be run again.
    pub(super) fn is_complete(&self) -> bool {
        !self.overflowed
    }

    /// What a call that the turn makes gets.
    pub(super) fn replay(&mut self, key: Key) -> Replay {
        let side_by_side = self.left().any(|entry| entry.awaited);
        let mut left = self.entries.iter_mut().filter(|entry| !entry.made);
        let Some(first) = left.next() else {
            return Replay::New;
        };
        let found = match first.key == key {
            true => Some(first),
            // Calls that run side by side may come in another order.
            false if side_by_side => left.find(|entry| entry.key == key),
            false => return Replay::Diverged,
        };
        let Some(entry) = found else {
            return Replay::New;
        };
        entry.made = true;
        match (&entry.reply, entry.call) {
            (Some(reply), _) => Replay::Reply(reply.clone()),
            (None, Some(call)) => Replay::Open(call),
            (None, None) => Replay::New,
        }
    }

    /// Whether replies are left over, now that the turn is over or waits.
    pub(super) fn has_left_over(&self) -> bool {
        self.left().any(|entry| entry.reply.is_some())
    }

    /// Notes a call that is made, and its place.
    pub(super) fn note(&mut self, key: Key, awaited: bool, max_bytes: usize) -> Option<usize> {
        self.grow(ENTRY_BYTES, max_bytes)?;
        self.entries.push(Entry {
            key,
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
        let mut entries = self.entries.iter();
        entries.position(|entry| entry.call == Some(call))
    }

    /// An entry of a turn that was saved.
    pub(super) fn restore(&mut self, entry: Entry) {
        let bytes = entry.reply.as_ref().map_or(0, Reply::encoded_len);
        self.bytes = self.bytes.saturating_add(ENTRY_BYTES + bytes);
        self.entries.push(entry);
    }

    fn left(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.made)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(n: u8) -> Key {
        Key([n; 32])
    }

    fn journal(calls: &[(u8, bool, Option<&str>)]) -> Journal {
        let mut journal = Journal::default();
        for (n, awaited, reply) in calls {
            let at = journal.note(key(*n), *awaited, 1 << 20).unwrap();
            if let Some(reply) = reply {
                journal.fill(at, &Reply::answer(reply.as_bytes().to_vec()), 1 << 20);
            } else {
                journal.set_call(at, u64::from(*n));
            }
        }
        journal.rewind();
        journal
    }

    fn head(replay: Replay) -> Result<String, &'static str> {
        match replay {
            Replay::Reply(reply) => Ok(String::from_utf8(reply.head).unwrap()),
            Replay::Open(_) => Err("open"),
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
        assert_eq!(head(journal.replay(key(1))), Ok("a".into()));
        assert!(journal.has_left_over());
        assert_eq!(head(journal.replay(key(1))), Ok("b".into()));
        assert_eq!(head(journal.replay(key(2))), Err("open"));
        assert!(!journal.has_left_over());
        assert_eq!(head(journal.replay(key(1))), Err("new"));
    }

    #[test]
    fn another_way_is_noticed() {
        let mut plain = journal(&[(1, false, Some("a")), (2, false, None)]);
        assert_eq!(head(plain.replay(key(3))), Err("diverged"));
        let mut beside = journal(&[(1, true, Some("a")), (2, true, Some("b"))]);
        assert_eq!(head(beside.replay(key(2))), Ok("b".into()));
        assert_eq!(head(beside.replay(key(3))), Err("new"));
        assert!(beside.has_left_over());
    }

    #[test]
    fn what_is_too_large_to_keep_is_told() {
        let mut journal = Journal::default();
        let at = journal.note(key(1), false, ENTRY_BYTES + 10).unwrap();
        assert!(journal.is_complete());
        journal.fill(at, &Reply::answer(vec![0; 100]), ENTRY_BYTES + 10);
        assert!(!journal.is_complete());
        assert!(journal.note(key(2), false, 1 << 20).is_none());
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
