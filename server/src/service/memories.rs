//! Memories of tenants: folders of Markdown that an agent keeps, by `mem-agent`.
//!
//! A memory is `DATA/tenants/TENANT/memories/NAME`. Clients ask its agent, call the ten
//! tools that the agent has, and read and write the files; all three are held to the
//! memory's limits, and no path leads out of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use memex_host_tools::{Arguments, CallContext, ToolSpec};
use memex_mem_agent::{Agent, AgentOptions, CODE_TIME, Event, Workplace};
use memex_memory::{Author, Memory, Options, tools};
use memex_runtime::NoProgress;
use memex_sessions::ImageSource;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::asked::{Asked, Asking};
use super::state::{Inner, Service};
use crate::clock::now_ms;
use crate::error::{ErrorKind, ServiceError};
use crate::files::make_private_directory;
use crate::names::{Id, check_tenant_name};
use crate::tenants::{Principal, Scope};

/// Characters of a question.
const QUESTION_MAX_CHARS: usize = 100_000;
/// Events of an answer that wait for a slow reader; further ones are left out.
const EVENTS_MAX: usize = 256;
/// The time of one of the ten tools.
const TOOL_TIME: Duration = Duration::from_secs(30);
/// How the folders of memories begin that are about to be removed.
const GONE: &str = ".gone-";
/// Who writes files from outside, in a memory's journal.
const AUTHOR: &str = "api";

impl Service {
    /// The names of the tenant's memories.
    ///
    /// # Errors
    /// When the key does not permit it.
    pub async fn memories(&self, who: &Principal) -> Result<Vec<String>, ServiceError> {
        self.inner.check_tenant_wide(who, Scope::Files)?;
        let folder = self.inner.memories_of(who.tenant());
        let listed = self
            .inner
            .aside(move |_| names(&folder).map_err(|e| failed(&e)));
        listed.await
    }

    /// Makes a memory; says whether it is new.
    ///
    /// # Errors
    /// When the name is none, or the tenant has as many as allowed.
    pub async fn create_memory(&self, who: &Principal, name: &str) -> Result<bool, ServiceError> {
        self.inner.check_tenant_wide(who, Scope::Create)?;
        self.inner.check_ready()?;
        let path = self.inner.memory_at(who, name)?;
        let (folder, most) = (
            self.inner.memories_of(who.tenant()),
            who.tenant.quota().memories,
        );
        let made = self.inner.aside(move |inner| {
            let _making = inner.memories.making.lock();
            if path.is_dir() {
                return Ok(false);
            }
            let there = names(&folder).map_err(|e| failed(&e))?.len();
            if there >= most {
                return Err(ServiceError::new(
                    ErrorKind::Exhausted,
                    "quota-memories",
                    format!("the tenant has {there} memories, as many as allowed"),
                    "delete one that is not used any more",
                )
                .retry_after(Duration::from_secs(5)));
            }
            make_private_directory(&path).map_err(|e| failed(&e))?;
            Ok(true)
        });
        let is_new = made.await?;
        self.inner.tell_of(who, "create-memory", name, "ok", None);
        Ok(is_new)
    }

