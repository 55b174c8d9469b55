//! The chunks of a streamed answer.

use std::collections::BTreeMap;

use serde_json::Value;

use super::decode::{CALLS, called, failed_or_reason, said, stop_reason, usage};
use crate::protocols::body::{list, text};
use crate::protocols::events::{Events, Progress};
use crate::protocols::parts::Parts;
use crate::{Delta, DeltaSink, ModelError, Reply, Usage};

/// An answer being put together.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    parts: Parts,
    /// The id of the call at each place.
    ids: BTreeMap<u64, String>,
    place: u64,
    model: String,
    id: String,
    reason: Option<String>,
    refused: bool,
    usage: Usage,
}

impl Events for Chunks {
    fn event(&mut self, chunk: &Value, sink: &mut dyn DeltaSink) -> Result<Progress, ModelError> {
        for (held, name) in [(&mut self.model, "model"), (&mut self.id, "id")] {
            if held.is_empty() {
                text(chunk, name).clone_into(held);
            }
        }
        // Only one choice is ever asked for.
        if let Some(choice) = list(chunk, "choices").first() {
            if let Some(delta) = choice.get("delta") {
                self.refused |= said(&mut self.parts, delta, sink)?;
                for call in list(delta, "tool_calls") {
                    let place = self.place_of(call);
                    called(&mut self.parts, place, call, sink)?;
                }
            }
            if let Some(reason) = failed_or_reason(choice)? {
                self.reason = Some(reason.to_owned());
            }
        }
        if let Some(usage) = usage(chunk) {
            self.usage = usage;
            sink.delta(Delta::Usage(usage));
        }
        Ok(match self.reason {
            Some(_) => Progress::MayEnd,
            None => Progress::Open,
        })
    }

    fn into_reply(self: Box<Self>) -> Result<Reply, ModelError> {
        Ok(Reply {
            stop: stop_reason(self.reason.as_deref(), self.refused, self.parts.has_calls()),
            message: self.parts.into_message(),
            usage: self.usage,
            model: self.model,
            id: self.id,
        })
    }
}

impl Chunks {
    /// Which call a piece belongs to. Some servers leave the index out, and
    /// some send several calls under one: a new id is a new call, and where there are no
    /// ids, another name is, or a name after whole arguments. (A name alone is not: some
    /// servers repeat it with every piece.)
    fn place_of(&mut self, call: &Value) -> u64 {
        let id = text(call, "id");
        let index = call.get("index").and_then(Value::as_u64);
        let next = self.ids.keys().next_back().map_or(CALLS, |last| last + 1);
        let place = match index {
            Some(index) => CALLS.saturating_add(index).min(u64::MAX - 1),
            None if id.is_empty() && !self.ids.is_empty() => self.place,
            None => next,
        };
        let name = call.pointer("/function/name").and_then(Value::as_str);
        let place = match self.ids.get(&place) {
            Some(_) if id.is_empty() && self.parts.is_other_call(place, name.unwrap_or("")) => next,
            Some(held) if !id.is_empty() && !held.is_empty() && held != id => {
                let known = self.ids.iter().find(|(_, held)| *held == id);
                known.map_or(next, |(place, _)| *place)
            }
            _ => place,
        };
        let held = self.ids.entry(place).or_default();
        if held.is_empty() {
            id.clone_into(held);
        }
        self.place = place;
        place
    }
}
