//! `memex agent resume`: going on with a run that was cut off.

use super::setup::AgentOptions;
use super::telling::{tell, watcher};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::refusals::agent_refusal;
use crate::signals::stopped_by_ctrl_c;
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
The conversation comes from the trajectory, the scope from the file beside it; without that
file the code blocks run again. Settings are those given here: give the same --agent, or
larger budgets.

Examples:
  memex agent resume run.jsonl --model openai:gpt-5 --sql crm=crm.sqlite
  memex agent resume run.jsonl --agent agent.toml --turns 100";

/// Continue a run that was stopped or failed
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ResumeArguments {
    /// The trajectory, as `run --save` wrote it
    #[arg(value_name = "FILE")]
    trajectory: PathBuf,

    #[command(flatten)]
    agent: AgentOptions,
}

pub(super) fn execute(arguments: &ResumeArguments, context: &Context) -> Result<ExitCode> {
    let path = &arguments.trajectory;
    let agent = arguments.agent.assemble(context)?;
    let watcher = watcher(&arguments.agent, context);
    let result = agent
        .resume(path, stopped_by_ctrl_c()?, watcher)
        .map_err(agent_refusal)?;
    Ok(tell(&result, Some(path), &arguments.agent))
}
