//! A Python scope that persists from turn to turn and is safe to give to code
//! that nobody has read.
//!
//! The Python is CPython in WebAssembly, with numpy and pandas. A session keeps its
//! objects between turns; it is saved, forked and rewound by the difference to an
//! image. What its code may do is a policy, what it may call are tools of the host.
//!
//! This crate re-exports what an embedder needs. The first level has the common
//! path; every crate of the workspace is a module with the rest.
//!
//! # Run code
//! A [`Host`] is what the process gives to its sessions, a [`SessionSpec`] is
//! everything that makes one. The first session builds an image in the cache, which
//! takes a minute or two; later ones map it.
//! ```
//! use memex::{Host, NoSecrets, SessionSpec};
//!
//! # let cache = memex_tests::cache_directory();
//! let runtime = tokio::runtime::Runtime::new()?;
//! let host = Host::new(runtime.handle().clone()).cache_directory(Some(cache));
//! let spec = SessionSpec::builder().limit("guest_time_ms", "2s").build();
//! let mut session = memex::open(&spec, &host, &NoSecrets)?.session;
//!
//! session.run("import pandas as pd\nframe = pd.DataFrame({'n': [20, 22]})")?;
//! assert_eq!(session.run("int(frame.n.sum())")?.value.as_deref(), Some("42"));
//!
//! // What goes wrong in the code is an outcome, and the session goes on.
//! let outcome = session.run("while True: pass")?;
//! assert_eq!(outcome.limit.unwrap().name, "guest_time_ms");
//! assert!(session.run("frame.shape")?.is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A tool
//! A Rust function that the code calls as a typed Python function. The [`Broker`]
//! permits, checks and counts its calls.
//! ```
//! use memex::{Broker, Host, NoSecrets, SessionOptions, SessionSpec, ToolGrants, Toolbox};
//! use std::sync::Arc;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Place {
//!     /// The name of a town.
//!     town: String,
//! }
//!
//! # let cache = memex_tests::cache_directory();
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # let host = Host::new(runtime.handle().clone()).cache_directory(Some(cache));
//! let celsius = memex::function("celsius", "How warm it is in a town.", |_, place: Place| {
//!     async move { Ok(place.town.len() as f64) }
//! });
//! let toolbox = Toolbox::builder().tool(Arc::new(celsius)).build()?;
//! let grants = ToolGrants { allow: vec!["celsius".into()], deny: vec![] };
//! let broker = Broker::builder(toolbox, grants, runtime.handle().clone()).build();
//!
//! let sandbox = memex::open(&SessionSpec::default(), &host, &NoSecrets)?.sandbox;
//! let options = SessionOptions { calls: Some(Box::new(broker)), ..SessionOptions::default() };
//! let mut session = sandbox.session(options)?;
//! let outcome = session.run("max(celsius('Oslo'), await celsius.aio('Uppsala'))")?;
//! assert_eq!(outcome.value.as_deref(), Some("7.0"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Fork and rewind
//! ```
//! use memex::{Host, NoSecrets, SessionOptions, SessionSpec};
//!
//! # let cache = memex_tests::cache_directory();
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # let host = Host::new(runtime.handle().clone()).cache_directory(Some(cache));
//! let mut session = memex::open(&SessionSpec::default(), &host, &NoSecrets)?.session;
//! session.run("found = ['a']")?;
//! let before = session.snapshot()?;
//!
//! let mut forks = session.fork(2, |_| SessionOptions::default())?;
//! forks[0].run("found.append('b')")?;
//! assert_eq!(forks[0].run("found")?.value.as_deref(), Some("['a', 'b']"));
//! assert_eq!(forks[1].run("found")?.value.as_deref(), Some("['a']"));
//!
//! session.run("del found")?;
//! session.rewind(&before)?;
//! assert_eq!(session.run("found")?.value.as_deref(), Some("['a']"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Suspension
//! A client tool is one that the other side of your API runs. A turn that calls one
//! returns with the calls, and goes on when their answers are there, here or, saved,
//! in another process.
//! ```
//! use memex::{Answer, Broker, ClientAnswer, Host, NoSecrets, SessionOptions, SessionSpec};
//! use memex::{Suspendable, SuspendedStep, ToolGrants, ToolSpec, Toolbox};
//! use serde_json::json;
//! use std::sync::Arc;
//!
//! # let cache = memex_tests::cache_directory();
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # let host = Host::new(runtime.handle().clone()).cache_directory(Some(cache));
//! let lookup = memex::client_tool(ToolSpec {
//!     name: "lookup".into(),
//!     description: "What the client knows of a key.".into(),
//!     parameters: json!({
//!         "type": "object", "properties": { "key": { "type": "string" } }, "required": ["key"],
//!     }),
//!     returns: None,
//!     timeout: None,
//! });
//! let toolbox = Toolbox::builder().tool(Arc::new(lookup)).build()?;
//! let grants = ToolGrants { allow: vec!["*".into()], deny: vec![] };
//! let broker = Broker::builder(toolbox, grants, runtime.handle().clone()).build();
//! let sandbox = memex::open(&SessionSpec::default(), &host, &NoSecrets)?.sandbox;
//! let mut session = Suspendable::new(&sandbox, broker, SessionOptions::default())?;
//!
//! let SuspendedStep::Waiting { calls, .. } = session.start("lookup('a') + 1")? else {
//!     panic!("it waits for the client");
//! };
//! assert_eq!(calls[0].arguments.json["key"], "a");
//! let answer = ClientAnswer::Value(Answer::json(json!(41)));
//! let SuspendedStep::Done(outcome) = session.answer([(calls[0].id.clone(), answer)])? else {
//!     panic!("nothing is left to answer");
//! };
//! assert_eq!(outcome.value.as_deref(), Some("42"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(
    feature = "agent",
    doc = r##"
