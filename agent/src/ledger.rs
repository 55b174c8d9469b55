//! The usage of a run, compared with its budgets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use memex_models::{Cost, Usage};
use memex_trajectories::Budget;
use parking_lot::Mutex;

use crate::Budgets;

/// The account of a run. What a child uses is on its parent's account too, so
/// that all of them together stay within what the first was given.
#[derive(Debug)]
pub struct Ledger {
    budgets: Budgets,
    began: Instant,
    used: Mutex<Used>,
    /// Of single questions, since it was taken last.
    questions: Mutex<Option<memex_trajectories::Usage>>,
    parent: Option<Arc<Ledger>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Used {
    turns: u64,
    tokens: u64,
    cost: Cost,
}

impl Ledger {
    /// An account with nothing on it.
    #[must_use]
    pub fn new(budgets: Budgets) -> Arc<Self> {
        Self::of(budgets, None)
    }

    /// The account of a child: it may use what it is given, and never more
    /// than its parent has left.
    #[must_use]
    pub fn child(self: &Arc<Self>, budgets: Budgets) -> Arc<Self> {
        Self::of(budgets, Some(Arc::clone(self)))
    }

    fn of(budgets: Budgets, parent: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self {
            budgets,
            began: Instant::now(),
            used: Mutex::default(),
            questions: Mutex::default(),
            parent,
        })
    }

    /// Puts a reply of a model on the account.
    pub fn reply(&self, usage: &Usage, cost: Option<Cost>) {
        self.used.lock().turns += 1;
        self.spend(usage, cost);
    }

    /// Puts the reply to a single question on the account.
    pub(crate) fn question(&self, usage: &Usage, cost: Option<Cost>) {
        let asked = memex_trajectories::Usage {
            input_tokens: usage.input,
            cached_tokens: usage.cached_input,
            output_tokens: usage.output,
            cost_usd: cost.map(Cost::usd),
        };
        let mut questions = self.questions.lock();
        *questions = Some(match questions.take() {
            None => asked,
            Some(before) => memex_trajectories::Usage {
                input_tokens: before.input_tokens.saturating_add(asked.input_tokens),
                cached_tokens: before.cached_tokens.saturating_add(asked.cached_tokens),
                output_tokens: before.output_tokens.saturating_add(asked.output_tokens),
                cost_usd: match (before.cost_usd, asked.cost_usd) {
                    (Some(before), Some(asked)) => Some(before + asked),
                    _ => None,
                },
            },
        });
        drop(questions);
        self.spend(usage, cost);
    }

    /// What single questions used since this was asked last, for the record.
    pub(crate) fn take_questions(&self) -> Option<memex_trajectories::Usage> {
        self.questions.lock().take()
    }

    /// Puts tokens on the account that are no turn of this run.
    pub fn spend(&self, usage: &Usage, cost: Option<Cost>) {
        let mut used = self.used.lock();
        used.tokens = used.tokens.saturating_add(usage.total());
        used.cost += cost.unwrap_or_default();
        drop(used);
        if let Some(parent) = &self.parent {
            parent.spend(usage, cost);
        }
    }

    /// Puts turns on the account that an earlier process of this run made.
    pub(crate) fn carry(&self, turns: u64, tokens: u64, cost_usd: Option<f64>) {
        let mut used = self.used.lock();
        used.turns = used.turns.saturating_add(turns);
        used.tokens = used.tokens.saturating_add(tokens);
        used.cost += Cost::from_usd(cost_usd.unwrap_or(0.0));
    }

    /// The exhausted budget, if any.
    #[must_use]
    pub fn exhausted(&self) -> Option<Budget> {
        let used = *self.used.lock();
        let budgets = &self.budgets;
        if used.turns >= budgets.turns {
            return Some(Budget::Turns);
        }
        if used.tokens >= budgets.tokens {
            return Some(Budget::Tokens);
        }
        if budgets.cost_usd.is_some_and(|max| used.cost.usd() >= max) {
            return Some(Budget::Cost);
        }
        if self.began.elapsed() >= Duration::from_millis(budgets.wall_time_ms) {
            return Some(Budget::WallTime);
        }
        // The turns of a parent are its own.
        let parent = self.parent.as_ref()?.exhausted()?;
        (parent != Budget::Turns).then_some(parent)
    }

    /// When the time is up, here or above.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let bound_ms = Some(self.budgets.wall_time_ms).filter(|ms| *ms != u64::MAX);
        let own = bound_ms.and_then(|ms| self.began.checked_add(Duration::from_millis(ms)));
        let above = self.parent.as_ref().and_then(|parent| parent.deadline());
        match (own, above) {
            (Some(own), Some(above)) => Some(own.min(above)),
            (own, above) => own.or(above),
        }
    }

    /// Turns that were used.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.used.lock().turns
    }

    /// Turns that are left.
    #[must_use]
    pub fn turns_left(&self) -> u64 {
        self.budgets.turns.saturating_sub(self.used.lock().turns)
    }

    /// What is left for a child, or for this run itself: never more than those
    /// above have left. Its turns are a whole count again.
    #[must_use]
    pub fn left(&self) -> Budgets {
        let used = *self.used.lock();
        let own = &self.budgets;
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut left = Budgets {
            turns: own.turns,
            tokens: own.tokens.saturating_sub(used.tokens),
            cost_usd: own.cost_usd.map(|max| (max - used.cost.usd()).max(0.0)),
            wall_time_ms: own.wall_time_ms.saturating_sub(elapsed_ms),
        };
        if let Some(parent) = &self.parent {
            let above = parent.left();
            left.tokens = left.tokens.min(above.tokens);
            left.wall_time_ms = left.wall_time_ms.min(above.wall_time_ms);
            left.cost_usd = match (left.cost_usd, above.cost_usd) {
                (Some(own), Some(above)) => Some(own.min(above)),
                (own, above) => own.or(above),
            };
        }
        left
    }
}
