//! An agent: what its runs share, and the start of each.
//!
//! ```text
//!  Host.agent ──► Agent ──► run(request) ──► memex_agent::Agent::run, on this thread
//!                             │ model, tools, check, watcher: Python, called by the loop
//! ```
//! A run goes on the thread that calls, with the interpreter's lock released. Tools
//! and models are those of the run, so that they know its context and its event loop.

use std::path::PathBuf;
use std::sync::Arc;

use memex_agent::{
    Agent as Loop, AgentConfig, Beginning, Cancellation, Input, KeptScope, Reactor, RunRequest,
    for_agents,
};
use memex_host_tools::Tool;
use memex_models::Prices;
use memex_runtime::{Generators, Sandbox};
use memex_sessions::{Resolved, SessionSpec, Tools};
use memex_trajectories::ActionSpace;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::agent_hooks::{Asking, Following};
use crate::agent_model::ModelSource;
use crate::agent_output::{PythonCheck, schema_of};
use crate::agent_result::RunOutcome;
use crate::agent_trajectory::Trajectory;
use crate::errors::{Class, agent, assembling, raise};
use crate::host::{Building, Host};
use crate::owned::Owned;
use crate::signals::{Target, Watch};
use crate::snapshot::Snapshot;
use crate::stopping::Stop;
use crate::tools::ToolDefinition;

/// Settings, a sandbox and the tools of its spec.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct Agent {
    inner: Owned<Parts>,
}

/// What an agent is made of.
pub(crate) struct Parts {
    config: AgentConfig,
    resolved: Resolved,
    /// None in the space `tools`, which runs no code.
    sandbox: Option<Sandbox>,
    tools: Option<Tools>,
    prices: Prices,
    reactor: Reactor,
    /// The threads of the reactor end with it.
    _host: memex_sessions::Host,
}

/// What one run is asked.
#[pyclass(module = "memex._memex", get_all, set_all)]
pub(crate) struct RunTask {
    task: String,
    id: Option<String>,
    /// JSON schema of the answer, and what makes the object of it.
    output: Option<(String, Py<PyAny>)>,
    /// Files and folders by name; values by name, as JSON.
    files: Vec<(String, PathBuf)>,
    values: Vec<(String, String)>,
    scope: Option<Py<Snapshot>>,
    described: Vec<String>,
    after: Option<Py<Trajectory>>,
    trajectory: Option<PathBuf>,
    /// Gets the kind of an event and its text.
    follow: Option<Py<PyAny>>,
    /// Whether it gets pieces of replies, too.
    pieces: bool,
    approve: Option<Py<PyAny>>,
    /// Makes a DataFrame of a table and its parts.
    table: Py<PyAny>,
}

#[pymethods]
impl RunTask {
    /// A task, and nothing else.
    #[new]
    fn new(task: String, table: Py<PyAny>) -> Self {
        Self {
            task,
            id: None,
            output: None,
            files: Vec::new(),
            values: Vec::new(),
            scope: None,
            described: Vec::new(),
            after: None,
            trajectory: None,
            follow: None,
            pieces: false,
            approve: None,
            table,
        }
    }
}

impl Parts {
    /// Everything of an agent that its runs share. It may take minutes: its image may
    /// have to be built.
    pub(crate) fn make(
        building: &mut Building<'_>,
        spec: &SessionSpec,
        config: AgentConfig,
        own: &[Arc<dyn Tool>],
        prices: Prices,
    ) -> Result<Self, memex_agent::Error> {
        let resolved = for_agents(&spec.resolve()?, own)?;
        let tools = resolved.tools(building.host, building.secrets)?;
        let sandbox = match config.action_space {
            ActionSpace::Code => Some(resolved.sandbox(building.host, building.progress)?),
            ActionSpace::Tools => None,
        };
        let parts = Self {
            config,
            resolved,
            sandbox,
            tools,
            prices,
            reactor: Reactor::on(building.host.runtime()?),
            _host: building.host.clone(),
        };
        parts.check(own)?;
        Ok(parts)
    }

    /// Finds what is wrong with settings and tools before any run.
    fn check(&self, own: &[Arc<dyn Tool>]) -> Result<(), memex_agent::Error> {
        let nobody = memex_models::ScriptedModel::new("", memex_models::Script::default());
        self.built(Arc::new(nobody), own.to_vec(), |builder| builder)?;
        Ok(())
    }

