//! The loop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use memex_models::{Cost, Model, Prices, Usage};
use memex_trajectories::{Status, Step, StepKind};
use parking_lot::Mutex;

use super::{Dialect, Hands, Recorder, Watcher};
use crate::children::Family;
use crate::harness::SubmissionSlot;
use crate::reading::Action;
use crate::{Cancellation, Error, Ledger};

/// A loop that is under way, in some dialect.
pub(crate) struct Loop<D> {
    pub(super) dialect: D,
    pub(super) model: Arc<dyn Model>,
    pub(super) prices: Arc<Prices>,
    pub(super) hands: Hands,
    pub(super) recorder: Arc<Mutex<Recorder>>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) cancellation: Cancellation,
    /// What was handed in; stays empty where nothing can be.
    pub(super) slot: SubmissionSlot,
    /// The agents that code spawns, where it can.
    pub(super) family: Option<Arc<Family>>,
    /// The trajectory beside which the scope is saved after every block.
    pub(super) kept_beside: Option<PathBuf>,
    pub(super) spent: Spent,
    pub(super) scope_names: Vec<String>,
    pub(super) nudges: u32,
}

/// The usage of a loop's replies.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// Replies.
    pub replies: u32,
    /// Tokens.
    pub usage: Usage,
    /// Money; none if the price of any reply is not known.
    pub cost: Option<Cost>,
}

/// How the loop continues.
enum Next {
    Turn,
    End(Status, Option<String>),
}

impl Spent {
    pub(super) fn add(&mut self, usage: &Usage, cost: Option<Cost>) {
        self.usage.add(usage);
        self.cost = match (self.replies, self.cost, cost) {
            (0, _, cost) => cost,
            (_, Some(sum), Some(cost)) => Some(sum + cost),
            _ => None,
        };
        self.replies = self.replies.saturating_add(1);
    }
}

impl<D: Dialect> Loop<D> {
    /// Takes turns until there is an end.
    ///
    /// # Errors
    /// Why there is none: the model or the scope does not answer, or the record
    /// cannot be kept.
    pub(super) async fn proceed(
        &mut self,
        watcher: &mut dyn Watcher,
    ) -> Result<(Status, Option<String>), Error> {
        loop {
            if let Next::End(status, answer) = self.turn(watcher).await? {
                return Ok((status, answer));
            }
        }
    }

    /// Why there is no further turn, if there is none.
    fn end(&self) -> Option<Status> {
        if self.slot.is_filled() {
            return Some(Status::Submitted);
        }
        if self.cancellation.is_cancelled() {
            return Some(Status::Cancelled);
        }
        let budget = self.ledger.exhausted()?;
        Some(Status::Exhausted { budget })
    }

    async fn turn(&mut self, watcher: &mut dyn Watcher) -> Result<Next, Error> {
        if let Some(status) = self.end() {
            return Ok(Next::End(status, None));
        }
        self.dialect.shorten(&self.scope_names, false);
        watcher.asked(self.ledger.turns().saturating_add(1));
        let (reply, timing) = match self.ask(watcher).await? {
            Ok(replied) => replied,
            Err(status) => return Ok(Next::End(status, None)),
        };
        let action = self.dialect.read(&reply);
        self.record_reply(&reply, &action, timing, watcher)?;
        self.act(action, watcher).await
    }

    async fn act(&mut self, action: Action, watcher: &mut dyn Watcher) -> Result<Next, Error> {
        if !matches!(action, Action::Nudge(_)) {
            self.nudges = 0;
        }
        match action {
            Action::Code {
                code,
                call_id,
                note,
                others,
                answer,
            } => {
                let text = self.run_block(&code, note.as_deref(), watcher).await?;
                if answer.is_some() {
                    return Ok(Next::End(Status::Answered, answer));
                }
                // Nothing is reported for a question that was withdrawn.
                if self.end().is_none() {
                    self.dialect.observe(call_id.as_deref(), &text);
                    for (id, _, answer) in others {
                        self.dialect.result(&id, &answer, true);
                    }
                }
                Ok(Next::Turn)
            }
            Action::Result { text, .. } => {
                self.record(
                    Step {
                        kind: StepKind::Observation,
                        text: text.clone(),
                        ..Step::default()
                    },
                    watcher,
                )?;
                if self.end().is_none() {
                    self.dialect.observe(None, &text);
                }
                Ok(Next::Turn)
            }
            Action::Calls(calls) => {
                self.make_calls(calls, watcher)?;
                Ok(Next::Turn)
            }
            Action::Answer(answer) => Ok(Next::End(Status::Answered, Some(answer))),
            Action::Refusal(reason) => Ok(Next::End(Status::Failed { reason }, None)),
            Action::Continue => Ok(Next::Turn),
            Action::Nudge(text) => self.nudge(text, watcher),
        }
    }

    fn nudge(&mut self, text: String, watcher: &mut dyn Watcher) -> Result<Next, Error> {
        self.nudges = self.nudges.saturating_add(1);
        if self.nudges > self.dialect.nudges_max() {
            let reason = format!(
                "{} replies in a row had nothing to act on; the last hint was: {text}",
                self.nudges
            );
            return Ok(Next::End(Status::Failed { reason }, None));
        }
        self.dialect.say(&text);
        self.record(
            Step {
                kind: StepKind::User,
                text,
                ..Step::default()
            },
            watcher,
        )?;
        Ok(Next::Turn)
    }

    /// Writes a step into the record, then reports it.
    pub(super) fn record(&self, step: Step, watcher: &mut dyn Watcher) -> Result<(), Error> {
        let step = self.write(step)?;
        watcher.step(&step);
        Ok(())
    }

    /// Writes a step into the record.
    pub(super) fn write(&self, step: Step) -> Result<Step, Error> {
        self.recorder.lock().step(step).cloned()
    }

    /// The notice to the model before its last turn.
    pub(super) fn last_turn_note(&self) -> Option<String> {
        if self.ledger.turns_left() != 1 || self.slot.is_filled() {
            return None;
        }
        self.dialect.last_turn()
    }
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
