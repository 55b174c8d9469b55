//! Runs as data for training, a line each: conversations divided where the model begins, with
//! what each was worth.
//!
//! | line | for | fields |
//! |---|---|---|
//! | [`to_trl_line`] | TRL: fine-tuning, preferences, GRPO | `prompt`, `completion`, `tools` (a text of JSON), `reward` |
//! | [`to_verifiers_line`] | verifiers | `example_id`, `prompt`, `completion`, `answer`, `reward`, `task`, `info` |
//!
//! OpenRLHF's lines are those of [`rollout`](super::rollout). A column has one type in all lines:
//! what may be anything is a text of JSON.

use serde::Serialize;
use serde_json::{Value, json};

use super::chat::{ChatOptions, Message, messages, sent_tools};
use crate::{Error, Trajectory};

#[derive(Serialize)]
struct Trl<'a> {
    prompt: &'a [Message],
    completion: &'a [Message],
    tools: String,
    reward: Option<f64>,
}

#[derive(Serialize)]
struct Verifiers<'a> {
    example_id: usize,
    prompt: &'a [Message],
    completion: &'a [Message],
    answer: String,
    reward: f64,
    task: &'a str,
    /// A text of JSON: objects of different keys are no column.
    info: String,
}

/// A run as TRL takes it.
///
/// # Errors
/// None in practice; [`Error::Malformed`] if it cannot be written as JSON.
pub fn to_trl_line(run: &Trajectory, reward: Option<f64>) -> Result<String, Error> {
    let all = messages(run, ChatOptions::default());
    let (prompt, completion) = divided(&all);
    written(
        run,
        &Trl {
            prompt,
            completion,
            tools: Value::from(sent_tools(run)).to_string(),
            reward,
        },
    )
}

/// A run as verifiers takes it: `number` is its place, `answer` the true one, if it is known.
///
/// # Errors
/// As [`to_trl_line`].
pub fn to_verifiers_line(
    run: &Trajectory,
    number: usize,
    answer: Option<&Value>,
    reward: Option<f64>,
) -> Result<String, Error> {
    let all = messages(run, ChatOptions::default());
    let (prompt, completion) = divided(&all);
    let info = json!({
        "id": run.id,
        "task_id": run.task_id,
        "model": run.agent.model,
        "space": run.agent.action_space.word(),
        "status": run.status.word(),
        "tools": sent_tools(run),
    });
    written(
        run,
        &Verifiers {
            example_id: number,
            prompt,
            completion,
            answer: match answer {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            },
            reward: reward.unwrap_or(0.0),
            task: "memex",
            info: info.to_string(),
        },
    )
}

/// What the model was asked, and what came of it.
fn divided(messages: &[Message]) -> (&[Message], &[Message]) {
    let first = messages
        .iter()
        .position(|message| message.role == "assistant");
    messages
        .split_at_checked(first.unwrap_or(messages.len()))
        .unwrap_or((messages, &[]))
}

fn written(run: &Trajectory, line: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(line)
        .map_err(|error| Error::malformed(&run.id, None, "", error.to_string()))
}
