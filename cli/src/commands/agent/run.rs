//! `memex agent run`: a task, or a file of them.

use super::batch::Batch;
use super::setup::{AgentOptions, TaskArguments};
use super::telling::{tell, watcher};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::usage;
use crate::refusals::agent_refusal;
use crate::signals::stopped_by_ctrl_c;
use crate::texts;
use anyhow::{Context as _, Result};
use clap::Args;
use memex_agent::RunRequest;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Steps are shown on standard error as they happen, the answer on standard output. Ctrl-C
stops the run and keeps its trajectory; `memex agent resume` continues it.
A task file has a JSON object a line with `id` and `question`, and where a task has them
`output` (a schema) and `inputs` (names and paths beside the file); a batch that was stopped
resumes where it was when it is run again.

Examples:
  memex agent run 'What drives churn?' --model openai:gpt-5 --sql crm=crm.sqlite --save run.jsonl
  memex agent run 'Summarise each text' --input notes=notes/ --model anthropic:claude-sonnet-4-5
  memex agent run 'Where do sales fall?' --input sales=sales.parquet --value year=2024 --model openai:gpt-5
  memex agent run TASK --output '{\"type\": \"number\"}' --space tools
  memex agent run --tasks tasks.jsonl --jobs 8 --runs runs/ --backend pool --json";

/// Run a task with a model
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RunArguments {
    /// The task, in words; `-` reads it from standard input
    #[arg(required_unless_present = "tasks", conflicts_with = "tasks")]
    task: Option<String>,

    #[command(flatten)]
    with: TaskArguments,

    /// Save the trajectory in this file, and the scope beside it
    #[arg(long, value_name = "FILE", conflicts_with = "tasks")]
    save: Option<PathBuf>,

    /// Run every task of this file
    #[arg(long, value_name = "FILE", help_heading = "Batches")]
    tasks: Option<PathBuf>,

    /// Runs at a time
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 1,
        help_heading = "Batches"
    )]
    jobs: usize,

    /// Save the trajectories of a batch in this folder
    #[arg(
        long = "runs",
        value_name = "DIR",
        requires = "tasks",
        help_heading = "Batches"
    )]
    runs: Option<PathBuf>,

    #[command(flatten)]
    agent: AgentOptions,
}

pub(super) fn execute(arguments: &RunArguments, context: &Context) -> Result<ExitCode> {
    if let Some(tasks) = &arguments.tasks {
        let batch = Batch {
            tasks,
            jobs: arguments.jobs,
            runs: arguments.runs.as_deref(),
            json: arguments.agent.session.is_json(),
            with: &arguments.with,
        };
        return batch.run(&arguments.agent, context);
    }
    let task = match arguments.task.as_deref() {
        Some("-") => {
            texts::read(std::io::stdin().lock(), texts::TASK_BYTES_MAX).context("standard input")?
        }
        task => task.unwrap_or_default().to_owned(),
    };
    if task.trim().is_empty() {
        return Err(usage("the task is empty", "say what is to be done"));
    }
    check_new(arguments.save.as_deref())?;
    let output = arguments.with.output()?;
    let agent = arguments.agent.assemble(context)?;
    let cancellation = stopped_by_ctrl_c()?;
    let result = agent
        .run(RunRequest {
            output,
            inputs: arguments.with.inputs(),
            trajectory: arguments.save.clone(),
            leave_scope: true,
            cancellation,
            watcher: watcher(&arguments.agent, context),
            ..RunRequest::new(task)
        })
        .map_err(agent_refusal)?;
    Ok(tell(&result, arguments.save.as_deref(), &arguments.agent))
}

/// Refuses to write over a trajectory.
pub(super) fn check_new(path: Option<&Path>) -> Result<()> {
    match path.filter(|path| path.exists()) {
        None => Ok(()),
        Some(path) => Err(usage(
            format!("{} is there already", path.display()),
            "`memex agent resume` continues a run that was stopped, `memex agent continue` asks \
             for something else after one; name another file for a new one",
        )),
    }
}
