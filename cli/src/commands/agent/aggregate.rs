//! `memex agent aggregate`: one answer from several runs of a task.

use super::setup::{AgentOptions, TaskArguments};
use super::telling::{tell, watcher};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{usage, usage_as_told};
use crate::refusals::agent_refusal;
use crate::signals::stopped_by_ctrl_c;
use anyhow::Result;
use clap::Args;
use memex_agent::evaluation::aggregation;
use memex_agent::{OutputSchema, RunRequest};
use memex_trajectories::load;
use std::path::PathBuf;

const EXAMPLES: &str = "\
The runs are in the aggregator's scope as run_1, run_2 …; it has no tools to search with, so
that it verifies and selects rather than tries again.

Examples:
  memex agent aggregate a.jsonl b.jsonl c.jsonl --model openai:gpt-5";

/// Verify several runs of a task and give the best answer
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AggregateArguments {
    /// Trajectories of the same task
    #[arg(value_name = "FILE", required = true, num_args = 2..)]
    files: Vec<PathBuf>,

    /// Save the trajectory in this file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    #[command(flatten)]
    with: TaskArguments,

    #[command(flatten)]
    agent: AgentOptions,
}

pub(super) fn execute(arguments: &AggregateArguments, context: &Context) -> Result<ExitCode> {
    let mut task = None;
    let mut output = arguments.with.output()?;
    for file in &arguments.files {
        let run = load(file).map_err(usage_as_told)?.trajectory;
        if task.as_ref().is_some_and(|task| *task != run.task) {
            return Err(usage(
                format!("{} is of another task", file.display()),
                "aggregate runs of one task",
            ));
        }
        if let (None, Some(schema)) = (&output, run.metadata.get("output")) {
            output = Some(OutputSchema::new(schema.clone()).map_err(usage_as_told)?);
        }
        task = Some(run.task);
    }
    let task = task.unwrap_or_default();
    let request = aggregation(&task, &arguments.files, output).map_err(agent_refusal)?;
    let agent = arguments.agent.assemble(context)?;
    let result = agent.run(RunRequest {
        trajectory: arguments.save.clone(),
        cancellation: stopped_by_ctrl_c()?,
        watcher: watcher(&arguments.agent, context),
        ..request
    });
    let result = result.map_err(agent_refusal)?;
    Ok(tell(&result, arguments.save.as_deref(), &arguments.agent))
}
