//! The agent's tools, called from a turn on the server.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::Waker;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memex_channel::{Frame, HostCalls, OP_CALL, Reply, Ticket, TurnHandle as _, Waited};
use serde::Deserialize;
use serde_json::{Value, json};

use super::events::Call;
use crate::harness::SUBMIT;
use crate::scope::{Bell, Waiting};

/// The exception that ends a block whose answer was accepted: the client of a server may name
/// built-in ones alone. Code that catches it goes on, which changes nothing: the answer is final.
pub(super) const ACCEPTED: &str = "RuntimeError";
/// Its message.
pub(super) const ACCEPTED_MESSAGE: &str = "the answer was accepted";

#[derive(Deserialize)]
struct Ticketed {
    ticket: Ticket,
}

#[derive(Deserialize)]
struct Answered {
    result: Value,
}

#[derive(Deserialize)]
struct Raised {
    #[serde(rename = "type")]
    class: String,
    message: String,
}

/// Calls the tools, all at the same time, and gives the server's form of what comes of them.
pub(super) fn answers(calls: &mut dyn HostCalls, asked: &[Call], bell: &Arc<Bell>) -> Vec<Value> {
    let waiting = Waiting::on(bell);
    calls.wake_with(Waker::from(Arc::clone(bell)));
    let mut replies = Vec::new();
    let mut open: HashMap<Ticket, &Call> = HashMap::new();
    for call in asked {
        let reply = begun(calls, call, &waiting);
        match serde_json::from_slice::<Ticketed>(&reply.head) {
            Ok(Ticketed { ticket }) if reply.ok => {
                open.insert(ticket, call);
            }
            _ => replies.push(answer(call, &reply)),
        }
    }
    while !open.is_empty() {
        let waited = waiting.wait(None, &mut || calls.has_answers());
        if waited == Waited::Interrupted {
            let given_up = Reply::error("KeyboardInterrupt", "the call was given up");
            replies.extend(open.drain().map(|(_, call)| answer(call, &given_up)));
            // What answers later is for nobody.
            calls.roll_back();
            break;
        }
        for (ticket, reply) in calls.take_answers() {
            if let Some(call) = open.remove(&ticket) {
                replies.push(answer(call, &reply));
            }
        }
    }
    replies
}

fn begun(calls: &mut dyn HostCalls, call: &Call, waiting: &Waiting) -> Reply {
    let parts: Result<Vec<Vec<u8>>, _> = call.parts.iter().map(|p| STANDARD.decode(p)).collect();
    let Ok(parts) = parts else {
        return Reply::error("ValueError", "a part of the call is no base64");
    };
    let head = json!({ "tool": call.tool, "arguments": call.arguments, "await": true });
    let head = head.to_string();
    let frame = Frame {
        op: OP_CALL,
        head: head.as_bytes(),
        parts: parts.iter().map(Vec::as_slice).collect(),
    };
    calls.call(&frame, waiting)
}

/// A reply, as the server takes it.
fn answer(call: &Call, reply: &Reply) -> Value {
    if !reply.ok {
        let raised = serde_json::from_slice::<Raised>(&reply.head);
        let (class, message) = raised.map_or_else(
            |_| ("RuntimeError".to_owned(), "the tool failed".to_owned()),
            |raised| (raised.class, raised.message),
        );
        return json!({ "call": call.id, "error": { "type": class, "message": message } });
    }
    if call.tool == SUBMIT {
        let error = json!({ "type": ACCEPTED, "message": ACCEPTED_MESSAGE });
        return json!({ "call": call.id, "error": error });
    }
    let answered = serde_json::from_slice::<Answered>(&reply.head);
    let value = answered.map(|answered| answered.result);
    let value = value.unwrap_or_default();
    let parts: Vec<String> = reply
        .parts
        .iter()
        .map(|part| STANDARD.encode(part))
        .collect();
    json!({ "call": call.id, "value": value, "parts": parts })
}
