//! The loop between a language model and a session, in two action spaces.
//!
//! ```text
//!  AgentConfig + Model + tools ──► Agent ──► RunRequest ──► RunResult, Trajectory
//!                                   │
//!            code ──► Scope: a session here, or in a worker process
//!            tools ─► Broker: the same gate, without a session
//! ```
//! With `action_space = "code"` a model acts by writing Python that runs in a
//! persistent session, with `"tools"` by structured tool calls. The setting is
//! the only difference: the loop, the toolbox, the permission gate and the
//! record are the same.
//!
//! ```
//! use memex_agent::{Agent, AgentConfig, Reactor, RunRequest};
//! use memex_models::{Script, ScriptEntry, ScriptedModel};
//! use std::sync::Arc;
//!
//! let says = |text: &str| ScriptEntry { text: text.into(), ..ScriptEntry::default() };
//! let model = ScriptedModel::new("script", Script::new("greeting", vec![says("Hello.")]));
//! let config = AgentConfig::parse("action_space = 'tools'", "agent.toml")?;
//! let agent = Agent::builder(config, Arc::new(model), &Reactor::new()?).build()?;
//! let result = agent.run(RunRequest::new("Say hello."))?;
//! assert_eq!(result.answer.as_deref(), Some("Hello."));
//! # Ok::<(), memex_agent::Error>(())
//! ```
//!
//! The loop itself is not tied to these settings: a [`Dialogue`] is the same loop
//! for callers with their own [`Dialect`] and [`Scope`], one question after another.
//!
//! A mistake of a model or its code is never an [`Error`]: it is reported to the
//! model, or ends the run with a status and a saved trajectory.

mod agent;
mod approval;
mod assembly;
mod batch;
mod cancellation;
mod children;
mod config;
mod conversation;
mod error;
pub mod evaluation;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod harness;
mod hosted;
mod identifier;
mod inputs;
mod ledger;
mod observation;
mod prompt;
mod reactor;
mod reading;
mod recorder;
mod results;
mod run;
mod scope;
mod stopper;
mod worker;

pub use agent::{Agent, AgentBuilder};
pub use approval::Approver;
pub use assembly::{Assembly, for_agents};
pub use batch::run_batch;
pub use cancellation::{Cancellation, Stop, Stopping};
pub use config::{
    AgentConfig, AgentLimits, Backend, Budgets, CodeForm, ObservationOptions, PythonExec,
};
pub use conversation::Conversation;
pub use error::Error;
pub use harness::{Board, Check, Objects, OutputSchema, Submission, SubmissionSlot};
pub use hosted::HostedServer;
pub use inputs::{Input, InputSource};
pub use ledger::Ledger;
pub use memex_trajectories::ActionSpace;
pub use observation::{Ran, ScopeNames, change, cut, observation, result_text, shown};
pub use prompt::{definitions, system_prompt};
pub use reactor::Reactor;
pub use reading::{Action, Blocks, RequestedCall, blocks, read};
pub use run::{
    Answered, Beginning, Dialect, Dialogue, DialogueSettings, KeptScope, NoWatcher, RunRequest,
    RunResult, Spent, Watcher,
};
pub use scope::{InProcess, Scope};
pub use stopper::Stopper;
pub use worker::{WorkerCommand, Workers, serve};
