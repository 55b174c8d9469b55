//! The result of a run.

use memex_trajectories::{Status, Totals, Trajectory};

use crate::Objects;

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
