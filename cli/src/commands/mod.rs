//! The commands, one file each.

mod agent;
mod bench;
mod completions;
mod doctor;
mod image;
mod mem;
mod policy;
mod repl;
mod run;
mod session;
mod tools;

use crate::arguments::Arguments;
use crate::context::{Context, early_paint};
use crate::failure::report;
use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;

/// The subcommand.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::RunArguments),
    Repl(repl::ReplArguments),
    Session(session::SavedArguments),
    Image(image::ImageArguments),
    Policy(policy::PolicyArguments),
    Tools(tools::ToolsArguments),
    Mem(mem::MemArguments),
    Agent(agent::AgentArguments),
    Bench(bench::BenchArguments),
    Doctor(doctor::DoctorArguments),
    Completions(completions::CompletionsArguments),
}

/// Runs a command and reports its failure, if any.
pub(crate) fn execute(arguments: Arguments) -> ExitCode {
    let context = match Context::new(&arguments.global) {
        Ok(context) => context,
        Err(error) => return report(&error, early_paint(&arguments.global)),
    };
    let done: Result<ExitCode> = match arguments.command {
        Command::Run(arguments) => run::execute(&arguments, &context),
        Command::Repl(arguments) => repl::execute(&arguments, &context),
        Command::Session(arguments) => session::execute(&arguments, &context),
        Command::Image(arguments) => image::execute(&arguments, &context),
        Command::Policy(arguments) => policy::execute(&arguments, &context),
        Command::Tools(arguments) => tools::execute(&arguments, &context),
        Command::Mem(arguments) => mem::execute(&arguments, &context),
        Command::Agent(arguments) => agent::execute(&arguments, &context),
        Command::Bench(arguments) => bench::execute(&arguments, &context),
        Command::Doctor(arguments) => doctor::execute(&arguments, &context),
        Command::Completions(arguments) => completions::execute(&arguments),
    };
    done.unwrap_or_else(|error| report(&error, context.err.paint))
}
