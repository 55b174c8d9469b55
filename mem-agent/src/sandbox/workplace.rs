//! A memory and the sandbox in which code works on it.

use std::sync::Arc;

use memex_host_tools::{Broker, BrokerBuilder, Budget, Toolbox};
use memex_memory::{Memory, Mode, tools};
use memex_runtime::{Generators, Sandbox, SessionOptions, Snapshot};
use tokio::runtime::Handle;

use super::scratchpad::Scratchpad;
use super::tracking::preparation;
use super::warnings::Warnings;
use crate::Error;

/// A memory and the sandbox in which code works on it. Cheap to clone.
///
/// The sandbox is one of [`policy`](crate::policy); its sessions reach the
/// memory by the ten tools and nothing else.
#[derive(Clone)]
pub struct Workplace {
    memory: Memory,
    shared: Arc<Shared>,
}

struct Shared {
    sandbox: Sandbox,
    /// A session that can track the changes of blocks.
    prepared: Arc<Snapshot>,
    broker: BrokerBuilder,
    warnings: Arc<Warnings>,
    runtime: Handle,
}

impl std::fmt::Debug for Workplace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workplace")
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

impl Workplace {
    /// A memory, a sandbox of [`policy`](crate::policy), and the tokio runtime
    /// that tools run on; its timers must be enabled.
    ///
    /// # Errors
    /// [`Error::Agent`] if there is no session or toolbox, [`Error::Preparation`].
    pub fn new(memory: &Memory, sandbox: &Sandbox, runtime: Handle) -> Result<Self, Error> {
        let (broker, warnings) = broker(memory, sandbox, &runtime)?;
        let calls = broker.clone().session("preparation").build();
        let options = SessionOptions {
            calls: Some(Box::new(calls)),
            ..SessionOptions::default()
        };
        let failed = memex_agent::Error::Runtime;
        let mut session = sandbox.session(options).map_err(failed)?;
        for code in preparation() {
            let outcome = session.run(&code).map_err(failed)?;
            if !outcome.is_ok() {
                let why = outcome.error.map(|error| error.traceback);
                return Err(Error::Preparation(why.unwrap_or_default()));
            }
        }
        Ok(Self {
            memory: memory.clone(),
            shared: Arc::new(Shared {
                sandbox: sandbox.clone(),
                prepared: Arc::new(session.snapshot().map_err(failed)?),
                broker,
                warnings,
                runtime,
            }),
        })
    }

    /// The same sandbox for another memory.
    ///
    /// # Errors
    /// [`Error::Agent`] if there is no toolbox.
    pub fn beside(&self, memory: &Memory) -> Result<Self, Error> {
        let shared = &self.shared;
        let (broker, warnings) = broker(memory, &shared.sandbox, &shared.runtime)?;
        Ok(Self {
            memory: memory.clone(),
            shared: Arc::new(Shared {
                sandbox: shared.sandbox.clone(),
                prepared: Arc::clone(&shared.prepared),
                broker,
                warnings,
                runtime: shared.runtime.clone(),
            }),
        })
    }

    /// The memory.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// A session on the memory, whose changes are journalled under `name`.
    ///
    /// # Errors
    /// If there is no room for one.
    pub fn scratchpad(&self, name: &str) -> Result<Scratchpad, memex_runtime::Error> {
        let shared = &self.shared;
        let options = SessionOptions {
            calls: Some(Box::new(shared.broker.clone().session(name).build())),
            ..SessionOptions::default()
        };
        let (session, _) = shared
            .sandbox
            .restore(&shared.prepared, Generators::Fresh, options)?;
        let warnings = Arc::clone(&shared.warnings);
        Ok(Scratchpad::new(session, name.to_owned(), warnings))
    }

    /// How long a block may run, in milliseconds.
    #[must_use]
    pub fn code_time_ms(&self) -> u64 {
        self.shared.sandbox.policy().limits.wall_time_ms
    }
}

/// What answers the calls of sessions on a memory, and their warnings.
fn broker(
    memory: &Memory,
    sandbox: &Sandbox,
    runtime: &Handle,
) -> Result<(BrokerBuilder, Arc<Warnings>), memex_agent::Error> {
    let warnings = Arc::new(Warnings::default());
    let show = (memory.options().mode == Mode::Extended).then(|| {
        let warnings = Arc::clone(&warnings);
        let show: memex_memory::Warnings =
            Arc::new(move |session: &str, warning: &str| warnings.add(session, warning));
        show
    });
    let toolbox = Toolbox::builder().tools(tools(memory, show)).build()?;
    let policy = sandbox.policy();
    let broker = Broker::builder(toolbox, policy.tools.clone(), runtime.clone())
        .budget(Budget::from(&policy.limits));
    Ok((broker, warnings))
}
