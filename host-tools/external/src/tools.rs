//! Tools from outside, ready to be called.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::answers;
use super::command::CommandExecutor;
use super::endpoint::Endpoint;
use super::error::OutsideError;
use super::host::Surroundings;
use super::mcp::Server;
use super::trees::Held;
use memex_host_tools::{Arguments, CallContext, Tool, ToolError, ToolFuture, ToolSpec};

/// The tools of an opened [`ToolFile`](super::ToolFile), and the servers behind
/// them.
///
/// The tools hold what they need, so that this may be dropped before them.
/// Servers end when this and all their tools are dropped, or with
/// [`close`](Self::close).
pub struct OutsideTools {
    own: Vec<Arc<dyn Tool>>,
    servers: Vec<Arc<Server>>,
}

impl OutsideTools {
    pub(super) fn new(
        executors: Vec<(Vec<ToolSpec>, Executor, bool, Duration)>,
        servers: Vec<Arc<Server>>,
        surroundings: Surroundings,
    ) -> Self {
        let mut own: Vec<Arc<dyn Tool>> = Vec::new();
        for (specs, executor, named, timeout) in executors {
            for spec in specs {
                own.push(Arc::new(OutsideTool {
                    spec,
                    executor: executor.clone(),
                    named,
                    timeout,
                    surroundings: surroundings.clone(),
                }));
            }
        }
        Self { own, servers }
    }

    /// All tools, as the servers list theirs at this moment: ask again for each
    /// new session.
    ///
    /// Where a server has come to list a name that another tool has, the first
    /// one stays.
    #[must_use]
    pub fn tools(&self) -> Vec<Arc<dyn Tool>> {
        let mut names = BTreeSet::new();
        self.all()
            .filter(|tool| names.insert(tool.spec().name.clone()))
            .collect()
    }

    /// Ends the servers, with a moment for each to end by itself. Later calls of
    /// their tools fail.
    pub async fn close(self) {
        let closing = self.servers.iter().map(|server| server.close());
        futures_util::future::join_all(closing).await;
    }

    pub(super) fn check_names(&self, origin: &str) -> Result<(), OutsideError> {
        let mut names = BTreeSet::new();
        match self
            .all()
            .find(|tool| !names.insert(tool.spec().name.clone()))
        {
            None => Ok(()),
            Some(tool) => Err(OutsideError::Declaration {
                place: origin.to_owned(),
                reason: format!(
                    "two tools are called `{}`; give one server another `prefix`, or `deny` the tool",
                    tool.spec().name
                ),
            }),
        }
    }

    fn all(&self) -> impl Iterator<Item = Arc<dyn Tool>> {
        let of_servers = self.servers.iter().flat_map(Server::tools);
        self.own.iter().cloned().chain(of_servers)
    }
}

/// What answers the calls of a tool.
#[derive(Clone)]
pub(super) enum Executor {
    Command(CommandExecutor),
    Endpoint(Endpoint),
}

/// A tool that a tool file declares itself.
struct OutsideTool {
    spec: ToolSpec,
    executor: Executor,
    /// Whether the executor gets `{"name", "arguments"}`.
    named: bool,
    timeout: Duration,
    surroundings: Surroundings,
}

impl Tool for OutsideTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture {
        let name: Arc<str> = self.spec.name.as_str().into();
        let tool = name.clone();
        let named = self.named;
        let executor = self.executor.clone();
        let surroundings = self.surroundings.clone();
        let work = async move {
            let plain = answers::plain(&tool, arguments)?;
            let input = match named {
                true => envelope(&tool, plain),
                false => plain,
            };
            executor.call(&tool, input, &surroundings).await
        };
        self.surroundings.run(context, name, self.timeout, work)
    }
}

impl Executor {
    async fn call(
        self,
        tool: &str,
        input: Map<String, Value>,
        surroundings: &Surroundings,
    ) -> Result<Held, ToolError> {
        match self {
            Self::Command(command) => command.call(tool, Value::Object(input), surroundings).await,
            Self::Endpoint(endpoint) => endpoint.call(tool, input, &surroundings.trees).await,
        }
    }
}

fn envelope(tool: &str, arguments: Map<String, Value>) -> Map<String, Value> {
    Map::from_iter([
        ("name".to_owned(), Value::from(tool)),
        ("arguments".to_owned(), Value::Object(arguments)),
    ])
}