# An agent
A model of your own acts by code, with a tool, and hands in an answer of a type.
```
use memex::agent::{Agent, AgentConfig, CodeForm, OutputSchema, Reactor, RunRequest};
use memex::models::{BoxFuture, DeltaSink, Model, ModelError, Reply, Request};
use memex::{Host, NoArguments, NoSecrets, Policy, PolicySource, Preset, SessionSpec, Tool};
use std::sync::Arc;

struct Own;
impl Model for Own {
    fn name(&self) -> &str { "own" }
    fn complete<'a>(&'a self, _: &'a Request, _: &'a mut dyn DeltaSink)
        -> BoxFuture<'a, Result<Reply, ModelError>> {
        Box::pin(async { Ok(Reply::text("```python\nsubmit(value=celsius() + 2)\n```")) })
    }
}
# let cache = memex_tests::cache_directory();
# let runtime = tokio::runtime::Runtime::new()?;
# let host = Host::new(runtime.handle().clone()).cache_directory(Some(cache));
let mut policy = Policy::from_preset(Preset::Workspace);
policy.tools.allow = vec!["celsius".into()];
let spec = SessionSpec::builder().policy(PolicySource::of(&policy)?).build();
let celsius = memex::immediate("celsius", "How warm it is.", |_, _: NoArguments| Ok(40));
let config = AgentConfig { code_form: CodeForm::Fenced, ..AgentConfig::default() };
let agent = Agent::builder(config, Arc::new(Own), &Reactor::new()?)
    .sandbox(memex::open(&spec, &host, &NoSecrets)?.sandbox)
    .tools([Arc::new(celsius) as Arc<dyn Tool>])
    .build()?;
let output = Some(OutputSchema::new(serde_json::json!({ "type": "integer" }))?);
let result = agent.run(RunRequest { output, ..RunRequest::new("Two degrees more than now?") })?;
assert_eq!(result.submission, Some(serde_json::json!(42)));
# Ok::<(), Box<dyn std::error::Error>>(())
```
"##
)]

#[cfg(feature = "agent")]
pub use memex_agent as agent;
pub use memex_channel as channel;
pub use memex_external as external;
pub use memex_host_tools as host_tools;
pub use memex_memory as memory;
#[cfg(feature = "agent")]
pub use memex_models as models;
pub use memex_policies as policies;
pub use memex_runtime as runtime;
pub use memex_sessions as sessions;
pub use memex_snapshots as snapshots;
pub use memex_sql as sql;
#[cfg(feature = "agent")]
pub use memex_trajectories as trajectories;

pub use memex_external::Secrets;
pub use memex_host_tools::{
    Answer, Arguments, Blob, Broker, CallContext, ClientAnswer, ClientCall, NoArguments, Table,
    Tool, ToolError, ToolSpec, Toolbox, client_tool, function, immediate,
};
pub use memex_policies::{Policy, Preset, ToolGrants};
pub use memex_runtime::{
    Error as RuntimeError, Interrupter, Outcome, OutputSink, Sandbox, Session, SessionOptions,
    Snapshot, Status, Step,
};
pub use memex_sessions::{
    Error, Host, NoSecrets, Opened, PolicySource, Resolved, SessionSpec, Suspendable,
    SuspendedStep, Suspension, open,
};
