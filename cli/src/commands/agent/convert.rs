//! `memex agent convert`: trajectories in the formats of other programs.

use crate::console::print;
use crate::exit_code::ExitCode;
use crate::failure::usage_as_told;
use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use memex_trajectories::formats::{Format, open, write};
use memex_trajectories::spans::{SpanOptions, to_otlp_line};
use memex_trajectories::{Trajectory, load};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
The format of what is read is found by looking.

Examples:
  memex agent convert run.jsonl --into atif > run.atif.json
  memex agent convert runs/*.jsonl --into rollout > rollouts.jsonl
  memex agent convert run.jsonl --into otlp --content > spans.jsonl";

/// Turn trajectories into another format
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ConvertArguments {
    /// Trajectories: memex JSON lines, ATIF, chat or rollout JSON lines
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// What to turn them into
    #[arg(long, value_name = "FORMAT")]
    into: Into,

    /// Let spans contain messages, arguments and results
    #[arg(long)]
    content: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Into {
    /// memex JSON lines
    Memex,
    /// Agent Trajectory Interchange Format
    Atif,
    /// Conversations of chat completions, one a line
    Chat,
    /// Rollouts for reinforcement learning, one a line
    Rollout,
    /// OpenTelemetry spans, one run a line
    Otlp,
}

pub(super) fn execute(arguments: &ConvertArguments) -> Result<ExitCode> {
    let mut runs = Vec::new();
    for file in &arguments.files {
        runs.extend(read(file)?);
    }
    let format = match arguments.into {
        Into::Memex => Format::Native,
        Into::Atif => Format::Atif,
        Into::Chat => Format::Chat,
        Into::Rollout => Format::Rollout,
        Into::Otlp => {
            let content = arguments.content;
            for run in &runs {
                let line = to_otlp_line(run, SpanOptions { content }).map_err(usage_as_told)?;
                print(format!("{line}\n"));
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    let mut text = Vec::new();
    write(format, &runs, "standard output", &mut text).map_err(usage_as_told)?;
    print(String::from_utf8_lossy(&text));
    Ok(ExitCode::SUCCESS)
}

/// The runs of a file of whatever format; one that was cut off counts.
pub(in crate::commands) fn read(path: &Path) -> Result<Vec<Trajectory>> {
    if let Ok(loaded) = load(path) {
        return Ok(vec![loaded.trajectory]);
    }
    let runs = open(path).map_err(usage_as_told)?;
    let runs: Result<Vec<_>, _> = runs.map(|run| run.map(|run| run.trajectory)).collect();
    runs.map_err(usage_as_told)
        .with_context(|| path.display().to_string())
}
