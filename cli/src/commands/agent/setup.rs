//! From options to an agent.

use super::settings::{SettingArguments, Settings};
use crate::context::Context;
use crate::failure::{usage, usage_as_told};
use crate::session_options::SessionArguments;
use crate::toolsets::{ToolArguments, Toolset};
use anyhow::Result;
use clap::Args;
use memex_agent::{
    ActionSpace, Agent, Backend, Input, OutputSchema, Reactor, WorkerCommand, Workers,
};
use memex_host_tools::Tool;
use memex_models::{ApiKey, Model, ModelConfig, ModelSpec};
use memex_policies::Policy;
use serde_json::Value;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// Time of a turn that waits for agents and models.
const WALL_TIME_MS: u64 = 3_600_000;

/// Everything that makes an agent.
#[derive(Debug, Clone, Args)]
pub(crate) struct AgentOptions {
    #[command(flatten)]
    pub(crate) settings: SettingArguments,
    #[command(flatten)]
    pub(crate) tools: ToolArguments,
    #[command(flatten)]
    pub(crate) session: SessionArguments,
}

/// What a task is asked with.
#[derive(Debug, Clone, Args)]
pub(crate) struct TaskArguments {
    /// Put an object into the scope: JSON, JSON lines, CSV, Parquet, Arrow, text, a folder of texts, trajectories
    #[arg(long = "input", value_name = "NAME=PATH", value_parser = parse_input)]
    inputs: Vec<Input>,

    /// Put a value into the scope
    #[arg(long = "value", value_name = "NAME=JSON", value_parser = parse_value)]
    values: Vec<Input>,

    /// The JSON Schema of the answer: a file, or the schema itself
    #[arg(long, value_name = "SCHEMA")]
    output: Option<String>,
}

/// An agent, and what has to live as long.
pub(crate) struct Assembled {
    pub(crate) agent: Agent,
    pub(crate) _tools: Option<Toolset>,
}

impl TaskArguments {
    pub(crate) fn inputs(&self) -> Vec<Input> {
        let both = self.inputs.iter().chain(&self.values);
        both.cloned().collect()
    }

    pub(crate) fn output(&self) -> Result<Option<OutputSchema>> {
        let Some(given) = &self.output else {
            return Ok(None);
        };
        let hint = "give a JSON Schema, such as '{\"type\": \"number\"}', or a file of one";
        let text = match given.trim_start().starts_with('{') {
            true => given.clone(),
            false => std::fs::read_to_string(given)
                .map_err(|error| usage(format!("{given}: {error}"), hint))?,
        };
        let schema: Value = serde_json::from_str(&text)
            .map_err(|error| usage(format!("--output: {error}"), hint))?;
        let output = OutputSchema::new(schema).map_err(usage_as_told)?;
        Ok(Some(output))
    }
}

impl AgentOptions {
    /// The agent.
    pub(crate) fn assemble(&self, context: &Context) -> Result<Assembled> {
        self.assemble_more(self.settings.resolve()?, context, &[])
    }

    /// The agent of these settings, with further tools, which are granted.
    pub(crate) fn assemble_more(
        &self,
        settings: Settings,
        context: &Context,
        more: &[Arc<dyn Tool>],
    ) -> Result<Assembled> {
        let policy = self.session.policy(context)?;
        let tools = self.tools.open(context, &policy)?;
        let mut policy = granted(policy, tools.as_ref());
        for tool in more {
            policy.tools.allow.push(tool.spec().name.clone());
        }
        let reactor = Reactor::new().map_err(anyhow::Error::new)?;
        let in_code = settings.config.action_space == ActionSpace::Code;
        let in_process = settings.config.backend == Backend::InProcess;
        let model = build(&settings.model)?;
        let mut builder = Agent::builder(settings.config, model, &reactor).prices(settings.prices);
        for (name, config) in &settings.also {
            builder = builder.model(name, build(config)?);
        }
        if let Some(tools) = &tools {
            let all = tools.toolbox().iter().map(|entry| Arc::clone(entry.tool()));
            builder = builder.tools(all);
            if let Some(audit) = tools.audit_log() {
                builder = builder.audit(audit);
            }
        }
        builder = builder
            .tools(more.iter().cloned())
            .approver(Arc::new(super::telling::AtTerminal::default()));
        builder = match (in_code, in_process) {
            (true, true) => builder.sandbox(self.session.sandbox(context, policy)?),
            (true, false) => {
                // What is wrong with it, and an image that is not built yet, is
                // told here and not by workers.
                drop(self.session.sandbox(context, policy.clone())?);
                builder
                    .policy(Arc::new(policy))
                    .workers(Workers::new(worker_command(context)?))
            }
            (false, _) => builder.policy(Arc::new(policy)),
        };
        Ok(Assembled {
            agent: builder.build().map_err(usage_as_told)?,
            _tools: tools,
        })
    }
}

