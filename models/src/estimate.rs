//! Estimating the number of tokens where no provider reports it.
//!
//! The rule: a token for every four bytes of UTF-8, rounded up, four more for
//! every message, and a flat number for a picture. Bytes, not characters:
//! scripts outside ASCII take more tokens a character, and more bytes. For
//! English and code it is within about a third of what providers count.

use crate::{Message, Part, Reply, Request, Usage};

const BYTES_PER_TOKEN: u64 = 4;
const TOKENS_PER_MESSAGE: u64 = 4;
const TOKENS_PER_IMAGE: u64 = 1_000;

/// About how many tokens a text is.
pub fn estimate_text(text: &str) -> u64 {
    (text.len() as u64).div_ceil(BYTES_PER_TOKEN)
}

/// About how many tokens a message is.
pub fn estimate_message(message: &Message) -> u64 {
    let parts = message.parts.iter().map(|part| match part {
        Part::Text { text } | Part::Reasoning { text, .. } => estimate_text(text),
        Part::Image(_) => TOKENS_PER_IMAGE,
        Part::ToolCall(call) => estimate_text(&call.name) + estimate_text(&call.arguments),
        Part::ToolResult(result) => {
            estimate_text(&result.text) + TOKENS_PER_IMAGE * result.images.len() as u64
        }
        Part::Opaque(_) => 0,
    });
    parts.fold(TOKENS_PER_MESSAGE, u64::saturating_add)
}

/// About how many tokens a request is read as, its tools included.
pub fn estimate_request(request: &Request) -> u64 {
    let messages = request.messages.iter().map(estimate_message);
    let tools = request.tools.iter().map(|tool| {
        let schema = tool.parameters.to_string();
        estimate_text(&tool.name) + estimate_text(&tool.description) + estimate_text(&schema)
    });
    messages.chain(tools).fold(0, u64::saturating_add)
}

/// The usage of a reply whose provider sent none.
pub(crate) fn estimate_usage(request: &Request, message: &Message) -> Usage {
    Usage {
        input: estimate_request(request),
        output: estimate_message(message),
        reasoning: estimate_text(&message.reasoning()),
        estimated: true,
        ..Usage::default()
    }
}

/// Fills in the usage of a reply that came with none.
pub(crate) fn with_usage(mut reply: Reply, request: &Request) -> Reply {
    if reply.usage == Usage::default() {
        reply.usage = estimate_usage(request, &reply.message);
    }
    reply
}
