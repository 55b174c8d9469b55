//! Questions one after the other: one conversation, one scope, one record.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use memex_models::{Model, Prices};
use memex_trajectories::{Header, Status, Step, StepKind, Trajectory};
use parking_lot::Mutex;

use super::dialect::Dialect;
use super::hands::{Hands, Lent};
use super::state::{Loop, Spent};
use super::watcher::Watcher;
use crate::harness::SubmissionSlot;
use crate::recorder::Recorder;
use crate::results::Results;
use crate::scope::Scope;
use crate::{Budgets, Cancellation, Error, Ledger, Stopper};

/// The loop, for any number of questions one after the other.
///
/// It is a future, which may be dropped: blocks run on threads that may block.
/// A question without an answer (it was stopped, the model or the scope failed,
/// or its future was dropped) leaves the conversation as it was
/// before; the trajectory keeps what happened.
pub struct Dialogue<D> {
    core: Loop<D>,
    /// The dialect before the question that is being answered.
    before: Option<D>,
    id: String,
    system: String,
    budgets: Budgets,
    trajectory: Option<PathBuf>,
    stopper: Stopper,
    status: Status,
    answer: Option<String>,
}

/// The initial state of a [`Dialogue`].
#[derive(Debug, Clone)]
pub struct DialogueSettings {
    /// The first line of the trajectory. Its task is the first question.
    pub header: Header,
    /// The prompt, for the trajectory.
    pub system: String,
    /// The budgets of each question.
    pub budgets: Budgets,
    /// Prices of models.
    pub prices: Arc<Prices>,
}

/// The result of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// How it ended.
    pub status: Status,
    /// The answer; none if a budget was used up, or the loop gave up.
    pub answer: Option<String>,
    /// Its usage.
    pub spent: Spent,
}

impl<D> std::fmt::Debug for Dialogue<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialogue")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl<D: Dialect + Clone> Dialogue<D> {
    /// A dialogue that has not begun. `scope` makes where code runs, whenever
    /// there is nothing: at the first block, and after one that was given up.
    pub fn new(
        model: Arc<dyn Model>,
        dialect: D,
        settings: DialogueSettings,
        scope: impl FnMut() -> Box<dyn Scope> + Send + 'static,
    ) -> Self {
        let DialogueSettings {
            header,
            system,
            budgets,
            prices,
        } = settings;
        Self {
            id: header.id.clone(),
            core: Loop {
                dialect,
                model,
                prices,
                hands: Hands::Lent(Lent::new(scope)),
                recorder: Arc::new(Mutex::new(Recorder::new(header))),
                ledger: Ledger::new(budgets),
                cancellation: Cancellation::new(),
                slot: SubmissionSlot::default(),
                results: Results::default(),
                family: None,
                kept_beside: None,
                spent: Spent::default(),
                scope_names: Vec::new(),
                nudges: 0,
            },
            before: None,
            system,
            budgets,
            trajectory: None,
            stopper: Stopper::default(),
            status: Status::Unfinished,
            answer: None,
        }
    }

    /// Saves the trajectory in a file too, while it happens. The file must not
    /// be there yet.
    #[must_use]
    pub fn with_trajectory(mut self, path: &Path) -> Self {
        self.trajectory = Some(path.to_owned());
        self
    }

    /// How it speaks, and what was said.
    #[must_use]
    pub fn dialect(&self) -> &D {
        &self.core.dialect
    }

    /// Stops its answers, from any thread.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Asks a question; `text` is how the model is asked it.
    ///
    /// # Errors
    /// Why there is no answer: [`Error::Cancelled`] if it was stopped,
    /// [`Error::Model`] and [`Error::LongReply`], what the scope says,
    /// [`Error::Trajectory`].
    pub async fn ask(
        &mut self,
        question: &str,
        text: &str,
        watcher: &mut dyn Watcher,
    ) -> Result<Answered, Error> {
        let answering = self.stopper.begin();
        self.forget_unanswered();
        self.before = Some(self.core.dialect.clone());
        self.core.cancellation = answering.cancellation.clone();
        let answered = self.answer(question, text, watcher).await;
        match &answered {
            Ok(answered) => {
                self.before = None;
                self.status = answered.status.clone();
                self.answer = Some(answered.answer.clone().unwrap_or_default());
            }
            Err(error) => self.fail(error),
        }
        answered
    }

    async fn answer(
        &mut self,
        question: &str,
        text: &str,
        watcher: &mut dyn Watcher,
    ) -> Result<Answered, Error> {
        let core = &mut self.core;
        core.ledger = Ledger::new(self.budgets);
        core.spent = Spent::default();
        core.nudges = 0;
        let step = |kind, text: &str| Step {
            kind,
            text: text.to_owned(),
            ..Step::default()
        };
        let begins = core.recorder.lock().trajectory().steps.is_empty();
        if begins {
            let path = self.trajectory.as_deref();
            core.recorder.lock().begin(question, path)?;
            core.record(step(StepKind::System, &self.system), watcher)?;
        }
        core.record(step(StepKind::User, text), watcher)?;
        core.dialect.say(text);
        let (status, answer) = core.proceed(watcher).await?;
        if core.cancellation.is_cancelled() {
            return Err(Error::Cancelled);
        }
        Ok(Answered {
            status,
            answer,
            spent: core.spent,
        })
    }

    /// Notes that there is no answer, and why.
    pub fn fail(&mut self, error: &(dyn std::error::Error + 'static)) {
        self.forget_unanswered();
        let is_stopped = matches!(error.downcast_ref(), Some(Error::Cancelled));
        self.status = match is_stopped {
            true => Status::Cancelled,
            false => Status::Failed {
                reason: error.to_string(),
            },
        };
    }

    fn forget_unanswered(&mut self) {
        if let Some(before) = self.before.take() {
            self.core.dialect = before;
        }
    }

    /// Ends the trajectory.
    ///
    /// # Errors
    /// [`Error::Trajectory`] if its file cannot be written.
    pub fn finish(self) -> Result<Trajectory, Error> {
        let mut recorder = self.core.recorder.lock();
        recorder.end(self.status, self.answer, None)?;
        Ok(recorder.trajectory().clone())
    }
}
