//! External tools: declared in tool files, or offered by MCP servers; and the
//! egress broker of guests, with the tool `fetch`.
//!
//! ```text
//!  tools.toml ──► ToolFile ──open(OutsideHost)──► OutsideTools ──► [Arc<dyn Tool>]
//!                  │                │
//!    [[command]]   ├ a process for each call, JSON on its standard streams
//!    [[http]]      ├ a request for each call, made from its arguments
//!    [[openai]]    ├ definitions as model APIs write them, and one executor
//!    [[anthropic]] ┘   for all of them
//!    [[mcp]]       ├ a server: a process or an endpoint, all of its tools
//!    [[sql]]       ├ a database of the built-in tool `sql`
//!    [[credential]]└ what the built-in tool `fetch` adds to requests to a host
//! ```
//! Declarations are trusted configuration of the host's owner; arguments and
//! what peers answer are not. Secrets are looked up by name, go to the one peer
//! for which a file names them, and are replaced in whatever comes back.

mod answers;
mod auth;
mod body;
mod built_in;
mod client;
mod client_servers;
mod command;
mod definitions;
mod document;
pub mod egress;
mod endpoint;
mod error;
mod file;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod mcp;
mod process;
mod secrets;
mod template;
mod tools;
mod trees;
mod url_template;

pub use client::{HttpClient, HttpError, HttpRequest, HttpResponse, ReqwestClient};
pub use command::MESSAGE_EXIT_STATUS;
pub use definitions::{
    DEFINITIONS_MAX, DefinitionError, DefinitionStyle, TOOL_NAME_MAX_BYTES, anthropic_tool_specs,
    openai_tool_specs, tool_definition,
};
pub use document::{TOOL_FILE_MAX_BYTES, TOOL_FILE_VERSION, ToolFileFormat};
pub use endpoint::REDIRECTS_MAX;
pub use error::OutsideError;
pub use file::{DECLARATIONS_MAX, SERVERS_MAX, ToolFile};
pub use host::{CALLS_MAX, OutsideHost, OutsideProgress, ProgressCallback};
pub use mcp::{BACKOFF_MAX, SERVER_PAGES_MAX, SERVER_TOOLS_MAX};
pub use memex_scrubbing::{SECRET_MAX_BYTES, SECRET_MIN_BYTES};
pub use memex_supervision::{NOT_STARTED_EXIT_STATUS, Supervisor, confines_signals, supervise};
pub use secrets::Secrets;
pub use tools::OutsideTools;
