//! A reply as an action.

use memex_models::{Reply, StopReason};
use memex_trajectories::ActionSpace;

use super::action::Action;
use super::blocks::blocks;
use super::calls;
use crate::CodeForm;

/// Reads a reply. `submits` says that an answer in words is not enough.
#[must_use]
pub fn read(reply: &Reply, space: ActionSpace, form: CodeForm, submits: bool) -> Action {
    match reply.stop {
        StopReason::Refusal => return Action::Refusal(reason(reply, "the model refused")),
        StopReason::ContentFilter => {
            return Action::Refusal(reason(reply, "the provider held the reply back"));
        }
        StopReason::Pause => return Action::Continue,
        _ => {}
    }
    if let Some(action) = calls::read(reply, space, form) {
        return action;
    }
    let text = reply.message.text();
    if space == ActionSpace::Code && form != CodeForm::Tool {
        let stopped = matches!(reply.stop, StopReason::StopSequence);
        let found = blocks(&text, form, stopped);
        if let Some(code) = found.first {
            let note = (found.others > 0).then(|| {
                format!(
                    "(only the first of {} blocks ran: write one block, then wait for its result)",
                    found.others + 1
                )
            });
            return Action::Code {
                code,
                call_id: None,
                note,
                others: Vec::new(),
                answer: None,
            };
        }
        if found.unclosed {
            return Action::Nudge(match reply.stop {
                StopReason::MaxTokens => {
                    "Your reply was cut off inside a code block, so nothing ran. Write a shorter block."
                        .to_owned()
                }
                _ => "Your code block is not closed, so nothing ran. Write it again, whole.".to_owned(),
            });
        }
    }
    if reply.stop == StopReason::MaxTokens {
        return Action::Nudge(
            "Your reply was cut off at its limit of tokens. Be brief.".to_owned(),
        );
    }
    match (text.trim().is_empty(), submits) {
        (true, _) => Action::Nudge(nothing(space, form)),
        (false, true) => Action::Nudge(format!(
            "This task takes a typed answer: {} to finish. {}",
            match space {
                ActionSpace::Code => "call `submit(...)` in code",
                ActionSpace::Tools => "call the tool `submit`",
            },
            nothing(space, form)
        )),
        (false, false) => Action::Answer(text.trim().to_owned()),
    }
}

fn nothing(space: ActionSpace, form: CodeForm) -> String {
    match (space, form) {
        (ActionSpace::Tools, _) => "Your reply called no tool.",
        (ActionSpace::Code, CodeForm::Tool) => "Your reply had no call of `python`.",
        (ActionSpace::Code, CodeForm::Fenced) => "Your reply had no ```python block.",
        (ActionSpace::Code, CodeForm::Tagged) => "Your reply had no <python> block.",
    }
    .to_owned()
}

fn reason(reply: &Reply, what: &str) -> String {
    let text = reply.message.text();
    match text.trim() {
        "" => what.to_owned(),
        said => format!("{what}: {}", said.chars().take(500).collect::<String>()),
    }
}
