//! The `memex` command: Python for untrusted code, one persistent scope at a
//! time.
//!
//! ```text
//! main ─► arguments ─► context ─► commands/… ─► report/…
//!                        └ flag > environment > configuration file
//! ```
//! This crate wires: what a policy means stands in `memex-policies`, what makes
//! a session in `memex-sessions`, what a session does in `memex-runtime`.

mod arguments;
mod asking;
mod commands;
mod configuration;
mod console;
mod context;
mod environment;
mod escapes;
mod failure;
mod grants;
mod image_options;
mod image_store;
mod progress;
mod prompt;
mod refusals;
mod report;
mod session_options;
mod signals;
mod store_arguments;
mod supervising;
mod tool_arguments;
mod turn_sources;

use clap::Parser;
use std::process::ExitCode;
use std::thread;

/// Room for the deepest guest stack a policy can ask for by default, so that
/// turns need no stack mapped for them.
pub(crate) const STACK_BYTES: usize = 64 << 20;

fn main() -> ExitCode {
    failure::tell_panics();
    if let Some(code) = supervising::if_asked() {
        return code;
    }
    let arguments = match arguments::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::usage_of(&error),
    };
    let work = thread::Builder::new()
        .name("memex".into())
        .stack_size(STACK_BYTES)
        .spawn(move || commands::execute(arguments));
    match work.map(thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic's own message is on stderr already.
        Ok(Err(_)) => ExitCode::from(failure::HOST_FAULT),
        Err(error) => {
            let error = anyhow::Error::new(error).context("cannot start a thread");
            failure::report(&error, console::Paint::plain())
        }
    }
}
