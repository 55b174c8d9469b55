//! An agent: everything that its runs share.

use std::collections::BTreeMap;
use std::sync::Arc;

use memex_host_tools::{AuditLog, Tool, Toolbox};
use memex_models::{Model, Prices};
use memex_policies::Policy;
use memex_runtime::{Cache, Sandbox, Snapshot};
use memex_sessions::{Resolved, Tools};

use crate::approval::approved;
use crate::hosted::{Client, Hosted};
use crate::scope::{Kept, Place};
use crate::worker::Origin;
use crate::{AgentConfig, Approver, Backend, Error, HostedServer, Reactor, Workers};

/// A model, its tools and where its code runs. Cheap to clone; runs go on side
/// by side on as many threads as call [`Agent::run`].
#[derive(Clone)]
pub struct Agent {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: AgentConfig,
    pub(crate) model: Arc<dyn Model>,
    pub(crate) models: BTreeMap<String, Arc<dyn Model>>,
    pub(crate) prices: Arc<Prices>,
    pub(crate) reactor: Reactor,
    pub(crate) policy: Arc<Policy>,
    pub(crate) sandbox: Option<Sandbox>,
    pub(crate) tools: Vec<Arc<dyn Tool>>,
    /// With what the sessions in them are made of.
    pub(crate) workers: Option<(Workers, Arc<Origin>)>,
    /// The server of hosted sessions.
    pub(crate) server: Option<HostedServer>,
    pub(crate) audit: Option<Arc<dyn AuditLog>>,
    /// Servers of tools end with this.
    pub(crate) _opened: Option<Tools>,
}

/// Makes an [`Agent`]. Without any call: no tools, no prices, no further
/// models, no approver, no audit log, and no sandbox, which suffices for the
/// `tools` space.
pub struct AgentBuilder {
    pub(crate) inner: Inner,
    approver: Option<Arc<dyn Approver>>,
}

impl Agent {
    /// An agent of these settings that asks this model.
    #[must_use]
    pub fn builder(config: AgentConfig, model: Arc<dyn Model>, reactor: &Reactor) -> AgentBuilder {
        AgentBuilder {
            inner: Inner {
                config,
                model,
                models: BTreeMap::new(),
                prices: Arc::new(Prices::none()),
                reactor: reactor.clone(),
                policy: Arc::new(Policy::default()),
                sandbox: None,
                tools: Vec::new(),
                workers: None,
                server: None,
                audit: None,
                _opened: None,
            },
            approver: None,
        }
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> &AgentConfig {
        &self.inner.config
    }
}

impl Inner {
    /// Where the code of a run goes, if there is a place for it: in a new session, or
    /// in the state of one.
    pub(crate) fn place(&self, scope: Option<Snapshot>) -> Result<Option<Box<dyn Place>>, Error> {
        let config = &self.config;
        if !config.runs_code() || config.backend == Backend::InProcess {
            let sandbox = self.sandbox.clone();
            return Ok(sandbox.map(|sandbox| match scope {
                Some(scope) => Box::new(Kept { sandbox, scope }) as _,
                None => Box::new(sandbox) as _,
            }));
        }
        if let (Backend::Hosted, None) = (config.backend, &scope) {
            let Some(server) = &self.server else {
                let what = "is `hosted`, and no server was given; name one";
                return Err(Error::setting("backend", what));
            };
            let client = Client::new(server, self.reactor.handle().clone())?;
            return Ok(Some(Box::new(Hosted(client))));
        }
        if scope.is_some() {
            let what = "must be `in_process` for a run that begins in a scope";
            return Err(Error::setting("backend", what));
        }
        let Some((workers, origin)) = &self.workers else {
            let what = "needs worker processes, and none were given; use `in_process`";
            return Err(Error::setting("backend", what));
        };
        let leased = workers.lease(origin, config.backend == Backend::Pool);
        Ok(Some(Box::new(leased)))
    }

    /// The model of a name, or a run's own.
    pub(crate) fn pick(
        &self,
        own: &Arc<dyn Model>,
        name: Option<&str>,
    ) -> Result<Arc<dyn Model>, String> {
        let Some(name) = name else {
            return Ok(Arc::clone(own));
        };
        if let Some(model) = self.models.get(name) {
            return Ok(Arc::clone(model));
        }
        if name == own.name() {
            return Ok(Arc::clone(own));
        }
        let names: Vec<&str> = self.models.keys().map(String::as_str).collect();
        let names = match names.is_empty() {
            true => "it has no others than its own".to_owned(),
            false => format!("there are {}", names.join(", ")),
        };
        Err(format!("this run has no model {name:?}; {names}"))
    }
}

impl AgentBuilder {
    /// The sandbox in which code runs; its policy bounds runs.
    #[must_use]
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.inner.policy = Arc::clone(sandbox.policy());
        self.inner.sandbox = Some(sandbox);
        self
    }

