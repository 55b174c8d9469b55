//! The `memex` command, as a library: Python for untrusted code, one persistent scope at a
//! time.
//!
//! ```text
//! run ─► arguments ─► commands/… ─► options of sessions, tools, images
//!  │                      └───────► report/… ─► console ─► escapes
//!  └───► context: flag > environment > configuration file
//! ```
//! The program `memex` calls [`run`], and so does the script of that name that the Python
//! package brings: the engine is in a wheel once. A process that calls it is the command:
//! Ctrl-C, the hook of panics and the standard streams are the command's, and it may end
//! the process.
//!
//! This crate only connects the others: `memex-policies` defines policies,
//! `memex-sessions` assembles sessions, `memex-runtime` runs them.

mod arguments;
mod asking;
mod client_entry;
mod commands;
mod configuration;
mod console;
mod context;
mod environment;
mod exit_code;
mod failure;
mod failure_report;
mod file_name;
mod fonts;
mod global_options;
mod grants;
mod http_arguments;
mod image_options;
mod image_store;
mod installation;
mod paint;
mod progress;
mod prompt;
mod refusals;
mod report;
mod requirements_file;
mod running;
mod sandbox_options;
mod session_options;
mod signals;
mod store_arguments;
mod supervising;
mod texts;
mod tool_arguments;
mod turn_sources;

pub use installation::Installation;
pub use running::run;
