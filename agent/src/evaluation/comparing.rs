//! Spaces of one model side by side, task by task.

use std::collections::{BTreeMap, BTreeSet};

use memex_trajectories::statistics::{Column, Interval, Table, bootstrap_mean, mean};
use serde::Serialize;

use super::Graded;

const RESAMPLES: usize = 10_000;
const SEED: u64 = 1;

/// Two spaces of one model, over the tasks that both did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The model.
    pub model: String,
    /// A space.
    pub first: String,
    /// The other.
    pub second: String,
    /// Tasks that both did.
    pub tasks: u64,
    /// Runs that both got right, that only one did, and that neither did.
    pub both: u64,
    /// Only the first.
    pub only_first: u64,
    /// Only the second.
    pub only_second: u64,
    /// Neither.
    pub neither: u64,
    /// The accuracy of the first less that of the second.
    pub accuracy: Gap,
    /// Tokens in and out, likewise.
    pub tokens: Gap,
    /// Tool calls and blocks, likewise.
    pub actions: Gap,
    /// Dollars, likewise, where all prices are known.
    pub cost_usd: Option<Gap>,
}

/// A difference of means over tasks, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Gap {
    /// The difference.
    pub mean: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Gap {
    /// Repetitions of a task are no further evidence: they are averaged first.
    fn of(pairs: &[(&Graded, &Graded)], value: impl Fn(&Graded) -> f64) -> Self {
        let mut by_task: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (first, second) in pairs {
            let gap = value(first) - value(second);
            by_task.entry(first.task.as_str()).or_default().push(gap);
        }
        let gaps: Vec<f64> = by_task.values().filter_map(|gaps| mean(gaps)).collect();
        let interval = bootstrap_mean(&gaps, RESAMPLES, SEED);
        let Interval { low, high } = interval.unwrap_or(Interval {
            low: 0.0,
            high: 0.0,
        });
        Self {
            mean: mean(&gaps).unwrap_or(0.0),
            low,
            high,
        }
    }
}

/// The differences between spaces, for each model that has results in several. Only runs of
/// the same task and repetition are compared.
#[must_use]
pub fn differences(results: &[Graded]) -> Vec<Difference> {
    let mut by_model: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for result in results {
        let spaces = by_model.entry(&result.variant.model).or_default();
        spaces.insert(&result.variant.space);
    }
    let mut all = Vec::new();
    for (model, spaces) in by_model {
        let spaces: Vec<&str> = spaces.into_iter().collect();
        for (number, first) in spaces.iter().enumerate() {
            for second in spaces.iter().skip(number + 1) {
                all.extend(difference(results, model, first, second));
            }
        }
    }
    all
}

fn difference(results: &[Graded], model: &str, first: &str, second: &str) -> Option<Difference> {
    let of = |space: &str| -> BTreeMap<(&str, u32), &Graded> {
        let own = results
            .iter()
            .filter(|result| result.variant.model == model && result.variant.space == space);
        own.map(|result| ((result.task.as_str(), result.repetition), result))
            .collect()
    };
    let (ours, theirs) = (of(first), of(second));
    let pairs: Vec<(&Graded, &Graded)> = ours
        .iter()
        .filter_map(|(key, our)| Some((*our, *theirs.get(key)?)))
        .collect();
    if pairs.is_empty() {
        return None;
    }
    let count = |is: fn(bool, bool) -> bool| {
        let counted = pairs.iter().filter(|(a, b)| is(a.correct, b.correct));
        counted.count() as u64
    };
    let tasks: BTreeSet<&str> = pairs.iter().map(|(our, _)| our.task.as_str()).collect();
    let is_priced = pairs
        .iter()
        .all(|(a, b)| a.cost_usd.is_some() && b.cost_usd.is_some());
    Some(Difference {
        model: model.to_owned(),
        first: first.to_owned(),
        second: second.to_owned(),
        tasks: tasks.len() as u64,
        both: count(|a, b| a && b),
        only_first: count(|a, b| a && !b),
        only_second: count(|a, b| !a && b),
        neither: count(|a, b| !a && !b),
        accuracy: Gap::of(&pairs, |run| f64::from(u8::from(run.correct))),
        tokens: Gap::of(&pairs, |run| (run.input_tokens + run.output_tokens) as f64),
        actions: Gap::of(&pairs, |run| (run.tool_calls + run.blocks) as f64),
        cost_usd: is_priced.then(|| Gap::of(&pairs, |run| run.cost_usd.unwrap_or(0.0))),
    })
}

/// The differences as a table.
#[must_use]
pub fn difference_table(differences: &[Difference]) -> Table {
    let points = |gap: Gap| {
        format!(
            "{:+.1} ({:+.1} to {:+.1})",
            100.0 * gap.mean,
            100.0 * gap.low,
            100.0 * gap.high
        )
    };
    let whole = |gap: Gap| format!("{:+.0} ({:+.0} to {:+.0})", gap.mean, gap.low, gap.high);
    let row = |d: &Difference| {
        vec![
            d.model.clone(),
            format!("{} − {}", d.first, d.second),
            d.tasks.to_string(),
            format!(
                "{}/{}/{}/{}",
                d.both, d.only_first, d.only_second, d.neither
            ),
            points(d.accuracy),
            whole(d.tokens),
            format!(
                "{:+.1} ({:+.1} to {:+.1})",
                d.actions.mean, d.actions.low, d.actions.high
            ),
            d.cost_usd.map_or_else(
                || "?".to_owned(),
                |gap| format!("{:+.4} ({:+.4} to {:+.4})", gap.mean, gap.low, gap.high),
            ),
        ]
    };
    Table {
        columns: vec![
            Column::left("model"),
            Column::left("difference"),
            Column::right("tasks"),
            Column::right("both/first/second/neither"),
            Column::right("accuracy, points (95 %)"),
            Column::right("tokens (95 %)"),
            Column::right("actions (95 %)"),
            Column::right("cost, USD (95 %)"),
        ],
        rows: differences.iter().map(row).collect(),
    }
}
