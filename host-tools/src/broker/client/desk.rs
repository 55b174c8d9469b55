//! The open calls of one session, and what is kept of its turn.
//!
//! ```text
//!            awaited ──► Awaited ──answer──► due, the guest is resumed
//!  call ──┤                 │ the turn is rolled back to be run again
//!            plain  ──► Held ──────────────► Stopped ──answer──► Stopped, answered
//!                           └──answer──► the guest goes on           │ runs again
//!                                                                    ▼
//!                                                        a reply at once, or open again
//! ```

use super::super::awaited::Completion;
use super::super::running::Ended;
use super::answer::ClientAnswer;
use super::journal::{Entry, Journal, Key, Replay};
use super::saved::{RestoredCall, SavedCalls};
use crate::tool::{Arguments, Tool};
use memex_channel::{Reply, Ticket};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// How long a plain call of a client tool holds the guest's frames.
pub const HOLD: Duration = Duration::from_secs(60);
/// The turn at hand of a session that was saved.
pub(in crate::broker) const TURN_RESTORED: u64 = 1;
/// Any turn before it: rolling the turn at hand back leaves its calls as they are.
pub(in crate::broker) const TURN_BEFORE_RESTORED: u64 = 0;

/// What is called when the desk wants something of the session's driver.
pub(super) type Hook = Arc<dyn Fn() + Send + Sync>;

/// The open calls of one session.
#[derive(Default)]
pub(in crate::broker) struct Desk {
    pub(super) open: BTreeMap<u64, Open>,
    /// The number of the last call.
    pub(super) last: u64,
    /// Turns begun.
    pub(super) turn: u64,
    pub(super) journal: Journal,
    /// Most bytes of the journal.
    pub(super) journal_bytes: usize,
    pub(super) run: Run,
    /// How long a plain call may hold its turn; [`HOLD`] if nobody said.
    pub(super) hold: Option<Duration>,
    /// Ends the running turn at once, with a rollback.
    pub(super) abort: Option<Hook>,
    /// A plain call has become open.
    pub(super) on_held: Option<Hook>,
}

/// What the turn at hand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Run {
    /// One that runs for the first time, or that does not run.
    #[default]
    Usual,
    /// It is to be rolled back, and to run again when calls are answered.
    Stopping,
    /// It was rolled back, to run again.
    Stopped,
    /// It runs again.
    Again,
    /// It took another way than in its first run.
    Diverged,
}

/// An open call.
pub(super) struct Open {
    pub(super) tool: Arc<dyn Tool>,
    pub(super) arguments: Arguments,
    pub(super) turn: u64,
    pub(super) state: State,
}

impl Open {
    /// Whether the client has still to answer.
    pub(super) fn is_unanswered(&self) -> bool {
        match &self.state {
            State::Awaited(_) => true,
            State::Held { answer, .. } | State::Stopped { answer } => answer.is_none(),
        }
    }
}

pub(super) enum State {
    Awaited(Completion),
    Held { answer: Option<Ended>, waker: Waker },
    Stopped { answer: Option<Ended> },
}

/// How a call of a client tool goes on.
pub(in crate::broker) enum Opening {
    /// It is open under this number.
    Open(u64),
    /// It was answered while its turn was stopped.
    Answered(Ended),
}

impl Desk {
    /// A desk whose journal holds at most so many bytes.
    pub(in crate::broker) fn new(journal_bytes: usize) -> Self {
        Self {
            journal_bytes,
            ..Self::default()
        }
    }

    /// A turn begins.
    pub(in crate::broker) fn begin_turn(&mut self) {
        if matches!(self.run, Run::Stopped | Run::Again) {
            // Questions about the scope come by here too: whoever drives the session says
            // when the turn is over or given up.
            return;
        }
        self.turn += 1;
        self.run = Run::Usual;
        self.journal.clear();
        // What was to be run again is given up, and plain calls end with their turn.
        self.open
            .retain(|_, open| matches!(open.state, State::Awaited(_)));
    }

    /// The turn was rolled back. `due` are replies that the guest has not taken.
    pub(in crate::broker) fn roll_back(
        &mut self,
        due: impl FnOnce(&mut dyn FnMut(Ticket, &Reply)),
    ) {
        let turn = self.turn;
        if self.run != Run::Stopping {
            self.open.retain(|_, open| open.turn != turn);
            self.journal.clear();
            return;
        }
        let (journal, max) = (&mut self.journal, self.journal_bytes);
        due(&mut |ticket, reply| journal.fill_ticket(ticket, reply, max));
        self.journal.rewind();
        for open in self.open.values_mut().filter(|open| open.turn == turn) {
            let answer = match &mut open.state {
                State::Held { answer, .. } | State::Stopped { answer } => answer.take(),
                State::Awaited(_) => None,
            };
            open.state = State::Stopped { answer };
        }
        self.run = Run::Stopped;
    }

