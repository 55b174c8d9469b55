//! A benchmark's outcome as files.

use std::path::Path;

use maud::{DOCTYPE, html};
use memex_models::Cost;
use memex_trajectories::Trajectory;
use memex_trajectories::formats::rollout;
use memex_trajectories::report::report;

use super::{Graded, Score, cost_usd};
use crate::Error;
use crate::files::{self, Readers};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.3rem .7rem;border-bottom:1px solid #8884;\
text-align:left;vertical-align:top}.no{color:#c33}.yes{color:#2a2}";

/// Writes `scores.json`, `tasks.jsonl`, `rollouts.jsonl`, `report.html` and
/// `runs.html` into a directory, which is made if need be.
///
/// # Errors
/// [`Error::File`], and [`Error::Agent`] for a run that is no JSON.
pub fn write(
    directory: &Path,
    title: &str,
    graded: &[Graded],
    scores: &[Score],
) -> Result<(), Error> {
    std::fs::create_dir_all(directory).map_err(Error::file("make", directory))?;
    let json = |error| Error::malformed(directory.display(), None, error);
    let put = |name: &str, text: &str| {
        files::replace(&directory.join(name), text.as_bytes(), Readers::Usual)
    };
    let cost = cost_usd(graded);
    let told = serde_json::json!({"title": title, "scores": scores, "cost_usd": cost});
    put(
        "scores.json",
        &(serde_json::to_string_pretty(&told).map_err(json)? + "\n"),
    )?;
    let mut tasks = String::new();
    let mut rollouts = String::new();
    for one in graded {
        tasks.push_str(&serde_json::to_string(one).map_err(json)?);
        tasks.push('\n');
        let label = serde_json::json!({
            "task": one.id,
            "answer": one.expected,
            "correct": one.is_correct(),
        });
        for run in &one.runs {
            let line = rollout::to_line(run, Some(&label), rollout::RolloutExtent::Whole);
            rollouts.push_str(&line.map_err(memex_agent::Error::Trajectory)?);
            rollouts.push('\n');
        }
    }
    put("tasks.jsonl", &tasks)?;
    put("rollouts.jsonl", &rollouts)?;
    put("report.html", &page(title, graded, scores))?;
    let runs: Vec<Trajectory> = graded.iter().flat_map(|one| one.runs.clone()).collect();
    put("runs.html", &report(title, &runs))
}

/// The scores and every task, with links to its runs.
fn page(title: &str, graded: &[Graded], scores: &[Score]) -> String {
    let mut run = 0;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (STYLE) }
            }
            body {
                h1 { (title) }
                table {
                    tr { th { "category" } th { "score" } th { "correct" } th { "95 % interval" } }
                    @for score in scores {
                        tr {
                            td { (score.name) }
                            td { (format!("{:.3}", score.rate)) }
                            td { (score.correct) " of " (score.total) }
                            td { (format!("{:.3}–{:.3}", score.low, score.high)) }
                        }
                    }
                }
                @if let Some(cost) = cost_usd(graded) {
                    p { "The agents cost " (Cost::from_usd(cost).to_string()) "." }
                }
                table {
                    tr { th { "task" } th { "question" } th { "expected" } th { "reply" } th { "judgment" } }
                    @for one in graded {
                        tr {
                            td {
                                (one.id)
                                @for _ in &one.runs {
                                    " " a href=(format!("runs.html#r{run}")) { "run" }
                                    ({ run += 1; "" })
                                }
                            }
                            td { (one.question) }
                            td { (one.expected) }
                            td { (one.reply) }
                            td class=(if one.is_correct() { "yes" } else { "no" }) {
                                (format!("{:?}", one.judgment.verdict)) ": " (one.judgment.reason)
                            }
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}
