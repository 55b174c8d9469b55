//! One step.

use maud::{Markup, html};

use super::code::coloured;
use super::displays::display;
use super::text::{brief, cost, duration, shown, tokens};
use crate::{Observation, Step, StepKind, Timestamp, ToolCall, ToolResult};

/// Texts longer than this are folded.
const OPEN_MAX_CHARS: usize = 4_000;
/// Ends of replies that say nothing.
const USUAL_ENDS: [&str; 4] = ["tool_calls", "end_turn", "stop", ""];

/// The position of a step in its run.
pub(super) struct Place<'a> {
    pub(super) anchor: &'a str,
    pub(super) started: Timestamp,
    /// The number of the reply, of a step that is one.
    pub(super) turn: Option<usize>,
}

pub(super) fn step(step: &Step, place: &Place<'_>) -> Markup {
    let anchor = place.anchor;
    html! {
        article.step.{ "k-" (step.kind.word()) } id=(anchor) data-kind=(step.kind.word()) {
            header {
                a.number href=(format!("#{anchor}")) { (step.index) }
                span.kind { (step.kind.word()) @if let Some(turn) = place.turn { " · turn " (turn) } }
                (facts(step, place))
            }
            @if let Some(reasoning) = &step.reasoning {
                details.reasoning { summary { "reasoning" } pre { (shown(reasoning)) } }
            }
            (words(step))
            @if let Some(code) = &step.code { pre.code { code { (coloured(code)) } } }
            @for call in &step.tool_calls { (tool_call(call)) }
            @for result in &step.results { (tool_result(result)) }
            @if let Some(observation) = &step.observation { (parts(observation, &step.text)) }
        }
    }
}

fn facts(step: &Step, place: &Place<'_>) -> Markup {
    let reason = step.finish_reason.as_deref().unwrap_or_default();
    html! {
        @if let Some(at) = step.at {
            time title=(at) { "+" (duration(place.started.until_ms(at))) }
        }
        @if let Some(model) = &step.model { span { (model) } }
        @if let Some(usage) = step.usage {
            span { (tokens(usage.input_tokens)) " in" }
            @if usage.cached_tokens > 0 { span { (tokens(usage.cached_tokens)) " cached" } }
            span { (tokens(usage.output_tokens)) " out" }
            @if usage.cost_usd.is_some() { span { (cost(usage.cost_usd)) } }
        }
        @if let Some(timing) = step.timing {
            @if let Some(model_ms) = timing.model_ms { span { "answered in " (duration(model_ms)) } }
            @if let Some(run_ms) = timing.run_ms { span { "ran " (duration(run_ms)) } }
        }
        @if let Some(guest) = step.guest {
            @if let Some(time_ms) = guest.guest_time_ms { span { "guest " (duration(time_ms)) } }
            @if let Some(fuel) = guest.fuel { span { "fuel " (tokens(fuel)) } }
        }
        @if !USUAL_ENDS.contains(&reason) { span.reason { (brief(reason, 80)) } }
    }
}

/// The message. Code that is shown in colours is not shown twice.
fn words(step: &Step) -> Markup {
    let around = step.code.as_deref().filter(|code| !code.is_empty());
    let around = around.and_then(|code| step.text.split_once(code.trim()));
    if let Some((before, after)) = around {
        let before = before
            .trim_end()
            .trim_end_matches("python")
            .trim_end_matches(['`', '<', '>']);
        let after = after.trim_start().trim_start_matches("```");
        return html! {
            @for words in [before.trim(), after.trim()] {
                @if !words.is_empty() { pre.words { (shown(words)) } }
            }
        };
    }
    let length = step.text.chars().count();
    html! {
        @if length > OPEN_MAX_CHARS || step.kind == StepKind::System && length > 0 {
            details.long {
                summary { (brief(&step.text, 110)) span.size { (length) " characters" } }
                pre.words { (shown(&step.text)) }
            }
        } @else if length > 0 {
            pre.words { (shown(&step.text)) }
        }
    }
}

fn tool_call(call: &ToolCall) -> Markup {
    let arguments = serde_json::to_string_pretty(&call.arguments).unwrap_or_default();
    html! {
        details.call open {
            summary { "calls " code { (brief(&call.name, 120)) } }
            pre { (shown(&arguments)) }
        }
    }
}

fn tool_result(result: &ToolResult) -> Markup {
    let is_folded = result.content.chars().count() > OPEN_MAX_CHARS;
    html! {
        details.result.failed[result.is_error] open[!is_folded] {
            summary {
                code { (brief(&result.name, 120)) }
                @if result.is_error { " failed" } @else { " returned" }
                @if let Some(duration_ms) = result.duration_ms { " after " (duration(duration_ms)) }
            }
            pre { (shown(&result.content)) }
        }
    }
}

/// What the text that the model was shown does not say.
fn parts(observation: &Observation, text: &str) -> Markup {
    let tells_names = ["New: ", "Changed: ", "Deleted: "]
        .iter()
        .any(|word| text.contains(word));
    let tells_all = text.contains(observation.stdout.trim_end());
    html! {
        @if observation.state_lost { p.lost { "The session lost its state." } }
        @for limit in &observation.limits {
            p.limit {
                "limit " code { (limit.name) } " of " (limit.limit)
                @if let Some(actual) = limit.actual { ", wanted " (actual) }
            }
        }
        @if let Some(error) = &observation.error {
            details.error {
                summary { (brief(&error.kind, 120)) ": " (brief(&error.message, 300)) }
                pre { (shown(&error.traceback)) }
            }
        }
        @if !observation.names.is_empty() && !tells_names {
            p.names {
                @for name in &observation.names {
                    span.{ "n-" (name.change.word()) } title=(name.change.word()) {
                        (name.name)
                        @if let Some(kind) = &name.kind { ": " (kind) }
                        @if let Some(shape) = &name.shape { "[" (shape) "]" }
                    }
                }
            }
        }
        @if !tells_all {
            details { summary { "all that was printed" } pre { (shown(&observation.stdout)) } }
        }
        @for shown in &observation.displays { (display(shown)) }
    }
}
