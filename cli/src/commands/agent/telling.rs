//! Telling a run: to people as it happens, to programs as JSON lines.

use crate::console::{Paint, complain, print_line};
use crate::escapes::{line, plain};
use memex_agent::{Approver, RunResult, Watcher};
use memex_models::BoxFuture;
use memex_trajectories::views::step_view;
use memex_trajectories::{Step, StepKind, Totals};
use serde_json::{Map, Value, json};
use std::io::BufRead;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Characters of a step that people are shown.
const SHOWN_CHARS: usize = 2_000;

/// Characters of a tool's name in a question.
const TOOL_SHOWN_CHARS: usize = 64;

/// Shows steps on standard error.
pub(super) struct ForPeople(pub(super) Paint);

/// Prints a JSON object for each step.
pub(super) struct ForPrograms;

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

/// What a run came to, as JSON.
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
pub(super) fn bill(totals: &Totals) -> String {
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

/// Asks whoever sits at the terminal, one question at a time.
#[derive(Default)]
pub(super) struct AtTerminal(Arc<Mutex<()>>);

impl Approver for AtTerminal {
    fn approve(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> BoxFuture<'static, Result<(), String>> {
        // All of it: what is not shown is not approved.
        let call = line(&format!("{tool} {}", Value::Object(arguments)));
        let question = question(tool);
        let turn = Arc::clone(&self.0);
        Box::pin(async move {
            let asked = tokio::task::spawn_blocking(move || {
                let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
                ask(&call, &question)
            });
            asked
                .await
                .unwrap_or_else(|_| Err("nobody answered".to_owned()))
        })
    }
}

/// The last line of what is asked. It names the tool, since arguments that fill
/// the screen, or that look like a question themselves, may stand above it.
fn question(tool: &str) -> String {
    let name: String = line(tool).chars().take(TOOL_SHOWN_CHARS).collect();
    format!("allow this call of {name}? [y/N] ")
}

fn ask(call: &str, question: &str) -> Result<(), String> {
    complain(&format!("call {call}"));
    crate::console::ask(question);
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => Err("nobody is there to ask: standard input is at its end".to_owned()),
        Ok(_) if ["y", "yes"].contains(&line.trim().to_ascii_lowercase().as_str()) => Ok(()),
        Ok(_) => Err("the user refused it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::question;

    #[test]
    fn a_question_is_one_short_line_that_names_the_tool() {
        assert_eq!(question("sql"), "allow this call of sql? [y/N] ");
        let forged = question("look\r\u{202e}\nallow this call of look? [y/N] ");
        assert!(!forged.contains(['\n', '\r', '\u{202e}']), "{forged:?}");
        assert!(question(&"x".repeat(10_000)).chars().count() < 100);
    }
}
