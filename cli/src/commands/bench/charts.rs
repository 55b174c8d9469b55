//! The figures of turns as charts.

use super::tables::{fuel, microseconds, number, shown, size};
use memex_benches::{Machine, Readings, RecordedTurn, Summary, TurnMeasured};
use memex_trajectories::statistics::{Panel, PanelBar, PanelPlot, PanelRow};

/// A row for each turn, a panel for each quantity that was measured.
pub(super) fn measured_chart(measured: &[(String, TurnMeasured)], machine: &Machine) -> PanelPlot {
    let rows = measured.iter().map(|(name, turn)| PanelRow {
        label: match &turn.failure {
            Some(failure) => format!("{name}: {failure}"),
            None => name.clone(),
        },
        is_bad: !turn.is_ok(),
    });
    let panel = |title: &str, bar: &dyn Fn(&TurnMeasured) -> Option<PanelBar>| Panel {
        title: title.to_owned(),
        bars: measured.iter().map(|(_, turn)| bar(turn)).collect(),
    };
    let panels = [
        panel("latency, p50 to p99", &|turn| {
            let Summary { p50, p99, .. } = turn.wall_us.summary("").ok()?;
            Some(PanelBar {
                value: p50,
                upper: Some(p99),
                text: microseconds(p50),
            })
        }),
        panel("fuel", &|turn| bar(&turn.fuel, |_| fuel(turn))),
        panel("host calls", &|turn| bar(&turn.host_calls, number)),
        panel("changed pages", &|turn| bar(&turn.changed_pages, number)),
        panel("snapshot", &|turn| bar(&turn.snapshot_bytes, size)),
        panel("memory", &|turn| bar(&turn.memory_bytes, size)),
    ];
    let is_known = |panel: &Panel| panel.bars.iter().any(Option::is_some);
    PanelPlot {
        title: "What each turn costs".to_owned(),
        note: format!("Bars are medians, lines reach the 99th percentile. {machine}"),
        rows: rows.collect(),
        panels: panels.into_iter().filter(is_known).collect(),
    }
}

fn bar(readings: &Readings, text: impl Fn(f64) -> String) -> Option<PanelBar> {
    let Summary { p50, .. } = readings.summary("").ok()?;
    Some(PanelBar {
        value: p50,
        upper: None,
        text: shown(readings, |of| text(of.p50)),
    })
}

/// A row for each turn of each run, a panel for each quantity that is recorded.
pub(super) fn recorded_chart(runs: &[(String, Vec<RecordedTurn>)]) -> PanelPlot {
    let turns = || {
        let several = runs.len() > 1;
        runs.iter().flat_map(move |(name, turns)| {
            let prefix = if several {
                format!("{name} ")
            } else {
                String::new()
            };
            turns.iter().map(move |turn| (prefix.clone(), turn))
        })
    };
    let rows = turns().map(|(prefix, turn)| PanelRow {
        label: format!("{prefix}{} {}", turn.number, turn.action),
        is_bad: turn.failure.is_some(),
    });
    let chosen = [
        "wall_ms",
        "model_ms",
        "run_ms",
        "input_tokens",
        "output_tokens",
        "fuel",
    ];
    let quantities = RecordedTurn::QUANTITIES.iter();
    let panels = quantities.filter(|(name, ..)| chosen.contains(name));
    let panels = panels.map(|&(name, unit, value)| Panel {
        title: name.replace('_', " "),
        bars: turns()
            .map(|(_, turn)| {
                let value = value(turn)?;
                Some(PanelBar {
                    value,
                    upper: None,
                    text: recorded_value(unit, value),
                })
            })
            .collect(),
    });
    PanelPlot {
        title: match runs {
            [(name, _)] => format!("What each turn of {name} cost"),
            _ => "What each turn of the agents cost".to_owned(),
        },
        note: "As recorded in the trajectory; ✗ marks turns whose code or calls failed.".to_owned(),
        rows: rows.collect(),
        panels: panels.collect(),
    }
}

/// A recorded value with its unit.
pub(super) fn recorded_value(unit: &str, value: f64) -> String {
    match unit {
        "ms" => microseconds(value * 1e3),
        "B" => size(value),
        "USD" => format!("${value:.4}"),
        _ => number(value),
    }
}
