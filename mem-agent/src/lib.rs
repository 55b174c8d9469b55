//! An agent that keeps what it learns in a memory of Markdown files.
//!
//! ```text
//!  question ─► Agent ─► model: <think> <python> <reply>
//!                ▲            │ Python
//!        <result>│            ▼
//!                └──── Scratchpad (WebAssembly) ─► ten tools ─► Memory
//! ```
//! The loop is that of [`memex_agent`]; this crate defines the prompt, the tags
//! and the wording of results.
//!
//! - A [`Workplace`] is a memory and the sandbox in which code works on it; an
//!   [`Agent`] is one conversation there. Models and their code are bounded, and
//!   reach the memory only through its ten tools.
//! - [`server`] is the agent as a tool of other programs, over MCP.
//! - [`mod@bench`] asks the questions of a benchmark and has the answers judged;
//!   [`rollouts`] does so in batches, for training.
//!
//! In [`Mode::Compat`] every string is that of the trained model; in
//! [`Mode::Extended`] results are those of the runtime.
//!
//! [`Mode::Compat`]: memex_memory::Mode::Compat
//! [`Mode::Extended`]: memex_memory::Mode::Extended

pub mod bench;
mod error;
mod files;
pub mod rollouts;
mod sandbox;
mod scaffold;
pub mod server;

pub use error::Error;
pub use memex_agent::{Stopper, Stopping};
pub use sandbox::{
    Assigned, BlockOutcome, Changed, Scratchpad, TOOL_NAMES, Workplace, policy, render,
};
pub use scaffold::{
    Agent, AgentOptions, Answer, BlockStream, Blocks, CODE_TIME, Conversation, Entry, Event,
    NoWatch, Piece, Role, SYSTEM_PROMPT, Section, Watch, system_prompt,
};
