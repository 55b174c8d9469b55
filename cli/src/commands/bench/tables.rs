//! The figures of turns as a table, as JSON, and as a file.

use crate::console::{print_line, write_whole};
use crate::failure::at_place;
use crate::report::{bytes, duration};
use anyhow::Result;
use memex_benches::{Figure, Readings, Summary, TurnMeasured};
use memex_trajectories::statistics::{Column, PanelPlot, Table};
use std::path::Path;
use std::time::Duration;

/// What stands where nothing is known.
pub(super) const UNKNOWN: &str = "–";

/// One row for each turn.
pub(super) fn measured_table(measured: &[(String, TurnMeasured)]) -> Table {
    let with_fuel = measured.iter().any(|(_, turn)| !turn.fuel.is_empty());
    let mut columns = vec![
        Column::left("turn"),
        Column::right("p50"),
        Column::right("p99"),
        Column::right("guest p50"),
    ];
    columns.extend(with_fuel.then(|| Column::right("fuel")));
    columns.extend(["calls", "memory", "pages", "snapshot", "runs"].map(Column::right));
    columns.push(Column::left("result"));
    let rows = measured.iter().map(|(name, turn)| {
        let mut row = vec![
            name.clone(),
            shown(&turn.wall_us, |of| microseconds(of.p50)),
            shown(&turn.wall_us, |of| microseconds(of.p99)),
            shown(&turn.guest_us, |of| microseconds(of.p50)),
        ];
        row.extend(with_fuel.then(|| fuel(turn)));
        row.extend([
            shown(&turn.host_calls, |of| number(of.p50)),
            shown(&turn.memory_bytes, |of| size(of.p50)),
            shown(&turn.changed_pages, |of| number(of.p50)),
            shown(&turn.snapshot_bytes, |of| size(of.p50)),
            turn.runs.to_string(),
            result(turn),
        ]);
        row
    });
    Table {
        rows: rows.collect(),
        columns,
    }
}

/// A quantity's summary in words; a dash without readings.
pub(super) fn shown(readings: &Readings, words: impl FnOnce(Summary) -> String) -> String {
    readings
        .summary("")
        .map_or_else(|_| UNKNOWN.to_owned(), words)
}

/// The fuel of a turn; `≈` where runs differ.
pub(super) fn fuel(turn: &TurnMeasured) -> String {
    let about = if turn.fuel_differs().is_some() {
        "≈"
    } else {
        ""
    };
    shown(&turn.fuel, |of| format!("{about}{}", number(of.p50)))
}

fn result(turn: &TurnMeasured) -> String {
    let cut = if turn.is_cut_short { ", cut short" } else { "" };
    match (&turn.failure, turn.failed) {
        (None, _) => format!("ok{cut}"),
        (Some(failure), 0) => format!("{failure}{cut}"),
        (Some(failure), failed) => format!("{failed} runs failed: {failure}{cut}"),
    }
}

pub(super) fn microseconds(us: f64) -> String {
    duration(Duration::try_from_secs_f64(us / 1e6).unwrap_or_default())
}

pub(super) fn size(count: f64) -> String {
    bytes(count as u64)
}

/// A count with its thousands apart.
pub(super) fn number(count: f64) -> String {
    let digits = format!("{count:.0}");
    let length = digits.len();
    let mut text = String::with_capacity(length + length / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (length - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Prints one object for each figure.
pub(super) fn print_figures(figures: &[Figure]) {
    for figure in figures {
        // A figure is text and finite numbers: it has a JSON form.
        print_line(&serde_json::to_string(figure).unwrap_or_default());
    }
}

/// Writes a chart into a file that the caller named.
pub(super) fn write_chart(path: &Path, plot: &PanelPlot) -> Result<()> {
    let hint = "name a file in a directory that you can write";
    write_whole(path, plot.to_svg().as_bytes()).map_err(|error| at_place(path, error, hint))
}
