//! A run, as clients are told of it.

use memex_trajectories::{Status, Timestamp, Totals};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::run::{RunState, RunView};

/// A run of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct RunBody {
    id: String,
    agent: String,
    task: String,
    /// RFC 3339.
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// `running`, `submitted`, `answered`, `exhausted`, `failed` or `cancelled`.
    state: &'static str,
    /// Why, where it failed or used a budget up.
    reason: Option<String>,
    /// The answer in words.
    answer: Option<String>,
    /// The value that was submitted, which meets the task's schema.
    #[schema(value_type = Option<Object>)]
    submission: Option<Value>,
    /// What it used, with the agents that it spawned; none while it runs.
    totals: Option<TotalsBody>,
}

/// What a run used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) struct TotalsBody {
    /// Replies of the model.
    turns: u64,
    input_tokens: u64,
    output_tokens: u64,
    /// US dollars, where the price of the model is known.
    cost_usd: Option<f64>,
    wall_ms: u64,
    /// Time of its code in the guest.
    guest_time_ms: u64,
}

impl From<Totals> for TotalsBody {
    fn from(totals: Totals) -> Self {
        Self {
            turns: totals.turns,
            input_tokens: totals.input_tokens,
            output_tokens: totals.output_tokens,
            cost_usd: totals.cost_usd,
            wall_ms: totals.wall_ms,
            guest_time_ms: totals.guest_time_ms,
        }
    }
}

impl From<RunView> for RunBody {
    fn from(view: RunView) -> Self {
        let mut body = Self {
            id: view.id.to_string(),
            agent: view.agent,
            task: view.task,
            created_at: Timestamp::from_unix_ms(view.created_ms),
            state: "running",
            reason: None,
            answer: None,
            submission: None,
            totals: None,
        };
        if let RunState::Ended {
            status,
            answer,
            submission,
            totals,
        } = view.state
        {
            body.state = status.word();
            body.reason = match status {
                Status::Failed { reason } => Some(reason),
                Status::Exhausted { budget } => Some(budget.word().to_owned()),
                _ => None,
            };
            body.answer = answer;
            body.submission = submission;
            body.totals = Some(totals.into());
        }
        body
    }
}
