//! Spawning: from a request in the middle of a block to a run on a thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use memex_channel::{Frame, Reply, TurnHandle};
use memex_policies::ToolGrants;
use memex_runtime::{Forks, MidTurnFork};
use memex_trajectories::{Child, Parent};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::family::running;
use super::questions::pick;
use super::{Family, Outcome};
use crate::run::{Driver, NoWatcher, Place, Plan, Recorder, STACK_BYTES};
use crate::worker::{Leased, RemoteFork};
use crate::{Budgets, Error, OutputSchema, RunResult};

/// Longest task of a child.
const TASK_MAX_CHARS: usize = 200_000;

/// The part of the parent's scope that a child keeps; by default all of it.
#[derive(Default)]
pub(crate) struct ChildSetup {
    share: Option<Vec<String>>,
}

impl ChildSetup {
    /// The code that the child's scope begins with.
    pub(crate) fn setup(&self) -> Result<String, Error> {
        let share = serde_json::to_string(&self.share).map_err(|error| Error::Worker {
            what: error.to_string(),
        })?;
        // A JSON text as a Python literal: JSON's escapes are Python's.
        let literal = Value::String(share).to_string();
        Ok(format!(
            "__import__('sys').modules['memex_guest.agents'].begin_child({literal})"
        ))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    task: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    share: Option<Vec<String>>,
    #[serde(default)]
    tools: Option<Vec<String>>,
    #[serde(default)]
    output: Option<Value>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    budget: Share,
}

/// A child's share of its parent's budget.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Share {
    turns: Option<u64>,
    tokens: Option<u64>,
    cost_usd: Option<f64>,
    wall_time_ms: Option<u64>,
    /// One part of so many of what is left.
    part_of: Option<u64>,
}

/// A copy of the parent's session as it stood at the call.
pub(crate) enum Forked {
    /// In this process.
    Here(MidTurnFork),
    /// In the worker of the parent; should that die, the child gets another.
    There(RemoteFork, Leased),
}

/// Spawns the agents that one session's code asks for.
#[derive(Clone)]
pub(crate) struct Spawner(Arc<Family>);

/// What a session of this process asks for forks.
pub(crate) fn forks(spawner: Spawner) -> Box<dyn Forks> {
    Box::new(spawner)
}

impl Spawner {
    pub(crate) fn new(family: &Arc<Family>) -> Self {
        Self(Arc::clone(family))
    }

    /// Answers a request of guest code, for which the fork has been made.
    pub(crate) fn spawn(&self, frame: &Frame<'_>, fork: Forked) -> Reply {
        let request: Request = match serde_json::from_slice(frame.head) {
            Ok(request) => request,
            Err(error) => return Reply::error("TypeError", &format!("spawn_agent: {error}")),
        };
        match spawn(&self.0, request, fork) {
            Ok(id) => Reply::answer(json!({ "agent": id }).to_string().into_bytes()),
            Err((class, message)) => Reply::error(class, &format!("spawn_agent: {message}")),
        }
    }
}

impl Forks for Spawner {
    fn fork(&mut self, frame: &Frame<'_>, fork: MidTurnFork, _: &dyn TurnHandle) -> Reply {
        self.spawn(frame, Forked::Here(fork))
    }
}

