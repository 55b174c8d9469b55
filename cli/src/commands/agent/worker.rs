//! `memex agent worker`: sessions for an agent in another process, on the
//! standard streams. What they are made of comes with each of them.

use crate::exit_code::ExitCode;
use anyhow::Result;
use clap::Args;

/// Serve sessions to an agent on the standard streams
#[derive(Debug, Args)]
pub(super) struct WorkerArguments {}

pub(super) fn execute(_arguments: &WorkerArguments) -> Result<ExitCode> {
    // Ctrl-C at a terminal reaches the whole group; the agent decides.
    ctrlc::set_handler(|| {})?;
    memex_agent::serve(std::io::stdin(), std::io::stdout())?;
    Ok(ExitCode::SUCCESS)
}