    /// Ends a memory, with everything in it.
    ///
    /// # Errors
    /// When there is none of this name.
    pub async fn remove_memory(&self, who: &Principal, name: &str) -> Result<(), ServiceError> {
        self.inner.check_tenant_wide(who, Scope::Create)?;
        let path = self.inner.memory_at(who, name)?;
        let (known, mark) = (name.to_owned(), Id::random());
        let mark = mark.map_err(|e| failed(&e))?;
        let removed = self.inner.aside(move |_| {
            // First out of sight, all at once.
            let gone = path.with_file_name(format!("{GONE}{mark}"));
            match std::fs::rename(&path, &gone) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(ServiceError::not_found("memory", &known));
                }
                renamed => renamed.map_err(|e| failed(&e))?,
            }
            path.parent()
                .map_or(Ok(()), |folder| sweep(folder).map_err(|e| failed(&e)))
        });
        removed.await?;
        self.inner.tell_of(who, "remove-memory", name, "ok", None);
        Ok(())
    }

    /// The paths of a memory's files.
    ///
    /// # Errors
    /// When there is none of this name.
    pub async fn memory_files(
        &self,
        who: &Principal,
        name: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let files = |memory: &Memory| memory.files();
        self.inner.with_memory(who, name, Scope::Files, files).await
    }

    /// The bytes of one of its files.
    ///
    /// # Errors
    /// When there is no such file.
    pub async fn read_memory(
        &self,
        who: &Principal,
        name: &str,
        path: String,
    ) -> Result<Vec<u8>, ServiceError> {
        let bytes = move |memory: &Memory| memory.bytes(&path);
        self.inner.with_memory(who, name, Scope::Files, bytes).await
    }

    /// Writes one of its files, whole or not at all.
    ///
    /// # Errors
    /// When a limit of the memory forbids it.
    pub async fn write_memory(
        &self,
        who: &Principal,
        name: &str,
        path: String,
        bytes: Vec<u8>,
    ) -> Result<(), ServiceError> {
        self.inner.check_ready()?;
        let write = move |memory: &Memory| memory.write(Author::person(AUTHOR), &path, &bytes);
        self.inner
            .with_memory(who, name, Scope::Files, write)
            .await?;
        self.inner.tell_of(who, "write-memory", name, "ok", None);
        Ok(())
    }

    /// The tools of a memory's agent.
    ///
    /// # Errors
    /// When there is none of this name.
    pub async fn memory_tools(
        &self,
        who: &Principal,
        name: &str,
    ) -> Result<Vec<ToolSpec>, ServiceError> {
        let specs = |memory: &Memory| {
            let all = tools(memory, None);
            Ok(all.iter().map(|tool| tool.spec().clone()).collect())
        };
        self.inner.with_memory(who, name, Scope::Files, specs).await
    }

    /// Calls one of the tools.
    ///
    /// # Errors
    /// When there is no such tool, and what the tool raises.
    pub async fn call_memory_tool(
        &self,
        who: &Principal,
        name: &str,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<Value, ServiceError> {
        self.inner.check_ready()?;
        let memory = self.inner.memory(who, name, Scope::Files).await?;
        let tools = tools(&memory, None);
        let found = tools.iter().find(|known| known.spec().name == tool);
        let found = found.ok_or_else(|| ServiceError::not_found("tool", tool))?;
        let known = found.spec().parameters.get("properties");
        let is_known = |name: &String| known.is_some_and(|known| known.get(name).is_some());
        if let Some(other) = arguments.keys().find(|name| !is_known(name)) {
            let other: String = other.chars().take(100).collect();
            let what = format!("the tool {tool} has no parameter {other:?}");
            return Err(ServiceError::invalid(what, "GET …/tools lists them"));
        }
        let context = CallContext {
            session: AUTHOR.into(),
            deadline: Instant::now() + TOOL_TIME,
            cancelled: CancellationToken::new(),
        };
        let arguments = Arguments {
            json: arguments,
            parts: Vec::new(),
        };
        // It answers at once, and may wait for another writer.
        let (runtime, call) = (self.inner.runtime()?, found.call(context, arguments));
        let called = self.inner.aside(move |_| Ok(runtime.block_on(call)));
        let answer = called.await?.map_err(|error| {
            ServiceError::new(
                ErrorKind::Invalid,
                "tool-raised",
                error.to_string(),
                "GET …/tools says what the tool takes",
            )
        })?;
        self.inner.tell_of(who, "call-memory", name, "ok", None);
        Ok(answer.json)
    }

    /// Asks a memory's agent, or tells it something. Each question is a new conversation.
    ///
    /// # Errors
    /// When there is no such memory or agent, and when a quota is used up.
    pub async fn ask_memory(
        &self,
        who: &Principal,
        name: &str,
        agent: Option<&str>,
        question: String,
    ) -> Result<Asking, ServiceError> {
        let inner = &self.inner;
        inner.check_tenant_wide(who, Scope::Run)?;
        inner.check_ready()?;
        let chars = question.chars().count();
        if question.trim().is_empty() || chars > QUESTION_MAX_CHARS {
            return Err(ServiceError::invalid(
                format!("the question has {chars} characters"),
                format!("ask in 1 to {QUESTION_MAX_CHARS} characters"),
            ));
        }
        let catalogue = inner.agents.catalogue.read().clone();
        let operated = catalogue.find(&who.tenant, agent)?;
        let memory = inner.memory(who, name, Scope::Run).await?;
        who.tenant.usage.admit_turn(&who.tenant.quota(), now_ms())?;
        let place = inner.agents.counts.begin(&who.tenant)?;
        let workplace = inner.aside(move |inner| inner.workplace(&memory)).await?;
        let id = Id::random().map_err(|e| failed(&e))?;
        let options = AgentOptions {
            temperature: operated.config.temperature,
            max_tokens: operated.config.reply_tokens,
            prices: Arc::new(operated.prices.clone()),
            ..AgentOptions::default()
        };
        inner.tell_of(who, "ask-memory", name, "started", Some(&question));
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let model = Arc::clone(&operated.model);
        let service = Arc::clone(inner);
        let mut agent = Agent::new(&workplace, model, options, format!("ask-{id}"));
        let stopper = agent.stopper();
        let answer = inner.runtime()?.spawn(async move {
            let mut watch = move |event: Event<'_>| {
                let told = match event {
                    Event::Asked(reply) => ("asked", json!({ "reply": reply })),
                    Event::Runs(code) => ("runs", json!({ "code": code })),
                    Event::Result(text) => ("result", json!({ "text": text })),
                    _ => return,
                };
                // A reader that does not keep up misses steps, not the answer.
                let _slow = sender.try_send(told);
            };
            let asked = agent.ask(&question, &mut watch).await;
            drop(watch);
            let totals = agent.finish().map(|run| run.totals).unwrap_or_default();
            let tokens = totals.input_tokens.saturating_add(totals.output_tokens);
            place.settle(tokens, totals.guest_time_ms.saturating_mul(1_000));
            let status = if asked.is_ok() { "answered" } else { "failed" };
            service.metrics.agent_ended(status, tokens);
            let answer = asked.map_err(|error| {
                ServiceError::new(
                    ErrorKind::Unavailable,
                    "agent-failed",
                    format!("{}: {error}", error.class()),
                    "try again; the operator chose the model",
                )
            })?;
            Ok::<_, ServiceError>(Asked {
                reply: Some(answer.reply).filter(|reply| !reply.is_empty()),
                calls: answer.calls,
                input_tokens: answer.usage.input,
                output_tokens: answer.usage.output,
                cost_usd: answer.cost_usd,
            })
        });
        Ok(Asking {
            events,
            answer,
            stopper,
            is_over: false,
        })
    }
}

