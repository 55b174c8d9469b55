//! The handle of whoever answers the calls of client tools.

use super::super::awaited::Awaited;
use super::super::budget::Budget;
use super::super::head::{ANSWER_DEPTH_MAX, check_references};
use super::super::running::Ended;
use super::answer::{AnswerError, ClientAnswer};
use super::desk::{Desk, HOLD, Run, State};
use super::saved::SavedCalls;
use crate::tool::Arguments;
use memex_channel::{TurnHandle, Waited};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The calls of client tools that one session has open. Cloning gives another handle of
/// the same calls.
#[derive(Clone)]
pub struct ClientCalls {
    pub(super) desk: Arc<Mutex<Desk>>,
    pub(super) awaited: Arc<Awaited>,
    budget: Arc<Budget>,
}

/// A call that waits for its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientCall {
    /// Names it, within its session: ASCII letters, digits and `_`.
    pub id: String,
    /// The tool.
    pub tool: String,
    /// With what it is called; checked against the tool's schema.
    pub arguments: Arguments,
    /// Whether it holds the guest's frames, and so the session's thread.
    pub is_held: bool,
}

const PREFIX: &str = "call_";

impl ClientCalls {
    pub(in crate::broker) fn new(desk: Desk, awaited: Arc<Awaited>, budget: Budget) -> Self {
        Self {
            desk: Arc::new(Mutex::new(desk)),
            awaited,
            budget: Arc::new(budget),
        }
    }

    pub(in crate::broker) fn desk(&self) -> parking_lot::MutexGuard<'_, Desk> {
        self.desk.lock()
    }

    /// The open calls, in the order they were made.
    #[must_use]
    pub fn open(&self) -> Vec<ClientCall> {
        let desk = self.desk.lock();
        let unanswered = desk.open.iter().filter(|(_, open)| open.is_unanswered());
        unanswered
            .map(|(number, open)| ClientCall {
                id: id_of(*number),
                tool: open.tool.spec().name.clone(),
                arguments: open.arguments.clone(),
                is_held: matches!(open.state, State::Held { .. }),
            })
            .collect()
    }

    /// Whether a call is open. Costs nothing where none is.
    #[must_use]
    pub fn has_open(&self) -> bool {
        !self.desk.lock().open.is_empty()
    }

    /// Whether a call of a stopped turn is answered, so that the turn can run again.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        let desk = self.desk.lock();
        let mut open = desk.open.values();
        open.any(|open| matches!(open.state, State::Stopped { answer: Some(_) }))
    }

    /// Answers a call. In the place of a value that is larger than the session's answers
    /// may be, or nested too deeply, the guest gets an exception that says so.
    ///
    /// # Errors
    /// When no such call is open, or the value does not fit the tool's result schema; the
    /// session is as before, and the call can be answered again in the second case.
    pub fn answer(&self, id: &str, answer: ClientAnswer) -> Result<(), AnswerError> {
        self.check(id, &answer)?;
        let mut desk = self.desk.lock();
        let number = desk.number_of(id)?;
        let Some(open) = desk.open.get_mut(&number) else {
            return Err(AnswerError::Closed { id: id.to_owned() });
        };
        let ended = answer
            .bounded(&self.budget, &open.tool.spec().name)
            .into_ended();
        match &mut open.state {
            State::Held { answer, .. } | State::Stopped { answer } if answer.is_some() => {
                return Err(AnswerError::Closed { id: id.to_owned() });
            }
            State::Held { answer, waker } => {
                *answer = Some(ended);
                waker.wake_by_ref();
            }
            State::Stopped { answer } => *answer = Some(ended),
            State::Awaited(_) => {
                let open = desk.open.remove(&number);
                drop(desk);
                if let Some(State::Awaited(completion)) = open.map(|open| open.state) {
                    completion.finish(ended);
                }
            }
        }
        Ok(())
    }

    /// Whether an answer would be taken, without taking it.
    ///
    /// # Errors
    /// As [`ClientCalls::answer`].
    pub fn check(&self, id: &str, answer: &ClientAnswer) -> Result<(), AnswerError> {
        let desk = self.desk.lock();
        let number = desk.number_of(id)?;
        let open = desk.open.get(&number).filter(|open| open.is_unanswered());
        let Some(open) = open else {
            return Err(AnswerError::Closed { id: id.to_owned() });
        };
        // One nested deeper than an answer may be is not gone through: the guest gets an
        // exception in its place.
        if let (ClientAnswer::Value(value), Some(tool)) = (answer, open.tool.client())
            && check_references([&value.json], value.parts.len(), ANSWER_DEPTH_MAX).is_ok()
        {
            tool.check(&value.json).map_err(|error| AnswerError::Type {
                id: id.to_owned(),
                reason: error.message,
            })?;
        }
        Ok(())
    }

    /// Tells the desk how to end the running turn at once with a rollback, and whom to
    /// tell of a plain call that became open. Without it, plain calls hold their turn
    /// until its time is over.
    pub fn drive(
        &self,
        abort: impl Fn() + Send + Sync + 'static,
        on_held: impl Fn() + Send + Sync + 'static,
    ) {
        let mut desk = self.desk.lock();
        desk.abort = Some(Arc::new(abort));
        desk.on_held = Some(Arc::new(on_held));
    }

    /// How long a plain call may hold its turn from now on, instead of [`HOLD`].
    pub fn set_hold(&self, hold: Duration) {
        self.desk.lock().hold = Some(hold);
    }

    /// Has a turn that a plain call holds rolled back now, to run again later. Says
    /// whether there is one and it can be run again.
    pub fn stop(&self) -> bool {
        let mut desk = self.desk.lock();
        let held = desk.open.values().find_map(|open| match &open.state {
            State::Held { waker, .. } => Some(waker.clone()),
            _ => None,
        });
        match held {
            Some(waker) if desk.can_stop() => {
                desk.run = Run::Stopping;
                waker.wake();
                true
            }
            _ => false,
        }
    }

    /// Whether the turn was rolled back to run again.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.desk.lock().run == Run::Stopped
    }

    /// Whether the turn took another way than in its first run: it made a call that it had
    /// not made then.
    #[must_use]
    pub fn has_diverged(&self) -> bool {
        self.desk.lock().run == Run::Diverged
    }

    /// Whether the turn has not made all the calls of its first run. One that is over has
    /// then taken another way, too.
    #[must_use]
    pub fn has_left_over(&self) -> bool {
        self.desk.lock().journal.has_left_over()
    }

    /// The next turn is the stopped one, again.
    pub fn run_again(&self) {
        let mut desk = self.desk.lock();
        if desk.run == Run::Stopped {
            desk.run = Run::Again;
        }
    }

    /// The turn is over, or is given up.
    pub fn end_turn(&self) {
        let mut desk = self.desk.lock();
        if matches!(desk.run, Run::Stopped | Run::Again) {
            desk.run = Run::Usual;
        }
    }

    /// Forgets the calls of the turn: it was undone.
    pub fn undo_turn(&self) {
        let mut desk = self.desk.lock();
        desk.run = Run::Usual;
        desk.roll_back(|_| {});
    }

    /// What another process needs to go on with the calls of a session that waits or
    /// was stopped.
    #[must_use]
    pub fn save(&self) -> SavedCalls {
        self.desk.lock().save(&self.awaited)
    }
}

