//! Settlement: what of an answer goes back to the guest, and the record of it.

use super::budget::Budget;
use super::head::{ANSWER_DEPTH_MAX, check_references};
use super::running::Ended;
use super::texts;
use crate::audit::{Account, Outcome};
use crate::tool::{Answer, ToolError};
use crate::validation::clipped;
use memex_channel::Reply;
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::{self, Write};

/// Most characters of an error's message.
pub(super) const MESSAGE_MAX_CHARS: usize = 16_384;

/// Ends a call: the reply for the guest, recorded.
pub(super) fn settle(budget: &Budget, tool: &str, account: Account, ended: Ended) -> Reply {
    let (outcome, error) = match ended {
        Ended::Answered(Ok(answer)) => match encode(budget, tool, answer) {
            Ok(reply) => {
                let bytes = size(&reply);
                account.close(tool, Outcome::Answered, None, bytes);
                return reply;
            }
            Err(error) => (Outcome::AnswerRefused, error),
        },
        Ended::Answered(Err(error)) => (Outcome::Failed, error),
        Ended::TimedOut(time) => {
            let message = format!("{tool}: no answer within {time:?}");
            (Outcome::TimedOut, ToolError::new("TimeoutError", message))
        }
        Ended::Cancelled => {
            let message = format!("{tool}: the call was given up");
            (
                Outcome::Cancelled,
                ToolError::new("InterruptedError", message),
            )
        }
        Ended::Panicked(detail) => {
            let message =
                format!("{tool}: the tool failed on the host; this is a fault of the tool");
            let error = ToolError::new("RuntimeError", message).with_detail(detail);
            (Outcome::Panicked, error)
        }
    };
    refuse(tool, account, outcome, &error)
}

/// Ends a call with an exception.
pub(super) fn refuse(tool: &str, account: Account, outcome: Outcome, error: &ToolError) -> Reply {
    let reply = Reply::error(error.class, &clipped(&error.message, MESSAGE_MAX_CHARS));
    let told = (error.class, error.detail.as_deref());
    account.close(tool, outcome, Some(told), size(&reply));
    reply
}

/// An answer without parts, within the budget.
pub(super) fn answer<T: Serialize>(budget: &Budget, value: &T) -> Result<Reply, ToolError> {
    let mut head = Bounded::new(budget.answer_bytes);
    match serde_json::to_writer(&mut head, value) {
        Ok(()) => Ok(Reply::answer(head.bytes)),
        Err(_) => {
            let message = format!("the answer has more than {} bytes; ask for less", head.max);
            Err(ToolError::new("ValueError", message))
        }
    }
}

/// The bytes of a reply's content.
pub(super) fn size(reply: &Reply) -> usize {
    reply.parts.iter().map(Vec::len).sum::<usize>() + reply.head.len()
}

#[derive(Serialize)]
struct Answered<'a> {
    result: &'a Value,
    /// The part that holds the result's long texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<usize>,
}

fn encode(budget: &Budget, tool: &str, mut given: Answer) -> Result<Reply, ToolError> {
    let (head, texts) = head_of(budget, tool, given.json, &given.parts)?;
    given.parts.extend(texts);
    Ok(Reply {
        ok: true,
        head,
        parts: given.parts,
    })
}

/// Whether an answer can be settled as it is: it is within the budget, and nested no deeper
/// than an answer may be.
///
/// # Errors
/// What the guest will see in its place.
pub(super) fn check_bounds(
    budget: &Budget,
    tool: &str,
    json: &Value,
    parts: &[Vec<u8>],
) -> Result<(), ToolError> {
    head_of(budget, tool, json.clone(), parts).map(drop)
}

/// The head of a reply with these parts, and the part that holds its long texts.
fn head_of(
    budget: &Budget,
    tool: &str,
    mut json: Value,
    parts: &[Vec<u8>],
) -> Result<(Vec<u8>, Option<Vec<u8>>), ToolError> {
    let bytes: usize = parts.iter().map(Vec::len).sum();
    let too_large = || {
        let max = budget.answer_bytes;
        let message =
            format!("{tool}: the answer has more than the {max} bytes allowed; ask for less");
        ToolError::new("ValueError", message)
    };
    let left = budget
        .answer_bytes
        .checked_sub(bytes)
        .ok_or_else(too_large)?;
    if let Err(reason) = check_references([&json], parts.len(), ANSWER_DEPTH_MAX) {
        let message = format!("{tool}: the tool's answer cannot be used: {reason}");
        return Err(ToolError::new("RuntimeError", message));
    }
    let texts = texts::extract(&mut json);
    let text = texts.as_ref().map(|_| parts.len());
    let taken = texts.as_ref().map_or(0, Vec::len);
    let left = left.checked_sub(taken).ok_or_else(too_large)?;
    let mut head = Bounded::new(left);
    let result = Answered {
        result: &json,
        text,
    };
    serde_json::to_writer(&mut head, &result).map_err(|_| too_large())?;
    Ok((head.bytes, texts))
}

/// The result in a reply of a [`Broker`](crate::Broker), with its long texts where they
/// belong; bytes and tables refer to the reply's parts. Nothing of the reply is trusted: it
/// may have been kept since.
///
/// # Errors
/// What is wrong with the reply, in words.
pub fn result_of(reply: &Reply) -> Result<Value, String> {
    let head: Map<String, Value> =
        serde_json::from_slice(&reply.head).map_err(|error| error.to_string())?;
    let mut head = head;
    let text = head.remove("text");
    if head.len() != 1 || !head.contains_key("result") {
        return Err("it is no answer".to_owned());
    }
    check_references(head.values(), reply.parts.len(), ANSWER_DEPTH_MAX)?;
    if let Some(text) = text {
        let text = text.as_u64().and_then(|text| usize::try_from(text).ok());
        let part = text.and_then(|text| reply.parts.get(text));
        let part = part.ok_or("\"text\" names no part")?;
        texts::restore(&mut head, part)?;
    }
    head.remove("result")
        .ok_or_else(|| "it is no answer".to_owned())
}

/// Stops a writer that would go past `max` bytes.
struct Bounded {
    bytes: Vec<u8>,
    max: usize,
}

impl Bounded {
    fn new(max: usize) -> Self {
        let bytes = Vec::with_capacity(128.min(max));
        Self { bytes, max }
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.max - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
