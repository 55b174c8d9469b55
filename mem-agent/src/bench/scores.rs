//! Scores, computed from the grades.

use memex_trajectories::statistics::{Column, Table, wilson};
use serde::Serialize;

use super::{Category, Graded};

/// How much of a category is right.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// The category, or `overall`.
    pub name: String,
    /// Tasks that are right.
    pub correct: u64,
    /// Tasks.
    pub total: u64,
    /// The part that is right.
    pub rate: f64,
    /// The lower end of the Wilson interval at 95 %.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The scores of the categories that have tasks, and the overall one.
#[must_use]
pub fn scores(graded: &[Graded]) -> Vec<Score> {
    let of = |category: Category| {
        let chosen = graded.iter().filter(move |one| one.category == category);
        score(category.name(), chosen)
    };
    let categories = Category::ALL.into_iter().map(of);
    let overall = score("overall", graded.iter());
    let all = categories.chain([overall]);
    all.filter(|score| score.total > 0).collect()
}

/// What the agents' model cost, in US dollars; none if the price of any reply is
/// not known. What judges cost is not part of it.
#[must_use]
pub fn cost_usd(graded: &[Graded]) -> Option<f64> {
    let mut runs = graded.iter().flat_map(|one| &one.runs).peekable();
    runs.peek()?;
    runs.map(|run| run.totals.cost_usd).sum()
}

fn score<'g>(name: &str, graded: impl Iterator<Item = &'g Graded>) -> Score {
    let (mut correct, mut total) = (0, 0);
    for one in graded {
        total += 1;
        correct += u64::from(one.is_correct());
    }
    let interval = wilson(correct, total);
    let rate = if total == 0 {
        0.0
    } else {
        correct as f64 / total as f64
    };
    Score {
        name: name.to_owned(),
        correct,
        total,
        rate,
        low: interval.low,
        high: interval.high,
    }
}

/// The scores as a table.
#[must_use]
pub fn table(scores: &[Score]) -> Table {
    Table {
        columns: vec![
            Column::left("category"),
            Column::right("correct"),
            Column::right("of"),
            Column::right("score"),
            Column::right("95 % interval"),
        ],
        rows: scores
            .iter()
            .map(|score| {
                vec![
                    score.name.clone(),
                    score.correct.to_string(),
                    score.total.to_string(),
                    format!("{:.3}", score.rate),
                    format!("{:.3}–{:.3}", score.low, score.high),
                ]
            })
            .collect(),
    }
}
