//! The conversation with the model.

mod agent;
mod closing;
mod conversation;
mod dialect;
mod meaning;
mod options;
mod stream;
mod tags;
mod watch;

pub use agent::{Agent, Answer};
pub use conversation::{Conversation, Entry, Role};
pub use options::{AgentOptions, CODE_TIME, SYSTEM_PROMPT, system_prompt};
pub use stream::{BlockStream, Piece, Section};
pub use tags::Blocks;
pub use watch::{Event, NoWatch, Watch};
