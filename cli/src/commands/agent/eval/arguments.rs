//! The options of `memex agent eval`.

use super::sources::SourceArguments;
use super::suite::MakeArguments;
use crate::commands::agent::settings::Space;
use crate::commands::agent::setup::AgentOptions;
use clap::Args;
use std::path::PathBuf;

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
pub(in crate::commands::agent) struct EvalArguments {
    #[command(flatten)]
    pub(super) source: SourceArguments,

    #[command(flatten)]
    pub(super) make: MakeArguments,

    /// A model; give several to compare them [default: that of --model or --agent]
    #[arg(long, value_name = "MODEL")]
    pub(super) models: Vec<String>,

    /// The spaces
    #[arg(long, value_name = "SPACE", value_delimiter = ',', default_values = ["code", "tools"])]
    pub(super) spaces: Vec<Space>,

    /// Runs of each task
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub(super) repeat: u32,

    /// Runs at a time
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub(super) jobs: usize,

    /// Keep results in this file of JSON lines, and continue from it
    #[arg(long, value_name = "FILE")]
    pub(super) keep: Option<PathBuf>,

    /// Save trajectories in this folder
    #[arg(long = "runs", value_name = "DIR")]
    pub(super) runs: Option<PathBuf>,

    /// Draw accuracy against cost into this file
    #[arg(long, value_name = "FILE")]
    pub(super) svg: Option<PathBuf>,

    /// Draw bars of accuracy, tokens, cost and actions into this file
    #[arg(long, value_name = "FILE")]
    pub(super) bars: Option<PathBuf>,

    /// Report the tasks of each tag by themselves, too
    #[arg(long)]
    pub(super) by_tag: bool,

    /// The model that judges answers that no rule covers
    #[arg(long, value_name = "MODEL")]
    pub(super) judge: Option<String>,

    #[command(flatten)]
    pub(super) agent: AgentOptions,
}
