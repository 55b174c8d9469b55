//! An MCP server whose tools are Python sessions.
//!
//! ```text
//!  serve_stdio, serve_http ─► Server ─► call ─► Scopes ─► a session
//!        (transports)           │ definitions     │ queue of each session
//!                               └ arguments, results, progress
//! ```
//! One tool runs code (`python`), two keep sessions apart (`fork`, `reset`), three move files.
//! Everything that a client sends is bounded before it is acted on: messages, code, files,
//! sessions, calls that wait. A failure of the model's code is a result with `isError`, with
//! what the model needs to go on.

mod arguments;
mod calls;
mod content;
mod definitions;
mod measured;
mod origins;
mod progress;
mod server;
mod transports;

pub use server::{SERVER_NAME, Server};
pub use transports::{MESSAGE_BYTES_MAX, PATH, Pages, serve_http, serve_stdio};
