//! The options that memory commands share, and what is made of them.

use crate::context::Context;
use crate::failure::usage;
use crate::progress::Bars;
use crate::refusals::refusal;
use anyhow::Result;
use clap::Args;
use memex_mem_agent::{AgentOptions, Workplace, policy};
use memex_memory::{Memory, Mode, Options};
use memex_models::{ApiKey, Model, ModelConfig, ModelOptions, ModelSpec, Prices};
use memex_runtime::Sandbox;
use memex_sessions::ImageSource;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The longest prompt, or file of model options, that is read.
const TEXT_BYTES_MAX: u64 = 4 << 20;

/// Which memory.
#[derive(Debug, Clone, Args)]
pub(super) struct MemoryArguments {
    /// Directory of the memory
    #[arg(
        long,
        short,
        value_name = "DIR",
        env = "MEMEX_MEMORY",
        default_value = "memory"
    )]
    pub(super) memory: PathBuf,

    /// Behave as the trained model knows it: results are dictionaries, links are taken
    /// literally, warnings stay hidden
    #[arg(long)]
    pub(super) compat: bool,
}

impl MemoryArguments {
    pub(super) fn mode(&self) -> Mode {
        mode(self.compat)
    }

    pub(super) fn open(&self) -> Result<Memory> {
        open(&self.memory, self.mode())
    }
}

pub(super) fn mode(compat: bool) -> Mode {
    match compat {
        true => Mode::Compat,
        false => Mode::Extended,
    }
}

/// Opens a memory that is there.
pub(super) fn open(path: &Path, mode: Mode) -> Result<Memory> {
    Memory::open(path, Options::of(mode)).map_err(|error| {
        usage(
            format!("the memory {} cannot be opened: {error}", path.display()),
            "name its directory with --memory DIR; `memex mem init` makes an example",
        )
    })
}

/// Which model, and how it is spoken to.
#[derive(Debug, Clone, Args)]
pub(super) struct ModelArguments {
    /// The model: openai:NAME, anthropic:NAME, local:NAME@http://HOST:PORT/v1, script:FILE,
    /// replay:FILE; keys come from OPENAI_API_KEY or ANTHROPIC_API_KEY
    #[arg(
        long,
        value_name = "MODEL",
        env = "MEMEX_MODEL",
        help_heading = "Model"
    )]
    pub(super) model: String,

    /// Timeouts, retries, rate limits and headers of the model, as TOML
    #[arg(long, value_name = "FILE", help_heading = "Model")]
    model_options: Option<PathBuf>,

    /// Environment variable that holds the key, instead of the provider's usual one
    #[arg(long, value_name = "NAME", help_heading = "Model")]
    key_variable: Option<String>,
}

impl ModelArguments {
    /// The environment variable that holds the key, if the model has one.
    pub(super) fn key_name(&self) -> Option<String> {
        let usual = || match ModelConfig::parse(&self.model).ok()?.spec {
            ModelSpec::Remote { provider, .. } => provider.key_variable(),
            _ => None,
        };
        self.own_key_variable().or_else(usual).map(str::to_owned)
    }

    /// The variable that was named in place of the usual one.
    pub(super) fn own_key_variable(&self) -> Option<&str> {
        self.key_variable.as_deref()
    }

    /// The file of the model's options.
    pub(super) fn options_file(&self) -> Option<&Path> {
        self.model_options.as_deref()
    }

    /// The line that names the model from any directory.
    pub(super) fn absolute_line(&self) -> Result<String> {
        ModelConfig::parse(&self.model).map_err(|error| {
            let hint = "write PROVIDER:MODEL, such as local:mem-agent@http://127.0.0.1:8000/v1";
            usage(error.to_string(), hint)
        })?;
        Ok(match self.model.split_once(':') {
            Some((kind @ ("script" | "replay"), path)) => {
                format!("{kind}:{}", std::path::absolute(path)?.display())
            }
            _ => self.model.clone(),
        })
    }

    pub(super) fn build(&self) -> Result<Arc<dyn Model>> {
        let options = self.model_options.as_deref();
        build(&self.model, options, self.key_variable.as_deref())
    }
}

/// The model that a line names.
pub(super) fn build(
    line: &str,
    options: Option<&Path>,
    key_variable: Option<&str>,
) -> Result<Arc<dyn Model>> {
    let hint = "write PROVIDER:MODEL, such as local:mem-agent@http://127.0.0.1:8000/v1";
    let mut config = ModelConfig::parse(line).map_err(|error| usage(error.to_string(), hint))?;
    if let Some(path) = options {
        let text = read(path, "file of model options")?;
        config.options = memex_settings::read::<ModelOptions>(&text).map_err(|misread| {
            usage(
                format!("{}: {misread}", path.display()),
                "the settings are timeouts, retry, limits, headers, wire and base_url",
            )
        })?;
    }
    let key = key(&config.spec, key_variable)?;
    config
        .build(key)
        .map_err(|error| usage(error.to_string(), hint))
}

