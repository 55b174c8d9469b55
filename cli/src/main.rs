//! The `memex` command: Python for untrusted code, one persistent scope at a
//! time.
//!
//! ```text
//! main ─► arguments ─► commands/… ─► options of sessions, tools, images
//!   │                      └───────► report/… ─► console ─► escapes
//!   └───► context: flag > environment > configuration file
//! ```
//! This crate only connects the others: `memex-policies` defines policies,
//! `memex-sessions` assembles sessions, `memex-runtime` runs them.

mod arguments;
mod asking;
mod commands;
mod configuration;
mod console;
mod context;
mod environment;
mod escapes;
mod failure;
mod failure_report;
mod fonts;
mod global_options;
mod grants;
mod image_options;
mod image_store;
mod paint;
mod progress;
mod prompt;
mod refusals;
mod report;
mod requirements_file;
mod session_options;
mod signals;
mod store_arguments;
mod supervising;
mod tool_arguments;
mod turn_sources;

use crate::arguments::Arguments;
use crate::context::{Context, STACK_BYTES, early_paint};
use crate::failure::HOST_FAULT;
use crate::failure_report::{report, tell_panics, usage_of};
use crate::paint::Paint;
use clap::{CommandFactory, Parser};
use std::process::ExitCode;
use std::thread;

fn main() -> ExitCode {
    tell_panics();
    if let Some(code) = supervising::if_asked() {
        return code;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage_of(&error),
    };
    let work = thread::Builder::new()
        .name("memex".into())
        .stack_size(STACK_BYTES)
        .spawn(move || execute(&arguments));
    match work.map(thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic's own message is on stderr already.
        Ok(Err(_)) => ExitCode::from(HOST_FAULT),
        Err(error) => {
            let error = anyhow::Error::new(error).context("cannot start a thread");
            report(&error, Paint::plain())
        }
    }
}

/// Runs the command and reports its failure, if any.
fn execute(arguments: &Arguments) -> ExitCode {
    let context = match Context::new(&arguments.global) {
        Ok(context) => context,
        Err(error) => return report(&error, early_paint(&arguments.global)),
    };
    let done = arguments.command.execute(&context, Arguments::command);
    done.unwrap_or_else(|error| report(&error, context.err.paint))
}
