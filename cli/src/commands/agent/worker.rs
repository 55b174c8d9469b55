//! `memex agent worker`: a session for an agent in another process, on the
//! standard streams.

use crate::context::Context;
use crate::session_options::SessionArguments;
use anyhow::Result;
use clap::Args;
use std::process::ExitCode;

/// Serve a session to an agent on the standard streams
#[derive(Debug, Args)]
pub(super) struct WorkerArguments {
    #[command(flatten)]
    session: SessionArguments,
}

pub(super) fn execute(arguments: &WorkerArguments, context: &Context) -> Result<ExitCode> {
    let policy = super::setup::with_time(arguments.session.policy(context)?);
    let sandbox = arguments.session.sandbox(context, policy)?;
    // Ctrl-C at a terminal reaches the whole group; the agent decides.
    ctrlc::set_handler(|| {})?;
    memex_agent::serve(&sandbox, std::io::stdin(), std::io::stdout())?;
    Ok(ExitCode::SUCCESS)
}
