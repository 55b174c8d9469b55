//! Variants side by side.

use std::collections::BTreeMap;

use memex_trajectories::statistics::{
    Column, Interval, Panel, PanelBar, PanelPlot, PanelRow, ParetoPlot, PlotPoint, Series, Table,
    bootstrap_mean, mean, wilson,
};
use serde::Serialize;

use super::{Graded, Variant};

const RESAMPLES: usize = 2_000;
const SEED: u64 = 1;

/// How a variant did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// The variant.
    #[serde(flatten)]
    pub variant: Variant,
    /// Tasks that it did.
    pub tasks: u64,
    /// Those that it got right.
    pub correct: u64,
    /// The part of them.
    pub accuracy: f64,
    /// Its 95 % interval.
    pub accuracy_low: f64,
    /// Its 95 % interval.
    pub accuracy_high: f64,
    /// Tokens into the model, a task.
    pub input_tokens: f64,
    /// Its 95 % interval.
    pub input_tokens_low: f64,
    /// Its 95 % interval.
    pub input_tokens_high: f64,
    /// Tokens out of it, a task.
    pub output_tokens: f64,
    /// Dollars a task, where all prices are known.
    pub cost_usd: Option<f64>,
    /// Turns a task.
    pub turns: f64,
    /// Tool calls a task.
    pub tool_calls: f64,
    /// Blocks of code a task.
    pub blocks: f64,
}

/// Puts results together, a standing for each variant.
#[must_use]
pub fn summarise(results: &[Graded]) -> Vec<Standing> {
    let mut by_variant: BTreeMap<&Variant, Vec<&Graded>> = BTreeMap::new();
    for result in results {
        by_variant.entry(&result.variant).or_default().push(result);
    }
    by_variant
        .into_iter()
        .map(|(variant, results)| standing(variant, &results))
        .collect()
}

fn standing(variant: &Variant, results: &[&Graded]) -> Standing {
    let of = |value: fn(&Graded) -> f64| results.iter().map(|r| value(r)).collect::<Vec<f64>>();
    let average = |value: fn(&Graded) -> f64| mean(&of(value)).unwrap_or(0.0);
    let tasks = u64::try_from(results.len()).unwrap_or(u64::MAX);
    let correct = results.iter().filter(|result| result.correct).count();
    let correct = u64::try_from(correct).unwrap_or(u64::MAX);
    let accuracy = wilson(correct, tasks);
    let tokens = bootstrap_mean(&of(|r| r.input_tokens as f64), RESAMPLES, SEED);
    let tokens = tokens.unwrap_or(Interval {
        low: 0.0,
        high: 0.0,
    });
    let costs: Option<Vec<f64>> = results.iter().map(|result| result.cost_usd).collect();
    Standing {
        variant: variant.clone(),
        tasks,
        correct,
        accuracy: correct as f64 / tasks.max(1) as f64,
        accuracy_low: accuracy.low,
        accuracy_high: accuracy.high,
        input_tokens: average(|r| r.input_tokens as f64),
        input_tokens_low: tokens.low,
        input_tokens_high: tokens.high,
        output_tokens: average(|r| r.output_tokens as f64),
        cost_usd: costs.and_then(|costs| mean(&costs)),
        turns: average(|r| r.turns as f64),
        tool_calls: average(|r| r.tool_calls as f64),
        blocks: average(|r| r.blocks as f64),
    }
}

/// The standings as a table.
#[must_use]
pub fn table(standings: &[Standing]) -> Table {
    let row = |s: &Standing| {
        vec![
            s.variant.model.clone(),
            s.variant.space.clone(),
            format!("{}/{}", s.correct, s.tasks),
            format!("{:.1} %", 100.0 * s.accuracy),
            format!(
                "{:.1}–{:.1}",
                100.0 * s.accuracy_low,
                100.0 * s.accuracy_high
            ),
            format!("{:.0}", s.input_tokens),
            format!("{:.0}–{:.0}", s.input_tokens_low, s.input_tokens_high),
            format!("{:.0}", s.output_tokens),
            s.cost_usd
                .map_or_else(|| "?".to_owned(), |usd| format!("${usd:.4}")),
            format!("{:.1}", s.turns),
            format!("{:.1}", s.tool_calls),
            format!("{:.1}", s.blocks),
        ]
    };
    Table {
        columns: vec![
            Column::left("model"),
            Column::left("space"),
            Column::right("right"),
            Column::right("accuracy"),
            Column::right("95 %"),
            Column::right("tokens in"),
            Column::right("95 %"),
            Column::right("tokens out"),
            Column::right("cost"),
            Column::right("turns"),
            Column::right("calls"),
            Column::right("blocks"),
        ],
        rows: standings.iter().map(row).collect(),
    }
}

