//! Budgets of a run.

use serde::{Deserialize, Serialize};

/// What a run may use up, its children included. A run whose budget is used up
/// ends as [`Status::Exhausted`](memex_trajectories::Status).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budgets {
    /// Replies of the model. Default 50. Children have their own count.
    pub turns: u64,
    /// Tokens into and out of models. Default 5,000,000.
    pub tokens: u64,
    /// Money, as far as prices are known. Default: no bound.
    pub cost_usd: Option<f64>,
    /// Time on the wall's clock. Default one hour.
    pub wall_time_ms: u64,
}

impl Budgets {
    /// So many replies, and no other bound.
    #[must_use]
    pub fn of_turns(turns: u64) -> Self {
        Self {
            turns,
            tokens: u64::MAX,
            cost_usd: None,
            wall_time_ms: u64::MAX,
        }
    }
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            turns: 50,
            tokens: 5_000_000,
            cost_usd: None,
            wall_time_ms: 3_600_000,
        }
    }
}

/// Bounds on the agents that a run spawns. What the session's policy says of
/// `agents` and `agent_depth` holds as well: the smaller counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentLimits {
    /// How many there may be in all, at any depth. Default 1,000; 0 is none.
    pub agents: u64,
    /// How deep they may spawn further ones. Default 3.
    pub depth: u64,
    /// How many run at once; the others wait. Default 32.
    pub parallel: usize,
    /// Bytes of what a child hands back, and of a value on the shared board.
    /// Default 16 MiB.
    pub object_max_bytes: usize,
    /// Bytes of everything on the shared board. Default 256 MiB.
    pub board_max_bytes: usize,
    /// Questions to a model by `llm()` in a run. Default 1,000.
    pub questions: u64,
}

impl Default for AgentLimits {
    fn default() -> Self {
        Self {
            agents: 1_000,
            depth: 3,
            parallel: 32,
            object_max_bytes: 16 << 20,
            board_max_bytes: 256 << 20,
            questions: 1_000,
        }
    }
}
