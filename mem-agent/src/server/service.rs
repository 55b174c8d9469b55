//! The agent as a tool of other programs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use memex_host_tools::{Arguments, CallContext, Tool as MemoryTool};
use memex_memory::tools;
use memex_models::Model;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    JsonObject, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProgressToken,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{Peer, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{Agent, AgentOptions, Answer, Error, Event, Workplace};

/// The name of the server.
pub const SERVER_NAME: &str = "memory-agent-server";
/// The name of its tool.
pub const TOOL_NAME: &str = "use_memory_agent";

const DESCRIPTION: &str = "Asks an agent that keeps a person's long-term memory: facts about \
the person, people, places and projects. It answers from the memory, saves what it is told, and \
asks back where something is missing. Pass the person's words on as they are.";
/// Agents at work at once; further calls wait.
const AGENTS_MAX: usize = 16;
/// How often a client is told that its agent is still at work.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Steps that are queued for a slow client; further ones are dropped.
const STEPS_MAX: usize = 64;
/// The time of one of the ten tools.
const TOOL_TIME: Duration = Duration::from_secs(30);

/// State shared by all clients of a server.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Shared>,
}

struct Shared {
    workplace: Workplace,
    model: Arc<dyn Model>,
    options: AgentOptions,
    tools: Vec<Arc<dyn MemoryTool>>,
    agents: Semaphore,
    calls: AtomicU64,
    prefix: String,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("workplace", &self.shared.workplace)
            .field("tools", &self.shared.tools.len())
            .finish_non_exhaustive()
    }
}

impl Service {
    /// A server whose agents work on one memory, each call with a fresh one.
    /// `with_tools` offers the ten tools themselves as well. Changes are
    /// journalled under `prefix` and the number of the call.
    #[must_use]
    pub fn new(
        workplace: &Workplace,
        model: Arc<dyn Model>,
        options: AgentOptions,
        with_tools: bool,
        prefix: &str,
    ) -> Self {
        let offered = match with_tools {
            true => tools(workplace.memory(), None),
            false => Vec::new(),
        };
        Self {
            shared: Arc::new(Shared {
                workplace: workplace.clone(),
                model,
                options,
                tools: offered,
                agents: Semaphore::new(AGENTS_MAX),
                calls: AtomicU64::new(0),
                prefix: prefix.to_owned(),
            }),
        }
    }

    fn call_id(&self) -> String {
        let number = self.shared.calls.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{}-{number}", self.shared.prefix)
    }

    /// Asks a fresh agent. A failure is a text too, and says that it is one; an
    /// agent that ran out of turns has failed.
    async fn ask(&self, question: &str, steps: Option<mpsc::Sender<String>>) -> CallToolResult {
        let answered = self.answer(question, steps).await;
        let failure = match answered {
            Ok(Answer { reply, .. }) if !reply.is_empty() => {
                return CallToolResult::success(vec![ContentBlock::text(reply)]);
            }
            Ok(Answer { calls, .. }) => {
                format!("agent_error: NoAnswer: the model replied {calls} times and did not answer")
            }
            Err(error) => format!("agent_error: {}: {error}", error.class()),
        };
        CallToolResult::error(vec![ContentBlock::text(failure)])
    }

