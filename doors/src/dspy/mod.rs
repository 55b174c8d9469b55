//! What DSPy's `PythonInterpreter` asks of its `deno_command`: JSON-RPC, one object a line.
//!
//! ```text
//!  DSPy ─ execute, register, inject_var, mount_file ─► Interpreter ─► a session
//!       ◄─ result, error ──────────────────────────────┘                 │
//!       ◄─ tool_call ─── Wire ◄── ToolCall (a host tool) ◄───────────────┘
//! ```
//! The guest cannot forge a frame: what it prints, returns and raises is captured by the
//! runtime and stands in frames as strings that are encoded here, and a `tool_call` names a
//! tool that the client has registered, with arguments that are an object.

mod calls;
mod codes;
mod files;
mod guest;
mod interpreter;
mod requests;
mod serving;
mod values;
mod variables;
mod wire;

pub use serving::{Workspace, serve, serve_stdio};
