//! Running agents for tenants.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use memex_agent::{Agent, Budgets, Input, OutputSchema, Reactor, RunResult, for_agents};
use memex_sessions::{PolicySource, SessionSpec};
use memex_trajectories::Totals;
use serde_json::Value;

use super::state::{Inner, Service};
use crate::agents::{
    Catalogue, OperatedAgent, Place, Run, RunBody, RunEvents, RunLog, RunState, RunView, Telling,
};
use crate::clock::now_ms;
use crate::error::{ErrorKind, ServiceError};
use crate::files::make_private_directory;
use crate::names::Id;
use crate::tenants::{Principal, Scope, Tenant};

/// Characters of a task.
const TASK_MAX_CHARS: usize = 200_000;
/// Values that a task may come with.
const INPUTS_MAX: usize = 64;
/// Runs of one list.
const LISTED_MAX: usize = 1_000;
/// What a run needs besides the stack of the guest.
const STACK_BYTES: usize = 32 << 20;

/// A task for an agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Task {
    /// The agent; none: the only one that the tenant may run.
    pub agent: Option<String>,
    /// The task, in words.
    pub task: String,
    /// The JSON Schema of the answer; none: words.
    pub output: Option<Value>,
    /// Values that its code finds under these names.
    pub inputs: BTreeMap<String, Value>,
    /// What it may use up, where that is less than the operator's bounds.
    pub budgets: Option<Budgets>,
}

/// What a tenant's agents use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AgentUsage {
    /// Those that run.
    pub running: usize,
    /// Those that have begun since the server started.
    pub begun: u64,
    /// Tokens of this day of UTC.
    pub tokens_today: u64,
}

impl Service {
    /// Takes the agents that clients may run, in place of those before. Runs go on.
    pub fn set_agents(&self, catalogue: Catalogue) {
        *self.inner.agents.catalogue.write() = catalogue;
    }

    /// The agents that somebody may run.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`].
    pub fn agents(&self, who: &Principal) -> Result<Vec<Arc<OperatedAgent>>, ServiceError> {
        self.inner.check_tenant_wide(who, Scope::Run)?;
        let catalogue = self.inner.agents.catalogue.read().clone();
        Ok(catalogue.of(&who.tenant).cloned().collect())
    }

    /// Has an agent begin a task.
    ///
    /// # Errors
    /// When the task makes no sense, and when a quota is used up.
    pub async fn start_run(&self, who: &Principal, task: Task) -> Result<RunView, ServiceError> {
        let inner = &self.inner;
        inner.check_tenant_wide(who, Scope::Run)?;
        inner.check_ready()?;
        let catalogue = inner.agents.catalogue.read().clone();
        let operated = catalogue.find(&who.tenant, task.agent.as_deref())?;
        who.tenant.usage.admit_turn(&who.tenant.quota(), now_ms())?;
        check(&task)?;
        let folder = inner.runs_of(who.tenant());
        let most = who.tenant.quota().runs;
        inner
            .aside(move |_| prepare(&folder, most).map_err(|error| unkept(&error)))
            .await?;
        let request = read(&task)?;
        let place = Arc::new(inner.agents.counts.begin(&who.tenant)?);
        let id = Id::random().map_err(|error| ServiceError::internal(error.to_string()))?;
        let run = Arc::new(Run {
            id,
            tenant: who.tenant().to_owned(),
            agent: operated.name.clone(),
            task: task.task.clone(),
            created_ms: now_ms(),
            state: parking_lot::Mutex::default(),
            log: Arc::<RunLog>::default(),
            cancellation: request.cancellation.clone(),
            why: parking_lot::Mutex::default(),
        });
        let thread = Thread {
            inner: Arc::clone(inner),
            who: who.clone(),
            run: Arc::clone(&run),
            operated,
            budgets: task.budgets,
        };
        std::thread::Builder::new()
            .name("memex-agent".into())
            .stack_size(STACK_BYTES)
            .spawn(move || thread.live(request, place))
            .map_err(|error| {
                ServiceError::new(
                    ErrorKind::Unavailable,
                    "no-thread",
                    format!("the system has no thread for the agent: {error}"),
                    "try again in a moment",
                )
                .retry_after(Duration::from_secs(1))
            })?;
        inner.agents.runs.insert(&run, most);
        inner.tell(who, "run-agent", &id, "started", Some(&task.task));
        Ok(run.view())
    }

    /// The newest runs that this process knows.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`].
    pub fn runs(&self, who: &Principal, most: usize) -> Result<Vec<RunView>, ServiceError> {
        self.inner.check_tenant_wide(who, Scope::Run)?;
        let runs = self
            .inner
            .agents
            .runs
            .newest(who.tenant(), most.min(LISTED_MAX));
        Ok(runs.iter().map(|run| run.view()).collect())
    }

