//! A loop that is under way: its state, and its record.

use std::path::PathBuf;
use std::sync::Arc;

use memex_models::{Cost, Model, Prices, Usage};
use memex_trajectories::{Status, Step};
use parking_lot::Mutex;

use super::dialect::Dialect;
use super::hands::Hands;
use super::watcher::Watcher;
use crate::children::Family;
use crate::harness::SubmissionSlot;
use crate::recorder::Recorder;
use crate::results::Results;
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
    /// What was noticed of the results of tools.
    pub(super) results: Results,
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
    /// Why there is no further turn, if there is none.
    pub(super) fn end(&self) -> Option<Status> {
        if self.slot.is_filled() {
            return Some(Status::Submitted);
        }
        if self.cancellation.is_cancelled() {
            return Some(Status::Cancelled);
        }
        let budget = self.ledger.exhausted()?;
        Some(Status::Exhausted { budget })
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

    /// The notice to the model of turns that run out.
    pub(super) fn last_turn_note(&self) -> Option<String> {
        if self.slot.is_filled() {
            return None;
        }
        match self.ledger.turns_left() {
            1 => self.dialect.last_turn(),
            left => self.dialect.turns_left(left),
        }
    }
}
