//! How an agent goes about its work.

use std::sync::Arc;
use std::time::Duration;

use memex_memory::Mode;
use memex_models::Prices;

/// The prompt that teaches a model the memory and the tags.
pub const SYSTEM_PROMPT: &str = include_str!("system.md");

/// How an agent goes about its work.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentOptions {
    /// What a block of Python returns. Default [`Mode::Extended`].
    pub mode: Mode,
    /// The first message. Default [`SYSTEM_PROMPT`].
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
            system_prompt: SYSTEM_PROMPT.to_owned(),
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
