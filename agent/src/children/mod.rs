//! Agents that an agent spawns, and its single questions to a model.
//!
//! ```text
//!  parent's block: h = spawn_agent(task) ── OP_FORK ──► Forks::fork
//!        │  ◄── id, at once ──────────────────────────────┤
//!        │                                 a thread: Place::open ─► Driver
//!        └─ h.result() / await h ── agent_wait ──► Family ◄── outcome
//! ```
//! A child has every object of its parent's as it stood at the call; nothing it
//! does reaches the parent but its result, and what both put on the board.

mod family;
mod outcome;
mod questions;
mod tools;
mod typed;

pub(crate) use family::{Family, Head, running};
pub(crate) use outcome::Outcome;
pub(crate) use questions::question_tool;
pub(crate) use tools::{SETUP, WaitTool, begin_child, begin_run, spawn_tools};
