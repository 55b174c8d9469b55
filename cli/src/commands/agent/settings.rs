//! The options that make an agent, and the file that they override.

use crate::failure::{usage, usage_as_told};
use crate::texts;
use anyhow::Result;
use clap::{Args, ValueEnum};
use memex_agent::{ActionSpace, AgentConfig, Backend, CodeForm, PythonExec};
use memex_models::{ModelConfig, ModelOptions, ModelSpec, Prices, ReasoningEffort};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The settings of the agent.
#[derive(Debug, Clone, Args)]
pub(crate) struct SettingArguments {
    /// Settings of the agent, as TOML; options of the command line override it
    #[arg(long, value_name = "FILE", help_heading = "Agent")]
    agent: Option<PathBuf>,

    /// The model: openai:MODEL, openai-responses:MODEL, anthropic:MODEL,
    /// local:MODEL@http://HOST:PORT/v1, script:FILE or replay:FILE
    #[arg(long, value_name = "MODEL", help_heading = "Agent")]
    pub(crate) model: Option<String>,

    /// A further model, which code can ask for by this name
    #[arg(long = "also", value_name = "NAME=MODEL", value_parser = parse_named, help_heading = "Agent")]
    also: Vec<(String, String)>,

    /// How the model acts
    #[arg(long, value_name = "SPACE", help_heading = "Agent")]
    pub(crate) space: Option<Space>,

    /// How the model writes code
    #[arg(long, value_name = "FORM", help_heading = "Agent")]
    form: Option<Form>,

    /// Where sessions run
    #[arg(long, value_name = "BACKEND", help_heading = "Agent")]
    backend: Option<Place>,

    /// The server of the backend `hosted`; its key is in MEMEX_SERVER_KEY
    #[arg(long, value_name = "URL", help_heading = "Agent")]
    server: Option<String>,

    /// Maximum number of replies of the model
    #[arg(long, value_name = "COUNT", help_heading = "Budgets")]
    turns: Option<u64>,

    /// Maximum number of tokens into and out of models
    #[arg(long, value_name = "COUNT", help_heading = "Budgets")]
    tokens: Option<u64>,

    /// Maximum cost in US dollars
    #[arg(long, value_name = "USD", help_heading = "Budgets")]
    cost: Option<f64>,

    /// Maximum time in seconds
    #[arg(long, value_name = "SECONDS", help_heading = "Budgets")]
    time: Option<u64>,

    /// Ask before each call of this tool (or prefix with *)
    #[arg(long, value_name = "TOOL", help_heading = "Agent")]
    approve: Vec<String>,

    /// How long the model thinks: none, minimal, low, medium, high, xhigh or max
    #[arg(long, value_name = "EFFORT", value_parser = parse_effort, help_heading = "Agent")]
    effort: Option<ReasoningEffort>,

    /// Prices of models, as TOML, that override the built-in ones
    #[arg(long, value_name = "FILE", help_heading = "Budgets")]
    prices: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Space {
    /// Blocks of Python in a session
    Code,
    /// Structured tool calls
    Tools,
    /// Structured tool calls, with Python as one of the tools, whose names live on
    ToolsPython,
    /// Structured tool calls, with Python as one of the tools, which begins anew each time
    ToolsPythonStateless,
}

impl Space {
    /// Its name, as it is written.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Tools => "tools",
            Self::ToolsPython => "tools-python",
            Self::ToolsPythonStateless => "tools-python-stateless",
        }
    }

    fn python_exec(self) -> PythonExec {
        match self {
            Self::Code | Self::Tools => PythonExec::None,
            Self::ToolsPython => PythonExec::Stateful,
            Self::ToolsPythonStateless => PythonExec::Stateless,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// As calls of a tool `python`
    Tool,
    /// Between ```python and ```
    Fenced,
    /// Between <python> and </python>
    Tagged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Place {
    /// In this process
    #[value(alias = "in_process")]
    InProcess,
    /// In a worker process for each session
    Subprocess,
    /// In reused worker processes
    Pool,
    /// In sandboxes of a server, which --server names
    Hosted,
}

/// An agent's settings, resolved.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) config: AgentConfig,
    pub(crate) model: ChosenModel,
    pub(crate) also: BTreeMap<String, ChosenModel>,
    pub(crate) prices: Prices,
}

/// A model, and where its key is.
#[derive(Debug, Clone)]
pub(crate) struct ChosenModel {
    pub(crate) config: ModelConfig,
    /// The environment variable that holds the key, if it is not the provider's usual one.
    pub(crate) key_variable: Option<String>,
}

/// Settings in the file that are not the agent's own.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Models {
    model: Option<String>,
    also: BTreeMap<String, String>,
    model_options: ModelOptions,
    /// What holds for one model alone, by its line.
    models: BTreeMap<String, OneModel>,
}

/// What holds for one model alone.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct OneModel {
    key_variable: Option<String>,
    base_url: Option<String>,
    reasoning_effort: Option<ReasoningEffort>,
    price: Option<toml::Table>,
    /// In the place of `model_options`.
    options: Option<ModelOptions>,
}

const HINT: &str = "`memex agent run --help` lists the options, docs/agents.md the settings";

