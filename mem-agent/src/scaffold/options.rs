//! How an agent goes about its work.

use std::sync::Arc;
use std::time::Duration;

use memex_memory::Mode;
use memex_models::Prices;

/// The prompt that teaches a model the memory and the tags, for
/// [`Mode::Compat`]; see [`system_prompt`].
pub const SYSTEM_PROMPT: &str = include_str!("system.md");

/// How results are seen in compat mode, as the prompt says it.
const ASSIGNED_IS_SEEN: &str = "Assign what you want to see to a
  variable; what a block assigned is part of its result.";
/// How they are seen otherwise.
const PRINTED_IS_SEEN: &str = "Of a block you see what it
  prints, the value of its last expression, its error, and short values that it assigned
  to variables. Print what you want to read: `print(read_file(\"user.md\"))`.";

/// The prompt of a mode: it says how the results of that mode are seen.
#[must_use]
pub fn system_prompt(mode: Mode) -> String {
    match mode {
        Mode::Compat => SYSTEM_PROMPT.to_owned(),
        Mode::Extended => SYSTEM_PROMPT.replacen(ASSIGNED_IS_SEEN, PRINTED_IS_SEEN, 1),
    }
}

/// How an agent goes about its work.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentOptions {
    /// What a block of Python returns. Default [`Mode::Extended`].
    pub mode: Mode,
    /// The first message. Default [`system_prompt`] of the mode.
    pub system_prompt: String,
    /// Results that are sent back for one question; the model is called once
    /// more. Default 20.
    pub tool_turns_max: u32,
    /// Whether the model is asked to stop where it would invent a result.
    /// Default: yes.
    pub stop_at_result: bool,
    /// Whether only the newest thoughts stay in what the model is sent.
    /// Default: no.
    pub last_thoughts_only: bool,
    /// Whether a reply with both a Python block and an answer, or with neither,
    /// is sent back with a notice. Default: no; Python runs, and an answer
    /// ends the loop.
    pub strict_blocks: bool,
    /// The bound of a result that is sent to the model. Default 256 KiB.
    pub result_bytes_max: usize,
    /// How freely the model samples. Default: as its provider has it.
    pub temperature: Option<f64>,
    /// Tokens of one reply. Default: as the provider has it.
    pub max_tokens: Option<u64>,
    /// What tokens cost, for trajectories and answers. Default: not known.
    pub prices: Arc<Prices>,
}

/// How long a block of Python may run by default.
pub const CODE_TIME: Duration = Duration::from_secs(20);

impl Default for AgentOptions {
    fn default() -> Self {
        Self {
            mode: Mode::Extended,
            system_prompt: system_prompt(Mode::Extended),
            tool_turns_max: 20,
            stop_at_result: true,
            last_thoughts_only: false,
            strict_blocks: false,
            result_bytes_max: 256 << 10,
            temperature: None,
            max_tokens: None,
            prices: Arc::new(Prices::none()),
        }
    }
}

impl AgentOptions {
    /// The defaults of a mode.
    #[must_use]
    pub fn of(mode: Mode) -> Self {
        Self {
            mode,
            system_prompt: system_prompt(mode),
            ..Self::default()
        }
    }

    /// The conventions of training: eight replies, only the newest thoughts
    /// kept, and a notice for replies whose blocks do not fit together.
    #[must_use]
    pub fn training(self) -> Self {
        Self {
            tool_turns_max: 7,
            last_thoughts_only: true,
            strict_blocks: true,
            ..self
        }
    }
}
