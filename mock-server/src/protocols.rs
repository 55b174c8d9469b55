//! The servers' side of the three protocols.

use serde_json::{Value, json};

use memex_models::{Protocol, Reply, Request};

use crate::wire::Event;
use crate::{chat_completions, messages, responses};

/// The protocol that a path belongs to.
pub(crate) fn protocol_of(path: &str) -> Option<Protocol> {
    let all = [
        Protocol::ChatCompletions,
        Protocol::Responses,
        Protocol::Messages,
    ];
    let path = path.split('?').next().unwrap_or_default();
    all.into_iter()
        .find(|protocol| path.ends_with(protocol.path()))
}

/// The request in a body.
pub(crate) fn request(protocol: Protocol, body: &Value) -> Request {
    match protocol {
        Protocol::ChatCompletions => chat_completions::request(body),
        Protocol::Responses => responses::request(body),
        Protocol::Messages => messages::request(body),
    }
}

/// The body of a whole answer.
pub(crate) fn answer(protocol: Protocol, reply: &Reply) -> Value {
    match protocol {
        Protocol::ChatCompletions => chat_completions::answer(reply),
        Protocol::Responses => responses::answer(reply),
        Protocol::Messages => messages::answer(reply),
    }
}

/// The events of a streamed answer.
pub(crate) fn events(protocol: Protocol, reply: &Reply, chunk_chars: usize) -> Vec<Event> {
    match protocol {
        Protocol::ChatCompletions => chat_completions::events(reply, chunk_chars),
        Protocol::Responses => responses::events(reply, chunk_chars),
        Protocol::Messages => messages::events(reply, chunk_chars),
    }
}

/// The body of a failure.
pub(crate) fn failure(protocol: Protocol, code: &str, message: &str) -> Value {
    match protocol {
        Protocol::Messages => {
            json!({ "type": "error", "error": { "type": code, "message": message } })
        }
        _ => json!({ "error": { "message": message, "type": code, "code": code } }),
    }
}
