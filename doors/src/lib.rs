//! Doors for programs that people already run.
//!
//! ```text
//!  an MCP client ─► mcp ─► Scopes: sessions by name ─┐
//!  DSPy ──────────► dspy ────────────────────────────┴─► memex-sessions
//!  `mcp install` ─► clients: their configuration files
//! ```
//! - [`mcp`] serves sessions to clients of the Model Context Protocol, over standard streams
//!   or streamable HTTP; its transports serve any other handler as well.
//! - [`dspy`] answers what DSPy's `PythonInterpreter` asks of its `deno_command`.
//! - [`clients`] enters a server into the configuration of an MCP client.
//!
//! Sessions are assembled by `memex-sessions`; a door translates a protocol, bounds what its
//! client can make grow, and decides nothing else. What the guest writes reaches a protocol's
//! stream only as a string in a frame that this side makes.

mod atomic;
pub mod clients;
pub mod dspy;
mod error;
pub mod mcp;
mod scopes;

pub use error::Error;
pub use scopes::{ScopeError, ScopeOptions, Scopes};
