//! The page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::run::run;
use super::text::{brief, cost, duration, reveal, tokens};
use crate::Trajectory;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A report of one run or several as a file of HTML. It depends on them and
/// the title alone.
pub fn report(title: &str, runs: &[Trajectory]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (controls())
                @if runs.len() > 1 { (overview(runs)) }
                @for (number, one) in runs.iter().enumerate() { (run(one, &anchor(number), 0)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    reveal(&page.into_string())
}

/// Nothing is loaded, and no script runs but the page's own.
fn policy() -> String {
    let digest = STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; \
         img-src data:; base-uri 'none'; form-action 'none'"
    )
}

fn anchor(number: usize) -> String {
    format!("r{number}")
}

fn controls() -> Markup {
    html! {
        div.controls {
            input type="search" id="search" placeholder="search the steps" aria-label="search the steps";
            @for kind in ["system", "user", "model", "observation", "tool"] {
                label { input type="checkbox" data-filter=(kind) checked; (kind) }
            }
            button type="button" id="fold" { "fold all" }
            button type="button" id="open" { "open children" }
            button type="button" id="theme" { "light or dark" }
            span id="found" {}
        }
    }
}

fn overview(runs: &[Trajectory]) -> Markup {
    html! {
        table.overview {
            thead { tr {
                th { "run" } th { "status" } th { "task" } th { "model" } th { "space" } th { "turns" }
                th { "calls" } th { "in" } th { "out" } th { "cost" } th { "time" } th { "children" }
            } }
            tbody {
                @for (number, run) in runs.iter().enumerate() {
                    @let totals = run.totals_with_children();
                    tr {
                        td { a href=(format!("#{}", anchor(number))) { (brief(&run.id, 40)) } }
                        td { span.badge.{ "b-" (run.status.word()) } { (run.status.word()) } }
                        td { (brief(&run.task, 100)) }
                        td { (brief(&run.agent.model, 40)) }
                        td { (run.agent.action_space.word()) }
                        td { (totals.turns) }
                        td { (totals.tool_calls) }
                        td { (tokens(totals.input_tokens)) }
                        td { (tokens(totals.output_tokens)) }
                        td { (cost(totals.cost_usd)) }
                        td { (duration(totals.wall_ms)) }
                        td { (run.children.len()) }
                    }
                }
            }
        }
    }
}