impl Inner {
    fn runtime(&self) -> Result<tokio::runtime::Handle, ServiceError> {
        let runtime = self.host.runtime();
        runtime.map_err(|error| ServiceError::internal(error.to_string()))
    }

    fn memories_of(&self, tenant: &str) -> PathBuf {
        let tenants = self.options.data.join("tenants");
        tenants.join(tenant).join("memories")
    }

    /// Where a memory is or would be. A name that is none names nothing.
    fn memory_at(&self, who: &Principal, name: &str) -> Result<PathBuf, ServiceError> {
        match check_tenant_name(name) {
            Ok(()) => Ok(self.memories_of(who.tenant()).join(name)),
            Err(_) => {
                let name: String = name.chars().take(100).collect();
                Err(ServiceError::invalid(
                    format!("{name:?} is no name of a memory"),
                    "write 1 to 40 of a-z, 0-9 and -, not beginning with -",
                ))
            }
        }
    }

    async fn memory(
        self: &Arc<Self>,
        who: &Principal,
        name: &str,
        scope: Scope,
    ) -> Result<Memory, ServiceError> {
        self.with_memory(who, name, scope, |memory| Ok(memory.clone()))
            .await
    }

    async fn with_memory<R: Send + 'static>(
        self: &Arc<Self>,
        who: &Principal,
        name: &str,
        scope: Scope,
        work: impl FnOnce(&Memory) -> Result<R, memex_memory::Error> + Send + 'static,
    ) -> Result<R, ServiceError> {
        self.check_tenant_wide(who, scope)?;
        let path = self.memory_at(who, name)?;
        let known = name.to_owned();
        self.aside(move |_| {
            if !path.is_dir() {
                return Err(ServiceError::not_found("memory", &known));
            }
            let memory = Memory::open(&path, Options::default());
            memory
                .and_then(|memory| work(&memory))
                .map_err(|error| refused(&error))
        })
        .await
    }

    /// The sandbox of agents' code, on this memory.
    fn workplace(&self, memory: &Memory) -> Result<Workplace, ServiceError> {
        let told = |error: &dyn std::error::Error| ServiceError::internal(error.to_string());
        let mut known = self.memories.workplace.lock();
        if let Some(workplace) = &*known {
            return workplace.beside(memory).map_err(|e| told(&e));
        }
        let policy = memex_mem_agent::policy(CODE_TIME).map_err(|e| told(&e))?;
        let images = self.host.images().map_err(|e| told(&e))?;
        let image = ImageSource::default();
        let sandbox = images.sandbox(&image, Arc::new(policy), &mut NoProgress);
        let sandbox = sandbox.map_err(|e| told(&e))?;
        let made = Workplace::new(memory, &sandbox, self.runtime()?).map_err(|e| told(&e))?;
        *known = Some(made.clone());
        Ok(made)
    }
}

/// Removes the memories that are out of sight, and those whose removal a kill has cut.
fn sweep(folder: &std::path::Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(GONE) {
            match std::fs::remove_dir_all(entry.path()) {
                // Another request was faster.
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// The names of the memories in a folder.
fn names(folder: &std::path::Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().into_string().unwrap_or_default();
        if check_tenant_name(&name).is_ok() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn failed(error: &std::io::Error) -> ServiceError {
    super::assembling::no_room(error)
}

/// What a memory refuses.
fn refused(error: &memex_memory::Error) -> ServiceError {
    use memex_memory::Error;
    let text = error.to_string();
    match error {
        error if error.is_not_found() => ServiceError::new(
            ErrorKind::NotFound,
            "not-found",
            text,
            "GET …/files lists what there is",
        ),
        Error::TooLarge { .. } => {
            ServiceError::new(ErrorKind::TooLarge, "too-large", text, "write less")
        }
        Error::Full { .. } => ServiceError::new(
            ErrorKind::NoSpace,
            "no-space",
            text,
            "delete something first",
        ),
        Error::Busy { .. } => ServiceError::new(ErrorKind::Conflict, "busy", text, "try again")
            .retry_after(Duration::from_secs(1)),
        Error::Gone => ServiceError::not_found("memory", "with this name"),
        _ => ServiceError::invalid(text, "name a file by its path in the memory"),
    }
}