/// The standings among the tasks of each tag that not all tasks have.
#[must_use]
pub fn by_tag(results: &[Graded]) -> Vec<(String, Vec<Standing>)> {
    let mut tagged: BTreeMap<&str, Vec<Graded>> = BTreeMap::new();
    for result in results {
        for tag in &result.tags {
            tagged.entry(tag).or_default().push(result.clone());
        }
    }
    let some = tagged
        .into_iter()
        .filter(|(_, own)| own.len() < results.len());
    some.map(|(tag, own)| (tag.to_owned(), summarise(&own)))
        .collect()
}

/// Accuracy, price and actions of each variant, as bars.
#[must_use]
pub fn bars(title: &str, standings: &[Standing]) -> PanelPlot {
    let panel = |title: &str, bar: &dyn Fn(&Standing) -> Option<PanelBar>| Panel {
        title: title.to_owned(),
        bars: standings.iter().map(bar).collect(),
    };
    let plain = |value: f64, text: String| PanelBar {
        value,
        upper: None,
        text,
    };
    let accuracy = |s: &Standing| {
        Some(PanelBar {
            value: s.accuracy,
            upper: Some(s.accuracy_high),
            text: format!("{:.1} %", 100.0 * s.accuracy),
        })
    };
    let tokens = |s: &Standing| {
        let tokens = s.input_tokens + s.output_tokens;
        Some(plain(tokens, format!("{tokens:.0}")))
    };
    let cost = |s: &Standing| s.cost_usd.map(|usd| plain(usd, format!("${usd:.4}")));
    let actions = |s: &Standing| {
        let actions = s.tool_calls + s.blocks;
        Some(plain(actions, format!("{actions:.1}")))
    };
    let mut panels = vec![
        panel("accuracy", &accuracy),
        panel("tokens a task", &tokens),
    ];
    if standings.iter().any(|standing| standing.cost_usd.is_some()) {
        panels.push(panel("cost a task", &cost));
    }
    panels.push(panel("calls and blocks a task", &actions));
    PanelPlot {
        title: title.to_owned(),
        note: "Lines end at the upper end of the 95 % interval.".to_owned(),
        rows: standings
            .iter()
            .map(|standing| PanelRow {
                label: format!("{} · {}", standing.variant.model, standing.variant.space),
                is_bad: false,
            })
            .collect(),
        panels,
    }
}

/// Accuracy against cost, or against tokens where prices are not known.
#[must_use]
pub fn plot(title: &str, standings: &[Standing]) -> ParetoPlot {
    let priced = standings.iter().all(|standing| standing.cost_usd.is_some());
    let mut series: BTreeMap<&str, Series> = BTreeMap::new();
    for standing in standings {
        let space = standing.variant.space.as_str();
        let series = series.entry(space).or_default();
        series.name = space.to_owned();
        series.points.push(PlotPoint {
            label: standing.variant.model.clone(),
            x: match standing.cost_usd {
                Some(usd) if priced => usd,
                _ => standing.input_tokens + standing.output_tokens,
            },
            y: standing.accuracy,
            interval: Some(Interval {
                low: standing.accuracy_low,
                high: standing.accuracy_high,
            }),
        });
    }
    ParetoPlot {
        title: title.to_owned(),
        x_label: match priced {
            true => "cost per task (USD)".to_owned(),
            false => "tokens per task".to_owned(),
        },
        y_label: "accuracy".to_owned(),
        series: series.into_values().collect(),
    }
}
