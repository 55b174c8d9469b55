//! One run, and those nested in it.

use std::collections::HashMap;

use maud::{Markup, html};

use super::step::{Place, step};
use super::text::{brief, cost, duration, shown, tokens};
use super::timeline::timeline;
use crate::{Child, Step, StepKind, ToolCall, Trajectory};

/// How deep nested runs are shown.
const NESTING_MAX: usize = 32;

/// Children of one step that are listed; more are folded.
const LISTED_MAX: usize = 8;

/// A run under an anchor that is unique on the page.
pub(super) fn run(run: &Trajectory, anchor: &str, depth: usize) -> Markup {
    let children: Vec<Anchored<'_>> = run
        .children
        .iter()
        .enumerate()
        .map(|(number, child)| (format!("{anchor}-c{number}"), child))
        .collect();
    let (families, others) = placed(&run.steps, &children);
    let mut turn = 0;
    html! {
        section.run id=(anchor) data-status=(run.status.word()) {
            h2 { (brief(&run.task, 160)) }
            (facts(run))
            (timeline(run, anchor))
            (outcome(run))
            (calls(run, anchor))
            div.steps {
                @for (number, (one, spawned)) in run.steps.iter().zip(&families).enumerate() {
                    (step(one, &Place {
                        anchor: &format!("{anchor}-s{number}"),
                        started: run.started,
                        turn: (one.kind == StepKind::Model).then(|| { turn += 1; turn }),
                    }))
                    (family(spawned, depth))
                }
            }
            @for (anchor, child) in others { (nested(child, anchor, depth)) }
        }
    }
}

/// A child under its anchor.
type Anchored<'a> = (String, &'a Child);

/// The children of each step, and those of none. Each is shown once: a file can name a large one
/// in any number of steps.
fn placed<'a>(
    steps: &[Step],
    children: &'a [Anchored<'a>],
) -> (Vec<Vec<&'a Anchored<'a>>>, Vec<&'a Anchored<'a>>) {
    let (mut by_index, mut by_id) = (HashMap::new(), HashMap::new());
    for (place, step) in steps.iter().enumerate() {
        by_index.entry(step.index).or_insert(place);
        for id in &step.children {
            by_id.entry(id.as_str()).or_insert(place);
        }
    }
    let mut families = vec![Vec::new(); steps.len()];
    let mut others = Vec::new();
    for child in children {
        let place = match child.1.step {
            // The step that is named is the one under way: the result's.
            Some(index) => by_index.get(&index),
            None => by_id.get(child.1.id.as_str()),
        };
        match place.and_then(|&place| families.get_mut(place)) {
            Some(family) => family.push(child),
            None => others.push(child),
        }
    }
    (families, others)
}

