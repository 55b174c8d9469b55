//! Reading replies: what a model wants done.
//!
//! | reply | what is done |
//! |---|---|
//! | code, whatever stands around it | it runs |
//! | several blocks, or several calls of `python` | the first runs; the model gets a notice about the others |
//! | a block that is not closed | nothing runs; the model gets a notice, also when its reply was cut off |
//! | arguments that are no JSON, or not those of `python` | the call fails with what is wrong |
//! | calls of tools, in tools space | each is made |
//! | text alone | the answer; with an output schema, a hint to submit |
//! | nothing | a hint |
//! | a refusal | the run ends as failed |

mod blocks;
mod calls;

use memex_models::{Reply, StopReason};
use memex_trajectories::ActionSpace;

pub use blocks::{Blocks, blocks};
pub(crate) use calls::CODE_TOOL;

use crate::CodeForm;

/// The action that a model requests.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A block of code is to run.
    Code {
        /// The block.
        code: String,
        /// The call that it came by, if it came by one.
        call_id: Option<String>,
        /// A notice to the model, in addition to the result.
        note: Option<String>,
        /// Further calls, which are not made, and what they are answered.
        others: Vec<(String, String, String)>,
        /// The answer that stands beside the block: with it the run ends once
        /// the block has run.
        answer: Option<String>,
    },
    /// Nothing runs; the model gets this notice instead of a result.
    Result {
        /// The notice.
        text: String,
        /// The block that does not run, for the record.
        unrun: Option<String>,
    },
    /// Tools are to be called: id, name and arguments, or what is wrong with
    /// them.
    Calls(Vec<RequestedCall>),
    /// It has answered.
    Answer(String),
    /// There is nothing to do; the model gets this notice.
    Nudge(String),
    /// The provider wants the reply back, to go on.
    Continue,
    /// It will not go on.
    Refusal(String),
}

/// A call that a model asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestedCall {
    /// Its id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments, or what is wrong with them.
    pub arguments: Result<serde_json::Map<String, serde_json::Value>, String>,
}

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
