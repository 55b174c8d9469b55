//! What the embedder gives to tools from outside, and where they run.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::answers;
use super::client::{HttpClient, ReqwestClient};
use super::error::OutsideError;
use super::secrets::Secrets;
use super::trees::{Held, Room, Trees};
use memex_host_tools::{Answer, CallContext, ToolError, ToolFuture};
use memex_scrubbing::Scrubber;
use memex_supervision::Supervisor;

/// How many calls of one file's tools run at once; more wait for their turn.
pub const CALLS_MAX: usize = 64;

/// What happens while tools from outside are set up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutsideProgress {
    /// A server is being started or connected to.
    Connecting {
        /// The server's name.
        server: String,
    },
    /// A server has listed its tools.
    Connected {
        /// The server's name.
        server: String,
        /// How many of its tools are in use.
        tools: usize,
        /// How long it took.
        elapsed: Duration,
    },
    /// A tool of a server is left out.
    Skipped {
        /// The server's name.
        server: String,
        /// The tool's name, as the server has it.
        tool: String,
        /// Why.
        reason: String,
    },
}

/// The callback for [`OutsideProgress`].
pub type ProgressCallback = Arc<dyn Fn(OutsideProgress) + Send + Sync>;

/// What the embedder gives to tools from outside.
///
/// Defaults: no environment, a [`ReqwestClient`], progress is not reported, no
/// supervisor: processes of tools outlive a host that is killed.
#[derive(Clone)]
pub struct OutsideHost {
    pub(super) secrets: Arc<dyn Secrets>,
    pub(super) environment: BTreeMap<String, OsString>,
    pub(super) client: Option<Arc<dyn HttpClient>>,
    pub(super) progress: ProgressCallback,
    pub(super) supervisor: Option<Supervisor>,
}

impl OutsideHost {
    /// A host that looks secrets up in `secrets`.
    pub fn new(secrets: impl Secrets) -> Self {
        Self {
            secrets: Arc::new(secrets),
            environment: BTreeMap::new(),
            client: None,
            progress: Arc::new(|_| ()),
            supervisor: None,
        }
    }

    /// The variables from which the files' allow-lists choose; `PATH` is always
    /// chosen, and programs are looked for in it.
    #[must_use]
    pub fn environment(mut self, variables: BTreeMap<String, OsString>) -> Self {
        self.environment = variables;
        self
    }

    /// The client for HTTP tools. MCP servers have their own.
    #[must_use]
    pub fn client(mut self, client: Arc<dyn HttpClient>) -> Self {
        self.client = Some(client);
        self
    }

    /// The callback for progress.
    #[must_use]
    pub fn progress(mut self, callback: ProgressCallback) -> Self {
        self.progress = callback;
        self
    }

    /// The program below which processes of tools run, so that they end with the
    /// host even where it is killed.
    #[must_use]
    pub fn supervisor(mut self, supervisor: Supervisor) -> Self {
        self.supervisor = Some(supervisor);
        self
    }

    pub(super) fn http_client(&self) -> Result<Arc<dyn HttpClient>, OutsideError> {
        match &self.client {
            Some(client) => Ok(client.clone()),
            None => Ok(Arc::new(ReqwestClient::new()?)),
        }
    }
}

/// Where the calls of tools from outside run, and what keeps them clean.
///
/// Pipes, sockets and connections live on the runtime on which the tools were
/// opened, whichever thread a session is on.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) runtime: Handle,
    pub(super) scrubber: Arc<Scrubber>,
    /// Room for what the tools answer.
    pub(super) trees: Trees,
    permits: Arc<Semaphore>,
}

impl Surroundings {
    /// On the runtime that polls the caller.
    pub(super) fn here(scrubber: Scrubber) -> Self {
        Self {
            runtime: Handle::current(),
            scrubber: Arc::new(scrubber),
            trees: Trees::new(),
            permits: Arc::new(Semaphore::new(CALLS_MAX)),
        }
    }

    /// Runs `work` for one call. It is dropped when it is given up, and what it
    /// answers is scrubbed.
    pub(super) fn run(
        &self,
        context: CallContext,
        tool: Arc<str>,
        timeout: Duration,
        work: impl Future<Output = Result<Held, ToolError>> + Send + 'static,
    ) -> ToolFuture {
        let surroundings = self.clone();
        Box::pin(async move {
            let given_up = CancellationToken::new();
            let _give_up = given_up.clone().drop_guard();
            let scrubber = surroundings.scrubber;
            let name = tool.clone();
            let permits = surroundings.permits;
            let work = async move {
                // Never closed, so that this only waits.
                let _permit = permits.acquire().await;
                work.await
            };
            let task = surroundings.runtime.spawn(async move {
                let now = Instant::now();
                let limit = timeout.min(context.deadline.saturating_duration_since(now));
                let result = tokio::select! {
                    biased;
                    result = tokio::time::timeout(limit, work) => result.unwrap_or_else(|_| {
                        Err(ToolError::new(
                            "TimeoutError",
                            format!("{tool}: no answer within {} ms", limit.as_millis()),
                        ))
                    }),
                    () = context.cancelled.cancelled() => Err(interrupted(&tool)),
                    () = given_up.cancelled() => Err(interrupted(&tool)),
                };
                let (seen, _room) = match result {
                    Ok(Held { answer, room }) => (Ok(answer), room),
                    Err(mut error) => {
                        error.message = answers::visible(&error.message);
                        (Err(error), Room::default())
                    }
                };
                // Before it is clipped: half a secret would be found no more.
                scrubbed(&scrubber, seen).map_err(|mut error| {
                    error.message = answers::clipped(error.message);
                    error
                })
            });
            match task.await {
                Ok(result) => result,
                Err(error) => Err(ToolError::new(
                    "RuntimeError",
                    format!("{name}: the call failed within the host"),
                )
                .with_detail(error.to_string())),
            }
        })
    }
}

/// What goes back to a guest, without secrets.
fn scrubbed(scrubber: &Scrubber, result: Result<Answer, ToolError>) -> Result<Answer, ToolError> {
    match result {
        Ok(mut answer) => {
            scrubber.json(&mut answer.json);
            for part in &mut answer.parts {
                *part = scrubber.clean(std::mem::take(part));
            }
            Ok(answer)
        }
        Err(mut error) => {
            scrubber.text(&mut error.message);
            if let Some(detail) = &mut error.detail {
                scrubber.text(detail);
            }
            Err(error)
        }
    }
}

fn interrupted(tool: &str) -> ToolError {
    ToolError::new("InterruptedError", format!("{tool}: the call was given up"))
}
