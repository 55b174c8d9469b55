//! `memex mem`: a memory of Markdown files, and agents that work on it.

mod ask;
mod bench;
mod chat;
mod conversing;
mod difference;
mod files;
mod import;
mod line;
mod live;
mod options;
mod serve;
mod setup;
mod talk;
mod undoing;

use crate::context::Context;
use crate::exit_code::ExitCode;
use anyhow::Result;
use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
A memory is a directory: user.md about a person, entities/NAME.md about everything else,
facts as `- fact_name: value`, relations as [[links]]. Edit it with any editor; agents read
and write it through ten tools, and every change they make can be looked at and undone.

Examples:
  memex mem init --memory notes                       an example to look at
  memex mem ask 'What is Jonas allergic to?' --memory notes --model anthropic:claude-sonnet-4-5
  memex mem chat --memory notes --model local:mem-agent@http://127.0.0.1:8000/v1 --compat
  memex mem log --memory notes
  memex mem undo --memory notes
  memex mem serve --memory notes --model openai:gpt-5-mini      for MCP clients";

/// Keep a memory of Markdown files, and ask an agent about it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MemArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Chat(chat::ChatArguments),
    Ask(ask::AskArguments),
    Serve(serve::ServeArguments),
    Setup(setup::SetupArguments),
    Filters(files::FilterArguments),
    /// Make a memory: an example, or an empty one
    Init(files::InitArguments),
    /// Find broken links, orphans, lines that are no facts, oversize files
    ///
    /// Exit status 1: something was found.
    Check(files::CheckArguments),
    /// Draw the entities and their links as SVG
    Graph(files::GraphArguments),
    Import(import::ImportArguments),
    /// Write the memory as one JSON document
    Export(files::ExportArguments),
    /// Make a memory of a JSON document
    Instantiate(files::InstantiateArguments),
    /// List the changes of the memory
    Log(files::LogArguments),
    /// Undo changes, and journal that
    Undo(files::UndoArguments),
    Bench(bench::BenchArguments),
    Rollouts(bench::RolloutArguments),
}

pub(super) fn execute(arguments: &MemArguments, context: &Context) -> Result<ExitCode> {
    match &arguments.action {
        Action::Chat(arguments) => chat::execute(arguments, context),
        Action::Ask(arguments) => ask::execute(arguments, context),
        Action::Serve(arguments) => serve::execute(arguments, context),
        Action::Setup(arguments) => setup::execute(arguments, context),
        Action::Filters(arguments) => files::filters(arguments),
        Action::Init(arguments) => files::init(arguments),
        Action::Check(arguments) => files::check(arguments, context),
        Action::Graph(arguments) => files::graph(arguments),
        Action::Import(arguments) => import::execute(arguments, context),
        Action::Export(arguments) => files::export(arguments),
        Action::Instantiate(arguments) => files::instantiate(arguments),
        Action::Log(arguments) => files::log(arguments, context),
        Action::Undo(arguments) => files::undo(arguments),
        Action::Bench(arguments) => bench::execute(arguments, context),
        Action::Rollouts(arguments) => bench::rollouts(arguments, context),
    }
}
