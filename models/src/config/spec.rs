//! A model in one line.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{ModelError, Protocol};

/// The provider, and its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    /// OpenAI by chat completions.
    Openai,
    /// OpenAI by responses.
    OpenaiResponses,
    /// Anthropic by messages.
    Anthropic,
    /// Any server that speaks chat completions.
    Local,
}

/// The address of a model.
///
/// | line | model |
/// |---|---|
/// | `openai:MODEL` | OpenAI, chat completions |
/// | `openai-responses:MODEL` | OpenAI, responses |
/// | `anthropic:MODEL` | Anthropic, messages |
/// | `local:MODEL@http://HOST:PORT/v1` | a server that speaks chat completions |
/// | `script:FILE` | a [`Script`](crate::Script) |
/// | `replay:FILE` | a recording |
///
/// `@URL` after a model's name goes with every provider; the URL is what stands
/// before `/chat/completions`, `/responses` or `/messages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSpec {
    /// Behind HTTP.
    Remote {
        /// The provider.
        provider: Provider,
        /// The model, as the provider names it.
        model: String,
        /// The address, if it is not the provider's usual one.
        base_url: Option<String>,
    },
    /// From a script.
    Script(PathBuf),
    /// From a recording.
    Replay(PathBuf),
}

const KINDS: &[(&str, Provider)] = &[
    ("openai", Provider::Openai),
    ("openai-responses", Provider::OpenaiResponses),
    ("anthropic", Provider::Anthropic),
    ("local", Provider::Local),
];

impl Provider {
    /// Its name in a line of configuration.
    pub fn name(self) -> &'static str {
        let named = KINDS.iter().find(|(_, provider)| *provider == self);
        named.map_or("", |(name, _)| *name)
    }

    /// How it is spoken to.
    pub fn protocol(self) -> Protocol {
        match self {
            Self::Openai | Self::Local => Protocol::ChatCompletions,
            Self::OpenaiResponses => Protocol::Responses,
            Self::Anthropic => Protocol::Messages,
        }
    }

    /// Where it is, if it is always there.
    pub fn base_url(self) -> Option<&'static str> {
        match self {
            Self::Openai | Self::OpenaiResponses => Some("https://api.openai.com/v1"),
            Self::Anthropic => Some("https://api.anthropic.com/v1"),
            Self::Local => None,
        }
    }

    /// The environment variable that usually holds the key. The caller may read
    /// it; this crate does not.
    pub fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::Openai | Self::OpenaiResponses => Some("OPENAI_API_KEY"),
            Self::Anthropic => Some("ANTHROPIC_API_KEY"),
            Self::Local => None,
        }
    }
}

impl ModelSpec {
    /// Whether a key is needed: a provider at its own address wants one.
    pub fn needs_key(&self) -> bool {
        match self {
            Self::Remote {
                provider, base_url, ..
            } => base_url.is_none() && provider.key_variable().is_some(),
            Self::Script(_) | Self::Replay(_) => false,
        }
    }
}

impl FromStr for ModelSpec {
    type Err = ModelError;

    fn from_str(line: &str) -> Result<Self, ModelError> {
        let wrong = |what: String| ModelError::Setting {
            setting: "model",
            what,
        };
        let Some((kind, rest)) = line.split_once(':') else {
            return Err(wrong(format!(
                "{line:?} names no provider; write PROVIDER:MODEL, such as openai:{line}"
            )));
        };
        if rest.is_empty() {
            let what = "a model, or a file, after the colon";
            return Err(wrong(format!("{line:?} ends too early; write {what}")));
        }
        match kind {
            "script" => return Ok(Self::Script(rest.into())),
            "replay" => return Ok(Self::Replay(rest.into())),
            _ => {}
        }
        let known = KINDS.iter().find(|(name, _)| *name == kind);
        let Some((_, provider)) = known else {
            let names = KINDS.iter().map(|(name, _)| *name);
            let names: Vec<&str> = names.chain(["script", "replay"]).collect();
            let names = names.join(", ");
            return Err(wrong(format!("{kind:?} is none of {names}")));
        };
        let url = ["@http://", "@https://"].iter();
        let at = url.filter_map(|mark| rest.find(mark)).min();
        let (model, url) = rest.split_at(at.unwrap_or(rest.len()));
        if model.is_empty() {
            return Err(wrong(format!("{line:?} names no model before the @")));
        }
        Ok(Self::Remote {
            provider: *provider,
            model: model.to_owned(),
            base_url: url.get(1..).map(str::to_owned),
        })
    }
}

impl fmt::Display for ModelSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote {
                provider,
                model,
                base_url,
            } => {
                write!(formatter, "{}:{model}", provider.name())?;
                match base_url {
                    Some(url) => write!(formatter, "@{url}"),
                    None => Ok(()),
                }
            }
            Self::Script(path) => write!(formatter, "script:{}", path.display()),
            Self::Replay(path) => write!(formatter, "replay:{}", path.display()),
        }
    }
}
