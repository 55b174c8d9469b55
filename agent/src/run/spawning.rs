//! Spawning: from a request in the middle of a block to a run on a thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use memex_channel::{Frame, Reply};
use memex_host_tools::{REQUEST_TREE_BYTES, TreeSize};
use memex_policies::ToolGrants;
use memex_trajectories::{Child, Parent};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::driver::Driver;
use super::plan::Plan;
use super::result::RunResult;
use super::watcher::NoWatcher;
use crate::children::{Family, Head, Outcome, begin_child, running};
use crate::inputs::Loaded;
use crate::recorder::Recorder;
use crate::scope::{Place, STACK_BYTES, Spawner};
use crate::{Budgets, Error, OutputSchema};

/// Longest task of a child.
const TASK_MAX_CHARS: usize = 200_000;

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

/// Spawns the agents that one session's code asks for.
struct Spawning(Arc<Family>);

/// What a run's sessions ask for agents; the [`Plan`] of each run has this.
pub(super) fn spawner(family: &Arc<Family>) -> Arc<dyn Spawner> {
    Arc::new(Spawning(Arc::clone(family)))
}

impl Spawner for Spawning {
    fn spawn(&self, frame: &Frame<'_>, fork: Box<dyn Place>) -> Reply {
        if let Err(reason) = TreeSize::check(frame.head, REQUEST_TREE_BYTES) {
            return Reply::error("ValueError", &format!("spawn_agent: the call {reason}"));
        }
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

type Refusal = (&'static str, String);

fn spawn(family: &Arc<Family>, request: Request, fork: Box<dyn Place>) -> Result<String, Refusal> {
    let head = &family.head;
    let inner = &head.agent.inner;
    if request.task.trim().is_empty() || request.task.chars().count() > TASK_MAX_CHARS {
        let message = format!("a task has 1 to {TASK_MAX_CHARS} characters");
        return Err(("ValueError", message));
    }
    if let Some(budget) = head.ledger.exhausted() {
        let message = format!("the run's budget of {} is used up", budget.word());
        return Err(("PermissionError", message));
    }
    let output = request.output.map(OutputSchema::new).transpose();
    let output = output.map_err(|error| ("ValueError", error.to_string()))?;
    let model = inner.pick(&head.model, request.model.as_deref());
    let model = model.map_err(|message| ("ValueError", message))?;
    let grants = narrowed(&head.grants, request.tools.as_deref())?;
    let max = inner.config.agents.agents.min(inner.policy.limits.agents);
    if !head.tree.count_agent(max) {
        let message = format!("this run has spawned its {max} agents (limit `agents`)");
        return Err(("PermissionError", message));
    }
    let (id, step) = family.next();
    let cancellation = head.cancellation.child();
    let budgets = share(&request.budget, head.ledger.left());
    let plan = Plan {
        head: Head {
            id: id.clone(),
            depth: head.depth + 1,
            model,
            ledger: head.ledger.child(budgets),
            cancellation: cancellation.clone(),
            grants,
            ..head.clone()
        },
        name: request.name.unwrap_or_else(|| "child".to_owned()),
        task: request.task,
        task_id: None,
        output,
        loaded: Loaded::default(),
        described: Vec::new(),
        goes_on_from: None,
        begins_in_scope: false,
        parent: Some(Parent {
            id: head.id.clone(),
            root: Some(head.root.clone()).filter(|root| *root != head.id),
            step: Some(step),
        }),
        place: Some(fork),
        setup: Some(begin_child(request.share.as_deref())),
        spawner,
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
    let (id, task) = (plan.head.id.clone(), plan.task.clone());
    let Some(_place) = family.place(&plan.head.cancellation) else {
        return cancelled();
    };
    match run(plan) {
        Ok(result) => {
            let outcome = outcome_of(&result);
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

fn outcome_of(result: &RunResult) -> Outcome {
    let answer = || result.answer.clone().map_or(Value::Null, Value::String);
    let totals = &result.totals;
    Outcome {
        status: result.status.clone(),
        value: result.submission.clone().unwrap_or_else(answer),
        objects: result.objects.clone(),
        turns: totals.turns,
        tokens: totals.input_tokens.saturating_add(totals.output_tokens),
    }
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
