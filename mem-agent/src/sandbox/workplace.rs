//! A memory and the sandbox in which code works on it.

use std::collections::HashMap;
use std::sync::Arc;

use memex_host_tools::{Broker, BrokerBuilder, Budget, Toolbox};
use memex_memory::{Memory, Mode, tools};
use memex_runtime::{Generators, OutputSink, Sandbox, SessionOptions, Snapshot};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::Scratchpad;
use super::policy::TOOL_NAMES;
use crate::Error;

/// The module that finds out what blocks change.
pub(super) const MODULE: &str = "_memex_blocks";
const SOURCE: &str = include_str!("blocks.py");
/// Warnings kept for one block.
const WARNINGS_MAX: usize = 100;

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

/// Warnings of the tools by session.
#[derive(Default)]
pub(super) struct Warnings(Mutex<HashMap<String, Vec<String>>>);

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
    /// [`Error::Sandbox`], [`Error::Tools`].
    pub fn new(memory: &Memory, sandbox: &Sandbox, runtime: Handle) -> Result<Self, Error> {
        let (broker, warnings) = broker(memory, sandbox, &runtime)?;
        let calls = broker.clone().session("preparation").build();
        let mut session = sandbox.session(SessionOptions {
            calls: Some(Box::new(calls)),
            sink: None,
            ..SessionOptions::default()
        })?;
        for code in preparation() {
            let outcome = session.run(&code)?;
            if !outcome.is_ok() {
                let why = outcome.error.map(|error| error.traceback);
                return Err(Error::Preparation(why.unwrap_or_default()));
            }
        }
        Ok(Self {
            memory: memory.clone(),
            shared: Arc::new(Shared {
                sandbox: sandbox.clone(),
                prepared: Arc::new(session.snapshot()?),
                broker,
                warnings,
                runtime,
            }),
        })
    }

    /// The same sandbox for another memory.
    ///
    /// # Errors
    /// [`Error::Tools`].
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
            sink: None::<Box<dyn OutputSink>>,
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
) -> Result<(BrokerBuilder, Arc<Warnings>), Error> {
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

/// Turns after which a session can tell what blocks change and has the tools
/// made, so that no agent waits for that. They leave no name in the scope.
fn preparation() -> [String; 5] {
    let source = literal(SOURCE);
    let module = format!("__import__('sys').modules['{MODULE}']");
    let names = TOOL_NAMES.join("; ");
    let gone = TOOL_NAMES.join(", ");
    [
        format!(
            "exec(compile({source}, '<memex>', 'exec'), __import__('sys').modules.setdefault(\
             '{MODULE}', __import__('types').ModuleType('{MODULE}')).__dict__)"
        ),
        format!("{names}; check_if_file_exists('user.md'); del {gone}"),
        "x = [1]\ndel x".to_owned(),
        format!("{module}.values('x = [1]\\ndel x', None)"),
        format!("{module}.names('x = [1]\\ndel x', None)"),
    ]
}

/// A text as a literal of Python: JSON's escapes mean the same there.
pub(super) fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Warnings {
    fn add(&self, session: &str, warning: &str) {
        let mut all = self.0.lock();
        let of_session = all.entry(session.to_owned()).or_default();
        if of_session.len() < WARNINGS_MAX {
            of_session.push(warning.to_owned());
        }
    }

    pub(super) fn take(&self, session: &str) -> Vec<String> {
        self.0.lock().remove(session).unwrap_or_default()
    }
}