fn key(spec: &ModelSpec, named: Option<&str>) -> Result<Option<ApiKey>> {
    let usual = match spec {
        ModelSpec::Remote { provider, .. } => provider.key_variable(),
        _ => None,
    };
    let Some(variable) = named.or(usual) else {
        return Ok(None);
    };
    match std::env::var(variable) {
        Ok(key) if !key.is_empty() => Ok(Some(ApiKey::new(key))),
        _ if named.is_none() && !spec.needs_key() => Ok(None),
        _ => Err(usage(
            format!("the environment variable {variable} holds no key"),
            "set it, or name another with --key-variable",
        )),
    }
}

/// Prices of tokens.
#[derive(Debug, Clone, Args)]
pub(super) struct PriceArguments {
    /// Prices of models, as TOML, over those that memex knows
    #[arg(long, value_name = "FILE", help_heading = "Model")]
    prices: Option<PathBuf>,
}

impl PriceArguments {
    pub(super) fn table(&self) -> Result<Arc<Prices>> {
        let prices = Prices::built_in()?;
        let prices = match &self.prices {
            None => prices,
            Some(path) => prices.with_file(path).map_err(|error| {
                usage(
                    error.to_string(),
                    "prices are a table [models] of { input = 1.0, output = 2.0 }, in dollars for a million tokens",
                )
            })?,
        };
        Ok(Arc::new(prices))
    }
}

/// How the agent goes about its work.
#[derive(Debug, Clone, Args)]
pub(super) struct AgentArguments {
    /// Prompt for the model instead of memex's own, such as the one that a trained model
    /// ships with
    #[arg(long, value_name = "FILE", help_heading = "Agent")]
    system_prompt: Option<PathBuf>,

    /// Results that the model may look at for one question
    #[arg(long, value_name = "N", default_value_t = 20, help_heading = "Agent")]
    tool_turns: u32,

    /// Seconds that a block of Python may run
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3600), help_heading = "Agent")]
    code_time: u64,

    /// Follow the conventions of training: eight replies, only the newest thoughts are sent,
    /// replies with both blocks or none are sent back
    #[arg(long, help_heading = "Agent")]
    training: bool,

    /// Do not tell the model to stop at `<result>`
    #[arg(long, help_heading = "Agent")]
    no_stop: bool,

    /// How freely the model samples
    #[arg(long, value_name = "T", help_heading = "Agent")]
    temperature: Option<f64>,

    /// Tokens of one reply
    #[arg(long, value_name = "N", help_heading = "Agent")]
    max_tokens: Option<u64>,
}

impl AgentArguments {
    /// Whether the prompt is another than memex's own.
    pub(super) fn has_own_prompt(&self) -> bool {
        self.system_prompt.is_some()
    }

    pub(super) fn options(&self, mode: Mode) -> Result<AgentOptions> {
        let mut options = AgentOptions {
            tool_turns_max: self.tool_turns,
            stop_at_result: !self.no_stop,
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            ..AgentOptions::of(mode)
        };
        if let Some(path) = &self.system_prompt {
            options.system_prompt = read(path, "prompt")?;
        }
        Ok(match self.training {
            true => options.training(),
            false => options,
        })
    }

    /// The sandbox that its Python runs in; the image is built on first need.
    pub(super) fn sandbox(&self, context: &Context) -> Result<Sandbox> {
        let mut bars = Bars::new(context, false);
        let policy = Arc::new(policy(Duration::from_secs(self.code_time))?);
        let images = context.host().images().map_err(refusal)?;
        let sandbox = images.sandbox(&ImageSource::default(), policy, &mut bars);
        sandbox.map_err(refusal)
    }

    /// The sandbox on a memory.
    pub(super) fn workplace(&self, context: &Context, memory: &Memory) -> Result<Workplace> {
        let sandbox = self.sandbox(context)?;
        let runtime = context.runtime()?;
        Ok(Workplace::new(memory, &sandbox, runtime)?)
    }
}

/// A text file that the command line names.
pub(super) fn read(path: &Path, what: &str) -> Result<String> {
    let refused = |why: String| {
        usage(
            format!("the {what} {} cannot be read: {why}", path.display()),
            "name a UTF-8 text file",
        )
    };
    let file = std::fs::File::open(path).map_err(|error| refused(error.to_string()))?;
    let mut text = String::new();
    let mut bounded = file.take(TEXT_BYTES_MAX + 1);
    bounded
        .read_to_string(&mut text)
        .map_err(|error| refused(error.to_string()))?;
    match text.len() as u64 > TEXT_BYTES_MAX {
        true => Err(refused(format!("it is longer than {TEXT_BYTES_MAX} bytes"))),
        false => Ok(text),
    }
}

/// A name for a run that no other has.
pub(super) fn run_id(kind: &str) -> String {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let time_us = time.map_or(0, |time| time.as_micros());
    format!("{kind}-{time_us:x}-{:x}", std::process::id())
}
