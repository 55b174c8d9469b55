//! The request that starts a run, and its result.

use std::path::PathBuf;
use std::sync::Arc;

use memex_models::Delta;
use memex_trajectories::{Status, Step, Totals, Trajectory};
use parking_lot::Mutex;

use super::{Beginning, Driver, KeptScope, Place, Plan, Recorder};
use crate::children::Tree;
use crate::{Agent, Cancellation, Error, Input, Ledger, Objects, OutputSchema};

/// The request of a run.
pub struct RunRequest {
    /// The task, in words.
    pub task: String,
    /// The id of the task in its suite or batch.
    pub task_id: Option<String>,
    /// The id of the run. Default: a new one.
    pub id: Option<String>,
    /// What the answer has to meet. Default: words.
    pub output: Option<OutputSchema>,
    /// Objects for the scope.
    pub inputs: Vec<Input>,
    /// The scope and the conversation that the run begins in. Default: empty ones.
    pub beginning: Beginning,
    /// Where the scope is left when the run is over. Default: nowhere.
    pub keep: Option<KeptScope>,
    /// Where the trajectory is saved as it happens. Default: nowhere.
    pub trajectory: Option<PathBuf>,
    /// Stops the run.
    pub cancellation: Cancellation,
    /// Receives reports of progress. Default: none.
    pub watcher: Box<dyn Watcher>,
}

impl RunRequest {
    /// A task, with everything else at its default.
    #[must_use]
    pub fn new(task: impl Into<String>) -> Self {
        Self {
            task: task.into(),
            task_id: None,
            id: None,
            output: None,
            inputs: Vec::new(),
            beginning: Beginning::default(),
            keep: None,
            trajectory: None,
            cancellation: Cancellation::new(),
            watcher: Box::new(NoWatcher),
        }
    }
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunResult {
    /// How it ended.
    pub status: Status,
    /// The answer in words.
    pub answer: Option<String>,
    /// The value that was submitted.
    pub submission: Option<serde_json::Value>,
    /// Its usage, its children included.
    pub totals: Totals,
    /// The whole record.
    pub trajectory: Trajectory,
    /// The objects of the submission.
    pub(crate) objects: Option<Objects>,
}

/// Receives reports of a run while the run waits. It must not wait for
/// futures itself.
pub trait Watcher: Send {
    /// The model is asked, for its `number`th reply; the first is 1.
    fn asked(&mut self, _number: u64) {}

    /// A piece of a reply.
    fn delta(&mut self, _delta: &Delta) {}

    /// A block of code begins.
    fn runs(&mut self, _code: &str) {}

    /// A step that is over.
    fn step(&mut self, _step: &Step) {}
}

/// Ignores all reports.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWatcher;

impl Watcher for NoWatcher {}

impl Agent {
    /// Runs a task to its end, on this thread.
    ///
    /// # Errors
    /// When the run cannot begin, or its trajectory cannot be kept. What the
    /// model or its code does wrong is part of the result.
    pub fn run(&self, request: RunRequest) -> Result<RunResult, Error> {
        let inner = &self.inner;
        let id = request.id.map_or_else(new_id, Ok)?;
        let Beginning {
            scope,
            described,
            after,
        } = request.beginning;
        let place = match (crate::worker::place(inner), scope) {
            (Some(_), Some(_)) => {
                let what = "must be `in_process` for a run that begins in a scope";
                return Err(Error::setting("backend", what));
            }
            (Some(place), None) => place?,
            (None, Some(scope)) => Place::Kept(scope),
            (None, None) => Place::Fresh,
        };
        let plan = Plan {
            agent: self.clone(),
            id,
            name: inner.config.name.clone(),
            model: Arc::clone(&inner.model),
            task: request.task,
            task_id: request.task_id,
            output: request.output,
            inputs: request.inputs,
            described,
            goes_on_from: after.as_ref().map(|run| run.id.clone()),
            grants: inner.policy.tools.clone(),
            ledger: Ledger::new(inner.config.budgets),
            cancellation: request.cancellation,
            tree: Tree::new(inner),
            depth: 0,
            parent: None,
            place,
        };
        let header = plan.header()?;
        let recorder = Recorder::create(request.trajectory.as_deref(), header)?;
        let recorder = Arc::new(Mutex::new(recorder));
        let mut driver = Driver::new(plan, recorder, request.trajectory, request.watcher)?;
        driver.keep_in(request.keep);
        driver.begin_after(after.as_ref())?;
        driver.drive()
    }
}

/// An id that no other run has.
pub(crate) fn new_id() -> Result<String, Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| Error::Worker {
        what: format!("cannot draw an id: {error}"),
    })?;
    Ok(format!("run-{:016x}", u64::from_le_bytes(bytes)))
}