    async fn answer(
        &self,
        question: &str,
        steps: Option<mpsc::Sender<String>>,
    ) -> Result<Answer, Error> {
        let shared = &self.shared;
        let _place = shared
            .agents
            .acquire()
            .await
            .map_err(|_| memex_agent::Error::Lost)?;
        let model = Arc::clone(&shared.model);
        let options = shared.options.clone();
        let mut agent = Agent::new(&shared.workplace, model, options, self.call_id());
        let mut watch = move |event: Event<'_>| {
            let Some(steps) = &steps else { return };
            let told = match event {
                Event::Asked(1) => "reading the question".to_owned(),
                Event::Asked(call) => format!("thinking, reply {call}"),
                Event::Runs(_) => "working on the memory".to_owned(),
                _ => return,
            };
            // A client that does not keep up misses steps, not the answer.
            let _ = steps.try_send(told);
        };
        agent.ask(question, &mut watch).await
    }

    async fn use_agent(
        &self,
        arguments: &JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        let Some(Value::String(question)) = arguments.get("question") else {
            let what = "the argument `question` must be a string";
            return Err(ErrorData::invalid_params(what, None));
        };
        let token = context.meta.get_progress_token();
        let (sender, receiver) = mpsc::channel(STEPS_MAX);
        let steps = token.is_some().then_some(sender);
        let telling = async {
            if let Some(token) = token {
                tell(context.peer.clone(), token, receiver).await;
            }
        };
        let work = async { tokio::join!(self.ask(question, steps), telling).0 };
        tokio::select! {
            answered = work => Ok(answered),
            () = context.ct.cancelled() => {
                Err(ErrorData::internal_error("the call was cancelled", None))
            }
        }
    }

    async fn use_tool(
        &self,
        tool: &Arc<dyn MemoryTool>,
        arguments: JsonObject,
        cancelled: CancellationToken,
    ) -> CallToolResult {
        let context = CallContext {
            session: self.call_id().into(),
            deadline: Instant::now() + TOOL_TIME,
            cancelled,
        };
        let known = &tool.spec().parameters["properties"];
        let unknown = arguments
            .keys()
            .find(|name| known.get(name.as_str()).is_none());
        if let Some(name) = unknown {
            let what = format!("TypeError: {}: {name}: is no parameter", tool.spec().name);
            return CallToolResult::error(vec![ContentBlock::text(what)]);
        }
        let arguments = Arguments {
            json: arguments,
            parts: Vec::new(),
        };
        match tool.call(context, arguments).await {
            Ok(answer) => {
                let text = match answer.json {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                CallToolResult::success(vec![ContentBlock::text(text)])
            }
            Err(error) => CallToolResult::error(vec![ContentBlock::text(error.to_string())]),
        }
    }
}

/// Reports steps to a client as they come, and between them that there are some to come: a
/// client may give up a call of which it hears nothing.
async fn tell(peer: Peer<RoleServer>, token: ProgressToken, mut steps: mpsc::Receiver<String>) {
    let mut number = 0.0;
    let mut last = "waiting for other calls".to_owned();
    loop {
        let step = match tokio::time::timeout(HEARTBEAT, steps.recv()).await {
            Ok(Some(step)) => step,
            Ok(None) => return,
            Err(_) => last.clone(),
        };
        number += 1.0;
        last.clone_from(&step);
        let told = ProgressNotificationParam::new(token.clone(), number).with_message(step);
        if peer.notify_progress(told).await.is_err() {
            return;
        }
    }
}

impl ServerHandler for Service {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new(SERVER_NAME, env!("CARGO_PKG_VERSION")))
            .with_instructions(DESCRIPTION)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({
            "type": "object",
            "properties": {"question": {
                "type": "string",
                "description": "What to ask the memory, or to tell it, in the person's own words.",
            }},
            "required": ["question"],
        });
        let agent = Tool::new(TOOL_NAME, DESCRIPTION, object(schema));
        let tools = self.shared.tools.iter().map(|tool| {
            let spec = tool.spec();
            let parameters = object(spec.parameters.clone());
            Tool::new(spec.name.clone(), spec.description.clone(), parameters)
        });
        let all = std::iter::once(agent).chain(tools).collect();
        Ok(ListToolsResult::with_all_items(all))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        if request.name == TOOL_NAME {
            return Ok(self.use_agent(&arguments, &context).await?.into());
        }
        let mut tools = self.shared.tools.iter();
        let Some(tool) = tools.find(|tool| tool.spec().name == request.name) else {
            let what = format!("there is no tool {:?}", request.name);
            return Err(ErrorData::invalid_params(what, None));
        };
        Ok(self.use_tool(tool, arguments, context.ct).await.into())
    }
}

fn object(schema: Value) -> Arc<JsonObject> {
    match schema {
        Value::Object(object) => Arc::new(object),
        _ => Arc::default(),
    }
}
