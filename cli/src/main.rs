//! The `memex` program.

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

fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os().skip(1), Installation::own()))
}
