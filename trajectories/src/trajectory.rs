//! The record of a run.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::absent::present;
use crate::{Metadata, Status, Step, StepKind, Timestamp};

/// The record of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trajectory {
    /// Its id, unique among what is kept together.
    pub id: String,
    /// What the agent was asked.
    pub task: String,
    /// The id of the task in its suite or batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// Who ran.
    pub agent: Agent,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// How it ended.
    #[serde(default)]
    pub status: Status,
    /// What happened, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The answer in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The value that was submitted.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub submission: Option<Value>,
    /// What it used, without its children.
    #[serde(default)]
    pub totals: Totals,
    /// The run that spawned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// The runs that it spawned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Child>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Metadata,
}

/// Who ran.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// The version of the program that ran it.
    pub version: String,
    /// How it acts.
    #[serde(default)]
    pub action_space: ActionSpace,
    /// The model.
    #[serde(default)]
    pub model: String,
    /// Whose the model is, such as `openai`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The tools it had, each in the form that chat models take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Map<String, Value>>,
}

/// How an agent acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionSpace {
    /// By blocks of Python in a session.
    #[default]
    Code,
    /// By structured tool calls.
    Tools,
}

impl ActionSpace {
    /// Its name, as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Tools => "tools",
        }
    }
}

/// The run that spawned another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// Its id.
    pub id: String,
    /// The id of the run at the top, if that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// The step of the parent in which it spawned this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
}

/// A run that was spawned: its record itself, or where that is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    /// Its id.
    pub id: String,
    /// The step in which it was spawned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// What it was asked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub task: String,
    /// How it ended.
    #[serde(default)]
    pub status: Status,
    /// The file of its record, from the folder of this one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trajectory: Option<Box<Trajectory>>,
}

/// What a run used.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Tokens into the model, the cached ones included.
    #[serde(default)]
    pub input_tokens: u64,
    /// Of these, read from the provider's cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Tokens out of the model.
    #[serde(default)]
    pub output_tokens: u64,
    /// What it cost; none if the price of any reply is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// From start to end.
    #[serde(default)]
    pub wall_ms: u64,
    /// Replies of the model.
    #[serde(default)]
    pub turns: u64,
    /// Calls of tools.
    #[serde(default)]
    pub tool_calls: u64,
    /// Time in the guest.
    #[serde(default)]
    pub guest_time_ms: u64,
    /// Instructions of the guest.
    #[serde(default)]
    pub fuel: u64,
}

impl Totals {
    /// The sums over steps. `wall_ms` is left at 0.
    pub fn of(steps: &[Step]) -> Self {
        let mut totals = Self::default();
        let mut cost_usd = None;
        let mut is_priced = true;
        for step in steps {
            if let Some(usage) = step.usage {
                totals.input_tokens = totals.input_tokens.saturating_add(usage.input_tokens);
                totals.cached_tokens = totals.cached_tokens.saturating_add(usage.cached_tokens);
                totals.output_tokens = totals.output_tokens.saturating_add(usage.output_tokens);
                is_priced &= usage.cost_usd.is_some();
                cost_usd = Some(cost_usd.unwrap_or(0.0) + usage.cost_usd.unwrap_or(0.0));
            }
            if let Some(guest) = step.guest {
                let time_ms = guest.guest_time_ms.unwrap_or(0);
                totals.guest_time_ms = totals.guest_time_ms.saturating_add(time_ms);
                totals.fuel = totals.fuel.saturating_add(guest.fuel.unwrap_or(0));
            }
            totals.turns += u64::from(step.kind == StepKind::Model);
            totals.tool_calls = totals
                .tool_calls
                .saturating_add(u64::try_from(step.tool_calls.len()).unwrap_or(u64::MAX));
        }
        totals.cost_usd = cost_usd.filter(|_| is_priced);
        totals
    }
}

impl Trajectory {
    /// The model that made a step.
    pub fn model_of<'a>(&'a self, step: &'a Step) -> &'a str {
        step.model.as_deref().unwrap_or(&self.agent.model)
    }

    /// How deep children are nested in it: 0 if it has none itself.
    pub fn nesting(&self) -> usize {
        let nested = self.children.iter().filter_map(|c| c.trajectory.as_deref());
        nested.map(|child| child.nesting() + 1).max().unwrap_or(0)
    }
}

impl Trajectory {
    /// The totals of the run and of everything that it spawned. `wall_ms` is
    /// its own: children run beside it.
    #[must_use]
    pub fn totals_with_children(&self) -> Totals {
        let mut totals = self.totals;
        let children = self.children.iter();
        for child in children.filter_map(|child| child.trajectory.as_deref()) {
            let child = child.totals_with_children();
            totals.input_tokens = totals.input_tokens.saturating_add(child.input_tokens);
            totals.cached_tokens = totals.cached_tokens.saturating_add(child.cached_tokens);
            totals.output_tokens = totals.output_tokens.saturating_add(child.output_tokens);
            totals.turns = totals.turns.saturating_add(child.turns);
            totals.tool_calls = totals.tool_calls.saturating_add(child.tool_calls);
            totals.guest_time_ms = totals.guest_time_ms.saturating_add(child.guest_time_ms);
            totals.fuel = totals.fuel.saturating_add(child.fuel);
            // One that asked no model has no price, and cost nothing.
            let is_free = child.input_tokens == 0 && child.output_tokens == 0;
            let cost_usd = child.cost_usd.or(is_free.then_some(0.0));
            totals.cost_usd = match (totals.cost_usd, cost_usd) {
                (Some(own), Some(child)) => Some(own + child),
                _ => None,
            };
        }
        totals
    }
}
