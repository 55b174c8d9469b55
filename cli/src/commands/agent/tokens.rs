//! `memex agent tokens`: what runs used, side by side.

use super::convert::read;
use super::telling::totals_object;
use crate::console::{print, print_line};
use crate::exit_code::ExitCode;
use anyhow::Result;
use clap::Args;
use memex_trajectories::Trajectory;
use memex_trajectories::statistics::{Column, Table};
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Tokens into the model count again with every turn, as providers bill them. What the agents
that a run spawned have used is counted with it.

Examples:
  memex agent tokens code.jsonl tools.jsonl
  memex agent tokens runs/*.jsonl --json";

/// Show what runs used: turns, tokens, cost
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TokensArguments {
    /// Trajectories
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// One JSON object per run
    #[arg(long)]
    json: bool,
}

pub(super) fn execute(arguments: &TokensArguments) -> Result<ExitCode> {
    let mut runs = Vec::new();
    for file in &arguments.files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        runs.extend(read(file)?.into_iter().map(|run| (name.to_string(), run)));
    }
    if arguments.json {
        for (name, run) in &runs {
            let mut object = json!({
                "name": name,
                "id": run.id,
                "action_space": run.agent.action_space.word(),
                "status": run.status.word(),
            });
            if let (Some(object), Some(totals)) = (
                object.as_object_mut(),
                totals_object(&run.totals_with_children()).as_object(),
            ) {
                object.extend(totals.clone());
            }
            print_line(&object.to_string());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let table = Table {
        columns: vec![
            Column::left("run"),
            Column::left("space"),
            Column::left("status"),
            Column::right("turns"),
            Column::right("calls"),
            Column::right("tokens in"),
            Column::right("cached"),
            Column::right("tokens out"),
            Column::right("cost"),
        ],
        rows: runs.iter().map(row).collect(),
    };
    print(table.to_text());
    Ok(ExitCode::SUCCESS)
}

fn row((name, run): &(String, Trajectory)) -> Vec<String> {
    let totals = &run.totals_with_children();
    let cost = totals.cost_usd.map(|usd| format!("${usd:.4}"));
    vec![
        name.clone(),
        run.agent.action_space.word().to_owned(),
        run.status.to_string(),
        totals.turns.to_string(),
        totals.tool_calls.to_string(),
        totals.input_tokens.to_string(),
        totals.cached_tokens.to_string(),
        totals.output_tokens.to_string(),
        cost.unwrap_or_else(|| "?".to_owned()),
    ]
}