    /// What a call gets without being made.
    pub(in crate::broker) fn replay(&mut self, key: Key, tool: &str) -> Replay {
        if self.run == Run::Diverged {
            return Replay::Diverged;
        }
        let replay = self.journal.replay(key, tool);
        if matches!(replay, Replay::Diverged) {
            self.diverge();
        }
        replay
    }

    /// Notes a new call; the place of its reply in the journal.
    pub(in crate::broker) fn note(&mut self, key: Key, tool: &str, awaited: bool) -> Option<usize> {
        self.journal.note(key, tool, awaited, self.journal_bytes)
    }

    /// The reply of a call.
    pub(in crate::broker) fn fill(&mut self, at: Option<usize>, reply: &Reply) {
        if let Some(at) = at {
            self.journal.fill(at, reply, self.journal_bytes);
        }
    }

    /// The reply of a call comes with a ticket.
    pub(in crate::broker) fn expect(&mut self, at: Option<usize>, ticket: Ticket) {
        if let Some(at) = at {
            self.journal.expect(at, ticket);
        }
    }

    /// A reply that the guest takes.
    pub(in crate::broker) fn taken(&mut self, ticket: Ticket, reply: &Reply) {
        self.journal.fill_ticket(ticket, reply, self.journal_bytes);
    }

    /// Opens a call. `again` is its number if its turn runs again.
    pub(in crate::broker) fn open(
        &mut self,
        tool: &Arc<dyn Tool>,
        arguments: Arguments,
        again: Option<u64>,
        at: Option<usize>,
        waker: Waker,
    ) -> Opening {
        if let Some(number) = again
            && let Some(open) = self.open.get_mut(&number)
            && let State::Stopped { answer } = &mut open.state
        {
            if let Some(ended) = answer.take() {
                self.open.remove(&number);
                return Opening::Answered(ended);
            }
            open.state = State::Held {
                answer: None,
                waker,
            };
            return Opening::Open(number);
        }
        self.last += 1;
        let number = self.last;
        if let Some(at) = at {
            self.journal.set_call(at, number);
        }
        let open = Open {
            tool: Arc::clone(tool),
            arguments,
            turn: self.turn,
            state: State::Held {
                answer: None,
                waker,
            },
        };
        self.open.insert(number, open);
        Opening::Open(number)
    }

    /// The guest awaits an open call.
    pub(in crate::broker) fn await_call(&mut self, number: u64, completion: Completion) {
        if let Some(open) = self.open.get_mut(&number) {
            open.state = State::Awaited(completion);
        }
    }

    /// The place of an open call's reply in the journal.
    pub(in crate::broker) fn place_of(&self, number: u64) -> Option<usize> {
        self.journal.of_call(number)
    }

    /// Opens a call of a session that was saved.
    pub(in crate::broker) fn reopen(
        &mut self,
        tool: &Arc<dyn Tool>,
        call: RestoredCall,
        completion: Option<Completion>,
    ) {
        let state = match completion {
            Some(completion) => State::Awaited(completion),
            None => State::Stopped {
                answer: call.answer.map(ClientAnswer::into_ended),
            },
        };
        let open = Open {
            tool: Arc::clone(tool),
            arguments: call.arguments,
            turn: match call.earlier {
                true => TURN_BEFORE_RESTORED,
                false => TURN_RESTORED,
            },
            state,
        };
        self.open.insert(call.number, open);
    }

    /// Goes on with the turn of a session that was saved, whose open calls have been
    /// reopened.
    ///
    /// # Errors
    /// When the journal is larger than it may be.
    pub(in crate::broker) fn restore(
        &mut self,
        saved: &SavedCalls,
        journal: Vec<Entry>,
    ) -> Result<(), String> {
        let max = self.journal_bytes;
        let journal = Journal::restored(journal, max);
        self.journal = journal.ok_or_else(|| {
            format!("the replies of the saved turn hold more than the {max} bytes allowed")
        })?;
        self.last = saved.last;
        self.turn = TURN_RESTORED;
        for (number, open) in &self.open {
            if let State::Awaited(completion) = &open.state
                && let Some(at) = self.journal.of_call(*number)
            {
                self.journal.expect(at, completion.ticket());
            }
        }
        self.run = match (saved.stopped, saved.again) {
            (true, _) => Run::Stopped,
            (false, true) => Run::Again,
            (false, false) => Run::Usual,
        };
        Ok(())
    }

    pub(super) fn hold(&self) -> Duration {
        self.hold.unwrap_or(HOLD)
    }

    /// Gives the running turn up, since it took another way than before.
    pub(in crate::broker) fn diverge(&mut self) {
        self.run = Run::Diverged;
        if let Some(abort) = &self.abort {
            abort();
        }
    }
}
