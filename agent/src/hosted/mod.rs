//! Scopes that are sandboxes of a server.
//!
//! ```text
//!  HostedScope ── POST …/turns ──────────► memex serve
//!      │        ◄─ waiting: calls of tools ─┤
//!      ├─► HostCalls (here)                 │
//!      └─ POST …/answers ──────────────────►┘ … done: the outcome
//! ```
//! The session is the server's; the tools, the model and the record are the agent's. Each
//! turn has a key, so that a connection that breaks costs nothing: the same request is made
//! again, and nothing runs twice. The sandbox is ended with the scope.
//!
//! Not there: agents that code spawns, which need a fork in the middle of a turn, and scopes
//! that are saved beside a trajectory.

mod client;
mod events;
mod failure;
mod place;
mod scope;
mod tools;

pub(crate) use client::Client;
pub use client::HostedServer;
pub(crate) use place::Hosted;