impl SettingArguments {
    /// Reads the file and puts the options over it.
    pub(crate) fn resolve(&self) -> Result<Settings> {
        let (mut config, models) = match &self.agent {
            Some(path) => read(path)?,
            None => (AgentConfig::default(), Models::default()),
        };
        if let Some(space) = self.space {
            config.action_space = space.into();
            config.python_exec = space.python_exec();
        }
        if let Some(form) = self.form {
            config.code_form = match form {
                Form::Tool => CodeForm::Tool,
                Form::Fenced => CodeForm::Fenced,
                Form::Tagged => CodeForm::Tagged,
            };
        }
        if let Some(place) = self.backend {
            config.backend = match place {
                Place::InProcess => Backend::InProcess,
                Place::Subprocess => Backend::Subprocess,
                Place::Pool => Backend::Pool,
                Place::Hosted => Backend::Hosted,
            };
        }
        if let Some(server) = &self.server {
            config.server = Some(server.clone());
        }
        let budgets = &mut config.budgets;
        budgets.turns = self.turns.unwrap_or(budgets.turns);
        budgets.tokens = self.tokens.unwrap_or(budgets.tokens);
        budgets.cost_usd = self.cost.or(budgets.cost_usd);
        let time_ms = self.time.map(|seconds| seconds.saturating_mul(1_000));
        budgets.wall_time_ms = time_ms.unwrap_or(budgets.wall_time_ms);
        config.approve.extend(self.approve.iter().cloned());
        config
            .check()
            .map_err(|error| usage(error.to_string(), HINT))?;
        let Some(line) = self.model.as_ref().or(models.model.as_ref()) else {
            return Err(usage(
                "no model is named",
                "name one with --model, such as `--model openai:gpt-5`, or `model` in the --agent file",
            ));
        };
        if let Some(effort) = self.effort {
            config.reasoning_effort = Some(effort);
        } else if let Some(own) = models.models.get(line) {
            config.reasoning_effort = own.reasoning_effort.or(config.reasoning_effort);
        }
        let mut also = BTreeMap::new();
        for (name, line) in models
            .also
            .iter()
            .chain(self.also.iter().map(|(n, l)| (n, l)))
        {
            also.insert(name.clone(), models.chosen(line)?);
        }
        let mut prices = models.priced(Prices::built_in()?)?;
        if let Some(path) = &self.prices {
            prices = prices.with_file(path).map_err(usage_as_told)?;
        }
        Ok(Settings {
            model: models.chosen(line)?,
            config,
            also,
            prices,
        })
    }
}

/// A settings file: the agent's own, and which models it asks.
fn read(path: &Path) -> Result<(AgentConfig, Models)> {
    let place = path.display().to_string();
    let wrong = |what: String| usage(format!("{place}: {what}"), HINT);
    let text = texts::read_file(path, texts::SETTINGS_BYTES_MAX)
        .map_err(|error| wrong(error.to_string()))?;
    let mut table: toml::Table =
        memex_settings::read(&text).map_err(|misread| wrong(misread.to_string()))?;
    let mut own = toml::Table::new();
    for key in ["model", "also", "model_options", "models"] {
        if let Some(value) = table.remove(key) {
            own.insert(key.to_owned(), value);
        }
    }
    let models: Models = memex_settings::of_table(own).map_err(wrong)?;
    let config =
        AgentConfig::of_table(table, &place).map_err(|error| usage(error.to_string(), HINT))?;
    Ok((config, models.beside(path)))
}

impl Models {
    /// The model of a line, with what holds for it.
    fn chosen(&self, line: &str) -> Result<ChosenModel> {
        let mut config = ModelConfig::parse(line).map_err(usage_as_told)?;
        let own = self.models.get(line).cloned().unwrap_or_default();
        config.options = own.options.unwrap_or_else(|| self.model_options.clone());
        config.options.base_url = own.base_url.or(config.options.base_url);
        Ok(ChosenModel {
            config,
            key_variable: own.key_variable,
        })
    }

    /// The prices, with those of single models over them.
    fn priced(&self, mut prices: Prices) -> Result<Prices> {
        for (line, own) in &self.models {
            let Some(price) = &own.price else {
                continue;
            };
            let spec = ModelConfig::parse(line).map_err(usage_as_told)?.spec;
            let name = match &spec {
                ModelSpec::Remote { model, .. } => model.clone(),
                _ => {
                    let named = own.options.as_ref().unwrap_or(&self.model_options);
                    named.name.clone().unwrap_or_else(|| "script".to_owned())
                }
            };
            let entry = toml::Table::from_iter([(name, toml::Value::Table(price.clone()))]);
            let table = toml::Table::from_iter([("models".to_owned(), toml::Value::Table(entry))]);
            let place = format!("models.{line:?}.price");
            let text = toml::to_string(&table).map_err(|error| usage(error.to_string(), HINT))?;
            prices = prices.overlaid(&place, &text).map_err(usage_as_told)?;
        }
        Ok(prices)
    }

    /// Scripts and recordings are relative to the file that names them.
    fn beside(mut self, path: &Path) -> Self {
        let folder = path.parent().unwrap_or(Path::new(""));
        let beside = |line: &mut String| {
            for kind in ["script:", "replay:"] {
                if let Some(file) = line.strip_prefix(kind) {
                    *line = format!("{kind}{}", folder.join(file).display());
                    return;
                }
            }
        };
        self.model.iter_mut().for_each(beside);
        self.also.values_mut().for_each(beside);
        self
    }
}

impl From<Space> for ActionSpace {
    fn from(space: Space) -> Self {
        match space {
            Space::Code => Self::Code,
            Space::Tools | Space::ToolsPython | Space::ToolsPythonStateless => Self::Tools,
        }
    }
}

fn parse_named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, line)) if !name.is_empty() && !line.is_empty() => {
            Ok((name.to_owned(), line.to_owned()))
        }
        _ => Err("write NAME=MODEL, such as fast=openai:gpt-5-mini".to_owned()),
    }
}

fn parse_effort(text: &str) -> Result<ReasoningEffort, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "write none, minimal, low, medium, high, xhigh or max".to_owned())
}