impl Desk {
    fn can_stop(&self) -> bool {
        let runs = matches!(self.run, Run::Usual | Run::Again);
        self.abort.is_some() && self.journal.is_complete() && runs
    }

    /// The number in an id.
    fn number_of(&self, id: &str) -> Result<u64, AnswerError> {
        let number = id.strip_prefix(PREFIX).and_then(|n| n.parse().ok());
        number
            .filter(|number| *number != 0 && *number <= self.last && id_of(*number) == id)
            .ok_or_else(|| AnswerError::Unknown {
                id: id.chars().take(80).collect(),
            })
    }
}

fn id_of(number: u64) -> String {
    format!("{PREFIX}{number}")
}

/// A plain call that waits for its answer on the session's thread.
pub(in crate::broker) struct Held<'a> {
    pub(in crate::broker) calls: &'a ClientCalls,
    pub(in crate::broker) number: u64,
}

impl Held<'_> {
    /// Waits for the answer, until the turn is to end, or to be run again later.
    pub(in crate::broker) fn wait(self, turn: &dyn TurnHandle) -> Ended {
        let (on_held, hold) = {
            let desk = self.calls.desk.lock();
            (desk.on_held.clone(), desk.hold())
        };
        if let Some(on_held) = on_held {
            on_held();
        }
        let until = Instant::now().checked_add(hold);
        let waited = turn.wait(until, &mut || {
            let desk = self.calls.desk.lock();
            let open = desk.open.get(&self.number);
            desk.run == Run::Stopping || open.is_none_or(|open| !open.is_unanswered())
        });
        let mut desk = self.calls.desk.lock();
        if let Some(ended) = desk.take_answer(self.number) {
            if desk.run == Run::Stopping {
                // The answer was faster.
                desk.run = Run::Usual;
            }
            return ended;
        }
        if waited == Waited::Due && desk.can_stop() {
            desk.run = Run::Stopping;
        }
        if desk.run != Run::Stopping {
            desk.open.remove(&self.number);
            return match waited {
                Waited::Due => Ended::TimedOut(hold),
                _ => Ended::Cancelled,
            };
        }
        let abort = desk.abort.clone();
        drop(desk);
        if let Some(abort) = abort {
            abort();
        }
        // The turn ends by the interrupt that was asked for, and takes this frame with it.
        let patience = Instant::now().checked_add(HOLD);
        turn.wait(patience, &mut || false);
        Ended::Cancelled
    }
}

impl Desk {
    /// The answer to a held call, which is closed then.
    fn take_answer(&mut self, number: u64) -> Option<Ended> {
        let open = self.open.get_mut(&number)?;
        let State::Held { answer, .. } = &mut open.state else {
            return None;
        };
        let ended = answer.take()?;
        self.open.remove(&number);
        Some(ended)
    }
}

impl std::fmt::Debug for ClientCalls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let desk = self.desk.lock();
        f.debug_struct("ClientCalls")
            .field("open", &desk.open.keys().collect::<Vec<_>>())
            .field("run", &desk.run)
            .finish_non_exhaustive()
    }
}
