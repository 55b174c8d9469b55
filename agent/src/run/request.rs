//! The request that starts a run.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use super::beginning::{Beginning, KeptScope};
use super::driver::Driver;
use super::plan::Plan;
use super::result::RunResult;
use super::spawning::spawner;
use super::watcher::{NoWatcher, Watcher};
use crate::children::Head;
use crate::identifier::new_id;
use crate::inputs::{Loaded, serve};
use crate::recorder::Recorder;
use crate::{Agent, Cancellation, Error, Input, Ledger, OutputSchema};

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
    /// Whether the scope stays beside the trajectory when the run has its answer, for a run
    /// that goes on from it. Default: it is removed.
    pub leave_scope: bool,
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
            leave_scope: false,
            cancellation: Cancellation::new(),
            watcher: Box::new(NoWatcher),
        }
    }
}

impl Agent {
    /// Runs a task to its end, on this thread.
    ///
    /// # Errors
    /// When the run cannot begin, or its trajectory cannot be kept. What the
    /// model or its code does wrong is part of the result.
    pub fn run(&self, request: RunRequest) -> Result<RunResult, Error> {
        let loaded = match self.inner.config.runs_code() {
            true => Loaded::read(&request.inputs)?,
            false => serve(&request.inputs)?,
        };
        self.start(request, loaded, Replay::No)
    }

    /// Runs a task whose inputs are read. What an earlier run's code made is there, or is made
    /// again.
    pub(super) fn start(
        &self,
        request: RunRequest,
        loaded: Loaded,
        replay: Replay,
    ) -> Result<RunResult, Error> {
        let inner = &self.inner;
        let id = request.id.map_or_else(new_id, Ok)?;
        let Beginning {
            scope,
            described,
            after,
        } = request.beginning;
        let begins_in_scope = scope.is_some();
        let place = inner.place(scope)?;
        let ledger = Ledger::new(inner.config.budgets);
        let plan = Plan {
            head: Head::first(self, id, ledger, request.cancellation),
            name: inner.config.name.clone(),
            task: request.task,
            task_id: request.task_id,
            output: request.output,
            loaded,
            described,
            goes_on_from: after.as_ref().map(|run| run.id.clone()),
            begins_in_scope,
            parent: None,
            place,
            setup: None,
            spawner,
        };
        let header = plan.header()?;
        let recorder = Recorder::create(request.trajectory.as_deref(), header)?;
        let recorder = Arc::new(Mutex::new(recorder));
        let mut driver = Driver::new(plan, recorder, request.trajectory, request.watcher)?;
        driver.keep_in(request.keep);
        driver.leave_scope(request.leave_scope);
        driver.begin_after(after.as_ref(), replay)?;
        driver.drive()
    }
}

/// Whether the code of an earlier run runs again, to make its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replay {
    Yes,
    No,
}
