//! What a run came to, for `memex.RunResult`.

use memex_agent::RunResult;
use memex_trajectories::Status;
use pyo3::prelude::*;

use crate::agent_trajectory::Trajectory;
use crate::errors::{Class, raise};
use crate::snapshot::Snapshot;

/// The end of a run.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct RunOutcome {
    status: Status,
    answer: Option<String>,
    submission: Option<String>,
    totals: String,
    trajectory: Py<Trajectory>,
    scope: Option<Py<Snapshot>>,
}

impl RunOutcome {
    pub(crate) fn of(py: Python<'_>, ran: RunResult, scope: Option<Snapshot>) -> PyResult<Self> {
        let json = |error: serde_json::Error| raise(py, Class::Agent, error.to_string());
        Ok(Self {
            status: ran.status,
            answer: ran.answer,
            submission: ran.submission.map(|value| value.to_string()),
            totals: serde_json::to_string(&ran.totals).map_err(json)?,
            trajectory: Py::new(py, Trajectory::new(ran.trajectory))?,
            scope: scope.map(|scope| Py::new(py, scope)).transpose()?,
        })
    }
}

#[pymethods]
impl RunOutcome {
    /// One word.
    #[getter]
    fn status(&self) -> &'static str {
        self.status.word()
    }

    /// Why it failed, or the budget that is used up.
    #[getter]
    fn reason(&self) -> Option<String> {
        match &self.status {
            Status::Failed { reason } => Some(reason.clone()),
            Status::Exhausted { budget } => Some(budget.word().to_owned()),
            _ => None,
        }
    }

    #[getter]
    fn answer(&self) -> Option<&str> {
        self.answer.as_deref()
    }

    /// What was handed in, as JSON.
    #[getter]
    fn submission(&self) -> Option<&str> {
        self.submission.as_deref()
    }

    /// What it used, as JSON.
    #[getter]
    fn totals(&self) -> &str {
        &self.totals
    }

    #[getter]
    fn trajectory(&self, py: Python<'_>) -> Py<Trajectory> {
        self.trajectory.clone_ref(py)
    }

    /// The scope in the end.
    #[getter]
    fn scope(&self, py: Python<'_>) -> Option<Py<Snapshot>> {
        self.scope.as_ref().map(|scope| scope.clone_ref(py))
    }
}
