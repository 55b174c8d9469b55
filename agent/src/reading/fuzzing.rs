//! Replies with calls in their text, for the fuzz target.

use memex_models::{Part, Reply, StopReason};
use memex_trajectories::ActionSpace;

use super::action::Action;
use super::replies::{read, understood};
use crate::CodeForm;

/// Reads a reply of this text in every space and form, as the loop does: thoughts are parted,
/// calls written as text become calls.
///
/// # Errors
/// What does not hold of what is wanted done.
pub fn check_reply(text: &str) -> Result<(), String> {
    let forms = [
        (ActionSpace::Tools, CodeForm::Tool),
        (ActionSpace::Code, CodeForm::Tool),
        (ActionSpace::Code, CodeForm::Fenced),
        (ActionSpace::Code, CodeForm::Tagged),
    ];
    for (space, form) in forms {
        for stop in [StopReason::EndTurn, StopReason::StopSequence] {
            let mut reply = Reply::text(text);
            reply.stop = stop;
            let reply = understood(reply, space, form);
            said(&reply, text)?;
            done(&read(&reply, space, form, false), &reply, text)?;
        }
    }
    Ok(())
}

/// Nothing is said twice, and calls can be told apart.
fn said(reply: &Reply, text: &str) -> Result<(), String> {
    let bytes = |part: &Part| match part {
        Part::Text { text } | Part::Reasoning { text, .. } => text.len(),
        _ => 0,
    };
    let said: usize = reply.message.parts.iter().map(bytes).sum();
    // Thoughts are parted by an empty line, and no two of them are without a mark.
    if said > text.len() {
        return Err(format!("{said} bytes of {}", text.len()));
    }
    let mut ids: Vec<&str> = reply
        .message
        .tool_calls()
        .map(|call| call.id.as_str())
        .collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    match ids.len() == count && !ids.contains(&"") {
        true => Ok(()),
        false => Err(format!("{count} calls have the ids {ids:?}")),
    }
}

fn done(action: &Action, reply: &Reply, text: &str) -> Result<(), String> {
    match action {
        // Each line of a console's record gets an end.
        Action::Code { code, .. } if code.len() > text.len().saturating_add(1) => {
            Err(format!("{code:?} is no part of the text"))
        }
        Action::Calls(calls) if calls.len() != reply.message.tool_calls().count() => {
            Err("some calls are not made".to_owned())
        }
        _ => Ok(()),
    }
}
