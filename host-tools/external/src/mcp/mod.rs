//! MCP servers: every tool of a server becomes a tool of the host.
//!
//! ```text
//!  ServerDeclaration ──► ServerPlan ──► Server ──► McpTool …
//!    (what is written)   (secrets in)   │ one connection, renewed when it broke
//!                                       └ the list of tools, renewed when it changed
//! ```
//! The connection speaks the protocol with the `initialize` handshake. What a
//! server asks of its client (sampling, roots, elicitation) is answered as
//! unsupported.

mod connection;
mod content;
mod declaration;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod guarded;
mod handler;
mod http;
mod listing;
mod logging;
mod repairing;
mod resuming;
mod reviving;
mod server;
mod streams;

pub(super) use declaration::ServerDeclaration;
pub use listing::{SERVER_PAGES_MAX, SERVER_TOOLS_MAX};
pub use resuming::BACKOFF_MAX;
pub(super) use server::Server;
