//! The settings of an agent, as written in its file.

use memex_models::ReasoningEffort;
use memex_trajectories::ActionSpace;
use serde::{Deserialize, Serialize};

use super::{AgentLimits, Budgets};
use crate::Error;

/// How a model acts, and within which bounds.
///
/// ```
/// use memex_agent::AgentConfig;
///
/// let config = AgentConfig::parse(
///     r#"
///     action_space = "tools"      # the one setting that selects the space
///     budgets.turns = 20
///     "#,
///     "agent.toml",
/// )?;
/// assert_eq!(config.budgets.turns, 20);
/// # Ok::<(), memex_agent::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentConfig {
    /// What it is called, in trajectories and scripts. Default `agent`.
    pub name: String,
    /// `code`: blocks of Python in a session. `tools`: structured tool calls.
    /// Default `code`.
    pub action_space: ActionSpace,
    /// Whether a model that calls tools has an interpreter of Python as one of them, the tool
    /// `python_exec`. Default: it has not.
    pub python_exec: PythonExec,
    /// How code comes. Default: as calls of a tool `python`.
    pub code_form: CodeForm,
    /// Where sessions run. Default: in this process.
    pub backend: Backend,
    /// The server of the backend `hosted`, as `http://HOST:PORT`. Default: none.
    pub server: Option<String>,
    /// Instructions to the model after the rules of the space. Default: none.
    pub instructions: String,
    /// The observations that it is shown.
    pub observations: ObservationOptions,
    /// Its budgets.
    pub budgets: Budgets,
    /// Limits on spawned agents.
    pub agents: AgentLimits,
    /// Tokens of the model's window. Default 128,000. From four fifths on,
    /// older turns are shortened.
    pub context_tokens: u64,
    /// Turns at the end of a conversation that are never shortened. Default 6.
    pub keep_turns: usize,
    /// Replies in a row that are nothing to act on, before the run fails.
    /// Default 3.
    pub nudges_max: u32,
    /// Tools whose calls a person has to approve: names, or prefixes with `*`.
    /// Default: none.
    pub approve: Vec<String>,
    /// How freely the model samples. Default: as its provider does.
    pub temperature: Option<f64>,
    /// Tokens of one reply. Default: as the provider does.
    pub reply_tokens: Option<u64>,
    /// The seed of the model's sampling. Default: none.
    pub seed: Option<u64>,
    /// How long the model thinks: `none`, `minimal`, `low`, `medium`, `high`, `xhigh` or
    /// `max`. Default: as its provider does.
    pub reasoning_effort: Option<ReasoningEffort>,
    /// Whether the scope is saved beside the trajectory after every turn, so
    /// that a resumed run finds it. Without, its code blocks are run again.
    /// Default: yes.
    pub save_scope: bool,
}

/// Whether there is a tool `python_exec`. Code in it computes and calls no other tool: it is
/// the baseline for code as an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PythonExec {
    /// There is not.
    #[default]
    None,
    /// Every call begins anew.
    Stateless,
    /// Names live on from call to call.
    Stateful,
}

impl PythonExec {
    /// Whether there is one.
    #[must_use]
    pub fn is_there(self) -> bool {
        self != Self::None
    }
}

/// How code comes out of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeForm {
    /// As the argument of a tool call `python`.
    #[default]
    Tool,
    /// As text between ` ```python ` and ` ``` `.
    Fenced,
    /// As text between `<python>` and `</python>`.
    Tagged,
}

/// The backend of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// In the process of the agent.
    #[default]
    InProcess,
    /// In a worker process for each session. A worker that dies costs a turn
    /// and the scope, not the run.
    Subprocess,
    /// As `subprocess`, with workers that are used again by the next run.
    Pool,
    /// In sandboxes of a server, which `server` names. Its tools stay here.
    Hosted,
}

/// The parts of a block's result that a model is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObservationOptions {
    /// Whether the value of a last expression is shown, as in a notebook, or
    /// prints alone are. Default: it is.
    pub value: bool,
    /// Whether new and changed names are listed. Default: they are.
    pub names: bool,
    /// Characters of an observation, or of a tool's result; longer ones are cut
    /// in the middle. Default 12,000.
    pub max_chars: usize,
    /// Names that are listed. Default 30.
    pub names_max: usize,
    /// Whether the model is shown pictures: figures, displayed images, and those that tools
    /// answer with. Default: as far as its name says that it can see
    /// ([`memex_models::sees`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pictures: Option<bool>,
    /// Pictures of an observation, or of a tool's result. Default 4.
    pub pictures_max: usize,
    /// Pictures that stay in the conversation; older ones are left out. Default 8.
    pub pictures_kept: usize,
    /// Bytes of a picture; larger ones are not shown. Default 4 MiB.
    pub picture_bytes: usize,
}

impl Default for ObservationOptions {
    fn default() -> Self {
        Self {
            value: true,
            names: true,
            max_chars: 12_000,
            names_max: 30,
            pictures: None,
            pictures_max: 4,
            pictures_kept: 8,
            picture_bytes: 4 << 20,
        }
    }
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            name: "agent".to_owned(),
            action_space: ActionSpace::Code,
            python_exec: PythonExec::default(),
            code_form: CodeForm::default(),
            backend: Backend::default(),
            server: None,
            instructions: String::new(),
            observations: ObservationOptions::default(),
            budgets: Budgets::default(),
            agents: AgentLimits::default(),
            context_tokens: 128_000,
            keep_turns: 6,
            nudges_max: 3,
            approve: Vec::new(),
            temperature: None,
            reply_tokens: None,
            seed: None,
            reasoning_effort: None,
            save_scope: true,
        }
    }
}

impl AgentConfig {
    /// Whether code of the model runs somewhere.
    pub(crate) fn runs_code(&self) -> bool {
        self.action_space == ActionSpace::Code || self.python_exec.is_there()
    }

    /// Reads TOML; `place` names it in errors.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Setting`].
    pub fn parse(text: &str, place: &str) -> Result<Self, Error> {
        let config: Self = memex_settings::read(text).map_err(Error::misread(place))?;
        config.check()?;
        Ok(config)
    }

    /// Takes the settings from a table that belongs to a larger file.
    ///
    /// # Errors
    /// As [`AgentConfig::parse`], with the path of keys as the place.
    pub fn of_table(table: toml::Table, place: &str) -> Result<Self, Error> {
        let config: Self = memex_settings::of_table(table).map_err(|what| Error::Format {
            place: place.to_owned(),
            what,
        })?;
        config.check()?;
        Ok(config)
    }

    /// Checks what one setting cannot say of another.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |setting: &str, what: &str| Err(Error::setting(setting, what));
        if self.name.trim().is_empty() {
            return wrong("name", "is empty; leave it out for `agent`");
        }
        if self.budgets.turns == 0 {
            return wrong("budgets.turns", "must be at least 1");
        }
        if self.context_tokens < 1_000 {
            return wrong(
                "context_tokens",
                "must be at least 1000: a window has room for the task",
            );
        }
        if self.keep_turns == 0 {
            return wrong(
                "keep_turns",
                "must be at least 1: the model has to see what it just did",
            );
        }
        if self.observations.max_chars < 200 {
            return wrong("observations.max_chars", "must be at least 200");
        }
        if self.agents.parallel == 0 {
            return wrong("agents.parallel", "must be at least 1");
        }
        if self
            .budgets
            .cost_usd
            .is_some_and(|usd| usd.is_nan() || usd <= 0.0)
        {
            return wrong(
                "budgets.cost_usd",
                "must be above 0; leave it out for no bound",
            );
        }
        Ok(())
    }
}