    /// What is told of a run; of one of an earlier server, from its record.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn agent_run(&self, who: &Principal, id: &Id) -> Result<RunView, ServiceError> {
        self.inner.check_tenant_wide(who, Scope::Run)?;
        if let Some(run) = self.inner.agents.runs.find(who.tenant(), id) {
            return Ok(run.view());
        }
        let (path, id) = (self.inner.record_of(who.tenant(), id), *id);
        self.inner
            .aside(move |_| {
                if !path.exists() {
                    return Err(ServiceError::not_found("run", id.as_str()));
                }
                let loaded = memex_trajectories::load(&path).map_err(|error| {
                    tracing::error!(%error, "the record of a run cannot be read");
                    ServiceError::internal("the record of the run cannot be read")
                })?;
                Ok(RunView::recorded(id, loaded.trajectory))
            })
            .await
    }

    /// The events of a run from one of them on; for runs of this process.
    ///
    /// # Errors
    /// When this process does not know the run.
    pub fn run_events(
        &self,
        who: &Principal,
        id: &Id,
        from: usize,
    ) -> Result<RunEvents, ServiceError> {
        let run = self.inner.run(who, id)?;
        Ok(RunEvents::new(Arc::clone(&run.log), from))
    }

    /// Stops a run. A block that runs is interrupted; the second time it is ended.
    ///
    /// # Errors
    /// When this process does not know the run.
    pub fn cancel_run(&self, who: &Principal, id: &Id) -> Result<RunView, ServiceError> {
        let run = self.inner.run(who, id)?;
        run.cancel(None);
        self.inner.tell(who, "cancel-agent", id, "ok", None);
        Ok(run.view())
    }

    /// Forgets a run that has ended, and its record.
    ///
    /// # Errors
    /// When it runs, and when there is none.
    pub async fn remove_run(&self, who: &Principal, id: &Id) -> Result<(), ServiceError> {
        self.inner.check_tenant_wide(who, Scope::Run)?;
        let runs = &self.inner.agents.runs;
        let known = runs.find(who.tenant(), id);
        if known.as_ref().is_some_and(|run| run.is_running()) {
            return Err(ServiceError::new(
                ErrorKind::Conflict,
                "running",
                "the run has not ended",
                "cancel it first",
            ));
        }
        let (path, id, is_known) = (self.inner.record_of(who.tenant(), id), *id, known.is_some());
        let removed = self
            .inner
            .aside(move |_| match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unkept(&error)),
                Err(_) if !is_known => Err(ServiceError::not_found("run", id.as_str())),
                _ => Ok(()),
            });
        removed.await?;
        runs.remove(who.tenant(), &id);
        self.inner.tell(who, "remove-run", &id, "ok", None);
        Ok(())
    }

    /// What the agents of a tenant use.
    #[must_use]
    pub fn agent_usage(&self, tenant: &str) -> AgentUsage {
        let used = self.inner.agents.counts.used(tenant);
        AgentUsage {
            running: used.running,
            begun: used.begun,
            tokens_today: used.tokens,
        }
    }

    /// Stops all runs, and waits for their ends for so long.
    pub(crate) async fn stop_agents(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let runs = &self.inner.agents.runs;
        for run in runs.running() {
            run.cancel(Some("the server was stopped"));
        }
        while !runs.running().is_empty() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Inner {
    /// Refuses tokens of one sandbox, and keys that do not permit this.
    pub(super) fn check_tenant_wide(
        &self,
        who: &Principal,
        scope: Scope,
    ) -> Result<(), ServiceError> {
        if who.only.is_some() {
            return Err(ServiceError::new(
                ErrorKind::Forbidden,
                "missing-scope",
                "the token is for one sandbox",
                "use the tenant's key",
            ));
        }
        who.require(scope)
    }

    fn run(&self, who: &Principal, id: &Id) -> Result<Arc<Run>, ServiceError> {
        self.check_tenant_wide(who, Scope::Run)?;
        let run = self.agents.runs.find(who.tenant(), id);
        run.ok_or_else(|| ServiceError::not_found("run", id.as_str()))
    }

    /// Where the records of a tenant's runs are.
    fn runs_of(&self, tenant: &str) -> PathBuf {
        self.options.data.join("tenants").join(tenant).join("runs")
    }

    fn record_of(&self, tenant: &str, id: &Id) -> PathBuf {
        self.runs_of(tenant).join(format!("{id}.jsonl"))
    }

    /// An agent whose code may do what the tenant's may.
    fn agent(
        &self,
        tenant: &Tenant,
        operated: &OperatedAgent,
        budgets: Option<Budgets>,
    ) -> Result<Agent, String> {
        let told = |error: &dyn std::error::Error| error.to_string();
        let policy = PolicySource::of(&tenant.policy()).map_err(|e| told(&e))?;
        let spec = SessionSpec::builder()
            .policy(policy)
            .image(self.image_source(&self.image))
            .build();
        let resolved = spec.resolve().map_err(|e| told(&e))?;
        let resolved = for_agents(&resolved, &[]).map_err(|e| told(&e))?;
        let policy = Arc::clone(resolved.policy());
        let profile = self.profile(&self.image, policy, Vec::new());
        let profile = profile.map_err(|e| told(&e))?;
        let assembled = self.assemble(&profile).map_err(|e| told(&e))?;
        let runtime = self.host.runtime().map_err(|e| told(&e))?;
        let mut config = operated.config.clone();
        config.name.clone_from(&operated.name);
        if let Some(asked) = budgets {
            config.budgets = narrowed(config.budgets, asked);
        }
        Agent::builder(config, Arc::clone(&operated.model), &Reactor::on(runtime))
            .sandbox(assembled.sandbox.clone())
            .prices(operated.prices.clone())
            .build()
            .map_err(|e| told(&e))
    }
}

/// What lives a run.
struct Thread {
    inner: Arc<Inner>,
    who: Principal,
    run: Arc<Run>,
    operated: Arc<OperatedAgent>,
    budgets: Option<Budgets>,
}

impl Thread {
    /// The whole life of a run, on its thread.
    fn live(self, mut request: memex_agent::RunRequest, place: Arc<Place>) {
        let (inner, run) = (&self.inner, &self.run);
        request.id = Some(run.id.to_string());
        request.trajectory = Some(inner.record_of(&run.tenant, &run.id));
        request.watcher = Box::new(Telling::new(run, &place));
        let lived = catch_unwind(AssertUnwindSafe(|| -> Result<RunResult, String> {
            let agent = inner.agent(&self.who.tenant, &self.operated, self.budgets)?;
            agent.run(request).map_err(|error| error.to_string())
        }));
        let ended = run.ended(lived.unwrap_or_else(|_| Err("a fault of the server".to_owned())));
        if let RunState::Ended { totals, status, .. } = &ended {
            place.settle(tokens(totals), totals.guest_time_ms.saturating_mul(1_000));
            inner.metrics.agent_ended(status.word(), tokens(totals));
            inner.tell(&self.who, "run-agent", &run.id, status.word(), None);
            inner.announce_run(&run.tenant, run.id.as_str(), status.word());
        }
        drop(place);
        *run.state.lock() = ended;
        run.log.end(&serde_json::json!(RunBody::from(run.view())));
    }
}

fn tokens(totals: &Totals) -> u64 {
    totals.input_tokens.saturating_add(totals.output_tokens)
}

/// Refuses a task that makes no sense.
fn check(task: &Task) -> Result<(), ServiceError> {
    let chars = task.task.chars().count();
    if task.task.trim().is_empty() || chars > TASK_MAX_CHARS {
        let what = format!("the task has {chars} characters");
        let remedy = format!("say what is to be done in 1 to {TASK_MAX_CHARS} characters");
        return Err(ServiceError::invalid(what, remedy));
    }
    if task.inputs.len() > INPUTS_MAX {
        let what = format!(
            "the task has {} inputs, of {INPUTS_MAX} allowed",
            task.inputs.len()
        );
        return Err(ServiceError::invalid(what, "put them into one object"));
    }
    Ok(())
}

/// What an agent is asked.
fn read(task: &Task) -> Result<memex_agent::RunRequest, ServiceError> {
    let refused = |error: memex_agent::Error| {
        ServiceError::invalid(
            error.to_string(),
            "see docs/agents.md for inputs and schemas",
        )
    };
    let inputs = task.inputs.iter();
    let inputs = inputs.map(|(name, value)| Input::value(name, value.clone()));
    let output = task.output.clone().map(OutputSchema::new).transpose();
    Ok(memex_agent::RunRequest {
        inputs: inputs.collect::<Result<_, _>>().map_err(refused)?,
        output: output.map_err(refused)?,
        ..memex_agent::RunRequest::new(task.task.clone())
    })
}

fn narrowed(most: Budgets, asked: Budgets) -> Budgets {
    Budgets {
        turns: asked.turns.clamp(1, most.turns),
        tokens: asked.tokens.min(most.tokens),
        cost_usd: match (asked.cost_usd, most.cost_usd) {
            (Some(asked), Some(most)) => Some(asked.min(most)),
            (asked, most) => asked.or(most),
        },
        wall_time_ms: asked.wall_time_ms.min(most.wall_time_ms),
    }
}

/// Makes room for one more record: beyond `most`, the oldest go.
fn prepare(folder: &std::path::Path, most: usize) -> std::io::Result<()> {
    make_private_directory(folder)?;
    let mut records = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let file = file?;
        records.push((file.metadata()?.modified()?, file.path()));
    }
    let over = (records.len() + 1).saturating_sub(most.max(1));
    records.sort();
    for (_, path) in records.into_iter().take(over) {
        crate::files::remove(&path)?;
    }
    Ok(())
}

fn unkept(error: &std::io::Error) -> ServiceError {
    super::assembling::no_room(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_lowers_budgets_and_never_raises_them() {
        let most = Budgets {
            turns: 10,
            tokens: 1_000,
            cost_usd: Some(1.0),
            wall_time_ms: 5_000,
        };
        let more = Budgets {
            turns: 99,
            tokens: u64::MAX,
            cost_usd: None,
            wall_time_ms: u64::MAX,
        };
        assert_eq!(narrowed(most, more), most);
        let less = Budgets {
            turns: 0,
            tokens: 1,
            cost_usd: Some(0.5),
            wall_time_ms: 1,
        };
        assert_eq!(narrowed(most, less), Budgets { turns: 1, ..less });
    }
}