/// The policy with what the command line gives, and time enough for agents.
fn granted(mut policy: Policy, tools: Option<&Toolset>) -> Policy {
    if let Some(tools) = tools {
        policy.tools = tools.grants().clone();
    }
    with_time(policy)
}

/// The policy with time enough for turns that wait for agents and models,
/// unless the command line says otherwise.
pub(super) fn with_time(mut policy: Policy) -> Policy {
    let untouched = Policy::from_preset(policy.preset).limits.wall_time_ms;
    if policy.limits.wall_time_ms == untouched {
        // Below what the preset allows, this leaves the limit as it is.
        let _raised = policy.set_limit("wall_time_ms", WALL_TIME_MS);
    }
    policy
}

/// The model, with its provider's key from the environment.
pub(crate) fn build(config: &ModelConfig) -> Result<Arc<dyn Model>> {
    let variable = match &config.spec {
        ModelSpec::Remote { provider, .. } => provider.key_variable(),
        _ => None,
    };
    let key = variable
        .and_then(|name| env::var(name).ok())
        .map(ApiKey::new);
    config.build(key).map_err(usage_as_told)
}

/// This program, started as a worker with the same policy and image.
fn worker_command(context: &Context) -> Result<WorkerCommand> {
    let mut arguments: Vec<OsString> = vec!["agent".into(), "worker".into()];
    arguments.push("--cache".into());
    arguments.push(context.cache_directory()?.into());
    arguments.push("--cpu".into());
    arguments.push(context.cpu().name().into());
    // What the worker's session may do was said to this process.
    let own: Vec<OsString> = env::args_os().collect();
    arguments.extend(passed_on(&own));
    Ok(WorkerCommand {
        program: env::current_exe()?,
        arguments,
    })
}

/// The options of a session among those of a command line.
fn passed_on(own: &[OsString]) -> Vec<OsString> {
    const NAMES: [&str; 7] = [
        "--policy",
        "--mount",
        "--limit",
        "--env",
        "--image",
        "--preload",
        "--package",
    ];
    let mut passed = Vec::new();
    let mut arguments = own.iter();
    while let Some(argument) = arguments.next() {
        let Some(text) = argument.to_str() else {
            continue;
        };
        if NAMES.contains(&text) {
            passed.push(argument.clone());
            passed.extend(arguments.next().cloned());
        } else if NAMES.iter().any(|name| {
            let rest = text.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with('='))
        }) {
            passed.push(argument.clone());
        }
    }
    passed
}

fn parse_input(text: &str) -> Result<Input, String> {
    match text.split_once('=') {
        Some((name, path)) if !path.is_empty() => {
            Input::new(name, PathBuf::from(path)).map_err(|error| error.to_string())
        }
        _ => Err("write NAME=PATH, such as data=data.csv".to_owned()),
    }
}

fn parse_value(text: &str) -> Result<Input, String> {
    let hint = "write NAME=JSON, such as limit=10 or names='[\"a\", \"b\"]'";
    let (name, json) = text.split_once('=').ok_or(hint)?;
    let value = serde_json::from_str(json).map_err(|error| format!("{error}; {hint}"))?;
    Input::value(name, value).map_err(|error| error.to_string())
}