type Refusal = (&'static str, String);

fn spawn(family: &Arc<Family>, request: Request, fork: Forked) -> Result<String, Refusal> {
    let inner = &family.agent.inner;
    if request.task.trim().is_empty() || request.task.chars().count() > TASK_MAX_CHARS {
        let message = format!("a task has 1 to {TASK_MAX_CHARS} characters");
        return Err(("ValueError", message));
    }
    if let Some(budget) = family.ledger.exhausted() {
        let message = format!("the run's budget of {} is used up", budget.word());
        return Err(("PermissionError", message));
    }
    let output = request.output.map(OutputSchema::new).transpose();
    let output = output.map_err(|error| ("ValueError", error.to_string()))?;
    let model = pick(&family.agent, &family.model, request.model.as_deref());
    let model = model.map_err(|message| ("ValueError", message))?;
    let grants = narrowed(&family.grants, request.tools.as_deref())?;
    let max = inner.config.agents.agents.min(inner.policy.limits.agents);
    if !family.tree.count_agent(max) {
        let message = format!("this run has spawned its {max} agents (limit `agents`)");
        return Err(("PermissionError", message));
    }
    let (id, step) = family.next();
    let cancellation = family.cancellation.child();
    let plan = Plan {
        agent: family.agent.clone(),
        id: id.clone(),
        name: request.name.unwrap_or_else(|| "child".to_owned()),
        model,
        task: request.task,
        task_id: None,
        output,
        inputs: Vec::new(),
        described: Vec::new(),
        goes_on_from: None,
        grants,
        ledger: family
            .ledger
            .child(share(&request.budget, family.ledger.left())),
        cancellation: cancellation.clone(),
        tree: Arc::clone(&family.tree),
        depth: family.depth + 1,
        parent: Some(Parent {
            id: family.id.clone(),
            root: Some(family.root.clone()).filter(|root| *root != family.id),
            step: Some(step),
        }),
        place: Place::Fork(
            fork,
            ChildSetup {
                share: request.share,
            },
        ),
    };
    let (tell, outcome) = watch::channel(None);
    family.record(running(&id, step, &plan.task));
    let parent = Arc::clone(family);
    let thread = std::thread::Builder::new()
        .name("memex-child".into())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let ran = catch_unwind(AssertUnwindSafe(|| live(&parent, plan, step)));
            let ran = ran.unwrap_or_else(|_| Outcome::failed("a fault of the host".to_owned()));
            // The asking side may be gone.
            let _told = tell.send(Some(ran));
        })
        .map_err(|error| ("OSError", format!("no thread for the agent: {error}")))?;
    family.adopt(id.clone(), outcome, cancellation, thread);
    Ok(id)
}

/// The whole life of a child, on its thread.
fn live(family: &Family, plan: Plan, step: u32) -> Outcome {
    let (id, task) = (plan.id.clone(), plan.task.clone());
    let Some(_place) = family.place(&plan.cancellation) else {
        return cancelled();
    };
    match run(plan) {
        Ok(result) => {
            let outcome = Outcome::of(&result);
            family.record(Child {
                status: result.status.clone(),
                trajectory: Some(Box::new(result.trajectory)),
                ..running(&id, step, &task)
            });
            outcome
        }
        Err(error) => {
            let outcome = Outcome::failed(error.to_string());
            family.record(Child {
                status: outcome.status.clone(),
                ..running(&id, step, &task)
            });
            outcome
        }
    }
}

fn run(plan: Plan) -> Result<RunResult, Error> {
    let recorder = Recorder::create(None, plan.header()?)?;
    let recorder = Arc::new(Mutex::new(recorder));
    let mut driver = Driver::new(plan, recorder, None, Box::new(NoWatcher))?;
    driver.begin()?;
    driver.drive()
}

fn cancelled() -> Outcome {
    Outcome {
        status: memex_trajectories::Status::Cancelled,
        ..Outcome::failed(String::new())
    }
}

/// The parent's tools, or the requested ones of them.
fn narrowed(grants: &ToolGrants, tools: Option<&[String]>) -> Result<ToolGrants, Refusal> {
    let Some(tools) = tools else {
        return Ok(grants.clone());
    };
    if let Some(name) = tools.iter().find(|name| !grants.permits(name)) {
        let message = format!("tools: {name:?} is not a tool that this agent may call itself");
        return Err(("PermissionError", message));
    }
    Ok(ToolGrants {
        allow: tools.to_vec(),
        deny: grants.deny.clone(),
    })
}

fn share(asked: &Share, left: Budgets) -> Budgets {
    let part = asked.part_of.unwrap_or(1).max(1);
    let money = left.cost_usd.map(|left| left / part as f64);
    Budgets {
        turns: asked
            .turns
            .unwrap_or(left.turns)
            .clamp(1, left.turns.max(1)),
        tokens: asked.tokens.unwrap_or(u64::MAX).min(left.tokens / part),
        cost_usd: match (asked.cost_usd, money) {
            (Some(asked), Some(left)) => Some(asked.min(left)),
            (asked, left) => asked.or(left),
        },
        wall_time_ms: asked
            .wall_time_ms
            .unwrap_or(u64::MAX)
            .min(left.wall_time_ms),
    }
}
