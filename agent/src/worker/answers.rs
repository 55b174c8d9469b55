//! Answers that a session in a worker waits for: the one to its plain call, and
//! those to calls that its guest awaits.
//!
//! ```text
//!  ticket ──► waited for ──come──► due ──take──► taken ──begin_turn──► gone
//!                 │                 ▲ │            │
//!                 │ roll_back       │ │ roll_back  │ roll_back (calls of
//!                 ▼ (of this turn)  └─┼────────────┘  earlier turns)
//!                gone ◄───────────────┘ (of this turn)
//! ```
//! The agent keeps the same account of the calls themselves; this one is about
//! what its guest has seen. An answer that comes twice counts once.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;
use std::time::Duration;

use memex_channel::{Reply, Ticket};
use parking_lot::{Condvar, Mutex};

/// Answers that are kept for calls whose tickets have not come yet. There is one such call
/// under way at most.
const EARLY_MAX: usize = 16;
/// From giving a call up to the end of waiting for its answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Answers {
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Default)]
struct State {
    turn: u64,
    /// Answers to plain calls. There is one under way at most.
    plain: VecDeque<Reply>,
    /// Pending answers to plain calls that were abandoned.
    unwanted: usize,
    awaited: BTreeMap<Ticket, Awaited>,
    /// The last ticket that came.
    last: Ticket,
    /// Answers that came before their tickets, which another thread brings.
    early: BTreeMap<Ticket, Reply>,
    due: usize,
    taken: Vec<(Ticket, Awaited)>,
    waker: Option<Waker>,
    is_closed: bool,
}

#[derive(Clone)]
struct Awaited {
    turn: u64,
    reply: Option<Reply>,
}

impl Answers {
    /// The answer to the plain call has come.
    pub(super) fn answer(&self, payload: &[u8]) {
        let mut state = self.state.lock();
        if state.unwanted > 0 {
            state.unwanted -= 1;
            return;
        }
        state
            .plain
            .push_back(Reply::decode(payload).unwrap_or_else(|_| malformed()));
        self.ring(state);
    }

    /// Answers to awaited calls have come.
    pub(super) fn deliver(&self, payload: &[u8]) {
        let mut state = self.state.lock();
        for (ticket, reply) in tickets(payload) {
            match state.awaited.get_mut(&ticket) {
                Some(awaited) if awaited.reply.is_none() => {
                    awaited.reply = Some(reply);
                    state.due += 1;
                }
                Some(_) => {}
                None => state.keep_early(ticket, reply),
            }
        }
        self.ring(state);
    }

    /// The agent has gone: nothing will be answered any more.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        let state_now = &mut *state;
        state_now.is_closed = true;
        for awaited in state_now.awaited.values_mut() {
            awaited.reply.get_or_insert_with(gone);
        }
        state_now.due = state_now.awaited.len();
        self.ring(state);
    }

    fn ring(&self, mut state: parking_lot::MutexGuard<'_, State>) {
        let waker = state.waker.take();
        drop(state);
        self.came.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether the plain call need not be waited for any more; if it has to be,
    /// this wakes the waiter.
    pub(super) fn is_answered(&self, waker: &Waker) -> bool {
        let mut state = self.state.lock();
        let is_over = !state.plain.is_empty() || state.is_closed;
        if !is_over {
            state.waker = Some(waker.clone());
        }
        is_over
    }

    /// Takes the answer to the plain call.
    pub(super) fn take_plain(&self) -> Option<Reply> {
        let mut state = self.state.lock();
        let reply = state.plain.pop_front();
        reply.or_else(|| state.is_closed.then(gone))
    }

    /// Takes the answer to a plain call that was given up: the agent is told,
    /// and answers soon.
    pub(super) fn take_given_up(&self) -> Reply {
        let mut state = self.state.lock();
        while state.plain.is_empty() && !state.is_closed {
            if self.came.wait_for(&mut state, PATIENCE).timed_out() {
                state.unwanted += 1;
                return Reply::error("InterruptedError", "the call was given up");
            }
        }
        state.plain.pop_front().unwrap_or_else(gone)
    }

    /// A call was taken, and is answered later.
    pub(super) fn expect(&self, ticket: Ticket) {
        let mut state = self.state.lock();
        let early = state.early.remove(&ticket);
        // Tickets ascend: what came for others before this one is for calls that were
        // rolled back.
        state.last = state.last.max(ticket);
        state.early.retain(|other, _| *other > ticket);
        let reply = early.or_else(|| state.is_closed.then(gone));
        state.due += usize::from(reply.is_some());
        let turn = state.turn;
        state.awaited.insert(ticket, Awaited { turn, reply });
    }

    pub(super) fn pending(&self) -> usize {
        self.state.lock().awaited.len()
    }

    pub(super) fn has_due(&self) -> bool {
        self.state.lock().due > 0
    }

    pub(super) fn take_due(&self) -> Vec<(Ticket, Reply)> {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.due = 0;
        let (turn, mut due) = (state.turn, Vec::new());
        let taken = &mut state.taken;
        state.awaited.retain(|ticket, awaited| {
            let Some(reply) = &awaited.reply else {
                return true;
            };
            due.push((*ticket, reply.clone()));
            // Rolling back a turn forgets the calls that it made itself.
            if awaited.turn != turn {
                taken.push((*ticket, awaited.clone()));
            }
            false
        });
        due
    }

    pub(super) fn wake_with(&self, waker: Waker) {
        let mut state = self.state.lock();
        if state.due > 0 {
            drop(state);
            waker.wake();
        } else {
            state.waker = Some(waker);
        }
    }

    pub(super) fn begin_turn(&self) {
        let mut state = self.state.lock();
        state.turn += 1;
        state.taken.clear();
    }

    pub(super) fn roll_back(&self) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let turn = state.turn;
        state.awaited.retain(|_, awaited| awaited.turn != turn);
        let taken = std::mem::take(&mut state.taken);
        state.awaited.extend(taken);
        let awaited = state.awaited.values();
        state.due = awaited.filter(|awaited| awaited.reply.is_some()).count();
    }
}

