//! Messages of a conversation, independent of providers.

use base64::Engine as _;
use memex_channel::TreeSize;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bounded::VALUES_BYTES_MAX;

/// The author of a [`Message`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The operator of the agent: rules and background.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// The answers to tool calls.
    Tool,
}

/// One message: a role and its parts, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Its author.
    pub role: Role,
    /// Its content.
    pub parts: Vec<Part>,
}

/// A piece of a [`Message`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// Text that everybody reads.
    Text {
        /// The text.
        text: String,
    },
    /// A picture.
    Image(Image),
    /// A tool that the model wants called. Stands in assistant messages.
    ToolCall(ToolCall),
    /// What a tool answered. Stands in tool messages.
    ToolResult(ToolResult),
    /// The model's thoughts before its answer.
    Reasoning {
        /// The part that the provider shows; may be empty.
        text: String,
        /// The provider's own form of it, which it wants back unchanged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opaque: Option<Opaque>,
    },
    /// A part that only its provider understands, kept for the way back.
    Opaque(Opaque),
}

/// A value that is given back to the protocol it came from, and to no other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opaque {
    /// The protocol it came from, by [`Protocol::name`](crate::Protocol::name).
    pub protocol: String,
    /// The value, as it came.
    pub value: Value,
}

/// A call that the model asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The provider's name for the call; its result carries the same.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments as the model wrote them: JSON text, if it did well.
    pub arguments: String,
    /// Data that the provider wants back with the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<Opaque>,
}

/// The answer to a [`ToolCall`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolResult {
    /// The call it answers.
    pub call_id: String,
    /// The answer.
    pub text: String,
    /// Pictures that belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Whether the call failed. Chat completions and responses have no field
    /// for it: say it in the text as well.
    #[serde(default)]
    pub is_error: bool,
}

/// A picture, by address or by value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "source")]
pub enum Image {
    /// The provider fetches it.
    Url {
        /// Its location.
        url: String,
    },
    /// It travels with the message.
    Data {
        /// Its media type, such as `image/png`.
        media_type: String,
        /// Its bytes in base64.
        base64: String,
    },
}

impl Image {
    /// A picture that travels with the message.
    pub fn from_bytes(media_type: impl Into<String>, bytes: &[u8]) -> Self {
        Self::Data {
            media_type: media_type.into(),
            base64: base64::engine::general_purpose::STANDARD.encode(bytes),
        }
    }

    /// Its address; a `data:` URL where it has no other.
    pub fn to_url(&self) -> String {
        match self {
            Self::Url { url } => url.clone(),
            Self::Data { media_type, base64 } => format!("data:{media_type};base64,{base64}"),
        }
    }
}

impl ToolCall {
    /// The arguments as JSON; none at all count as an empty object.
    ///
    /// # Errors
    /// If the model wrote something else than JSON, or JSON that takes too much as values.
    pub fn parsed_arguments(&self) -> Result<Value, serde_json::Error> {
        if self.arguments.trim().is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        TreeSize::check(self.arguments.as_bytes(), VALUES_BYTES_MAX)
            .map_err(serde::de::Error::custom)?;
        serde_json::from_str(&self.arguments)
    }
}

impl Part {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}

impl Message {
    /// A message of one text.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            parts: vec![Part::text(text)],
        }
    }

    /// A system message of one text.
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(Role::System, text)
    }

    /// A user message of one text.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, text)
    }

    /// An assistant message of one text.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, text)
    }

    /// The answer to one tool call.
    pub fn tool(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            role: Role::Tool,
            parts: vec![Part::ToolResult(ToolResult {
                call_id: call_id.into(),
                text: text.into(),
                images: Vec::new(),
                is_error: false,
            })],
        }
    }

    /// Its texts and the texts of its tool results, one after another.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text { text: piece } => text.push_str(piece),
                Part::ToolResult(result) => text.push_str(&result.text),
                _ => {}
            }
        }
        text
    }

    /// The model's thoughts, as far as they are shown.
    pub fn reasoning(&self) -> String {
        let mut all = String::new();
        for part in &self.parts {
            if let Part::Reasoning { text, .. } = part {
                all.push_str(text);
            }
        }
        all
    }

    /// The calls it asks for.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        })
    }

    /// The answers it carries.
    pub fn tool_results(&self) -> impl Iterator<Item = &ToolResult> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolResult(result) => Some(result),
            _ => None,
        })
    }
}
