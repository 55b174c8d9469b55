//! `memex agent continue`: another task over what a run left.

use super::run::check_new;
use super::setup::{AgentOptions, TaskArguments};
use super::telling::{tell, watcher};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::usage;
use crate::refusals::agent_refusal;
use crate::signals::stopped_by_ctrl_c;
use anyhow::Result;
use clap::Args;
use memex_agent::RunRequest;
use std::path::PathBuf;

const EXAMPLES: &str = "\
The scope comes from the file beside the trajectory; without it the code blocks run again. The
model reads what was said before. Settings are those given here: give the same --agent.

Examples:
  memex agent run 'Load the orders' --save first.jsonl --model openai:gpt-5 --sql shop=shop.sqlite
  memex agent continue first.jsonl 'Which customer spent most?' --save second.jsonl --model openai:gpt-5 --sql shop=shop.sqlite";

/// Ask for something else over the scope and the conversation of a saved run
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ContinueArguments {
    /// The trajectory, as `run --save` wrote it
    #[arg(value_name = "FILE")]
    trajectory: PathBuf,

    /// The task
    #[arg(value_name = "TASK")]
    task: String,

    /// Save the trajectory of this run in another file, and the scope beside it
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    #[command(flatten)]
    with: TaskArguments,

    #[command(flatten)]
    agent: AgentOptions,
}

pub(super) fn execute(arguments: &ContinueArguments, context: &Context) -> Result<ExitCode> {
    if arguments.task.trim().is_empty() {
        return Err(usage("the task is empty", "say what is to be done"));
    }
    check_new(arguments.save.as_deref())?;
    let output = arguments.with.output()?;
    let agent = arguments.agent.assemble(context)?;
    let request = RunRequest {
        output,
        inputs: arguments.with.inputs(),
        trajectory: arguments.save.clone(),
        leave_scope: true,
        cancellation: stopped_by_ctrl_c()?,
        watcher: watcher(&arguments.agent, context),
        ..RunRequest::new(arguments.task.clone())
    };
    let result = agent
        .continue_from(&arguments.trajectory, request)
        .map_err(agent_refusal)?;
    Ok(tell(&result, arguments.save.as_deref(), &arguments.agent))
}