impl State {
    /// Keeps an answer whose ticket may still come. One to a call that was rolled back has
    /// a ticket that came before.
    fn keep_early(&mut self, ticket: Ticket, reply: Reply) {
        if ticket > self.last && self.early.len() < EARLY_MAX {
            self.early.entry(ticket).or_insert(reply);
        }
    }
}

fn gone() -> Reply {
    Reply::error("ConnectionError", "the agent has gone away")
}

fn malformed() -> Reply {
    Reply::error("ConnectionError", "the agent's answer is malformed")
}

/// The answers that `memex_channel::encode_answers` wrote.
fn tickets(payload: &[u8]) -> Vec<(Ticket, Reply)> {
    let mut found = Vec::new();
    let Some((_count, mut rest)) = payload.split_first_chunk::<4>() else {
        return found;
    };
    while let Some((ticket, after)) = rest.split_first_chunk::<8>() {
        let sized = after.split_first_chunk::<4>().and_then(|(length, after)| {
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            after.split_at_checked(length)
        });
        let Some((reply, after)) = sized else {
            break;
        };
        let reply = Reply::decode(reply).unwrap_or_else(|_| malformed());
        found.push((u64::from_le_bytes(*ticket), reply));
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use memex_channel::encode_answers;

    fn reply(text: &str) -> Reply {
        Reply::answer(text.as_bytes().to_vec())
    }

    fn deliver(answers: &Answers, ticket: Ticket, text: &str) {
        answers.deliver(&encode_answers(&[(ticket, reply(text))]));
    }

    #[test]
    fn answers_are_taken_once() {
        let answers = Answers::default();
        answers.begin_turn();
        answers.expect(7);
        assert_eq!((answers.pending(), answers.has_due()), (1, false));
        deliver(&answers, 9, "of nobody");
        assert!(!answers.has_due());
        deliver(&answers, 7, "seven");
        deliver(&answers, 7, "again");
        assert!(answers.has_due());
        assert_eq!(answers.take_due(), [(7, reply("seven"))]);
        assert_eq!((answers.pending(), answers.has_due()), (0, false));
    }

    #[test]
    fn an_answer_may_come_before_its_ticket() {
        let answers = Answers::default();
        answers.begin_turn();
        deliver(&answers, 5, "five");
        deliver(&answers, 5, "again");
        assert!(!answers.has_due(), "nobody waits for it yet");
        answers.expect(5);
        assert!(answers.has_due());
        assert_eq!(answers.take_due(), [(5, reply("five"))]);
        // Calls that were rolled back, or never made, are not kept for ever.
        deliver(&answers, 4, "rolled back");
        for ticket in 6..6 + 3 * EARLY_MAX as u64 {
            deliver(&answers, ticket, "early");
        }
        assert_eq!(answers.state.lock().early.len(), EARLY_MAX);
        answers.expect(7);
        answers.expect(1_000);
        assert_eq!(answers.take_due(), [(7, reply("early"))]);
        assert!(answers.state.lock().early.is_empty());
    }

    #[test]
    fn a_turn_that_is_rolled_back_gives_back_what_it_took() {
        let answers = Answers::default();
        answers.begin_turn();
        answers.expect(1);
        answers.begin_turn();
        answers.expect(2);
        deliver(&answers, 1, "one");
        deliver(&answers, 2, "two");
        assert_eq!(answers.take_due().len(), 2);
        answers.roll_back();
        assert_eq!(answers.pending(), 1);
        // The agent sends it again, since its own account was rolled back.
        deliver(&answers, 1, "again");
        assert_eq!(answers.take_due(), [(1, reply("one"))]);
    }

    #[test]
    fn nobody_waits_for_an_agent_that_is_gone() {
        let answers = Answers::default();
        answers.expect(1);
        answers.close();
        answers.expect(2);
        assert_eq!(answers.take_due().len(), 2);
        assert!(answers.is_answered(Waker::noop()));
        assert_eq!(answers.take_plain(), Some(gone()));
        assert_eq!(answers.take_given_up(), gone());
    }
}
