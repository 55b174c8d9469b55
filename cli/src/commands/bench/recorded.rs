//! What each turn of recorded agent runs cost.

use super::charts::{recorded_chart, recorded_value};
use super::tables::{UNKNOWN, print_figures, write_chart};
use crate::commands::agent::read_runs;
use crate::console::{complain, print, print_line};
use crate::exit_code::ExitCode;
use crate::failure::usage;
use anyhow::Result;
use memex_benches::{RecordedTurn, recorded_figures, turns_of};
use memex_escapes::line;
use memex_trajectories::Trajectory;
use memex_trajectories::statistics::{Column, Table};
use std::path::{Path, PathBuf};

/// Prints, and draws if asked, the turns of all runs of the files.
pub(super) fn tell_recorded(
    files: &[PathBuf],
    as_json: bool,
    chart: Option<&Path>,
) -> Result<ExitCode> {
    let mut runs = Vec::new();
    for file in files {
        add_runs(file, &mut runs)?;
    }
    if runs.iter().all(|(_, _, turns)| turns.is_empty()) {
        return Err(usage(
            "the records hold no turn of a model",
            "name files of runs in which a model replied, such as `memex agent run --save` writes",
        ));
    }
    for (name, run, turns) in &runs {
        if as_json {
            print_figures(&recorded_figures(name, turns)?);
        } else {
            tell_run(name, run, turns);
        }
    }
    if let Some(path) = chart {
        let runs: Vec<_> = runs
            .into_iter()
            .map(|(name, _, turns)| (name, turns))
            .collect();
        write_chart(path, &recorded_chart(&runs))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn add_runs(file: &Path, runs: &mut Vec<(String, Trajectory, Vec<RecordedTurn>)>) -> Result<()> {
    let file_name = file.file_name().unwrap_or(file.as_os_str());
    let file_name = file_name.to_string_lossy().replace(':', "_");
    let before = runs
        .iter()
        .filter(|(name, ..)| name.split('#').next() == Some(&file_name));
    let before = before.count();
    for (index, run) in read_runs(file)?.into_iter().enumerate() {
        let name = match before + index {
            0 => file_name.clone(),
            earlier => format!("{file_name}#{}", earlier + 1),
        };
        let turns = turns_of(&run);
        runs.push((name, run, turns));
    }
    Ok(())
}

fn tell_run(name: &str, run: &Trajectory, turns: &[RecordedTurn]) {
    let count = match turns.len() {
        1 => "1 turn".to_owned(),
        count => format!("{count} turns"),
    };
    let model = match run.agent.model.as_str() {
        "" => String::new(),
        model => format!(", {model}"),
    };
    let status = run.status.word();
    print_line(&line(&format!("{name}: {count}, {status}{model}")));
    print(table(turns).to_text());
    let unrecorded = RecordedTurn::QUANTITIES.iter();
    let unrecorded =
        unrecorded.filter(|(.., value)| turns.iter().all(|turn| value(turn).is_none()));
    let unrecorded: Vec<&str> = unrecorded.map(|(quantity, ..)| *quantity).collect();
    if !unrecorded.is_empty() {
        print_line(&format!("not recorded: {}", unrecorded.join(", ")));
    }
    if !run.children.is_empty() {
        let children = run.children.len();
        complain(&line(&format!(
            "note: {name}: the turns of {children} spawned runs are not in the table"
        )));
    }
    print_line("");
}

/// A row for each turn, then the sum; without columns that no turn has.
fn table(turns: &[RecordedTurn]) -> Table {
    let recorded = RecordedTurn::QUANTITIES.iter();
    let recorded: Vec<_> = recorded
        .filter(|(.., value)| turns.iter().any(|turn| value(turn).is_some()))
        .collect();
    let mut columns = vec![Column::right("turn"), Column::left("action")];
    columns.extend(recorded.iter().map(|(quantity, ..)| {
        let name = ["_ms", "_usd", "_bytes"]
            .iter()
            .fold(*quantity, |name, unit| {
                name.strip_suffix(unit).unwrap_or(name)
            });
        Column::right(&name.replace('_', " "))
    }));
    columns.push(Column::left("result"));
    let row = |turn: &RecordedTurn| {
        let mut row = vec![turn.number.to_string(), shortened(&turn.action)];
        row.extend(recorded.iter().map(|(_, unit, value)| {
            value(turn).map_or_else(|| UNKNOWN.to_owned(), |value| recorded_value(unit, value))
        }));
        row.push(turn.failure.clone().unwrap_or_else(|| "ok".to_owned()));
        row
    };
    let mut rows: Vec<Vec<String>> = turns.iter().map(row).collect();
    let mut total = vec![String::new(), "all".to_owned()];
    total.extend(recorded.iter().map(|(_, unit, value)| {
        let known = turns.iter().filter_map(value);
        match *unit {
            // Memory does not add up: the most that it was.
            "B" => recorded_value(unit, known.fold(0.0, f64::max)),
            _ => recorded_value(unit, known.sum()),
        }
    }));
    rows.push(total);
    Table { columns, rows }
}

fn shortened(action: &str) -> String {
    const CHARS_MAX: usize = 40;
    match action.chars().count() > CHARS_MAX {
        true => action.chars().take(CHARS_MAX - 1).chain(['…']).collect(),
        false => action.to_owned(),
    }
}
