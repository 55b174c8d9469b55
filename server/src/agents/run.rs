//! One run.

use std::sync::Arc;

use memex_agent::{Cancellation, RunResult};
use memex_trajectories::{Status, Totals, Trajectory};
use parking_lot::Mutex;
use serde_json::Value;

use super::log::RunLog;
use crate::names::Id;

/// A run, while this process knows it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) id: Id,
    pub(crate) tenant: String,
    pub(crate) agent: String,
    pub(crate) task: String,
    pub(crate) created_ms: u64,
    pub(crate) state: Mutex<RunState>,
    pub(crate) log: Arc<RunLog>,
    pub(crate) cancellation: Cancellation,
    /// Why the server itself cancelled it.
    pub(crate) why: Mutex<Option<String>>,
}

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum RunState {
    /// It runs.
    #[default]
    Running,
    /// It has ended.
    Ended {
        /// How.
        status: Status,
        /// The answer in words.
        answer: Option<String>,
        /// The value that was submitted.
        submission: Option<Value>,
        /// What it used.
        totals: Totals,
    },
}

/// What is told of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// Its name.
    pub id: Id,
    /// The agent.
    pub agent: String,
    /// The task.
    pub task: String,
    /// When it began, in milliseconds since 1970.
    pub created_ms: u64,
    /// How far it is.
    pub state: RunState,
}

impl Run {
    pub(crate) fn view(&self) -> RunView {
        RunView {
            id: self.id,
            agent: self.agent.clone(),
            task: self.task.clone(),
            created_ms: self.created_ms,
            state: self.state.lock().clone(),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        *self.state.lock() == RunState::Running
    }

    /// Stops it, for a reason of the server's where there is one.
    pub(crate) fn cancel(&self, why: Option<&str>) {
        if let Some(why) = why {
            self.why.lock().get_or_insert_with(|| why.to_owned());
        }
        self.cancellation.cancel();
    }

    /// What it came to.
    pub(crate) fn ended(&self, result: Result<RunResult, String>) -> RunState {
        let reason = self.why.lock().clone();
        match result {
            Ok(result) => RunState::Ended {
                status: match (reason, result.status) {
                    (Some(reason), Status::Cancelled) => Status::Failed { reason },
                    (_, status) => status,
                },
                answer: result.answer,
                submission: result.submission,
                totals: result.totals,
            },
            Err(error) => RunState::Ended {
                status: Status::Failed {
                    reason: reason.unwrap_or(error),
                },
                answer: None,
                submission: None,
                totals: Totals::default(),
            },
        }
    }
}

impl RunView {
    /// A run of an earlier server, from its record. One that did not end was stopped with
    /// that server.
    pub(crate) fn recorded(id: Id, trajectory: Trajectory) -> Self {
        let totals = trajectory.totals_with_children();
        Self {
            id,
            agent: trajectory.agent.name,
            task: trajectory.task,
            created_ms: trajectory.started.unix_ms(),
            state: RunState::Ended {
                status: match trajectory.status {
                    Status::Unfinished => Status::Failed {
                        reason: "the server ended before the run did".to_owned(),
                    },
                    status => status,
                },
                answer: trajectory.answer,
                submission: trajectory.submission,
                totals,
            },
        }
    }
}
