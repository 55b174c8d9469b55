//! `memex agent aggregate`: one answer from several runs of a task.

use super::convert::read;
use super::setup::{AgentOptions, TaskArguments};
use super::telling::{tell, watcher};
use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, usage, usage_as_told};
use crate::refusals::agent_refusal;
use crate::signals::stopped_by_ctrl_c;
use anyhow::Result;
use clap::Args;
use memex_agent::evaluation::{aggregation, aggregation_of_summaries, most_given};
use memex_agent::{OutputSchema, RunRequest};
use memex_trajectories::Trajectory;
use serde_json::Value;
use std::path::PathBuf;

const EXAMPLES: &str = "\
The runs are in the aggregator's scope as run_1, run_2 …; it has no tools to search with, so
that it verifies and selects rather than tries again. With --summaries it reads their last
words and answers alone, in either space; with --vote no model is asked.

Examples:
  memex agent aggregate a.jsonl b.jsonl c.jsonl --model openai:gpt-5
  memex agent aggregate rollouts.jsonl --summaries --space tools --model openai:gpt-5
  memex agent aggregate a.jsonl b.jsonl c.jsonl --vote";

/// Verify several runs of a task and give the best answer
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AggregateArguments {
    /// Trajectories of the same task, of any format
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Give the aggregator the last words and answers of the runs, and not their records
    #[arg(long)]
    summaries: bool,

    /// Give the answer that most runs have, without a model
    #[arg(long, conflicts_with_all = ["summaries", "model", "save"])]
    vote: bool,

    /// Save the trajectory in this file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    #[command(flatten)]
    with: TaskArguments,

    #[command(flatten)]
    agent: AgentOptions,
}

pub(super) fn execute(arguments: &AggregateArguments, context: &Context) -> Result<ExitCode> {
    let mut runs = Vec::new();
    for file in &arguments.files {
        runs.extend(read(file)?);
    }
    let task = one_task(&runs)?;
    if arguments.vote {
        return Ok(vote(&runs));
    }
    let mut output = arguments.with.output()?;
    if output.is_none() {
        let schema = runs.iter().find_map(|run| run.metadata.get("output"));
        let schema = schema.cloned().map(OutputSchema::new).transpose();
        output = schema.map_err(usage_as_told)?;
    }
    let request = match arguments.summaries {
        true => aggregation_of_summaries(&task, &runs, output),
        false => aggregation(&task, &arguments.files, output).map_err(agent_refusal)?,
    };
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

/// The task of all runs, of which there are several.
fn one_task(runs: &[Trajectory]) -> Result<String> {
    let [first, _, ..] = runs else {
        return Err(usage(
            format!("there are too few runs: {}", runs.len()),
            "aggregate several runs of one task",
        ));
    };
    match runs.iter().find(|run| run.task != first.task) {
        None => Ok(first.task.clone()),
        Some(other) => Err(usage(
            format!("the run {} is of another task", other.id),
            "aggregate runs of one task",
        )),
    }
}

fn vote(runs: &[Trajectory]) -> ExitCode {
    let answer = |run: &Trajectory| {
        let words = run.answer.clone().map(Value::String);
        run.submission.clone().or(words).unwrap_or_default()
    };
    let answers: Vec<Value> = runs.iter().map(answer).collect();
    match most_given(&answers).and_then(|place| answers.get(place)) {
        Some(Value::String(words)) => print_line(words),
        Some(answer) => print_line(&answer.to_string()),
        None => {
            complain("no run has an answer");
            return ExitCode::from(TURN_FAILED);
        }
    }
    ExitCode::SUCCESS
}
