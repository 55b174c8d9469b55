//! `memex agent report`: runs as a page for people.

use super::convert::read;
use crate::console::{print, write_whole};
use crate::exit_code::ExitCode;
use anyhow::{Context as _, Result};
use clap::Args;
use memex_trajectories::report::report;
use std::path::PathBuf;

const EXAMPLES: &str = "\
The page stands by itself: no network, no scripts from elsewhere.

Examples:
  memex agent report run.jsonl > run.html
  memex agent report runs/*.jsonl --to runs.html --title 'Tuesday'";

/// Write runs as an HTML page: turns, code, observations, children, tokens, cost
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReportArguments {
    /// Trajectories, in any format that `convert` reads
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Write the page into this file
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,

    /// The title of the page
    #[arg(long, default_value = "memex agent runs")]
    title: String,
}

pub(super) fn execute(arguments: &ReportArguments) -> Result<ExitCode> {
    let mut runs = Vec::new();
    for file in &arguments.files {
        runs.extend(read(file)?);
    }
    let page = report(&arguments.title, &runs);
    match &arguments.to {
        Some(path) => {
            write_whole(path, page.as_bytes()).with_context(|| path.display().to_string())?
        }
        None => print(page),
    }
    Ok(ExitCode::SUCCESS)
}
