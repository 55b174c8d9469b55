//! `memex agent eval`: a suite of tasks by several models in both spaces.

mod reporting;
mod results;
mod sources;
mod suite;
mod variants;

use super::settings::Space;
use super::setup::{AgentOptions, build};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, usage_as_told};
use crate::signals::stopped_by_ctrl_c;
use anyhow::Result;
use clap::Args;
use memex_agent::evaluation::Variant;
use memex_models::ModelConfig;
use reporting::report;
use results::kept;
use sources::{SourceArguments, check_judge};
use std::collections::BTreeSet;
use std::path::PathBuf;
use suite::{MakeArguments, make};
use variants::Evaluation;

const EXAMPLES: &str = "\
A suite is a file of tasks, one JSON object a line, beside the documents and databases it
asks of. Every model answers every task in every space, with the same tools. Results are
kept as they come: a run that was stopped resumes where it was.

Examples:
  memex agent eval --make warehouse --into suite/ --size 10 --difficulty hard
  memex agent eval suite/tasks.jsonl --models openai:gpt-5-mini --models openai:gpt-5 --keep results.jsonl
  memex agent eval suite/tasks.jsonl --model local:qwen@http://localhost:8000/v1 --jobs 8 --svg pareto.svg
  memex agent eval suite/tasks.jsonl --model openai:gpt-5 --spaces code,tools,tools-python --repeat 8
  memex agent eval --suite officeqa --questions officeqa_pro.csv --corpus bulletins/ --model openai:gpt-5";

/// Answer a suite of tasks with several models, in both spaces
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct EvalArguments {
    #[command(flatten)]
    source: SourceArguments,

    #[command(flatten)]
    make: MakeArguments,

    /// A model; give several to compare them [default: that of --model or --agent]
    #[arg(long, value_name = "MODEL")]
    models: Vec<String>,

    /// The spaces
    #[arg(long, value_name = "SPACE", value_delimiter = ',', default_values = ["code", "tools"])]
    spaces: Vec<Space>,

    /// Runs of each task
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    repeat: u32,

    /// Runs at a time
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    jobs: usize,

    /// Keep results in this file of JSON lines, and continue from it
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,

    /// Save trajectories in this folder
    #[arg(long = "runs", value_name = "DIR")]
    runs: Option<PathBuf>,

    /// Draw accuracy against cost into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Draw bars of accuracy, tokens, cost and actions into this file
    #[arg(long, value_name = "FILE")]
    bars: Option<PathBuf>,

    /// Report the tasks of each tag by themselves, too
    #[arg(long)]
    by_tag: bool,

    /// The model that judges answers that no rule covers
    #[arg(long, value_name = "MODEL")]
    judge: Option<String>,

    #[command(flatten)]
    agent: AgentOptions,
}

pub(super) fn execute(arguments: &EvalArguments, context: &Context) -> Result<ExitCode> {
    if arguments.make.is_asked() {
        return make(&arguments.make);
    }
    let source = arguments.source.read(context)?;
    check_judge(&source.tasks, arguments.judge.is_some())?;
    let judge = arguments
        .judge
        .as_deref()
        .map(ModelConfig::parse)
        .transpose();
    let judge = judge
        .map_err(usage_as_told)?
        .as_ref()
        .map(build)
        .transpose()?;
    let settings = &arguments.agent.settings;
    let models = match arguments.models.is_empty() {
        true => vec![settings.resolve()?.model.config.spec.to_string()],
        false => arguments.models.clone(),
    };
    // What is wrong with one of them is said before another is paid.
    for model in &models {
        let mut settings = settings.clone();
        settings.model = Some(model.clone());
        settings.resolve()?.check()?;
    }
    let mut results = kept(arguments.keep.as_deref())?;
    let cancellation = stopped_by_ctrl_c()?;
    let evaluation = Evaluation {
        arguments,
        context,
        source: &source,
        judge: judge.as_ref(),
    };
    for model in &models {
        for space in &arguments.spaces {
            let variant = Variant {
                model: model.clone(),
                space: space.word().to_owned(),
            };
            evaluation.run(&variant, *space, &mut results, &cancellation)?;
        }
    }
    let wanted: BTreeSet<&str> = source.tasks.iter().map(|task| task.id.as_str()).collect();
    results.retain(|result| wanted.contains(result.task.as_str()));
    report(arguments, &source.name, &results)?;
    Ok(match cancellation.is_cancelled() {
        true => ExitCode::from(TURN_FAILED),
        false => ExitCode::SUCCESS,
    })
}