    fn built(
        &self,
        model: Arc<dyn memex_models::Model>,
        own: Vec<Arc<dyn Tool>>,
        more: impl FnOnce(memex_agent::AgentBuilder) -> memex_agent::AgentBuilder,
    ) -> Result<Loop, memex_agent::Error> {
        let mut builder = Loop::builder(self.config.clone(), model, &self.reactor);
        builder = builder.prices(self.prices.clone()).tools(own);
        builder = match &self.sandbox {
            Some(sandbox) => builder.sandbox(sandbox.clone()),
            None => builder.policy(Arc::clone(self.resolved.policy())),
        };
        if let Some(tools) = &self.tools {
            let all = tools.toolbox().iter();
            builder = builder.tools(all.map(|entry| Arc::clone(entry.tool())));
            if let Some(audit) = tools.audit_log() {
                builder = builder.audit(audit);
            }
        }
        more(builder).build()
    }
}

/// Reads the settings of an agent, which are JSON.
fn config_of(py: Python<'_>, config: &str) -> PyResult<AgentConfig> {
    let read: AgentConfig = serde_json::from_str(config)
        .map_err(|error| raise(py, Class::Agent, format!("the settings: {error}")))?;
    read.check().map_err(|error| agent(py, &error))?;
    Ok(read)
}

#[pymethods]
impl Agent {
    /// The agent of a spec and settings, which are JSON. `prices` is a file of prices
    /// over those that are known.
    #[staticmethod]
    fn made(
        py: Python<'_>,
        host: &Host,
        spec: &str,
        config: &str,
        tools: Vec<Py<ToolDefinition>>,
        prices: Option<PathBuf>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let config = config_of(py, config)?;
        let spec = SessionSpec::from_json(spec.as_bytes());
        let spec = spec.map_err(|error| assembling(py, &error))?;
        let own = own_tools(py, &tools);
        let table = prices_of(prices).map_err(|error| {
            raise(
                py,
                Class::Model,
                format!("the prices cannot be read: {error}"),
            )
        })?;
        let made = host.build(py, progress.as_ref(), move |building| {
            Parts::make(building, &spec, config, &own, table)
        })?;
        let parts = made.map_err(|error| agent(py, &error))?;
        Ok(Self {
            inner: Owned::new(parts),
        })
    }

    /// Whether a price is known of a model.
    fn has_price(&self, py: Python<'_>, model: &str) -> PyResult<bool> {
        Ok(self.inner.get(py)?.prices.price(model).is_some())
    }

    /// The policy, as TOML.
    #[getter]
    fn policy(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.inner.get(py)?.resolved.policy().to_toml())
    }

    /// A session of the agent's sandbox without tools, in which objects are put for a
    /// run to begin with: their names and packed values.
    /// With a `base`, beside what is in that.
    fn scope(
        &self,
        py: Python<'_>,
        values: Vec<(String, PyBackedBytes)>,
        base: Option<&Snapshot>,
    ) -> PyResult<Snapshot> {
        let sandbox = self.sandbox(py)?;
        let base = base.map(|base| base.inner.get(py)).transpose()?;
        let made = py.detach(|| -> Result<_, memex_runtime::Error> {
            let options = memex_runtime::SessionOptions::default();
            let mut session = match base {
                Some((_, base)) => sandbox.restore(base, Generators::Keep, options)?.0,
                None => sandbox.session(options)?,
            };
            for (name, value) in values {
                if let Err(error) = session.set(&name, &value)? {
                    return Ok(Err(format!("{name}: {}", error.message)));
                }
            }
            session.snapshot().map(Ok)
        });
        match made.map_err(|error| crate::errors::runtime(py, &error))? {
            Ok(snapshot) => Ok(Snapshot::new(sandbox.clone(), snapshot)),
            Err(message) => Err(raise(py, Class::Value, message)),
        }
    }

    /// The snapshot in some bytes.
    fn decode(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<Snapshot> {
        let sandbox = self.sandbox(py)?;
        let snapshot = crate::snapshot::decode(py, sandbox, bytes)?;
        Ok(Snapshot::new(sandbox.clone(), snapshot))
    }

    /// Runs a task to its end.
    fn run(
        &self,
        py: Python<'_>,
        task: &Bound<'_, RunTask>,
        model: &ModelSource,
        models: Vec<(String, Py<ModelSource>)>,
        tools: Vec<Py<ToolDefinition>>,
        stop: &Stop,
    ) -> PyResult<RunOutcome> {
        let parts = self.inner.get(py)?;
        let task = task.borrow();
        let built = self.built(py, &task, model, &models, &tools)?;
        let keep = KeptScope::default();
        let cancellation = Cancellation::new();
        let request = RunRequest {
            id: task.id.clone(),
            output: output(py, &task)?,
            inputs: inputs(py, &task)?,
            beginning: beginning(py, &task)?,
            keep: Some(keep.clone()),
            trajectory: task.trajectory.clone(),
            cancellation: cancellation.clone(),
            watcher: Following::of(py, task.follow.as_ref(), task.pieces),
            ..RunRequest::new(task.task.clone())
        };
        drop(task);
        let ran = driven(py, stop, cancellation, || built.run(request))?;
        let ran = ran.map_err(|error| agent(py, &error))?;
        RunOutcome::of(py, ran, parts_scope(parts, &keep))
    }

    /// Goes on with a run whose trajectory was saved.
    #[allow(clippy::too_many_arguments)]
    fn resume(
        &self,
        py: Python<'_>,
        task: &Bound<'_, RunTask>,
        path: PathBuf,
        model: &ModelSource,
        models: Vec<(String, Py<ModelSource>)>,
        tools: Vec<Py<ToolDefinition>>,
        stop: &Stop,
    ) -> PyResult<RunOutcome> {
        let task = task.borrow();
        let built = self.built(py, &task, model, &models, &tools)?;
        let watcher = Following::of(py, task.follow.as_ref(), task.pieces);
        drop(task);
        let cancellation = Cancellation::new();
        let (given, keep) = (cancellation.clone(), KeptScope::default());
        let kept = Some(keep.clone());
        let ran = driven(py, stop, cancellation, || {
            built.resume_keeping(&path, given, watcher, kept)
        })?;
        let ran = ran.map_err(|error| agent(py, &error))?;
        RunOutcome::of(py, ran, parts_scope(self.inner.get(py)?, &keep))
    }
}

