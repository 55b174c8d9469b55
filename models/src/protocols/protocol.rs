//! The protocols by name.

/// How a server wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `POST …/chat/completions`: OpenAI's older one, spoken by most servers.
    ChatCompletions,
    /// `POST …/responses`: OpenAI's newer one.
    Responses,
    /// `POST …/messages`: Anthropic's.
    Messages,
}

impl Protocol {
    /// Its name, as errors and [`Opaque`](crate::Opaque) parts carry it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat-completions",
            Self::Responses => "responses",
            Self::Messages => "messages",
        }
    }

    /// What stands behind a base URL.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat/completions",
            Self::Responses => "responses",
            Self::Messages => "messages",
        }
    }
}
