//! `memex agent`: language models that act in sessions.

mod aggregate;
mod approving;
mod audit;
mod batch;
mod continuing;
mod convert;
mod eval;
mod report;
mod resume;
mod run;
mod settings;
mod setup;
mod telling;
mod tokens;
mod worker;

pub(super) use convert::read as read_runs;

use crate::context::Context;
use crate::exit_code::ExitCode;
use anyhow::Result;
use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
A model acts by writing Python in a persistent session (`--space code`, the default), or by
structured tool calls (`--space tools`), with the same loop, tools and record.

Examples:
  memex agent run 'How many rows has the largest table?' --model openai:gpt-5 --sql shop=shop.sqlite
  memex agent run TASK --agent agent.toml --input data=data.csv --output answer.json
  memex agent run --tasks tasks.jsonl --jobs 8 --runs runs/
  memex agent resume runs/run-1.jsonl --agent agent.toml
  memex agent report runs/run-1.jsonl > run.html
  memex agent tokens runs/run-1.jsonl runs/run-2.jsonl";

/// Let language models act in sessions
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AgentArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Run(Box<run::RunArguments>),
    Continue(Box<continuing::ContinueArguments>),
    Resume(Box<resume::ResumeArguments>),
    Report(report::ReportArguments),
    Convert(convert::ConvertArguments),
    Audit(Box<audit::AuditArguments>),
    Aggregate(Box<aggregate::AggregateArguments>),
    Eval(Box<eval::EvalArguments>),
    Tokens(tokens::TokensArguments),
    #[command(hide = true)]
    Worker(worker::WorkerArguments),
}

pub(super) fn execute(arguments: &AgentArguments, context: &Context) -> Result<ExitCode> {
    match &arguments.action {
        Action::Run(arguments) => run::execute(arguments, context),
        Action::Continue(arguments) => continuing::execute(arguments, context),
        Action::Resume(arguments) => resume::execute(arguments, context),
        Action::Report(arguments) => report::execute(arguments),
        Action::Convert(arguments) => convert::execute(arguments),
        Action::Audit(arguments) => audit::execute(arguments, context),
        Action::Aggregate(arguments) => aggregate::execute(arguments, context),
        Action::Eval(arguments) => eval::execute(arguments, context),
        Action::Tokens(arguments) => tokens::execute(arguments),
        Action::Worker(arguments) => worker::execute(arguments),
    }
}
