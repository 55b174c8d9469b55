//! From options to an agent.

use super::approving::AtTerminal;
use super::settings::{ChosenModel, SettingArguments, Settings};
use crate::context::Context;
use crate::environment::EnvironmentSecrets;
use crate::failure::{usage, usage_as_told};
use crate::refusals::agent_refusal;
use crate::session_options::SessionArguments;
use crate::texts;
use crate::tool_arguments::ToolArguments;
use anyhow::Result;
use clap::Args;
use memex_agent::{
    Agent, AgentConfig, Assembly, Backend, HostedServer, Input, OutputSchema, Reactor,
    WorkerCommand, Workers, for_agents,
};
use memex_host_tools::{LargeInteger, Tool};
use memex_models::{ApiKey, Model, ModelConfig, ModelSpec};
use serde_json::Value;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// The inputs of a task.
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
            false => texts::read_file(Path::new(given), texts::SETTINGS_BYTES_MAX)
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
    pub(crate) fn assemble(&self, context: &Context) -> Result<Agent> {
        self.assemble_more(self.settings.resolve()?, context, &[])
    }

    /// The agent of these settings, with further tools, which are granted.
    pub(crate) fn assemble_more(
        &self,
        settings: Settings,
        context: &Context,
        more: &[Arc<dyn Tool>],
    ) -> Result<Agent> {
        settings.check()?;
        let resolved = self.session.resolve(context, self.tools.sources())?;
        let resolved = for_agents(&resolved, more).map_err(agent_refusal)?;
        let built = |chosen: &ChosenModel| keyed(&chosen.config, chosen.key_variable.as_deref());
        let model = built(&settings.model)?;
        let reactor = Reactor::on(context.runtime()?);
        let server = server(&settings.config)?;
        let mut builder = Agent::builder(settings.config, model, &reactor).prices(settings.prices);
        if let Some(server) = server {
            builder = builder.server(server);
        }
        for (name, chosen) in &settings.also {
            builder = builder.model(name, built(chosen)?);
        }
        let assembly = Assembly {
            resolved: &resolved,
            host: context.host(),
            secrets: &EnvironmentSecrets,
            more,
            workers: &workers(context)?,
        };
        let builder = builder
            .approver(Arc::new(AtTerminal::default()))
            .assembled(&assembly, &mut self.session.bars(context))
            .map_err(agent_refusal)?;
        builder.build().map_err(usage_as_told)
    }
}

impl Settings {
    /// Whether the models can be asked: what is wrong with their lines and keys, and with a
    /// bound of money that has no price.
    pub(crate) fn check(&self) -> Result<()> {
        for chosen in std::iter::once(&self.model).chain(self.also.values()) {
            let model = keyed(&chosen.config, chosen.key_variable.as_deref())?;
            if self.config.budgets.cost_usd.is_some() && self.prices.price(model.name()).is_none() {
                return Err(usage(
                    format!(
                        "a cost is bounded, and no price is known of {}",
                        model.name()
                    ),
                    "give its price in a file with --prices, or bound --tokens",
                ));
            }
        }
        Ok(())
    }
}

/// The model, with its provider's key from the environment.
pub(crate) fn build(config: &ModelConfig) -> Result<Arc<dyn Model>> {
    keyed(config, None)
}

/// The model, with a key of its own, or else its provider's.
fn keyed(config: &ModelConfig, own: Option<&str>) -> Result<Arc<dyn Model>> {
    let variable = match &config.spec {
        ModelSpec::Remote { provider, .. } => own.or(provider.key_variable()),
        _ => None,
    };
    if let Some(own) = own.filter(|name| env::var(name).is_err()) {
        return Err(usage(
            format!(
                "the environment has no {own}, which holds the key of {}",
                config.spec
            ),
            "set it, or leave `key_variable` out for the provider's usual one",
        ));
    }
    let key = variable
        .and_then(|name| env::var(name).ok())
        .map(ApiKey::new);
    config.build(key).map_err(usage_as_told)
}

/// The server of the backend `hosted`, with its key from the environment.
fn server(config: &AgentConfig) -> Result<Option<HostedServer>> {
    if config.backend != Backend::Hosted {
        return Ok(None);
    }
    let hint = "name it with --server or `server`, and put its key into MEMEX_SERVER_KEY";
    let Some(url) = config.server.clone() else {
        return Err(usage("the backend `hosted` has no server", hint));
    };
    let Ok(key) = env::var("MEMEX_SERVER_KEY") else {
        return Err(usage(format!("there is no key for the server {url}"), hint));
    };
    Ok(Some(HostedServer {
        url,
        key: key.into(),
    }))
}

/// This program, started as a worker. What its sessions may do, they are told
/// by their specs.
fn workers(context: &Context) -> Result<Workers> {
    let (program, arguments) = context.installation().command(["agent", "worker"])?;
    Ok(Workers::new(WorkerCommand { program, arguments }))
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
    if let Some(found) = LargeInteger::find(json.as_bytes(), 1) {
        let reason = found.reason();
        return Err(format!(
            "{reason}; write it as text, or --input NAME=FILE.json"
        ));
    }
    let value = serde_json::from_str(json).map_err(|error| format!("{error}; {hint}"))?;
    Input::value(name, value).map_err(|error| error.to_string())
}
