//! Telling a run: to people as it happens, to programs as JSON lines.

use super::setup::AgentOptions;
use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::TURN_FAILED;
use crate::paint::Paint;
use memex_agent::{NoWatcher, RunResult, Watcher};
use memex_escapes::plain;
use memex_trajectories::views::step_view;
use memex_trajectories::{Step, StepKind, Totals};
use serde_json::{Value, json};
use std::path::Path;

/// Characters of a step that people are shown.
const SHOWN_CHARS: usize = 2_000;

/// Reports how a run ended, and returns the exit status.
pub(super) fn tell(result: &RunResult, saved: Option<&Path>, options: &AgentOptions) -> ExitCode {
    if options.session.is_json() {
        print_line(&result_object(result, saved).to_string());
    } else {
        if let Some(submission) = &result.submission {
            print_line(&plain(&submission.to_string()));
        } else if let Some(answer) = &result.answer {
            print_line(&plain(answer));
        }
        if !result.status.is_success() {
            complain(&plain(&format!(
                "the run ended without an answer: {}",
                result.status
            )));
            if let Some(saved) = saved {
                complain(&format!(
                    "hint: `memex agent resume {}` continues it",
                    saved.display()
                ));
            }
        }
        if !options.session.is_quiet() {
            complain(&bill(&result.totals));
        }
    }
    match result.status.is_success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(TURN_FAILED),
    }
}

/// Who watches the run.
pub(super) fn watcher(options: &AgentOptions, context: &Context) -> Box<dyn Watcher> {
    match (options.session.is_json(), options.session.is_quiet()) {
        (true, _) => Box::new(ForPrograms),
        (false, true) => Box::new(NoWatcher),
        (false, false) => Box::new(ForPeople(context.err.paint)),
    }
}

/// Shows steps on standard error.
struct ForPeople(Paint);

/// Prints a JSON object for each step.
struct ForPrograms;

impl Watcher for ForPeople {
    fn step(&mut self, step: &Step) {
        let paint = self.0;
        match step.kind {
            StepKind::System => {}
            StepKind::User => complain(&format!("{} {}", paint.strong("»"), shown(&step.text))),
            StepKind::Model => {
                if let Some(code) = &step.code {
                    let said = step.text.split("```").next().unwrap_or_default().trim();
                    if !said.is_empty() && !said.starts_with('<') {
                        complain(&shown(said));
                    }
                    complain(&paint.hint(&shown(code.trim_end())));
                } else if !step.text.trim().is_empty() {
                    complain(&shown(step.text.trim()));
                }
                for call in &step.tool_calls {
                    let arguments = call.arguments.to_string();
                    complain(&paint.hint(&shown(&format!("{} {arguments}", call.name))));
                }
            }
            StepKind::Observation => complain(&paint.faint(&shown(&step.text))),
            StepKind::Tool => {
                for result in &step.results {
                    complain(&paint.faint(&shown(&result.content)));
                }
            }
        }
    }
}

impl Watcher for ForPrograms {
    fn step(&mut self, step: &Step) {
        let mut object = step_view(step);
        if let Some(map) = object.as_object_mut() {
            map.insert("type".into(), "step".into());
        }
        print_line(&object.to_string());
    }
}

fn shown(text: &str) -> String {
    let cut = match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    };
    plain(&cut)
}

/// The result of a run, as JSON.
pub(super) fn result_object(result: &RunResult, trajectory: Option<&Path>) -> Value {
    let run = &result.trajectory;
    json!({
        "type": "result",
        "id": run.id,
        "task_id": run.task_id,
        "status": result.status.word(),
        "detail": result.status.to_string(),
        "answer": result.answer,
        "submission": result.submission,
        "action_space": run.agent.action_space.word(),
        "model": run.agent.model,
        "totals": totals_object(&result.totals),
        "trajectory": trajectory,
    })
}

pub(super) fn totals_object(totals: &Totals) -> Value {
    json!({
        "turns": totals.turns,
        "tool_calls": totals.tool_calls,
        "input_tokens": totals.input_tokens,
        "cached_tokens": totals.cached_tokens,
        "output_tokens": totals.output_tokens,
        "cost_usd": totals.cost_usd,
        "wall_ms": totals.wall_ms,
    })
}

/// One line of what a run used.
fn bill(totals: &Totals) -> String {
    let cost = totals.cost_usd.map(|usd| format!(", ${usd:.4}"));
    format!(
        "{} turns, {} tokens in, {} out{}, {:.1} s",
        totals.turns,
        totals.input_tokens,
        totals.output_tokens,
        cost.unwrap_or_default(),
        totals.wall_ms as f64 / 1_000.0
    )
}