impl Agent {
    fn sandbox(&self, py: Python<'_>) -> PyResult<&Sandbox> {
        let sandbox = self.inner.get(py)?.sandbox.as_ref();
        sandbox.ok_or_else(|| {
            let message = "an agent in the action space \"tools\" has no scope; \
                           put what it needs into the task, or use action_space=\"code\"";
            raise(py, Class::Agent, message)
        })
    }

    fn built(
        &self,
        py: Python<'_>,
        task: &RunTask,
        model: &ModelSource,
        models: &[(String, Py<ModelSource>)],
        tools: &[Py<ToolDefinition>],
    ) -> PyResult<Loop> {
        let parts = self.inner.get(py)?;
        let own = own_tools(py, tools);
        let built = parts.built(model.model(), own, |mut builder| {
            for (name, model) in models {
                builder = builder.model(name, model.get().model());
            }
            match &task.approve {
                Some(approve) => builder.approver(Arc::new(Asking::new(approve.clone_ref(py)))),
                None => builder,
            }
        });
        built.map_err(|error| agent(py, &error))
    }
}

/// Runs with the interpreter's lock released; Ctrl-C and `stop` end it.
fn driven<R: Send>(
    py: Python<'_>,
    stop: &Stop,
    cancellation: Cancellation,
    work: impl FnOnce() -> R + Send,
) -> PyResult<R> {
    let watch = Watch::begin(py, || Target::Run(stop.clone()))?;
    let running = stop.begin(move || cancellation.cancel());
    let done = py.detach(work);
    drop(running);
    drop(watch);
    py.check_signals()?;
    Ok(done)
}

/// The scope that a run left.
fn parts_scope(parts: &Parts, keep: &KeptScope) -> Option<Snapshot> {
    let scope = keep.take().zip(parts.sandbox.clone());
    scope.map(|(snapshot, sandbox)| Snapshot::new(sandbox, snapshot))
}

fn own_tools(py: Python<'_>, tools: &[Py<ToolDefinition>]) -> Vec<Arc<dyn Tool>> {
    tools.iter().map(|tool| tool.get().tool(py)).collect()
}

fn prices_of(path: Option<PathBuf>) -> Result<Prices, memex_models::ModelError> {
    let prices = Prices::built_in()?;
    match path {
        Some(path) => prices.with_file(&path),
        None => Ok(prices),
    }
}

fn output(py: Python<'_>, task: &RunTask) -> PyResult<Option<memex_agent::OutputSchema>> {
    let Some((schema, check)) = &task.output else {
        return Ok(None);
    };
    let schema = schema_of(py, schema)?;
    let check = PythonCheck::new(check.clone_ref(py), task.table.clone_ref(py));
    Ok(Some(schema.checked_by(Arc::new(check))))
}

fn inputs(py: Python<'_>, task: &RunTask) -> PyResult<Vec<Input>> {
    let files = task.files.iter().map(|(name, path)| Input::new(name, path));
    let values = task.values.iter().map(|(name, json)| {
        let value = serde_json::from_str(json).unwrap_or_default();
        Input::value(name, value)
    });
    let all = files.chain(values).collect::<Result<_, _>>();
    all.map_err(|error| agent(py, &error))
}

fn beginning(py: Python<'_>, task: &RunTask) -> PyResult<Beginning> {
    let scope = task.scope.as_ref().map(|scope| scope.get().inner.get(py));
    let scope = scope.transpose()?.map(|(_, snapshot)| snapshot.clone());
    Ok(Beginning {
        scope,
        described: task.described.clone(),
        after: task.after.as_ref().map(|after| after.get().cloned()),
    })
}
