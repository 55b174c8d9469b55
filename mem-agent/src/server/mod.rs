//! The agent over MCP: the server `memory-agent-server` with the tool
//! `use_memory_agent`.
//!
//! Every call is answered by a fresh agent on the same memory. While it works,
//! a client that gave a progress token is told of its steps; an agent that
//! fails answers `agent_error: {Type}: {message}`.

mod service;

pub use service::{SERVER_NAME, Service, TOOL_NAME};