/// The children of one step.
fn family(children: &[&Anchored<'_>], depth: usize) -> Markup {
    let listed = || {
        html! {
            @for (anchor, child) in children { (nested(child, anchor, depth)) }
        }
    };
    html! {
        @if children.len() > LISTED_MAX {
            details.children { summary { (children.len()) " agents were spawned here" } (listed()) }
        } @else if !children.is_empty() {
            div.children { (listed()) }
        }
    }
}

fn nested(child: &Child, anchor: &str, depth: usize) -> Markup {
    let totals = child
        .trajectory
        .as_deref()
        .map(|run| run.totals_with_children());
    html! {
        details.child id=(anchor) {
            summary {
                span.badge.{ "b-" (child.status.word()) } { (child.status.word()) }
                " child " code { (brief(&child.id, 80)) } " " span.task { (brief(&child.task, 120)) }
                @if let Some(totals) = totals {
                    span.size {
                        (turns(totals.turns)) ", " (tokens(totals.input_tokens)) " in, "
                        (tokens(totals.output_tokens)) " out, " (duration(totals.wall_ms))
                    }
                }
            }
            @match &child.trajectory {
                Some(nested) if depth < NESTING_MAX => (run(nested, &format!("{anchor}-r"), depth + 1)),
                Some(_) => p.note { "nested too deep to be shown" },
                None => p.note {
                    "kept elsewhere"
                    @if let Some(path) = &child.path { ", in " code { (path) } }
                },
            }
        }
    }
}

fn turns(count: u64) -> String {
    match count {
        1 => "1 turn".to_owned(),
        count => format!("{count} turns"),
    }
}

/// The figures that people look for first, then the others.
fn facts(run: &Trajectory) -> Markup {
    let totals = run.totals_with_children();
    html! {
        div.tiles {
            div.tile { span.badge.{ "b-" (run.status.word()) } { (run.status.word()) } small { "status" } }
            div.tile { strong { (run.totals.turns) } small { "turns" } }
            div.tile { strong { (tokens(totals.input_tokens)) } small { "tokens in" } }
            div.tile { strong { (tokens(totals.output_tokens)) } small { "tokens out" } }
            div.tile { strong { (cost(totals.cost_usd)) } small { "cost" } }
            div.tile { strong { (duration(totals.wall_ms)) } small { "wall time" } }
            div.tile { strong { (totals.tool_calls) } small { "tool calls" } }
            div.tile { strong { (run.children.len()) } small { "agents spawned" } }
        }
        @if !run.children.is_empty() { p.note { "Tokens, cost and tool calls are those of the spawned agents, too." } }
        @if !run.status.is_success() { p.why { (brief(&run.status.to_string(), 600)) } }
        dl.facts {
            div { dt { "model" } dd { (run.agent.model) } }
            div { dt { "space" } dd { (run.agent.action_space.word()) } }
            div { dt { "started" } dd { time { (run.started) } } }
            div { dt { "run" } dd { code { (run.id) } } }
            @if let Some(task_id) = &run.task_id { div { dt { "task" } dd { code { (task_id) } } } }
            div { dt { "agent" } dd { (run.agent.name) " " (run.agent.version) } }
            @if totals.cached_tokens > 0 { div { dt { "cached" } dd { (tokens(totals.cached_tokens)) } } }
            div { dt { "in the guest" } dd { (duration(totals.guest_time_ms)) } }
        }
    }
}

fn outcome(run: &Trajectory) -> Markup {
    let submission = run
        .submission
        .as_ref()
        .map(|value| serde_json::to_string_pretty(value).unwrap_or_default());
    html! {
        @if run.task.chars().count() > 160 || run.task.contains('\n') {
            details { summary { "the whole task" } pre.words { (shown(&run.task)) } }
        }
        @if let Some(submission) = &submission {
            h3 { "submitted" }
            pre.outcome { (shown(submission)) }
        }
        @if let Some(answer) = &run.answer {
            h3 { "answered" }
            pre.outcome { (shown(answer)) }
        }
    }
}

fn calls(run: &Trajectory, anchor: &str) -> Markup {
    let steps = run.steps.iter().enumerate();
    let calls = steps.filter(|(_, step)| !step.tool_calls.is_empty());
    let calls = calls.flat_map(|(number, step)| {
        let next = run.steps.iter().skip(number).take(3);
        let mut results = HashMap::new();
        for result in next.flat_map(|step| &step.results) {
            results.entry(result.call_id.as_str()).or_insert(result);
        }
        let of = move |call: &ToolCall| results.get(call.id.as_str()).copied();
        let calls = step.tool_calls.iter();
        calls.map(move |call| (number, call, of(call)))
    });
    let calls: Vec<_> = calls.collect();
    html! {
        @if !calls.is_empty() {
            details.calls {
                summary { (calls.len()) " tool calls" }
                table {
                    thead { tr { th { "step" } th { "tool" } th { "arguments" } th { "result" } th { "time" } } }
                    tbody {
                        @for (number, call, result) in calls {
                            tr.failed[result.is_some_and(|result| result.is_error)] {
                                td { a href=(format!("#{anchor}-s{number}")) { (number) } }
                                td { code { (brief(&call.name, 80)) } }
                                td { (brief(&call.arguments.to_string(), 200)) }
                                td { (result.map(|result| brief(&result.content, 200)).unwrap_or_default()) }
                                td { (result.and_then(|result| result.duration_ms).map(duration).unwrap_or_default()) }
                            }
                        }
                    }
                }
            }
        }
    }
}