    /// The policy of runs without a sandbox.
    #[must_use]
    pub fn policy(mut self, policy: Arc<Policy>) -> Self {
        self.inner.policy = policy;
        self
    }

    /// Worker processes, for the backends that have some, and what the sessions
    /// in them are made of: a spec, whose policy says what runs may do, and the
    /// cache of guests, code and images. What a process says of images besides,
    /// workers do not know; [`Resolved::on_image`] names one that is there.
    ///
    /// # Errors
    /// [`Error::Session`] for a spec that cannot be sent.
    pub fn workers(
        mut self,
        workers: Workers,
        resolved: &Resolved,
        cache: &Cache,
    ) -> Result<Self, Error> {
        let root = cache.root();
        let origin = Origin {
            cache: std::path::absolute(root).map_err(Error::file(root))?,
            cpu: cache.cpu().name().to_owned(),
            spec: resolved.pinned()?,
        };
        self.inner.policy = Arc::clone(resolved.policy());
        self.inner.workers = Some((workers, Arc::new(origin)));
        Ok(self)
    }

    /// The server of the backend `hosted`. The policy of its tenant says what code may do;
    /// the agent's own bounds the calls of tools.
    #[must_use]
    pub fn server(mut self, server: HostedServer) -> Self {
        self.inner.server = Some(server);
        self
    }

    /// Adds tools. The policy decides which of them may be called.
    #[must_use]
    pub fn tools(mut self, tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        self.inner.tools.extend(tools);
        self
    }

    /// Adds a model that runs can ask for by name.
    #[must_use]
    pub fn model(mut self, name: &str, model: Arc<dyn Model>) -> Self {
        self.inner.models.insert(name.to_owned(), model);
        self
    }

    /// Prices of models.
    #[must_use]
    pub fn prices(mut self, prices: Prices) -> Self {
        self.inner.prices = Arc::new(prices);
        self
    }

    /// The approver of calls.
    #[must_use]
    pub fn approver(mut self, approver: Arc<dyn Approver>) -> Self {
        self.approver = Some(approver);
        self
    }

    /// The log of all tool calls.
    #[must_use]
    pub fn audit(mut self, audit: Arc<dyn AuditLog>) -> Self {
        self.inner.audit = Some(audit);
        self
    }

    /// The agent.
    ///
    /// # Errors
    /// [`Error::Setting`] and [`Error::Tools`]: whatever is wrong with settings
    /// and tools is reported here.
    pub fn build(mut self) -> Result<Agent, Error> {
        let inner = &mut self.inner;
        inner.config.check()?;
        let has_place =
            inner.sandbox.is_some() || inner.workers.is_some() || inner.server.is_some();
        if inner.config.runs_code() && !has_place {
            return Err(Error::setting(
                "action_space",
                "is `code`, or `python_exec` is set, which needs a sandbox; give one, or set it \
                 to `tools`",
            ));
        }
        if inner.config.budgets.cost_usd.is_some() {
            let own = std::iter::once(&inner.model);
            let mut models = own.chain(inner.models.values()).map(|model| model.name());
            // A model that has no name yet is asked for its price when it answers.
            let unpriced = |name: &&str| !name.is_empty() && inner.prices.price(name).is_none();
            if let Some(name) = models.find(unpriced) {
                let what = format!(
                    "bounds the cost of a run, and no price is known of the model {name:?}\n\
                     hint: give its price, or bound `budgets.tokens` instead"
                );
                return Err(Error::setting("budgets.cost_usd", what));
            }
        }
        let patterns = &inner.config.approve;
        let tools = std::mem::take(&mut inner.tools).into_iter();
        inner.tools = tools
            .map(|tool| approved(tool, patterns, self.approver.as_ref()))
            .collect();
        Toolbox::builder()
            .tools(inner.tools.clone())
            .build()?
            .compile()?;
        Ok(Agent {
            inner: Arc::new(self.inner),
        })
    }
}
