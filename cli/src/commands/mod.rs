//! The commands, one file each.

mod agent;
mod bench;
mod completions;
mod doctor;
mod dspy;
mod image;
mod key;
mod mcp;
mod mem;
mod policy;
mod repl;
mod run;
mod serve;
mod session;
mod tools;

use crate::context::Context;
use crate::exit_code::ExitCode;
use anyhow::Result;
use clap::{Args, Subcommand};

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
    Serve(serve::ServeArguments),
    Key(key::KeyArguments),
    Mcp(Box<mcp::McpArguments>),
    Dspy(Box<dspy::DspyArguments>),
    Agent(agent::AgentArguments),
    Bench(bench::BenchArguments),
    Doctor(doctor::DoctorArguments),
    Completions(completions::CompletionsArguments),
}

/// The word of the subcommand `run`.
pub(crate) const RUN: &str = "run";

/// The description of the subcommand `run`.
pub(crate) fn run_alone() -> clap::Command {
    run::RunArguments::augment_args(clap::Command::new(RUN))
}

impl Command {
    /// Runs the command. `whole` makes the command line that it is part of.
    pub(crate) fn execute(
        &self,
        context: &Context,
        whole: fn() -> clap::Command,
    ) -> Result<ExitCode> {
        match self {
            Self::Run(arguments) => run::execute(arguments, context),
            Self::Repl(arguments) => repl::execute(arguments, context),
            Self::Session(arguments) => session::execute(arguments, context),
            Self::Image(arguments) => image::execute(arguments, context),
            Self::Policy(arguments) => policy::execute(arguments, context),
            Self::Tools(arguments) => tools::execute(arguments, context),
            Self::Mem(arguments) => mem::execute(arguments, context),
            Self::Serve(arguments) => serve::execute(arguments, context),
            Self::Key(arguments) => key::execute(arguments, context),
            Self::Mcp(arguments) => mcp::execute(arguments, context),
            Self::Dspy(arguments) => dspy::execute(arguments, context),
            Self::Agent(arguments) => agent::execute(arguments, context),
            Self::Bench(arguments) => bench::execute(arguments, context),
            Self::Doctor(arguments) => doctor::execute(arguments, context),
            Self::Completions(arguments) => completions::execute(arguments, whole()),
        }
    }
}
