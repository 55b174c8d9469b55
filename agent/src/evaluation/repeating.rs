//! Several runs of each task by one variant: how much they would gain together.

use std::collections::BTreeMap;

use memex_trajectories::statistics::{Column, Table, mean};
use serde::Serialize;
use serde_json::Value;

use super::{Graded, Variant};

/// What several runs of each task come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repeated {
    /// The variant.
    #[serde(flatten)]
    pub variant: Variant,
    /// Tasks.
    pub tasks: u64,
    /// Runs of each: of the task that has fewest.
    pub runs: u64,
    /// The part of tasks that at least one of 1, 2, … runs gets right, as it is expected of runs
    /// that are drawn without order.
    pub pass_at: Vec<f64>,
    /// The part of tasks of which the answer that most runs give is right.
    pub majority: f64,
}

/// What several runs come to, for each variant that has several of every task.
#[must_use]
pub fn repeated(results: &[Graded]) -> Vec<Repeated> {
    let mut by_variant: BTreeMap<&Variant, BTreeMap<&str, Vec<&Graded>>> = BTreeMap::new();
    for result in results {
        let tasks = by_variant.entry(&result.variant).or_default();
        tasks.entry(result.task.as_str()).or_default().push(result);
    }
    let of = |(variant, tasks): (&Variant, BTreeMap<&str, Vec<&Graded>>)| {
        let runs = tasks
            .values()
            .map(Vec::len)
            .min()
            .filter(|runs| *runs > 1)?;
        let passes = |k: usize| {
            let each = tasks.values().map(|runs| pass_at(runs, k));
            mean(&each.collect::<Vec<f64>>()).unwrap_or(0.0)
        };
        let votes = tasks.values().map(|runs| f64::from(u8::from(is_won(runs))));
        Some(Repeated {
            variant: variant.clone(),
            tasks: tasks.len() as u64,
            runs: runs as u64,
            pass_at: (1..=runs).map(passes).collect(),
            majority: mean(&votes.collect::<Vec<f64>>()).unwrap_or(0.0),
        })
    };
    by_variant.into_iter().filter_map(of).collect()
}

/// The chance that one of `k` runs, drawn from these, is right.
fn pass_at(runs: &[&Graded], k: usize) -> f64 {
    let total = runs.len();
    let wrong = runs.iter().filter(|run| !run.correct).count();
    // Each draw in turn is a wrong one.
    let all_wrong: f64 = (0..k)
        .map(|drawn| {
            let left = wrong.saturating_sub(drawn) as f64;
            left / total.saturating_sub(drawn).max(1) as f64
        })
        .product();
    1.0 - all_wrong
}

/// Whether the answer that most runs give is right; of several, the one that was given first.
fn is_won(runs: &[&Graded]) -> bool {
    most_given(runs.iter().map(|run| &run.answer))
        .and_then(|place| runs.get(place))
        .is_some_and(|run| run.correct)
}

/// The place of an answer that most give; of several, the one that was given first. No answer
/// is none.
#[must_use]
pub fn most_given<'a>(answers: impl IntoIterator<Item = &'a Value>) -> Option<usize> {
    let mut given: Vec<(String, usize, usize)> = Vec::new();
    for (place, answer) in answers.into_iter().enumerate() {
        let Some(plain) = plain(answer) else {
            continue;
        };
        match given.iter_mut().find(|(known, ..)| *known == plain) {
            Some((_, votes, _)) => *votes += 1,
            None => given.push((plain, 1, place)),
        }
    }
    let first_of_most = given.iter().rev().max_by_key(|(_, votes, _)| *votes);
    first_of_most.map(|(_, _, place)| *place)
}

/// An answer without what does not tell answers apart.
fn plain(answer: &Value) -> Option<String> {
    match answer {
        Value::Null => None,
        Value::String(text) => {
            let words: Vec<&str> = text.split_whitespace().collect();
            let text = words.join(" ").to_lowercase();
            Some(text.trim_end_matches('.').replace(',', ""))
        }
        Value::Number(number) => Some(number.as_f64().unwrap_or(f64::NAN).to_string()),
        other => Some(other.to_string()),
    }
}

/// The figures as a table.
#[must_use]
pub fn repeated_table(repeated: &[Repeated]) -> Table {
    let row = |r: &Repeated| {
        let percent = |part: f64| format!("{:.1} %", 100.0 * part);
        let shown = [0, 1, 3, 7].into_iter().filter_map(|place| {
            let part = r.pass_at.get(place)?;
            Some(format!("@{} {}", place + 1, percent(*part)))
        });
        vec![
            r.variant.model.clone(),
            r.variant.space.clone(),
            format!("{} × {}", r.tasks, r.runs),
            shown.collect::<Vec<_>>().join(", "),
            percent(r.majority),
        ]
    };
    Table {
        columns: vec![
            Column::left("model"),
            Column::left("space"),
            Column::right("runs"),
            Column::left("at least one of k is right"),
            Column::right("majority"),
        ],
        rows: repeated.iter().map(row).collect(),
    }
}
