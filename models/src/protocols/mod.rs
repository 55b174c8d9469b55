//! Requests and replies in the words of each provider. Pure: no I/O.

mod body;
mod chat_completions;
mod dispatch;
mod events;
mod messages;
mod options;
mod parts;
mod protocol;
mod responses;
mod stream;

pub use options::{MaxTokensField, Thinking, WireOptions};
pub use protocol::Protocol;
pub use stream::ReplyStream;

pub(crate) use body::provider_error;
